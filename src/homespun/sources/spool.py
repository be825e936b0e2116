"""What was fetched from a database, in one file: each page is safe before the next is asked for, and the whole comes out as chats.

A database gives its rows in the order of their keys. Here they are put in the order of a conversation, on the disk and not in memory.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from homespun.config import SourceSection
from homespun.errors import SourceError, UnknownName
from homespun.sources import chains, dates
from homespun.sources.text import storable
from homespun.types import Chat, ImportReport, Message

Record = dict[str, Any]
"""One row of an answer: the name of a column -> its value."""

_TABLES = """
CREATE TABLE state (name TEXT PRIMARY KEY, value);
CREATE TABLE person (key TEXT PRIMARY KEY, name TEXT NOT NULL, account TEXT NOT NULL, is_me INTEGER NOT NULL);
CREATE TABLE room (key TEXT PRIMARY KEY, name TEXT NOT NULL, is_group INTEGER);
CREATE TABLE skipped (reason TEXT PRIMARY KEY, count INTEGER NOT NULL);
CREATE TABLE message (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, chat TEXT, speaker TEXT NOT NULL, text TEXT NOT NULL, date, time REAL,
    place INTEGER NOT NULL, ref TEXT
);
CREATE TABLE link (before TEXT NOT NULL, after TEXT NOT NULL);
"""
_INDEXES = """
CREATE INDEX message_chat ON message (chat, time, place);
CREATE INDEX message_speaker ON message (speaker, chat);
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One message as it was fetched."""

    speaker: str
    """Key of a person."""
    text: str
    chat: str | None
    """Key of a room. None: a partner whom nobody names, or (where messages are linked) told by the links."""
    date: str | float | None = None
    """As the database has it (dates.plain)."""
    id: str = ""
    place: int = 0
    """Order among messages of the same time."""
    ref: str = ""
    """What links call it."""


class Spool:
    """Rows that wait. Made anew when the question was another one or the file is damaged."""

    def __init__(self, folder: Path, question: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = folder / "fetched.db"
        try:
            self._db = self._open()
            same = self._state("question") == question
        except sqlite3.DatabaseError:
            same = False
        if not same:
            self._start(question)

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._file, isolation_level=None)
        db.execute("PRAGMA synchronous=FULL")
        return db

    def _start(self, question: str) -> None:
        self.close()
        self._file.unlink(missing_ok=True)
        self._db = self._open()
        self._db.executescript(_TABLES)
        self._set("question", question)

    def restart(self) -> None:
        """Forget what was fetched."""
        self._start(str(self._state("question")))

    def close(self) -> None:
        with contextlib.suppress(AttributeError):
            self._db.close()

    @property
    def last(self) -> str | float | None:
        """The key after which fetching goes on; None at the start."""
        return self._state("last")

    @property
    def done(self) -> bool:
        return self._state("done") is not None

    @property
    def count(self) -> int:
        """Records looked at so far, kept or not."""
        return int(self._state("seen") or 0)

    @contextlib.contextmanager
    def page(self, last: str | float | None, records: int) -> Iterator[None]:
        """A transaction in which the rows of a page are added: it is there as a whole or not at all."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._set("last", last)
            self._set("seen", self.count + records)
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def add(self, row: Row) -> None:
        values = (storable(row.id), row.chat, row.speaker, storable(row.text), row.date, row.place, row.ref)
        self._db.execute("INSERT INTO message (id, chat, speaker, text, date, place, ref) VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def person(self, key: str, name: str, account: str = "", is_me: bool = False) -> None:
        self._db.execute("INSERT OR IGNORE INTO person VALUES (?, ?, ?, ?)", (key, storable(name), storable(account), is_me))

    def room(self, key: str, name: str, group: bool | None = None) -> None:
        self._db.execute("INSERT OR IGNORE INTO room VALUES (?, ?, ?)", (key, storable(name), group))

    def link(self, before: str, after: str) -> None:
        self._db.execute("INSERT INTO link VALUES (?, ?)", (before, after))

    def skip(self, reason: str, count: int = 1) -> None:
        upsert = "INSERT INTO skipped VALUES (?, ?) ON CONFLICT (reason) DO UPDATE SET count = count + excluded.count"
        self._db.execute(upsert, (reason, count))

    def finish(self, linked: bool = False) -> None:
        """Everything is here: read the dates, tell what belongs together, and sort.

        Args:
            linked: messages that are linked are a chat; else `Row.chat` tells.
        """
        with self.page(self.last, 0):
            self._read_dates()
            if linked:
                chains.follow(self._db)
            else:
                self._find_partner()
            # An id that stands for two texts is no id.
            self._db.execute(
                "UPDATE message SET id = '' WHERE (chat, id) IN "
                "(SELECT chat, id FROM message GROUP BY chat, id HAVING count(DISTINCT text) > 1)"
            )
            for statement in _INDEXES.strip().splitlines():
                self._db.execute(statement)
            self._set("done", 1)

    def chats(self, report: ImportReport, wanted: SourceSection, whole: bool = False) -> Iterator[Chat]:
        """The chats wanted, each in time order. Fills the report.

        Raises:
            SourceError: the person wanted is not there.
        """
        for reason, count in self._db.execute("SELECT reason, count FROM skipped"):
            report.skip(reason, count)
        labels = self._labels(report)
        timed = self._one("SELECT count(time) FROM message") > 0
        where, values = self._conditions(report, wanted, labels, timed)
        inner = f"SELECT * FROM message WHERE {where} ORDER BY time DESC, place DESC, length(id) DESC, id DESC, number DESC LIMIT ?"
        self._tell(report, inner, (*values, wanted.max_messages or -1))
        order = f"{'length(chat), ' if whole else ''}chat, time, place, length(id), id, number"
        rows = self._db.execute(
            f"SELECT chat, speaker, text, time, id FROM ({inner}) ORDER BY {order}", (*values, wanted.max_messages or -1)
        )
        rooms = {key: (name, group) for key, name, group in self._db.execute("SELECT key, name, is_group FROM room")}
        for chat, run in groupby(rows, key=lambda row: str(row[0])):
            name, group = rooms.get(chat, (chat, None))
            messages = (Message(labels[speaker], text, time, id) for _, speaker, text, time, id in run)
            yield Chat(name, messages, None if group is None else bool(group), "absolute" if timed else "none", chat, whole)

    def _labels(self, report: ImportReport) -> dict[str, str]:
        """Person -> name in the chats. Two people called Anna stay two people."""
        labels: dict[str, str] = {}
        taken: set[str] = set()
        for key, name, account, is_me in self._db.execute("SELECT key, name, account, is_me FROM person ORDER BY key"):
            labels[key] = f"{name} ({key})" if name in taken else name
            taken.add(labels[key])
            if account:
                report.accounts.setdefault(labels[key], set()).add(account)
            if is_me:
                report.me = labels[key]
        return labels

    def _conditions(self, report: ImportReport, wanted: SourceSection, labels: dict[str, str], timed: bool) -> tuple[str, list[object]]:
        """What is wanted as SQL; what is not is counted."""
        tests: list[tuple[str, str, list[object]]] = []
        if wanted.person is not None:
            speakers = self._called(wanted.person, labels)
            theirs = f"chat IN (SELECT chat FROM message WHERE speaker IN ({', '.join('?' * len(speakers))}))"
            tests.append(("in chats without the person asked for", theirs, [*speakers]))
        if timed:
            end = _midnight(wanted.until + timedelta(1)) if wanted.until else math.inf
            tests.append(("message without a date that can be read", "time IS NOT NULL", []))
            tests.append(("outside the dates asked for", "time >= ? AND time < ?", [_midnight(wanted.since or date.min), end]))
        elif wanted.since or wanted.until:
            report.notes.append("the messages have no dates, so none could be left out by date")
        where, values = "1", list[object]()
        for reason, test, given in tests:
            gone = self._one(f"SELECT count(*) FROM message WHERE {where} AND NOT ({test})", [*values, *given])
            if gone:
                report.skip(reason, gone)
            where, values = f"{where} AND {test}", [*values, *given]
        return where, values

    def _called(self, person: str, labels: dict[str, str]) -> list[str]:
        """The keys of those whose name, key or account it is."""
        sought = person.casefold()
        known = self._db.execute("SELECT key, name, account, is_me FROM person").fetchall()
        found = [
            key
            for key, name, account, is_me in known
            if sought in (key.casefold(), name.casefold(), labels[key].casefold(), account.partition(":")[2]) or (is_me and sought == "me")
        ]
        if not found:
            raise SourceError(str(UnknownName("person here", person, labels.values())))
        return found

    def _tell(self, report: ImportReport, inner: str, values: tuple[object, ...]) -> None:
        """How much it is, and from when to when."""
        query = f"SELECT count(*), count(DISTINCT chat), min(time), max(time) FROM ({inner})"
        messages, chats, first, last = self._db.execute(query, values).fetchone()
        everything = self._one(f"SELECT count(*) FROM ({inner})", (*values[:-1], -1))
        if everything > messages:
            report.skip("beyond the number asked for", everything - messages)
        span = f", from {_day(first)} to {_day(last)}" if first is not None else ""
        report.notes.append(f"{messages:,} messages in {chats:,} conversation{'s' * (chats != 1)}{span}")

    def _read_dates(self) -> None:
        self._db.create_function("seconds", 2, dates.seconds, deterministic=True)
        self._db.create_function("day_first", 1, dates.order, deterministic=True)
        shown = {bool(row[0]) for row in self._db.execute("SELECT DISTINCT day_first(date) FROM message") if row[0] is not None}
        self._db.execute("UPDATE message SET time = seconds(date, ?)", (shown == {True},))

    def _find_partner(self) -> None:
        """Messages to a partner whom nobody names: if there is only one partner, that is who it was."""
        partners = self._db.execute("SELECT key FROM room WHERE is_group = 0 LIMIT 2").fetchall()
        if len(partners) == 1:
            self._db.execute("UPDATE message SET chat = ? WHERE chat IS NULL", partners[0])
        elif lost := self._db.execute("DELETE FROM message WHERE chat IS NULL").rowcount:
            self.skip("message to nobody that the graph names", lost)

    def _state(self, name: str) -> str | float | None:
        row = self._db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def _set(self, name: str, value: str | float | None) -> None:
        self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def _one(self, query: str, values: Iterable[object] = ()) -> int:
        return int(self._db.execute(query, tuple(values)).fetchone()[0])


def take(record: Record, spool: Spool) -> None:
    """Adds a record of `text`, `speaker` and perhaps `time`, `chat`, `id`, `place`, or instead of a chat `ref` and `links`."""
    text, speaker = record["text"], str(record["speaker"] or "").strip()
    if not isinstance(text, str) or not text.strip():
        spool.skip("empty message")
        return
    if not speaker:
        spool.skip("message without a speaker")
        return
    ref, chat, id = record.get("ref", ""), record.get("chat"), record.get("id")
    speaker = storable(speaker)
    spool.person(speaker, speaker)
    if not ref:
        chat = "messages" if chat in (None, "") else storable(str(chat))
        spool.room(chat, chat)
    spool.add(Row(speaker, text, chat, dates.plain(record.get("time")), "" if id is None else str(id), record.get("place", 0), ref))
    for following in record.get("links", ()):
        spool.link(ref, following)


def _midnight(day: date) -> float:
    return datetime.combine(day, datetime.min.time(), UTC).timestamp()


def _day(time: float) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time)).date().isoformat()
