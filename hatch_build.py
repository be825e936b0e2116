"""Compiles the training kernels into the package where there is a C compiler; without one homespun installs all the same."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags

FOLDER = Path("src/homespun/training/fused")
FLAGS = ("-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-ffp-contract=fast", "-fno-math-errno", "-Wno-psabi")
"""Nothing of the machine that builds: kernels.c chooses its instructions when it is loaded."""


class Kernels(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        source, target = Path(self.root) / FOLDER / "kernels.c", Path(self.root) / FOLDER / "_kernels.so"
        target.unlink(missing_ok=True)
        compiler = os.environ.get("CC") or next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
        if compiler is None or platform.system() == "Windows":
            return self.app.display_warning("no C compiler, training will be slower")
        done = subprocess.run([*compiler.split(), *FLAGS, str(source), "-o", str(target), "-lm"], capture_output=True, text=True)
        if done.returncode:
            return self.app.display_warning(f"the C kernels did not compile, training will be slower: {done.stderr[:500]}")
        build_data["artifacts"].append(str(FOLDER / target.name))
        build_data["pure_python"] = False
        # Loaded with ctypes: it fits every Python of this platform.
        build_data["tag"] = f"py3-none-{next(iter(platform_tags()))}"
        return None

    def clean(self, versions: list[str]) -> None:
        (Path(self.root) / FOLDER / "_kernels.so").unlink(missing_ok=True)
