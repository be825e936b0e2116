"""An environment of its own for every peer, so that a peer's pins never meet ours."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from homespun.errors import HomespunError


def python_with(
    requirements: Path, folder: Path, say: Callable[[str], None], without: Sequence[str] = (), building: Mapping[str, str] | None = None
) -> Path:
    """The interpreter of an environment that has `requirements`, made once below `folder`. Other pins make another environment.

    Args:
        without: packages that are taken away again: required, but not for what is measured, and in the way.
        building: environment variables for pip and for what it compiles.

    Raises:
        HomespunError: pip could not install them; says why.
    """
    pins = hashlib.sha256(requirements.read_bytes() + sys.version.encode() + "".join(without).encode()).hexdigest()[:8]
    place = folder / f"{requirements.stem}-{pins}"
    python = place / "bin" / "python"
    complete = place / "complete"
    if not complete.is_file():
        say(f"installing {requirements.name} into {place} (once)")
        shutil.rmtree(place, ignore_errors=True)
        _call([sys.executable, "-m", "venv", str(place)])
        _call([str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)], building or {})
        if without:
            _call([str(python), "-m", "pip", "uninstall", "--quiet", "--yes", *without])
        complete.touch()
    return python


def _call(command: list[str], environment: Mapping[str, str] = MappingProxyType({})) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise HomespunError(f"the peers' environment cannot be made: {reason}")
