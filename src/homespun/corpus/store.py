"""The corpus: an append-only store of what people wrote, and who they are."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, Table, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or_ignore

from homespun.database.connection import connect
from homespun.database.schema import chats, identities, imports, messages, people
from homespun.errors import UnknownName, UsageError
from homespun.home import Home
from homespun.sources.reflections import ANSWERER
from homespun.types import Chat, Conversation, ImportReport, Message

ME = "me"
"""How a user names the owner of the home, whoever that is."""


TIMELESS = 40
"""Messages in a session of a chat that has no times: without any cut nothing could be held out."""


@dataclass(frozen=True, slots=True)
class Added:
    """What an import changed."""

    chats: int
    messages: int
    known: int
    """Messages that were already there: the same export again, or a longer one."""
    mine: int


@dataclass(frozen=True, slots=True)
class PersonCount:
    name: str
    is_me: bool
    messages: int
    words: int


def add(home: Home, found: Sequence[Chat], report: ImportReport, source: str, me: str | None, gap: float) -> Added:
    """Append an import. Messages that are there already are left alone, so a newer export of a chat adds only what is new.

    Args:
        me: the owner's name as the export writes it; falls back on what the export says of itself, then on who was "me" before.
        gap: seconds of silence that end a conversation.

    Raises:
        UnknownName: nobody in this export is called `me`; near matches are named.
    """
    speakers = {message.speaker for chat in found for message in chat.messages}
    me = _match_me(me, speakers) or (report.me if report.me in speakers else None)
    with connect(home) as db:
        content = hashlib.sha256(repr([(chat.name, chat.messages) for chat in found]).encode()).hexdigest()
        values = {"source": source, "format": report.format, "content": content, "created": _now()}
        import_id = _insert(db, imports, report=json.dumps(report.as_dict()), **values)
        for name in sorted(speakers):
            _person(db, name)
        if me:
            # Reflections do not say who answers: it is the owner, by the name given now or by the one known already.
            for name in [me, ANSWERER] if ANSWERER in speakers else [me]:
                _set_me(db, _person(db, name))
        ids = {name: _person(db, name) for name in speakers}
        before = db.execute(select(func.count()).select_from(messages)).scalar_one()
        total = sum(_add_chat(db, chat, report.format, ids, import_id, gap) for chat in found)
        added = db.execute(select(func.count()).select_from(messages)).scalar_one() - before
        mine = db.execute(select(people.c.id).where(people.c.is_me)).scalar()
        my_names = {name for name, person in ids.items() if person == mine}
        count = sum(message.speaker in my_names for chat in found for message in chat.messages)
    return Added(len(found), added, total - added, count)


def _match_me(me: str | None, speakers: set[str]) -> str | None:
    if me is None or me in speakers:
        return me
    same = [name for name in speakers if name.casefold() == me.casefold()]
    if len(same) == 1:
        return same[0]
    if ANSWERER in speakers:
        return me
    raise UnknownName("person in this export", me, speakers)


def _add_chat(db: Connection, chat: Chat, format: str, people_ids: dict[str, int], import_id: int, gap: float) -> int:
    key = {"format": format, "name": chat.name}
    row = db.execute(select(chats.c.id, chats.c.clock).filter_by(**key)).first()
    if row and row.clock != chat.clock:
        raise UsageError(
            f"the chat {chat.name!r} is already here with another clock ({row.clock}, now {chat.clock}): rename the file and add it again"
        )
    values = {"is_group": chat.group, "clock": chat.clock, "gap": gap}
    chat_id = row.id if row else _insert(db, chats, **key, **values)
    if row:
        db.execute(update(chats).where(chats.c.id == chat_id).values(gap=gap, is_group=chat.group))
    rows = [
        {
            "id": message_id,
            "chat": chat_id,
            "position": position,
            "time": message.time,
            "speaker": people_ids[message.speaker],
            "text": message.text,
            "import": import_id,
        }
        for position, (message_id, message) in enumerate(zip(_message_ids(chat, format), chat.messages, strict=True))
    ]
    if rows:
        db.execute(insert_or_ignore(messages).on_conflict_do_nothing(), rows)
    return len(rows)


def identified(chat: Chat, format: str) -> list[Message]:
    """A chat's messages, in time order, with the ids they would have in a corpus."""
    named = (replace(message, id=name) for name, message in zip(_message_ids(chat, format), chat.messages, strict=True))
    return sorted(named, key=lambda message: message.time or 0.0)


def _message_ids(chat: Chat, format: str) -> Iterable[str]:
    """Content addresses. The same words at the same minute are told apart by counting them."""
    seen: Counter[tuple[object, ...]] = Counter()
    for message in chat.messages:
        key = (format, chat.name, message.time, message.speaker, message.text)
        seen[key] += 1
        yield hashlib.sha256(repr((*key, seen[key])).encode()).hexdigest()[:16]


def _insert(db: Connection, table: Table, **values: object) -> int:
    key = db.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _person(db: Connection, name: str) -> int:
    known: int | None = db.execute(select(identities.c.person).where(identities.c.name == name)).scalar()
    if known is None:
        known = _insert(db, people, name=name, is_me=False)
        db.execute(insert(identities).values(name=name, person=known))
    return known


