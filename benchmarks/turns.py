"""A worker's side of taking turns: it answers, waits for a line on standard input, does what the line says and answers again.

STEP asks for one training step, LOSS for the loss on the held-out rows as the model is now.
Nothing but the standard library: every peer's environment has to run it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable

STEP, LOSS = "step", "loss"


class Turns:
    """Answers are JSON lines on what was standard output when the worker began."""

    def __init__(self) -> None:
        # Libraries print what they like to standard output; from here on it goes where errors go, and only answers use the pipe.
        self._answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._began = time.perf_counter()
        self.loss: Callable[[], float] | None = None
        """Nats per supervised token of the held-out rows; set by the worker once it has a model."""

    def answer(self, **facts: float | str) -> None:
        """Tell `facts`, the seconds since the last turn began and the peak of memory so far; return when the next step begins.

        Ends the process when there are no more turns.
        """
        self._say(**facts, seconds=time.perf_counter() - self._began, peak_gb=peak_gb())
        while (asked := sys.stdin.readline().strip()) == LOSS and self.loss:
            self._say(loss=self.loss())
        if asked != STEP:
            sys.exit()
        self._began = time.perf_counter()

    def _say(self, **facts: float | str) -> None:
        print(json.dumps(facts), file=self._answers, flush=True)


def peak_gb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
