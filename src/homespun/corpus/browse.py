"""The corpus as its owner leafs through it: chats, their messages in order, and a search. Never more in memory than is shown."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from homespun.corpus.sessions import TIMELESS
from homespun.database.connection import connect
from homespun.database.schema import chats, messages, people
from homespun.errors import UnknownName
from homespun.home import Home


@dataclass(frozen=True, slots=True)
class ChatSummary:
    id: int
    name: str
    format: str
    messages: int
    first: float | None
    """Seconds of its first message, ..."""
    last: float | None
    """... and of its last, where its clock is absolute."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as it is leafed past."""

    id: str
    chat: int
    speaker: str
    is_me: bool
    text: str
    time: float | None
    """Seconds, where the chat's clock is absolute."""
    opens: bool = False
    """Whether a conversation begins with it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A message that a search found."""

    message: Shown
    chat: str


def list_chats(home: Home, skip: int = 0, count: int = 50) -> list[ChatSummary]:
    """The chats with the most messages first."""
    size = func.count(messages.c.id)
    query = (
        select(chats.c.id, chats.c.name, chats.c.format, chats.c.clock, size, func.min(messages.c.time), func.max(messages.c.time))
        .join(messages, messages.c.chat == chats.c.id)
        .group_by(chats.c.id)
        .order_by(size.desc(), chats.c.id)
        .offset(skip)
        .limit(count)
    )
    with connect(home) as db:
        return [
            ChatSummary(id, name, format, held, *((first, last) if clock == "absolute" else (None, None)))
            for id, name, format, clock, held, first, last in db.execute(query)
        ]


def get_chat(home: Home, chat: int) -> ChatSummary:
    """Raises UnknownName."""
    size = select(func.count(), func.min(messages.c.time), func.max(messages.c.time)).where(messages.c.chat == chat)
    with connect(home) as db:
        row = db.execute(select(chats.c.name, chats.c.format, chats.c.clock).where(chats.c.id == chat)).first()
        if row is None:
            raise UnknownName("chat", str(chat), [])
        held, first, last = db.execute(size).one()
    return ChatSummary(chat, row.name, row.format, held, *((first, last) if row.clock == "absolute" else (None, None)))


def messages_of(home: Home, chat: int, skip: int = 0, count: int = 50) -> list[Shown]:
    """Messages of a chat in order, with where its conversations begin."""
    with connect(home) as db:
        gap = db.execute(select(chats.c.gap).where(chats.c.id == chat)).scalar()
        # One more, to know whether the first one opens a conversation.
        before = min(skip, 1)
        query = _messages().where(messages.c.chat == chat).order_by(messages.c.time, messages.c.position)
        rows = db.execute(query.offset(skip - before).limit(count + before)).all()
    shown = []
    previous: float | None = None
    for number, row in enumerate(rows, skip - before):
        silent = gap is not None and row.time is not None and previous is not None and row.time - previous > gap
        shown.append(_shown(row, opens=number == 0 or silent or (row.time is None and number % TIMELESS == 0)))
        previous = row.time if row.time is not None else previous
    return shown[before:]


def place_of(home: Home, message: str) -> tuple[int, int]:
    """The chat of a message, and how many messages stand before it there.

    Raises:
        UnknownName: there is no such message.
    """
    with connect(home) as db:
        row = db.execute(select(messages.c.chat, messages.c.time, messages.c.position).where(messages.c.id == message)).first()
        if row is None:
            raise UnknownName("message", message, [])
        earlier = and_(messages.c.time.is_(row.time), messages.c.position < row.position)
        if row.time is not None:
            earlier = or_(messages.c.time < row.time, messages.c.time.is_(None), earlier)
        before = select(func.count()).where(messages.c.chat == row.chat, earlier)
        return row.chat, db.execute(before).scalar_one()


def search(home: Home, words: str, skip: int = 0, count: int = 30) -> list[Found]:
    """Messages that hold these words as they stand, in any case, the newest first."""
    query = (
        _messages()
        .add_columns(chats.c.name.label("chat_name"))
        .where(_holds(words))
        .order_by(messages.c.time.desc().nulls_last(), messages.c.id)
        .offset(skip)
        .limit(count)
    )
    with connect(home) as db:
        return [Found(_shown(row), row.chat_name) for row in db.execute(query)]


def count_found(home: Home, words: str) -> int:
    with connect(home) as db:
        return _count(db, _holds(words))


def _count(db: Connection, condition: ColumnElement[bool]) -> int:
    return db.execute(select(func.count()).select_from(messages).where(condition)).scalar_one()


def _holds(words: str) -> ColumnElement[bool]:
    # SQLite folds the case of ASCII only, so other letters are looked for as they are written at all usually.
    spellings = {words} if words.isascii() else {words, words.lower(), words.upper(), words.capitalize(), words.title()}
    return or_(*(messages.c.text.icontains(spelling, autoescape=True) for spelling in sorted(spellings)))


def _messages() -> Select[tuple[object, ...]]:
    columns = (messages.c.id, messages.c.chat, people.c.name, people.c.is_me, messages.c.text, messages.c.time, chats.c.clock)
    return select(*columns).join(people, people.c.id == messages.c.speaker).join(chats, chats.c.id == messages.c.chat)


def _shown(row: Row[tuple[object, ...]], opens: bool = False) -> Shown:
    time = row.time if row.clock == "absolute" else None
    return Shown(row.id, row.chat, row.name, row.is_me, row.text, time, opens)
