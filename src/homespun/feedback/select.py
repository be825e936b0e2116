"""Choosing from what was thought of replies: to show it, to learn from it, and to judge a version by it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from homespun.database.connection import connect
from homespun.database.schema import feedback, interactions
from homespun.errors import UnknownName
from homespun.feedback.store import KINDS, Kind
from homespun.home import Home


@dataclass(frozen=True, slots=True)
class Given:
    """A verdict, with what it is about."""

    id: int
    kind: Kind
    text: str | None
    """How the reply should have been (edit), or what it should not have told (leak)."""
    version: str
    """What answered, such as "anna@3"."""
    session: str
    interaction: str
    question: str
    reply: str
    created: str


def given(
    home: Home, version: str | None = None, kind: str | None = None, model: str | None = None, limit: int = 100, before: int | None = None
) -> list[Given]:
    """The newest verdicts first.

    Args:
        version: only on what this one said.
        model: only on what any version of this one said.
        before: only those with a smaller id; the last of one page gives the next.

    Raises:
        UnknownName: no such kind.
    """
    asked = interactions.alias("asked")
    pair = (asked.c.session == interactions.c.session) & (asked.c.position == interactions.c.position - 1)
    columns = (feedback, interactions.c.session, interactions.c.text.label("reply"), asked.c.text.label("question"))
    rows = select(*columns).join(interactions, feedback.c.interaction == interactions.c.id).join(asked, pair, isouter=True)
    if version is not None:
        rows = rows.where(feedback.c.version == version)
    if kind is not None:
        if kind not in KINDS:
            raise UnknownName("kind of feedback", kind, KINDS)
        rows = rows.where(feedback.c.kind == kind)
    if model is not None:
        rows = rows.where(feedback.c.version.startswith(f"{model}@", autoescape=True))
    if before is not None:
        rows = rows.where(feedback.c.id < before)
    with connect(home) as db:
        found = db.execute(rows.order_by(feedback.c.id.desc()).limit(limit)).all()
    return [
        Given(row.id, row.kind, row.text, row.version, row.session, row.interaction, row.question or "", row.reply, row.created)
        for row in found
    ]


def thumbs(home: Home, replies: Collection[str]) -> dict[str, Kind]:
    """Reply -> "up" or "down", of those that got one."""
    wanted = select(feedback.c.interaction, feedback.c.kind).where(feedback.c.interaction.in_(replies), feedback.c.kind.in_(("up", "down")))
    with connect(home) as db:
        return {row.interaction: row.kind for row in db.execute(wanted)}


def counts(home: Home, model: str | None = None) -> dict[str, dict[str, int]]:
    """Version -> kind -> how many, of all models or of one."""
    wanted = select(feedback.c.version, feedback.c.kind, func.count().label("count")).group_by(feedback.c.version, feedback.c.kind)
    if model is not None:
        wanted = wanted.where(feedback.c.version.startswith(f"{model}@", autoescape=True))
    found: dict[str, dict[str, int]] = {}
    with connect(home) as db:
        for version, kind, count in db.execute(wanted):
            found.setdefault(version, dict.fromkeys(KINDS, 0))[kind] = count
    return found
