"""Forgetting: words go from the corpus for good, and do not come back with the next export."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Table, delete, insert, select

from homespun.corpus import pii, sessions
from homespun.corpus.naming import KINDS
from homespun.corpus.people import find
from homespun.database.connection import connect, flush
from homespun.database.schema import accounts, chats, consents, facts, identities, imports, messages, people, pseudonyms, tombstones
from homespun.database.schema import sessions as talks
from homespun.errors import UnknownName, UsageError
from homespun.home import Home

AT_ONCE = 500
"""Ids in one statement."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was, or would be, removed."""

    what: str
    """In words, such as `the person Ben`."""
    messages: tuple[str, ...]
    """Ids."""
    tombstones: tuple[tuple[str, str], ...] = ()
    """(kind, key) of what must not come back beyond the messages themselves."""
    person: int | None = None
    chat: int | None = None


def choose(home: Home, kind: str, name: str) -> Forgotten:
    """What `forget` would remove.

    Args:
        kind: `person`, `chat`, `conversation`, `message` or `import`.
        name: a person's or chat's name; for the others, an id or its beginning.

    Raises:
        UnknownName: there is no such thing here.
        UsageError: it is the owner of the home.
    """
    with connect(home) as db:
        if kind == "person":
            return _person(db, name)
        if kind == "chat":
            return _chat(db, name)
        if kind == "import":
            known = {str(number) for number in db.execute(select(imports.c.id)).scalars()}
            if name not in known:
                raise UnknownName("import", name, known, hint="nothing was imported yet")
            where = messages.c["import"] == int(name)
            return Forgotten(f"the import {name}", tuple(db.execute(select(messages.c.id).where(where)).scalars()))
        if kind == "message":
            found = tuple(db.execute(select(messages.c.id).where(messages.c.id.startswith(name, autoescape=True))).scalars())
            return Forgotten(f"the message {name}", _one(found, "message", name))
    if kind != "conversation":
        raise UnknownName("thing to forget", kind, ["person", "chat", "conversation", "message", "import"])
    found_sessions = [session for session in sessions.conversations(home) if session.id.startswith(name)]
    _one([session.id for session in found_sessions], "conversation", name)
    return Forgotten(f"the conversation {name}", tuple(message.id for message in found_sessions[0].messages))


def forget(home: Home, chosen: Forgotten, may_return: bool = False) -> None:
    """Remove what was chosen and the facts that rest on it, overwrite it on the disk, and remember only what must not come back.

    With a person go the conversations that they had with models.

    Args:
        may_return: adding the same export again brings it back.
    """
    with connect(home) as db:
        for start in range(0, len(chosen.messages), AT_ONCE):
            ids = chosen.messages[start : start + AT_ONCE]
            some = messages.c.id.in_(ids)
            _drop_contacts(db, db.execute(select(messages.c.text).where(some)).scalars().all())
            db.execute(delete(facts).where(facts.c.message.in_(ids)))
            db.execute(delete(messages).where(some))
        if not may_return:
            _bury(db, [*chosen.tombstones, *(("message", address) for address in chosen.messages)])
        if chosen.person is not None:
            for table, column in (*((each, "person") for each in (identities, accounts, facts, consents)), (people, "id")):
                db.execute(delete(table).where(table.c[column] == chosen.person))
            names = [key for kind, key in chosen.tombstones if kind == "person"]
            _drop_names(db, names)
            db.execute(delete(talks).where(talks.c.speaker.in_(names)))
        if chosen.chat is not None:
            db.execute(delete(chats).where(chats.c.id == chosen.chat))
        for table, column in ((chats, "chat"), (imports, "import")):
            _drop_empty(db, table, column)
    flush(home)


def _person(db: Connection, name: str) -> Forgotten:
    number, written, is_me = find(db, name)
    if is_me:
        raise UsageError(f"{written} is you: to forget yourself, delete the home")
    names = db.execute(select(identities.c.name).where(identities.c.person == number)).scalars()
    ids = tuple(db.execute(select(messages.c.id).where(messages.c.speaker == number)).scalars())
    return Forgotten(f"the person {written}", ids, tuple(("person", alias) for alias in names), person=number)


def _chat(db: Connection, name: str) -> Forgotten:
    rows = db.execute(select(chats.c.id, chats.c.format, chats.c.key, chats.c.name)).all()
    found = [row for row in rows if row.name.casefold() == name.casefold() or f"{row.format}:{row.key}" == name]
    if not found:
        raise UnknownName("chat", name, [row.name for row in rows])
    if len(found) > 1:
        titles = " or ".join(repr(f"{row.format}:{row.key}") for row in found[:4])
        raise UsageError(f"{len(found)} chats are called {name!r}: say {titles}")
    row = found[0]
    ids = tuple(db.execute(select(messages.c.id).where(messages.c.chat == row.id)).scalars())
    return Forgotten(f"the chat {row.name}", ids, (("chat", f"{row.format}:{row.key}"),), chat=row.id)


def _one(found: Sequence[str], kind: str, name: str) -> tuple[str, ...]:
    if not found:
        raise UnknownName(kind, name, (), hint="`homespun corpus show` shows the ids")
    if len(found) > 1:
        raise UsageError(f"{len(found)} {kind}s begin with {name!r}: write more of the id")
    return tuple(found)


def _bury(db: Connection, keys: Collection[tuple[str, str]]) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    if keys:
        db.execute(insert(tombstones).prefix_with("OR IGNORE"), [{"kind": kind, "key": key, "created": now} for kind, key in keys])


def _drop_empty(db: Connection, table: Table, column: str) -> None:
    """Chats and imports of which nothing is left: their names say something too."""
    db.execute(delete(table).where(table.c.id.not_in(select(messages.c[column]))))


def _drop_contacts(db: Connection, texts: Iterable[str]) -> None:
    """Forget what redaction put in place of contact data in these texts. Where it is needed again, the same is drawn again."""
    for value in {(span.kind, span.value) for text in texts for span in pii.find(text)}:
        db.execute(delete(pseudonyms).where(pseudonyms.c.kind == value[0], pseudonyms.c.original == value[1]))


def _drop_names(db: Connection, names: Collection[str]) -> None:
    """Forget the stand-ins of names that nobody else here has."""
    others = {word.casefold() for name in db.execute(select(identities.c.name)).scalars() for word in (name, *name.split())}
    gone = {word.casefold() for name in names for word in (name, *name.split())} - others
    for kind, original in db.execute(select(pseudonyms.c.kind, pseudonyms.c.original).where(pseudonyms.c.kind.in_(KINDS))).all():
        if original.casefold() in gone:
            db.execute(delete(pseudonyms).where(pseudonyms.c.kind == kind, pseudonyms.c.original == original))
