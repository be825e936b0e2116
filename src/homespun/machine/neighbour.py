"""Being a good neighbour: a training must not fight the other programs of the machine for its cores."""

from __future__ import annotations

import os
import sys

import psutil


def wait_politely() -> None:
    """Let OpenMP's threads sleep soon, instead of spinning for milliseconds, while they wait. Must run before torch is imported.

    With another busy program on two cores, spinning makes training many times slower than its fair share; never spinning costs a
    fifth of the speed on a quiet machine (benchmarks/LOG.md, 2026-11-21). A setting of the user's own is left alone.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")


def give_way() -> None:
    """Let every other program go first, from now on: the lowest priority there is."""
    psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS if sys.platform == "win32" else 19)
