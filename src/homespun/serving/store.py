"""What was said to a model and by it: sessions and their turns, kept in the home's database.

A turn gets its position in the transaction that writes it, so several processes may talk in the same home. Only one reply is written in
a session at a time: its row says `writing`, and that row is the lock. After a crash `recover` takes the lock away.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, exists, func, insert, literal_column, select, true, update

from homespun.database.connection import connect, flush
from homespun.database.schema import interactions, sessions
from homespun.errors import Busy, UnknownName
from homespun.home import Home
from homespun.registry.versions import find_model
from homespun.types import Turn

Speaks = Literal["user", "assistant"]
Status = Literal["writing", "complete", "stopped", "failed", "replaced"]
FIRST = 80
"""Characters of a session's first message that a list of sessions shows."""
WRITING = "a reply is still being written in this session: wait for it to end, or stop it"
ABANDONED = timedelta(days=1)
"""A session nothing was said in is removed after this time."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A session."""

    id: str
    model: str
    speaker: str | None
    """Who is talking with the model, if it is somebody it knows."""
    since: int
    """The position from which on turns are remembered."""
    created: str
    updated: str
    first: str
    """The first line that was said to the model; empty where nothing was."""
    writing: bool
    """Whether a reply is being written."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """One turn of a session."""

    id: str
    session: str
    position: int
    role: Speaks
    text: str
    status: Status
    version: str | None
    """What answered, such as "anna@3"; None for what was said to it."""
    sources: tuple[str, ...]
    """Ids of the messages that a reply could draw on."""
    created: str


def create(home: Home, model: str, speaker: str | None = None) -> Stored:
    """A new session, in which nothing was said yet.

    Args:
        model: its name; a version ("anna@3") is one of its model, whichever version answers next.
    """
    now, name = _now(), model.partition("@")[0]
    made = Stored(uuid.uuid4().hex, name, speaker, 0, now, now, "", False)
    with connect(home) as db:
        row = {"id": made.id, "model": name, "speaker": speaker, "since": 0, "created": now, "updated": now}
        db.execute(insert(sessions).values(row))
    return made


def get(home: Home, session: str) -> Stored:
    """Raises UnknownName."""
    with connect(home) as db:
        return _stored(_found(db.execute(_described().where(sessions.c.id == session)).one_or_none(), session))


def sessions_of(home: Home, model: str | None = None, limit: int = 50, start: int = 0) -> list[Stored]:
    """Sessions in which something was said, the newest first: `limit` of them from the one at `start`.

    Args:
        model: only those with this one.
    """
    newest = select(sessions.c.id).where(exists().where(interactions.c.session == sessions.c.id))
    if model is not None:
        newest = newest.where(sessions.c.model == model)
    newest = newest.order_by(sessions.c.updated.desc(), sessions.c.id).limit(limit).offset(start)
    wanted = _described().where(sessions.c.id.in_(newest)).order_by(sessions.c.updated.desc(), sessions.c.id)
    with connect(home) as db:
        return [_stored(row) for row in db.execute(wanted)]


def ask(home: Home, session: str, text: str, version: str, replaces: str | None = None) -> tuple[Interaction, Interaction]:
    """Keep what was said to the model, and begin its reply: two rows.

    Args:
        text: empty, where something is replaced: the same is said again.
        version: what answers.
        replaces: a turn; it and all after it become `replaced`. A reply stands for itself and the question before it.

    Raises:
        UnknownName: no such session, or no such turn in it.
        Busy: another reply is being written in it.
    """
    with connect(home) as db:
        _lock(db, session)
        if db.scalar(_newest_status(session)) == "writing":
            raise Busy(WRITING)
        if replaces is not None:
            asked = _replace(db, session, replaces)
            text = text or asked
        said = _append(db, session, "user", text, "complete")
        return said, _append(db, session, "assistant", "", "writing", version)


def write(home: Home, interaction: str, text: str, status: Status, sources: Sequence[str] = ()) -> bool:
    """Set what a reply says so far. False: it is not there to be written any more (its session was deleted)."""
    with connect(home) as db:
        changed = {"text": text, "status": status, "sources": json.dumps(list(sources))}
        return bool(db.execute(update(interactions).where(interactions.c.id == interaction).values(changed)).rowcount)


def history(home: Home, session: str, limit: int = 100, before: int | None = None) -> list[Interaction]:
    """The newest turns of a session, oldest of them first; without those that were replaced.

    Args:
        before: only turns before this position; the first of one page gives the next.

    Raises:
        UnknownName: no such session.
    """
    wanted = select(interactions).where(interactions.c.session == session, interactions.c.status != "replaced")
    if before is not None:
        wanted = wanted.where(interactions.c.position < before)
    with connect(home) as db:
        _found(db.execute(select(sessions.c.id).where(sessions.c.id == session)).one_or_none(), session)
        rows = db.execute(wanted.order_by(interactions.c.position.desc()).limit(limit)).all()
    return [_interaction(row) for row in reversed(rows)]


def find(home: Home, interaction: str) -> Interaction:
    """Raises UnknownName."""
    with connect(home) as db:
        row = db.execute(select(interactions).where(interactions.c.id == interaction)).one_or_none()
    if row is None:
        raise UnknownName("message", interaction, (), hint="it was deleted, or never was")
    return _interaction(row)


def remembered(home: Home, session: str, limit: int) -> list[Turn]:
    """The newest turns that the model is told, oldest first: what was complete, or was stopped with something said.

    Two turns of one side, where a reply between them came to nothing, are one, a message a line (as in dataset/turns.py).
    """
    since = select(sessions.c.since).where(sessions.c.id == session).scalar_subquery()
    said = (interactions.c.session == session, interactions.c.position >= since, interactions.c.text != "")
    kept = interactions.c.status.in_(("complete", "stopped"))
    wanted = select(interactions.c.role, interactions.c.text).where(*said, kept)
    with connect(home) as db:
        rows = db.execute(wanted.order_by(interactions.c.position.desc()).limit(limit)).all()
    turns: list[Turn] = []
    for row in reversed(rows):
        if turns and turns[-1].role == row.role:
            turns.append(Turn(row.role, f"{turns.pop().text}\n{row.text}"))
        else:
            turns.append(Turn(row.role, row.text))
    return turns


def reset(home: Home, session: str) -> Stored:
    """What was said so far is still shown, and no longer told to the model.

    Raises:
        UnknownName: no such session.
    """
    with connect(home) as db:
        _lock(db, session)
        db.execute(update(sessions).where(sessions.c.id == session).values(since=_next(db, session)))
    return get(home, session)


def export(home: Home, session: str) -> list[Mapping[str, str]]:
    """The session as rows of JSONL, in the form that `homespun add` reads (sources/messages.py).

    Raises:
        UnknownName: no such session.
    """
    stored = get(home, session)
    model = find_model(home, stored.model)
    names = {"user": stored.speaker or "You", "assistant": model.person if model else stored.model}
    said = select(interactions).where(interactions.c.session == session, interactions.c.status != "replaced", interactions.c.text != "")
    with connect(home) as db:
        rows = db.execute(said.order_by(interactions.c.position)).all()
    return [{"conv": session, "ts": row.created, "speaker": names[row.role], "text": row.text} for row in rows]


def remove(home: Home, session: str) -> None:
    """Delete a session with all that was said and thought of it, and overwrite it on the disk.

    Raises:
        UnknownName: no such session.
    """
    with connect(home) as db:
        if not db.execute(delete(sessions).where(sessions.c.id == session)).rowcount:
            _found(None, session)
    flush(home)


def remove_all(home: Home, model: str | None = None) -> int:
    """Delete every session, or every one with a model. Returns how many there were."""
    gone = delete(sessions) if model is None else delete(sessions).where(sessions.c.model == model)
    with connect(home) as db:
        count = db.execute(gone).rowcount
    flush(home)
    return count


def release(home: Home, session: str) -> None:
    """End the reply that is being written in a session: nobody writes it any more."""
    with connect(home) as db:
        unfinished = (interactions.c.session == session, interactions.c.status == "writing")
        db.execute(update(interactions).where(*unfinished).values(status="stopped"))


def recover(home: Home) -> int:
    """What a server does when it starts: replies that a killed one left unfinished are stopped. Returns how many there were.

    Another server that is at work in this home loses nothing: it sets the status of its replies again when they end.
    """
    old = (datetime.now(UTC) - ABANDONED).isoformat(timespec="milliseconds")
    with connect(home) as db:
        stopped = db.execute(update(interactions).where(interactions.c.status == "writing").values(status="stopped")).rowcount
        empty = ~exists().where(interactions.c.session == sessions.c.id)
        db.execute(delete(sessions).where(sessions.c.created < old, empty))
    return stopped


def statistics(home: Home, model: str | None = None) -> dict[str, int]:
    """How many `sessions` there are in which something was said, and how many `messages` were said in them by both sides."""
    turns = select(func.count().label("turns")).select_from(interactions).group_by(interactions.c.session)
    if model is not None:
        turns = turns.where(interactions.c.session.in_(select(sessions.c.id).where(sessions.c.model == model)))
    each = turns.subquery()
    with connect(home) as db:
        row = db.execute(select(func.count().label("sessions"), func.coalesce(func.sum(each.c.turns), 0).label("messages"))).one()
        return {"sessions": int(row.sessions), "messages": int(row.messages)}


def latest(home: Home, model: str | None = None, limit: int = 100) -> list[Interaction]:
    """The newest turns of all sessions, or of those with a model, oldest of them first."""
    wanted = select(interactions).where(interactions.c.status != "replaced", _of_model(model))
    with connect(home) as db:
        # SQLite numbers its rows as they come: the times of two may be the same, and there is no index of them.
        rows = db.execute(wanted.order_by(literal_column("interactions.rowid").desc()).limit(limit)).all()
    return [_interaction(row) for row in reversed(rows)]


def _of_model(model: str | None) -> ColumnElement[bool]:
    """Turns of sessions with a model; of all, without one."""
    if model is None:
        return true()
    return exists().where(sessions.c.id == interactions.c.session, sessions.c.model == model)


def _lock(db: Connection, session: str) -> None:
    """Take SQLite's lock for writing, which it gives at the first change, so that what is read next still holds when it is written."""
    if not db.execute(update(sessions).where(sessions.c.id == session).values(updated=_now())).rowcount:
        _found(None, session)


