"""A worker's side of taking turns: it answers, waits for a line on standard input, does one training step and answers again.

Nothing but the standard library: every peer's environment has to run it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time

STEP = "step"


class Turns:
    """Answers are JSON lines on what was standard output when the worker began."""

    def __init__(self) -> None:
        # Libraries print what they like to standard output; from here on it goes where errors go, and only answers use the pipe.
        self._answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._began = time.perf_counter()

    def answer(self, **facts: float | str) -> None:
        """Tell `facts`, the seconds since the last turn began and the peak of memory so far; return when the next turn begins.

        Ends the process when there are no more turns.
        """
        seconds = time.perf_counter() - self._began
        print(json.dumps({**facts, "seconds": seconds, "peak_gb": peak_gb()}), file=self._answers, flush=True)
        if sys.stdin.readline().strip() != STEP:
            sys.exit()
        self._began = time.perf_counter()


def peak_gb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
