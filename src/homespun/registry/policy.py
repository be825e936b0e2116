"""The gate's thresholds: frozen, checked, from the TOML file that is shipped and what a home's own file changes of it."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, FiniteFloat, PositiveInt, ValidationError, model_validator

from homespun.config import Section
from homespun.errors import UnknownName, UsageError
from homespun.home import digest

Gate = Literal["G0", "G1", "G2", "G3", "G4", "G5", "G6"]
LIVE = "live"
FILE = "gate.toml"
"""What a home changes of the policy."""


class Limit(Section):
    """times * (another metric) + plus; a plain number is `plus` alone."""

    of: str = ""
    """A metric of the same report; "live": the same metric of the live version's report."""
    times: FiniteFloat = 1.0
    plus: FiniteFloat = 0.0
    floor: FiniteFloat | None = None
    """The least that is asked, but never more than the other metric itself: nobody has to be more varied than the person."""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        return {"plus": value} if isinstance(value, int | float) else value

    def at(self, reference: float) -> float:
        limit = self.times * reference + self.plus if self.of else self.plus
        return limit if self.floor is None else max(limit, min(self.floor, reference))


class Rule(Section):
    """One check: a metric and what it has to be; policy.toml says what each word means."""

    gate: Gate
    what: str
    unit: Literal["number", "nats", "share", "points", "count", "yes"] = "number"
    at_least: Limit | None = None
    at_most: Limit | None = None
    judge: Literal["value", "rate", "change", "proof", "warning"] = "value"
    needed: Literal["always", "full", "never"] = "never"

    @model_validator(mode="after")
    def _has_a_limit(self) -> Rule:
        if self.at_least is None and self.at_most is None:
            raise ValueError("a check needs at_least or at_most")
        if self.judge == "rate" and self.at_least is not None:
            raise ValueError("a rate is judged by at_most")
        return self

    def is_needed(self, full: bool) -> bool:
        return self.needed == "always" or (self.needed == "full" and full)


class Improvement(Section):
    """What counts as better than the version that is live, or than the base."""

    effect: float = Field(ge=0, allow_inf_nan=False)
    """Nats per token."""
    alpha: float = Field(gt=0, lt=0.5)
    """The chance of a false promotion, over all attempts on one held-out set."""
    fresh: float = Field(gt=0, le=1)
    """Share of new examples from which a held-out set counts as another one."""
    draws: PositiveInt
    seed: int


class Policy(Section):
    sure: float = Field(gt=0, lt=0.5)
    """Level of the tests that hold a small sample's rate or difference against a version."""
    improvement: Improvement
    checks: dict[str, Rule]

    @property
    def digest(self) -> str:
        return digest(self.model_dump())


def load_policy(own: Path | None = None) -> Policy:
    """The shipped policy with what the file `own` changes of it; a file that is not there changes nothing.

    Raises:
        UsageError: the file does not parse, or holds an unknown or impossible value; names the key.
    """
    values = tomllib.loads((resources.files("homespun") / "registry" / "policy.toml").read_text(encoding="utf-8"))
    if own is not None and own.is_file():
        try:
            changes = tomllib.loads(own.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsageError(f"{own} is not valid TOML: {error}") from None
        values = _changed(values, changes, str(own))
    try:
        return Policy.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "policy"
        raise UsageError(f"{own}: {where}: {first['msg']}; write only what differs from the shipped policy") from None


def _changed(values: dict[str, Any], changes: dict[str, Any], where: str) -> dict[str, Any]:
    checks = changes.get("checks", {})
    for name in checks if isinstance(checks, dict) else ():
        if name not in values["checks"]:
            raise UnknownName(f"check (in {where})", name, values["checks"])
    return _merged(values, changes)


def _merged(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for name, change in changes.items():
        known = merged.get(name)
        merged[name] = _merged(known, change) if isinstance(known, dict) and isinstance(change, dict) else change
    return merged