def _append(db: Connection, session: str, role: Speaks, text: str, status: Status, version: str | None = None) -> Interaction:
    made = Interaction(uuid.uuid4().hex, session, _next(db, session), role, text, status, version, (), _now())
    db.execute(insert(interactions).values({**asdict(made), "sources": None}))
    return made


def _next(db: Connection, session: str) -> int:
    last = db.execute(select(func.max(interactions.c.position)).where(interactions.c.session == session)).scalar()
    return 0 if last is None else int(last) + 1


def _replace(db: Connection, session: str, turn: str) -> str:
    """Replace a question, or that of a reply, with all that followed. Returns what was asked."""
    of_session = interactions.c.session == session
    there = select(interactions).where(of_session, interactions.c.id == turn, interactions.c.status != "replaced")
    row = db.execute(there).one_or_none()
    if row is None:
        raise UnknownName("message", turn, (), hint="this session has none by that id, or it was replaced already")
    position = row.position - (row.role == "assistant")  # `ask` writes the two together
    asked = db.execute(select(interactions.c.text).where(of_session, interactions.c.position == position)).scalar_one()
    db.execute(update(interactions).where(of_session, interactions.c.position >= position).values(status="replaced"))
    return str(asked)


def _described() -> Select[tuple[object, ...]]:
    """Sessions with their first line and whether a reply is being written."""
    said = select(func.substr(interactions.c.text, 1, FIRST * 4)).where(
        interactions.c.session == sessions.c.id, interactions.c.role == "user", interactions.c.status != "replaced"
    )
    first = said.order_by(interactions.c.position).limit(1).scalar_subquery()
    status = _newest_status(sessions.c.id).scalar_subquery()
    return select(sessions, first.label("first"), (func.coalesce(status, "") == "writing").label("writing"))


def _newest_status(session: str | ColumnElement[str]) -> Select[Any]:
    """Of the last turn: only that one can be in writing."""
    turns = select(interactions.c.status).where(interactions.c.session == session)
    return turns.order_by(interactions.c.position.desc()).limit(1)


def _stored(row: Row[tuple[object, ...]]) -> Stored:
    line = next((line.strip() for line in (row.first or "").splitlines() if line.strip()), "")
    shown = line if len(line) <= FIRST else f"{line[: FIRST - 1].rstrip()}…"
    return Stored(row.id, row.model, row.speaker, row.since, row.created, row.updated, shown, bool(row.writing))


def _interaction(row: Row[tuple[object, ...]]) -> Interaction:
    sources = tuple(json.loads(row.sources)) if row.sources else ()
    return Interaction(row.id, row.session, row.position, row.role, row.text, row.status, row.version, sources, row.created)


def _found(row: Row[tuple[object, ...]] | None, session: str) -> Row[tuple[object, ...]]:
    if row is None:
        raise UnknownName("session", session, (), hint="it was deleted, or never was; leave it out to begin a new one")
    return row


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
