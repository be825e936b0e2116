"""What a source yields -> the corpus, in one transaction: an import is there as a whole or not at all, and nothing is there twice."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or_ignore

from homespun import sources
from homespun.config import SourceSection
from homespun.corpus import sessions
from homespun.corpus.clean import clean
from homespun.corpus.people import own, person_called
from homespun.database.connection import connect
from homespun.database.schema import chats, messages, people, tombstones
from homespun.database.schema import imports as imported
from homespun.errors import UnknownName, UsageError
from homespun.home import Home, digest
from homespun.sources.reflections import ANSWERER
from homespun.types import Chat, Conversation, ImportReport, Message

COLUMNS = ("id", "chat", "position", "time", "speaker", "text", "import")
BATCH = 5_000
"""Messages written at once."""
REMEMBERED = 50_000
"""Messages among which the same words at the same time are counted; within one time always all."""

_Seen = dict[int, int]


@dataclass(frozen=True, slots=True)
class Added:
    """What an import changed."""

    chats: tuple[int, ...]
    """Ids of the chats it touched."""
    messages: int
    known: int
    """Messages that were already there: the same export again, or a longer one."""
    mine: int


def add_export(
    home: Home, where: str | Path, me: str | None = None, gap: float = 1800.0, wanted: SourceSection = sources.ANYTHING
) -> tuple[Added, ImportReport]:
    """Read an export (sources.read) and append it (add). What was fetched from a database is kept until all of it is in the corpus."""
    report = ImportReport("")
    shown = sources.shown(where)
    spool = home.path / "fetched" / digest(str(where), wanted.model_dump())
    added = add(home, sources.read(where, report, wanted, spool), report, shown, me, gap)
    shutil.rmtree(spool, ignore_errors=True)
    return added, report


def add(home: Home, found: Iterable[Chat], report: ImportReport, source: str, me: str | None, gap: float) -> Added:
    """Append an import. Messages that are there already are left alone, so a newer export of a chat adds only what is new.

    Args:
        found: streamed; `report` is complete when it is at its end.
        me: the owner's name as the export writes it; falls back on what the export says of itself, then on who was "me" before.
        gap: seconds of silence that end a conversation.

    Raises:
        UnknownName: nobody in this export is called `me`; near matches are named.
    """
    with connect(home) as db:
        before = _total(db)
        number = _insert(db, imported, source=source, format="", content="", report="", created=_now())
        work = _Import(db, number, report, gap)
        for chat in found:
            work.take(chat)
        work.finish()
        _settle_owner(db, work, me)
        added = _total(db) - before
        values = {"format": report.format, "content": work.content.hexdigest(), "report": json.dumps(report.as_dict())}
        db.execute(update(imported).where(imported.c.id == number).values(values))
        if not added:
            db.execute(delete(imported).where(imported.c.id == number))
        owner = db.execute(select(people.c.id).where(people.c.is_me)).scalar()
        present = set(db.execute(select(people.c.id)).scalars())
        # Who is gone was another name of the owner.
        mine = sum(count for person, count in work.written.items() if person == owner or person not in present)
    return Added(tuple(work.touched), added, work.written.total() - added, mine)


@dataclass(slots=True)
class _Place:
    """A chat of the corpus, and where its next message goes."""

    id: int
    guess_group: bool
    position: int = 0


@dataclass(slots=True)
class _Import:
    db: Connection
    number: int
    report: ImportReport
    gap: float
    places: dict[tuple[str, str], _Place] = field(default_factory=dict)
    """Of chats that may come in more pieces."""
    touched: list[int] = field(default_factory=list)
    """Ids of chats."""
    accounts: Mapping[str, Collection[str]] = field(default_factory=dict)
    speakers: dict[str, int | None] = field(default_factory=dict)
    """Name -> person, as `accounts` tells them apart; None for those whose words are not to come back."""
    names: dict[str, int] = field(default_factory=dict)
    """Name -> the first person of this import called so."""
    written: Counter[int] = field(default_factory=Counter)
    """Messages by person, those already there included."""
    content: Any = field(default_factory=hashlib.sha256)
    rows: list[dict[str, object]] = field(default_factory=list)
    seen: _Seen = field(default_factory=dict)

    def take(self, chat: Chat) -> None:
        """Write one chat, or one more piece of it."""
        format, key = chat.format or self.report.format.partition(":")[0], chat.key or chat.name
        if self._forgotten("chat", f"{format}:{key}"):
            self.report.skip("in a chat that was to be forgotten", sum(1 for _ in chat.messages))
            return
        place = self.places.get((format, key))
        present: set[int] = set()
        for address, message in _addressed(chat.messages, format, key, {} if chat.whole else self.seen):
            self.content.update(address.encode())
            if (text := clean(message.text)) is None:
                self.report.skip("nothing but what an app left behind")
                continue
            speaker = self._speaker(chat, message.speaker)
            if speaker is None:
                self.report.skip("by somebody who was to be forgotten")
                continue
            place = place or self._place(chat, format, key)
            self.written[speaker] += 1
            present.add(speaker)
            values = (address, place.id, place.position, message.time, speaker, text, self.number)
            self.rows.append(dict(zip(COLUMNS, values, strict=True)))
            place.position += 1
            if len(self.rows) == BATCH:
                self._write()
        if place and chat.whole and place.guess_group and len(present) > 2:
            self.db.execute(update(chats).where(chats.c.id == place.id).values(is_group=True))

    def finish(self) -> None:
        self._write()
        buried = select(tombstones.c.key).where(tombstones.c.kind == "message")
        gone = self.db.execute(delete(messages).where(messages.c["import"] == self.number, messages.c.id.in_(buried))).rowcount
        if gone:
            self.report.skip("was to be forgotten", gone)
        for place in self.places.values():
            if place.guess_group:
                several = select(func.count(messages.c.speaker.distinct()) > 2).where(messages.c.chat == place.id).scalar_subquery()
                self.db.execute(update(chats).where(chats.c.id == place.id).values(is_group=several))

    def _write(self) -> None:
        if self.rows:
            self.db.execute(insert_or_ignore(messages).on_conflict_do_nothing(), self.rows)
            self.rows = []

    def _place(self, chat: Chat, format: str, key: str) -> _Place:
        values: dict[str, object] = {"name": chat.name, "gap": math.inf if chat.whole else self.gap}
        if chat.group is not None:
            values["is_group"] = chat.group
        row = self.db.execute(select(chats.c.id, chats.c.clock).where(chats.c.format == format, chats.c.key == key)).first()
        if row and row.clock != chat.clock:
            raise UsageError(
                f"the chat {chat.name!r} is already here with another clock ({row.clock}, now {chat.clock}): "
                "rename the file and add it again"
            )
        if row:
            self.db.execute(update(chats).where(chats.c.id == row.id).values(values))
        number = row.id if row else _insert(self.db, chats, format=format, key=key, clock=chat.clock, **{"is_group": False, **values})
        place = _Place(number, chat.group is None)
        self.touched.append(number)
        if not chat.whole:
            self.places[format, key] = place
        return place

    def _speaker(self, chat: Chat, name: str) -> int | None:
        if chat.accounts is not self.accounts:
            self.accounts, self.speakers = chat.accounts, {}
        if name not in self.speakers:
            gone = self._forgotten("person", name)
            self.speakers[name] = None if gone else person_called(self.db, name, chat.accounts.get(name, ()))
            if person := self.speakers[name]:
                self.names.setdefault(name, person)
        return self.speakers[name]

    def _forgotten(self, kind: str, key: str) -> bool:
        return self.db.execute(select(tombstones.c.key).where(tombstones.c.kind == kind, tombstones.c.key == key)).first() is not None


@dataclass(frozen=True, slots=True)
class Imported:
    number: int
    source: str
    format: str
    created: str
    messages: int
    """Those it added and that are still there."""


def list_imports(home: Home) -> list[Imported]:
    count = select(func.count()).where(messages.c["import"] == imported.c.id).scalar_subquery()
    with connect(home) as db:
        rows = db.execute(select(imported.c.id, imported.c.source, imported.c.format, imported.c.created, count).order_by(imported.c.id))
        return [Imported(*row) for row in rows]


def sessions_of(chat: Chat, format: str, gap: float) -> list[Conversation]:
    """A chat's conversations with the ids that they would have in a corpus, though nothing is stored."""
    named = [replace(message, id=address) for address, message in _addressed(chat.messages, format, chat.key or chat.name, {})]
    group = len({message.speaker for message in named}) > 2 if chat.group is None else chat.group
    return sessions.cut(chat.name, group, sorted(named, key=lambda message: message.time or 0.0), math.inf if chat.whole else gap)


