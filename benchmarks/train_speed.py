"""Useful training tokens per second: ours and TRL's SFTTrainer, side by side in one run.

    python benchmarks/train_speed.py            # 5 rounds, about ten minutes on two cores
    python benchmarks/train_speed.py --quick    # 2 rounds, ours and TRL's defaults only
    python benchmarks/train_speed.py --json     # one flat object

**Same work.** All learn from one file of the same conversations (workload.py: windows of several turns, about 512 tokens at most),
rendered to the same tokens with the same targets, which is checked. Every reply is a target on both sides; in a real run of ours a few are
history only. LoRA of rank 16 on all linear layers, the same base, as many threads that wait in the same way.
- ours: `training/loop.py` as it is, with the micro batches of `training/plan.py`, 2,048 tokens a step.
- TRL's defaults: what `SFTConfig(use_cpu=True)` gives, 8 rows a step, with the loss on replies only.
- TRL's best: the fastest of the configurations that we tried, 16 rows a step (peers/sft.py).
A step is everything from the end of the one before to its own end: batches, forward, backward, clipping, optimiser.

**Same noise.** Every trainer is a process of its own. All are started and loaded, then they take turns in a fixed order, one step each
per round, and wait for a line in between, so that no two compute at once. The first step of each is left out: it pays for allocations.

**Useful** is every token that is not padding.

**The limit.** A frozen weight costs 2 FLOP per token in the forward pass and 2 for the gradient of its input; its own gradient (2 more) is
not needed. That is 4 FLOP per weight of the body's linear layers for every useful token, and 4 per weight of the head (hidden x vocabulary)
for supervised ones only. `gemm_share` is ours times that over the best rate of a plain matrix product in the same number format, measured
between the turns. The adapter's own products and attention's are not counted, so the true share is higher.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from homespun.bases.hub import resolve
from homespun.config import Recipe, settings
from homespun.errors import HomespunError
from homespun.machine.hardware import usable_cores
from homespun.machine.neighbour import wait_politely
from turns import STEP
from venvs import python_with
from workload import data_folder, write_rows

HERE = Path(__file__).parent
PEERS = HERE / "peers"
GEMM = (2048, 576, 1536)
"""Rows, inner width and outer width of the reference product: a step's tokens through a feed-forward layer of the base."""
GEMM_TRIES = 10
FORMATS = ("bfloat16", "float32")
OURS, DEFAULT, BEST = "autograd", "trl_default", "best_peer"
TITLES = {OURS: "homespun, autograd step", DEFAULT: "TRL SFTTrainer, defaults", BEST: "TRL SFTTrainer, best configuration"}


@dataclass
class Trainer:
    """A worker process and what it has measured."""

    name: str
    process: subprocess.Popen[str]
    log: Path
    facts: dict[str, Any] = field(default_factory=dict)
    """What it said of itself when it was ready."""
    rates: list[float] = field(default_factory=list)
    """Useful tokens per second, a step each."""
    peak_gb: float = 0.0

    def ready(self) -> None:
        self.facts = self._answer()

    def step(self) -> float:
        """One turn. Returns its useful tokens per second."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # a dead worker is reported by the missing answer
            print(STEP, file=self.process.stdin, flush=True)
        answer = self._answer()
        self.peak_gb = answer["peak_gb"]
        return float(answer["tokens"] / answer["seconds"])

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        if line := self.process.stdout.readline():
            return dict(json.loads(line))
        code = self.process.wait()
        said = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        reason = "killed, most likely for memory" if code == -9 else (said or ["no reason given"])[-1]
        raise HomespunError(f"{TITLES[self.name]} ended with code {code}: {reason}")


@contextlib.contextmanager
def started(commands: dict[str, list[str]], folder: Path) -> Iterator[list[Trainer]]:
    """The trainers of `commands`, loaded one after the other and waiting for their first turn."""
    environment = os.environ | {"PYTHONPATH": str(HERE), "OMP_NUM_THREADS": str(usable_cores()), "TOKENIZERS_PARALLELISM": "false"}
    with contextlib.ExitStack() as stack:
        trainers = []
        for name, command in commands.items():
            say(f"loading {TITLES[name]}")
            log = folder / f"{name}.log"
            errors = stack.enter_context(log.open("w", encoding="utf-8"))
            pipe = subprocess.PIPE
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, text=True, env=environment)
            stack.callback(end, process)
            trainers.append(Trainer(name, process, log))
            trainers[-1].ready()
        yield trainers


def end(process: subprocess.Popen[str]) -> None:
    """A worker leaves when its standard input closes."""
    with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
        process.communicate(timeout=30)
    if process.poll() is None:
        process.kill()
        process.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    wait_politely()  # what our command line does for itself; set here, the peers have it too
    try:
        base = resolve(Recipe().base, settings(), say)
        python = python_with(PEERS / "sft.txt", options.peers or settings().cache / "peers", say)
        with tempfile.TemporaryDirectory() as scratch:
            rows = Path(scratch) / "rows.jsonl"
            write_rows(options.data, base, rows)
            given = [str(base), str(rows), str(usable_cores())]
            commands = {
                OURS: [sys.executable, str(PEERS / "ours.py"), "autograd", *given],
                DEFAULT: [str(python), str(PEERS / "sft.py"), "default", *given],
                BEST: [str(python), str(PEERS / "sft.py"), "best", *given],
            }
            if options.quick:
                del commands[BEST]
            with started(commands, Path(scratch)) as trainers:
                check_equal(trainers)
                gemm = take_turns(trainers, options.rounds or (2 if options.quick else 5))
    except HomespunError as error:
        sys.exit(str(error))
    found = numbers(trainers, gemm)
    print(json.dumps(found) if options.json else table(trainers, found))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Useful training tokens per second: ours and TRL's, side by side in one run.")
    parser.add_argument("--data", type=Path, default=data_folder(), help="the folder of real corpora; default HOMESPUN_TEST_DATA")
    parser.add_argument("--peers", type=Path, help="where TRL's environment is made and kept; default in homespun's cache")
    parser.add_argument("--rounds", type=int, help="measured rounds; default 5, or 2 with --quick")
    parser.add_argument("--quick", action="store_true", help="without TRL's best configuration")
    parser.add_argument("--json", action="store_true", help="one flat object, name -> number")
    return parser.parse_args(arguments)


def check_equal(trainers: Sequence[Trainer]) -> None:
    """Who learns from other tokens cannot be compared."""
    for trainer in trainers[1:]:
        for what in ("tokens", "supervised"):
            if trainer.facts[what] != trainers[0].facts[what]:
                raise HomespunError(
                    f"{TITLES[trainer.name]} sees {trainer.facts[what]} {what}, ours {trainers[0].facts[what]}: no comparison"
                )


def take_turns(trainers: Sequence[Trainer], rounds: int) -> dict[str, float]:
    """Fills the trainers' rates. Returns the best rate of a plain matrix product, FLOP per second by number format."""
    gemm = dict.fromkeys(FORMATS, 0.0)
    for number in range(rounds + 1):
        rates = {trainer.name: trainer.step() for trainer in trainers}
        for trainer in trainers if number else ():
            trainer.rates.append(rates[trainer.name])
        gemm = {dtype: max(best, gemm_rate(dtype)) for dtype, best in gemm.items()}
        said = ", ".join(f"{name} {rate:,.0f} tok/s" for name, rate in rates.items())
        say(f"round {number} of {rounds}: {said}" if number else f"warm-up: {said}")
    return gemm


