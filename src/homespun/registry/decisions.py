"""The book of decisions: every judgement of a version, and every time another one went live, with its reason. It is only ever added to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, Row, func, insert, select

from homespun.database.connection import connect
from homespun.database.schema import decisions, models
from homespun.home import Home

if TYPE_CHECKING:
    from homespun.registry.gate import Decision, Verdict

Action = Literal["judged", "held", "approved", "refused", "promoted", "rolled back", "removed"]
"""`judged` by the gate; all others are what followed. A person refuses a version that was held for them, the gate fails one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the book."""

    version: str
    """A title such as `me@2`, whether or not that version is still there."""
    action: Action
    reason: str
    created: str
    held_out: str | None = None
    """Of a judgement: the fingerprint of the examples it was made on."""
    policy: str | None = None
    """The digest of the thresholds."""
    verdict: Verdict | None = None
    checks: tuple[Mapping[str, Any], ...] = ()
    """What each check said."""


def append(
    db: Connection, model: int, number: int, action: Action, reason: str, decision: Decision | None = None, held_out: str | None = None
) -> None:
    """Add a line, in the transaction of what it tells about.

    Args:
        model: the row of a model.
        decision: what the gate said, where it is a judgement.
        held_out: the fingerprint of the examples it was made on.
    """
    row = {"model": model, "number": number, "action": action, "reason": reason, "held_out": held_out}
    if decision:
        row |= {"policy": decision.policy, "checks": json.dumps(asdict(decision), ensure_ascii=False)}
    db.execute(insert(decisions).values(**row, created=datetime.now(UTC).isoformat(timespec="seconds")))


def history(home: Home, model: str) -> list[Entry]:
    """Everything that was decided about the versions of a model, oldest first."""
    with connect(home) as db:
        row = db.execute(select(models.c.id).where(models.c.name == model)).scalar()
        return [] if row is None else entries(db, row, model)


def entries(db: Connection, model: int, name: str) -> list[Entry]:
    """`history` within a transaction, by a model's row and name."""
    return [_entry(row, name) for row in db.execute(select(decisions).where(decisions.c.model == model).order_by(decisions.c.id))]


def judged_on(home: Home) -> list[str]:
    """The fingerprint of the held-out examples of every judgement of this home, of whatever model and whether or not it is still there."""
    with connect(home) as db:
        return list(db.execute(select(decisions.c.held_out).where(decisions.c.held_out.is_not(None)).order_by(decisions.c.id)).scalars())


def last_number(db: Connection, model: int) -> int:
    """The highest number of a version of this model that was ever decided about: a removed version's number is not given again."""
    return db.execute(select(func.max(decisions.c.number)).where(decisions.c.model == model)).scalar() or 0


def last_model(db: Connection) -> int:
    """The highest row of a model that was ever decided about: a new model must not inherit the decisions of a deleted one."""
    return db.execute(select(func.max(decisions.c.model))).scalar() or 0


def _entry(row: Row[Any], name: str) -> Entry:
    said = json.loads(row.checks) if row.checks else {"verdict": None, "checks": []}
    title = f"{name}@{row.number}"
    return Entry(title, row.action, row.reason, row.created, row.held_out, row.policy, said["verdict"], tuple(said["checks"]))
