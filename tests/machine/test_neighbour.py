"""Being a good neighbour. What it does to the speed is in benchmarks/train_speed.py."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def told(code: str, **environment: str) -> str:
    """What a process of its own prints: priority and OpenMP's settings are for good."""
    clean = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean | environment).stdout.strip()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, "2000 None"), ({"GOMP_SPINCOUNT": "7"}, "7 None"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "None ACTIVE")],
)
def test_threads_sleep_soon_unless_the_user_said_otherwise(environment: dict[str, str], expected: str) -> None:
    code = (
        "import os; from homespun.machine.neighbour import wait_politely; wait_politely();"
        "print(os.environ.get('GOMP_SPINCOUNT'), os.environ.get('OMP_WAIT_POLICY'))"
    )
    assert told(code, **environment) == expected


def test_giving_way_is_the_lowest_priority() -> None:
    assert told("import os; from homespun.machine.neighbour import give_way; give_way(); print(os.nice(0))") == "19"


def test_nothing_of_torch_is_loaded_before_the_threads_are_told() -> None:
    """The OpenMP runtime reads its settings once, when torch loads it."""
    assert told("import sys, homespun.cli.app, homespun.machine.neighbour; print('torch' in sys.modules)") == "False"