def gemm_rate(dtype: str) -> float:
    """FLOP per second: the best of a few tries."""
    import torch  # only now: a worker's peak of memory begins with that of the process that starts it

    torch.set_num_threads(usable_cores())
    rows, inner, outer = GEMM
    left = torch.randn(rows, inner).to(getattr(torch, dtype))
    right = torch.randn(inner, outer).to(getattr(torch, dtype))
    out = left @ right
    seconds = []
    for _ in range(GEMM_TRIES):
        began = time.perf_counter()
        torch.mm(left, right, out=out)
        seconds.append(time.perf_counter() - began)
    return 2.0 * rows * inner * outer / min(seconds)


def numbers(trainers: Sequence[Trainer], gemm: dict[str, float]) -> dict[str, float]:
    by_name = {trainer.name: trainer for trainer in trainers}
    speed = {name: median(trainer.rates) for name, trainer in by_name.items()}
    ours, default = by_name[OURS], by_name[DEFAULT]
    found = {f"{name}_tok_s": round(rate, 1) for name, rate in speed.items()}
    found["speedup_over_trl_default"] = round(speed[OURS] / speed[DEFAULT], 2)
    found["peak_gb"], found["trl_peak_gb"] = round(ours.peak_gb, 2), round(default.peak_gb, 2)
    if BEST in by_name:
        found["speedup_over_best_peer"] = round(speed[OURS] / speed[BEST], 2)
        found["best_peer_peak_gb"] = round(by_name[BEST].peak_gb, 2)
    found |= {f"gemm_{dtype}_tflops": round(rate / 1e12, 3) for dtype, rate in gemm.items()}
    found["gemm_share"] = round(speed[OURS] * ours.facts["flop_per_token"] / gemm[ours.facts["dtype"]], 3)
    return found


def table(trainers: Sequence[Trainer], found: dict[str, float]) -> str:
    default = found[f"{DEFAULT}_tok_s"]
    lines = [f"{'':36}{'useful tok/s':>14}{'slowest':>9}{'fastest':>9}{'x default':>11}{'peak GB':>9}"]
    for trainer in trainers:
        rate = found[f"{trainer.name}_tok_s"]
        spread = f"{min(trainer.rates):>9,.0f}{max(trainer.rates):>9,.0f}"
        lines.append(f"{TITLES[trainer.name]:36}{rate:>14,.0f}{spread}{rate / default:>11.1f}{trainer.peak_gb:>9.1f}")
    facts, steps = trainers[0].facts, len(trainers[0].rates)
    supervised = facts["supervised"] / facts["tokens"]
    peaks = ", ".join(f"{dtype} {found[f'gemm_{dtype}_tflops']:.2f} TFLOP/s" for dtype in FORMATS)
    lines += [
        "",
        f"{facts['tokens']:,} tokens, {supervised:.0%} supervised; medians of {steps} steps each",
        f"matrix product of {' x '.join(map(str, GEMM))}: {peaks}",
        f"ours in {facts['dtype']}: {facts['flop_per_token'] / 1e6:,.0f} MFLOP a token, {found['gemm_share']:.0%} of that rate",
    ]
    return "\n".join(lines)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
