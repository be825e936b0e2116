"""Being a good neighbour: a training must not fight the other programs of the machine for its cores."""

from __future__ import annotations

import os


def wait_politely() -> None:
    """Let OpenMP's threads sleep instead of spin while they wait for each other. Must run before torch is imported.

    With one other busy program on two cores, spinning made training several times slower than its fair share (benchmarks/LOG.md).
    A setting of the user's own is left alone.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