def _set_me(db: Connection, person: int) -> None:
    """One home has one owner. A second name for the owner, from another export, becomes an identity of the same person."""
    owner = db.execute(select(people.c.id, people.c.name).where(people.c.is_me)).first()
    if owner is None:
        db.execute(update(people).where(people.c.id == person).values(is_me=True))
    elif owner.id != person and owner.name == ANSWERER:
        _merge(db, owner.id, person)
        db.execute(update(people).where(people.c.id == person).values(is_me=True))
    elif owner.id != person:
        name, written = db.execute(select(people.c.name, func.count(messages.c.id)).outerjoin(messages).where(people.c.id == person)).one()
        if written:
            raise UsageError(
                f"you are {owner.name} here, and {name} is somebody else: if {name} is you too, run `homespun people merge {name!r} "
                f"{owner.name!r}` first"
            )
        _merge(db, person, owner.id)


def _merge(db: Connection, gone: int, kept: int) -> None:
    db.execute(update(messages).where(messages.c.speaker == gone).values(speaker=kept))
    db.execute(update(identities).where(identities.c.person == gone).values(person=kept))
    db.execute(people.delete().where(people.c.id == gone))


def merge_people(home: Home, gone: str, kept: str) -> None:
    """Make two names one person, from now on known as `kept`."""
    with connect(home) as db:
        first, second = _find(db, gone), _find(db, kept)
        if first[0] == second[0]:
            raise UsageError(f"{gone!r} and {kept!r} are already the same person")
        if first[2]:
            db.execute(update(people).where(people.c.id == second[0]).values(is_me=True))
        _merge(db, first[0], second[0])


def set_me(home: Home, name: str) -> str:
    """Say who the owner of the home is. Returns the name as the corpus writes it."""
    with connect(home) as db:
        person, found, _ = _find(db, name)
        db.execute(update(people).values(is_me=False))
        db.execute(update(people).where(people.c.id == person).values(is_me=True))
    return found


def find_person(home: Home, name: str) -> str:
    """The person's name in the corpus; "me" is the owner.

    Raises:
        UnknownName: with near matches.
    """
    with connect(home) as db:
        return _find(db, name)[1]


def _find(db: Connection, name: str) -> tuple[int, str, bool]:
    columns = select(people.c.id, people.c.name, people.c.is_me, identities.c.name.label("alias"))
    known = db.execute(columns.join(identities, identities.c.person == people.c.id)).all()
    if name == ME:
        row = next((row for row in known if row.is_me), None)
        if row is None:
            raise UsageError("nobody is marked as you yet: run `homespun people me NAME`, or add an export with --me NAME")
        return row.id, row.name, row.is_me
    # Compared here because SQLite folds the case of ASCII only.
    same = [row for row in known if row.alias.casefold() == name.casefold()]
    if not same:
        raise UnknownName("person", name, [row.name for row in known], hint="add an export first: homespun add EXPORT --me NAME")
    row = next((row for row in same if row.alias == name), same[0])
    return row.id, row.name, row.is_me


def list_people(home: Home) -> list[PersonCount]:
    """Everybody, the most talkative first."""
    words = func.sum(func.length(messages.c.text) - func.length(func.replace(messages.c.text, " ", "")) + 1)
    query = (
        select(people.c.name, people.c.is_me, func.count(messages.c.id), func.coalesce(words, 0))
        .outerjoin(messages, messages.c.speaker == people.c.id)
        .group_by(people.c.id)
        .order_by(func.count(messages.c.id).desc(), people.c.name)
    )
    with connect(home) as db:
        return [PersonCount(*row) for row in db.execute(query)]


def conversations(home: Home) -> list[Conversation]:
    """The whole corpus, cut into sessions; chats in the order of their ids, sessions in time order."""
    query = (
        select(chats.c.id, chats.c.name, chats.c.is_group, chats.c.gap, people.c.name, messages.c.text, messages.c.time, messages.c.id)
        .join(chats, chats.c.id == messages.c.chat)
        .join(people, people.c.id == messages.c.speaker)
        .order_by(chats.c.id, messages.c.time, messages.c.position)
    )
    grouped: dict[int, tuple[str, bool, float, list[Message]]] = {}
    with connect(home) as db:
        for chat, name, group, gap, *message in db.execute(query):
            grouped.setdefault(chat, (name, group, gap, []))[3].append(Message(*message))
    return [session for name, group, gap, held in grouped.values() for session in cut(name, group, held, gap)]


def cut(chat: str, group: bool, held: Sequence[Message], gap: float) -> list[Conversation]:
    """Cut messages, in order, wherever the silence is longer than `gap` seconds; without a clock, every TIMELESS messages."""
    sessions: list[list[Message]] = []
    previous: float | None = None
    for message in held:
        silent = message.time is not None and previous is not None and message.time - previous > gap
        if not sessions or silent or (message.time is None and len(sessions[-1]) >= TIMELESS):
            sessions.append([])
        sessions[-1].append(message)
        previous = message.time if message.time is not None else previous
    return [Conversation(session[0].id, chat, group, tuple(session)) for session in sessions]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
