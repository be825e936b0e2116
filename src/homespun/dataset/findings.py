"""What a check found, for programs and for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["error", "warning"]
Segments = tuple[tuple[str, bool], ...]
"""A record as a model sees it, in parts: (text, whether it is learned)."""


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    lines: tuple[int, ...] = ()
    """All of them; none where it is the file as a whole."""


@dataclass(frozen=True, slots=True)
class Findings:
    file: str
    unit: Literal["line", "record"]
    """What `lines` count: lines, or the records of an array that is all on one line."""
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    numbers: Mapping[str, Any]
    preview: tuple[Segments, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def text(self, shown: int = 5) -> str:
        """The numbers, then what is wrong, worst first.

        Args:
            shown: line numbers to name of each finding.
        """
        lines = [f"{name}: {_written(value)}" for name, value in self.numbers.items() if value != {}]
        for level, found in (("error", self.errors), ("warning", self.warnings)):
            lines += [f"{level}: {self._told(one, shown)}" for one in found]
        return "\n".join(lines)

    @property
    def verdict(self) -> str:
        counted = ((len(self.errors), "error"), (len(self.warnings), "warning"))
        return " and ".join(f"{count} {name}{'s' if count > 1 else ''}" for count, name in counted if count) or "nothing wrong"

    def _told(self, one: Finding, shown: int) -> str:
        if not one.lines:
            return one.what
        named = ", ".join(f"{number:,}" for number in one.lines[:shown]) + (", …" if len(one.lines) > shown else "")
        return f"{one.what}: {len(one.lines):,} ({self.unit}{'s' if len(one.lines) > 1 else ''} {named})"


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_written(inner)}" for name, inner in value.items())
    return f"{value:.1%}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
