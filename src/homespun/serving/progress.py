"""How far a training is, from the events that it writes (metrics.jsonl, which training/loop.py keeps)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from homespun.home import Home

POINTS = 200
"""Of a curve, at most."""


@dataclass(frozen=True, slots=True)
class Progress:
    run: str
    step: int
    steps: int
    seconds: float
    """Of training so far."""
    loss: float | None
    """Of the newest step, nats per token."""
    validation: float | None
    """The best so far."""
    curve: tuple[tuple[int, float], ...]
    """(step, loss), thinned."""
    validations: tuple[tuple[int, float], ...]

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.step / self.steps if self.steps else 0.0


def of_run(home: Home, begin: str, end: str | None = None) -> Progress | None:
    """Of the run that was written to last between two times (ISO 8601); None if there was none.

    One command may train several runs, one after the other: this is the one it is at.
    """
    first = datetime.fromisoformat(begin).timestamp()
    last = datetime.fromisoformat(end).timestamp() + 1 if end else float("inf")
    written: dict[Path, float] = {}
    for file in (home.path / "runs").glob("*/metrics.jsonl"):
        try:
            written[file] = file.stat().st_mtime
        except OSError:  # it was just finished, and has another name now
            continue
    during = [file for file, time in written.items() if first <= time <= last]
    return _read(max(during, key=lambda file: written[file])) if during else None


def _read(file: Path) -> Progress | None:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        return None
    # The last line may still be written.
    events = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
    steps = [event for event in events if event["event"] == "step"]
    checks = [event for event in events if event["event"] == "validation"]
    if not steps:
        return None
    now = steps[-1]
    curve = _thinned([(int(event["step"]), float(event["loss"])) for event in steps])
    validations = tuple((int(event["step"]), float(event["loss"])) for event in checks)
    best = float(checks[-1]["best"]) if checks else None
    name = file.parent.name.removesuffix(".unfinished")
    return Progress(name, int(now["step"]), int(now["steps"]), float(now["seconds"]), float(now["loss"]), best, curve, validations)


def _thinned(points: Sequence[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    """At most POINTS of them, evenly, the last one among them."""
    every = -(-len(points) // POINTS) or 1
    return tuple(points[(len(points) - 1) % every :: every])
