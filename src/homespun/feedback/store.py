"""What somebody thought of a reply, kept with the version that answered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, get_args

from sqlalchemy import Connection, delete, insert, select

from homespun.database.connection import connect
from homespun.database.schema import feedback, interactions
from homespun.errors import UnknownName, UsageError
from homespun.home import Home

Kind = Literal["up", "down", "edit", "leak"]
"""A thumb; how it should have been; or that it told something private."""
KINDS: tuple[Kind, ...] = get_args(Kind)
LONGEST = 16_000
"""Characters of what is written about a reply."""
_THUMBS = ("up", "down")


def add(home: Home, interaction: str, kind: str, text: str | None = None) -> int:
    """Keep a verdict. It takes the place of the same reply's earlier one of its kind; of the two thumbs, one is up or down.

    Args:
        text: for an edit, how the reply should have been; for a leak, what it should not have told, if anybody says.

    Returns:
        Its number.

    Raises:
        UnknownName: no such kind, or no such reply.
        UsageError: it is no reply, or the text is missing or too long.
    """
    if kind not in KINDS:
        raise UnknownName("kind of feedback", kind, KINDS)
    text = (text or "").strip() or None
    if kind == "edit" and text is None:
        raise UsageError("an edit says how the reply should have been: write that")
    if text is not None and len(text) > LONGEST:
        raise UsageError(f"this is longer than {LONGEST:,} characters: say it in less")
    if any("\ud800" <= letter <= "\udfff" for letter in text or ""):
        raise UsageError("the text holds half a letter (a lone surrogate): send it as UTF-8")
    with connect(home) as db:
        _withdraw(db, interaction, kind)
        version = _version(db, interaction)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        row = {"interaction": interaction, "version": version, "kind": kind, "text": text, "created": now}
        return int(db.execute(insert(feedback).values(row).returning(feedback.c.id)).scalar_one())


def withdraw(home: Home, interaction: str, kind: str) -> bool:
    """Take a verdict back. Of the thumbs, either. False: there was none."""
    with connect(home) as db:
        return _withdraw(db, interaction, kind)


def _withdraw(db: Connection, interaction: str, kind: str) -> bool:
    kinds = _THUMBS if kind in _THUMBS else (kind,)
    gone = delete(feedback).where(feedback.c.interaction == interaction, feedback.c.kind.in_(kinds))
    return bool(db.execute(gone).rowcount)


def _version(db: Connection, interaction: str) -> str:
    """What answered."""
    row = db.execute(select(interactions.c.role, interactions.c.version).where(interactions.c.id == interaction)).one_or_none()
    if row is None:
        raise UnknownName("reply", interaction, (), hint="it was deleted, or never was")
    if row.role != "assistant":
        raise UsageError("this was said to the model, not by it: name one of its replies")
    return str(row.version)
