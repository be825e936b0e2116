"""What a report holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.habits import Gap
from homespun.evaluation.likelihood import ScoredReply


@dataclass(frozen=True, slots=True)
class Sample:
    """One held-out moment, answered by everybody."""

    context: str
    real: str
    base: str
    avatar: str


@dataclass(slots=True)
class Report:
    """What was measured. `metrics` holds intervals and plain numbers by name; what could not be measured is in `notes`, with the reason."""

    person: str
    on: str
    full: bool
    metrics: dict[str, Interval | float] = field(default_factory=dict)
    sides: dict[str, dict[str, float]] = field(default_factory=dict)
    """Base, avatar, the nearest impostor, the real person and others beside each other: `nll`, `words` per reply, `closeness`."""
    gaps: list[Gap] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    privacy: str = ""
    """What the audit found, in words."""
    scores: dict[str, list[ScoredReply]] = field(default_factory=dict)
    """Side -> every held-out reply's likelihood, in one order for all: what the gate pairs. `live` is the version that answers now."""

    def number(self, name: str) -> float | None:
        """The plain value of a metric."""
        found = self.metrics.get(name)
        return found.value if isinstance(found, Interval) else found

    def low(self, name: str) -> float | None:
        """The lower bound of a metric."""
        found = self.metrics.get(name)
        return found.low if isinstance(found, Interval) else found
