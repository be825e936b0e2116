"""What this computer is, and which number format it computes fastest in."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from homespun.home import digest, write_json

if TYPE_CHECKING:
    import torch

WORTH_IT = 1.5
"""bfloat16 halves the memory but loses bits: it is chosen only where it is at least this much faster."""


@dataclass(frozen=True, slots=True)
class Hardware:
    processor: str
    cores: int
    """Cores this process may use."""
    memory: int
    """Bytes of main memory."""


def hardware() -> Hardware:
    return Hardware(_processor(), usable_cores(), psutil.virtual_memory().total)


def usable_cores() -> int:
    """Physical cores, or fewer if the process is confined to some."""
    allowed = len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def available_memory() -> int:
    """Bytes that a new process may take without swapping."""
    return int(psutil.virtual_memory().available)


def fastest_dtype(cache: Path) -> str:
    """ "bfloat16" or "float32", by a measurement of a few milliseconds that is made once for a machine and kept in `cache`."""
    import torch

    key = digest(_processor(), usable_cores(), torch.__version__)
    file = cache / "machine.json"
    known: dict[str, str] = {}
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(file.read_text(encoding="utf-8"))
    if key not in known:
        known[key] = "bfloat16" if _seconds(torch.float32) > WORTH_IT * _seconds(torch.bfloat16) else "float32"
        cache.mkdir(parents=True, exist_ok=True)
        write_json(file, known)
    return known[key]


def _seconds(dtype: torch.dtype) -> float:
    """Best of a few products at the shape of a small model's feed-forward layer."""
    import torch

    left, right = (torch.ones(shape, dtype=dtype) for shape in ((1024, 576), (576, 1536)))
    times = []
    for _ in range(5):
        start = time.perf_counter()
        torch.mm(left, right)
        times.append(time.perf_counter() - start)
    return min(times)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
