"""Two versions beside each other: what was measured of both, and what was changed in how they are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from homespun.config import Recipe
from homespun.errors import UsageError
from homespun.evaluation import report as reporting
from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.lines import LINES, Line
from homespun.evaluation.result import Report
from homespun.home import Home
from homespun.registry import versions
from homespun.registry.versions import Version

Measured = Interval | float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """One metric of both; None where a report lacks it."""

    line: Line
    first: Measured
    second: Measured

    @property
    def apart(self) -> bool:
        """Whether the intervals do not touch: then they surely differ. The reverse is not so."""
        if not (isinstance(self.first, Interval) and isinstance(self.second, Interval)):
            return False
        return self.first.high < self.second.low or self.second.high < self.first.low

    def told(self) -> tuple[str, str]:
        """Both as reports say them."""
        first, second = ("not measured" if value is None else self.line.tell(value) for value in (self.first, self.second))
        return first, second


@dataclass(frozen=True, slots=True)
class Change:
    """A value of the recipe that differs; None where it is not set."""

    key: str
    first: str | None
    second: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    first: Version
    second: Version
    changes: list[Change]
    pairs: list[Pair]


def compare(home: Home, first: str, second: str) -> Comparison:
    """Raises UnknownName; UsageError where the files of one are gone."""
    found = [versions.get_version(home, title) for title in (first, second)]
    for version in found:
        if home.manifest("version", version.artefact) is None:
            raise UsageError(f"the files of {version.title} are gone: it cannot be compared")
    reports = [reporting.read(versions.version_folder(home, version)) for version in found]
    recipes = [versions.recipe_of(home, version) for version in found]
    return Comparison(found[0], found[1], changes(recipes[0], recipes[1]), pairs(reports[0], reports[1]))


def pairs(first: Report, second: Report) -> list[Pair]:
    """What either report has of the lines that reports show, in their order."""
    found = [(line, first.metrics.get(line.name), second.metrics.get(line.name)) for lines in LINES.values() for line in lines]
    return [Pair(*one) for one in found if one[1:] != (None, None)]


def changes(first: Recipe, second: Recipe) -> list[Change]:
    before, after = (dict(_flat(recipe.model_dump(exclude_none=True))) for recipe in (first, second))
    keys = [*before, *(key for key in after if key not in before)]
    return [Change(key, before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)]


def _flat(values: Mapping[str, object], under: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{under}{key}.")
        else:
            yield f"{under}{key}", str(value)