def _addressed(found: Iterable[Message], format: str, chat: str, seen: _Seen) -> Iterator[tuple[str, Message]]:
    """Messages with their addresses: made of the source's id where it gives one, else of what was said, by whom and when.

    The same words at the same minute are told apart by counting them.
    """
    previous: float | None = None
    for message in found:
        if message.id:
            yield _hash(format, chat, message.id), message
            continue
        if message.time != previous and len(seen) > REMEMBERED and message.time is not None:
            seen.clear()
        previous = message.time
        key = (format, chat, message.time, message.speaker, message.text)
        short = hash(key)
        seen[short] = seen.get(short, 0) + 1
        yield _hash(*key, seen[short]), message


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _settle_owner(db: Connection, work: _Import, me: str | None) -> None:
    me = _match_me(me, work.names) or (work.report.me if work.report.me in work.names else None)
    if me:
        # Reflections do not say who answers: it is the owner, by the name given now or by the one known already.
        for name in [me, ANSWERER] if ANSWERER in work.names else [me]:
            own(db, work.names.get(name) or person_called(db, name), work.number)


def _match_me(me: str | None, speakers: Collection[str]) -> str | None:
    if me is None or me in speakers or not speakers:
        return me if speakers else None
    same = [name for name in speakers if name.casefold() == me.casefold()]
    if len(same) == 1:
        return same[0]
    if ANSWERER in speakers:
        return me
    raise UnknownName("person in this export", me, speakers)


def _total(db: Connection) -> int:
    return int(db.execute(select(func.count()).select_from(messages)).scalar_one())


def _insert(db: Connection, table: Table, **values: object) -> int:
    key = db.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
