"""The benchmark's side of taking turns (turns.py): worker processes that compute only when they are asked to."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from homespun.errors import HomespunError
from turns import LOSS, STEP

HERE = Path(__file__).parent
STARTING = 0.5
"""Seconds until a busy neighbour is really busy."""


@dataclass(frozen=True, slots=True)
class Turn:
    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        """Useful tokens per second."""
        return self.tokens / self.seconds


@dataclass
class Worker:
    name: str
    title: str
    process: subprocess.Popen[str]
    log: Path
    facts: dict[str, Any] = field(default_factory=dict)
    """What it said of itself when it was ready."""
    turns: list[Turn] = field(default_factory=list)
    """Those that count."""
    peak_gb: float = 0.0
    enough: bool = False
    """It is so slow that it is not asked again."""

    @property
    def rate(self) -> float:
        return median(turn.rate for turn in self.turns)

    @property
    def seconds(self) -> float:
        return sum(turn.seconds for turn in self.turns)

    def step(self) -> Turn:
        answer = self._ask(STEP)
        self.peak_gb = answer["peak_gb"]
        return Turn(answer["tokens"], answer["seconds"])

    def loss(self) -> float:
        """Nats per supervised token of the held-out rows, as the model is now."""
        return float(self._ask(LOSS)["loss"])

    def _ask(self, what: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # a dead worker is reported by the missing answer
            print(what, file=self.process.stdin, flush=True)
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        if line := self.process.stdout.readline():
            return dict(json.loads(line))
        code = self.process.wait()
        said = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        reason = "killed, most likely for memory" if code == -9 else (said or ["no reason given"])[-1]
        raise HomespunError(f"{self.title} ended with code {code}: {reason}")


def start(name: str, title: str, command: list[str], threads: int, log: Path, stack: contextlib.ExitStack) -> Worker:
    """A worker, loaded and waiting for its first turn; `stack` ends it.

    Raises:
        HomespunError: it did not get that far; says why.
    """
    environment = os.environ | {"PYTHONPATH": str(HERE), "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    errors = stack.enter_context(log.open("w", encoding="utf-8"))
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, text=True, env=environment)
    stack.callback(end, process)
    worker = Worker(name, title, process, log)
    worker.facts = worker.answer()
    return worker


def end(process: subprocess.Popen[str]) -> None:
    """A worker leaves when its standard input closes."""
    with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
        process.communicate(timeout=30)
    if process.poll() is None:
        process.kill()
        process.wait()


@contextlib.contextmanager
def busy_neighbour() -> Iterator[None]:
    """A foreign process that keeps one core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(STARTING)
        yield
    finally:
        process.kill()
        process.wait()
