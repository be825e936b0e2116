"""Messages on a Mac: `~/Library/Messages/chat.db`, an SQLite database. It is never written to, nor is anything beside it.

Since macOS 13 the text of most messages is in `attributedBody` alone, a typedstream: the archive format of NeXTSTEP.
"""

from __future__ import annotations

import plistlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from homespun.config import SourceSection
from homespun.errors import SourceError
from homespun.sources.files import SQLITE, readable
from homespun.sources.labels import mail, phone
from homespun.sources.reflections import ANSWERER
from homespun.sources.text import storable
from homespun.types import Chat, ImportReport, Message

title = "iMessage (chat.db from ~/Library/Messages on a Mac)"

_TABLES = {"message", "handle", "chat", "chat_message_join"}
_2001 = 978_307_200
"""1 January 2001 in seconds since 1970."""
_NANOSECONDS = 1e12
"""A number of seconds this large would be after the year 33000: since High Sierra dates are in nanoseconds."""
_PLACES = str.maketrans("", "", "\ufffc\ufffd")
"""What stands in a text for an attachment or an app."""
_LINK = "com.apple.messages.URLBalloonProvider"
_GROUP, _DIRECT = 43, 45
"""Values of chat.style."""
_MAX_BLOB = 1 << 26
_STEPS = 10_000
"""Instructions of SQLite between two looks at how many there were; a whole one takes a few for each of its bytes."""


class _Row(NamedTuple):
    """The columns of a message that matter; older systems lack some of them."""

    guid: object
    text: object
    attributedBody: object
    date: object
    is_from_me: object
    handle_id: object
    associated_message_type: object
    item_type: object
    group_action_type: object
    balloon_bundle_id: object
    date_edited: object
    date_retracted: object
    is_auto_reply: object
    is_forward: object
    is_system_message: object


def detect(path: Path, head: str) -> bool:
    try:
        if head != SQLITE:
            return False
        with readable("it"), _opened(path) as db:
            return _tables(db) >= _TABLES
    except (sqlite3.Error, SourceError):
        return False


def read(path: Path, report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """Every chat, its messages in order of time. The same number over iMessage and SMS is one chat.

    Raises:
        SourceError: the database is damaged or of an unknown make.
    """
    try:
        with readable("it"), _opened(path) as db:
            if not _tables(db) >= _TABLES:
                raise SourceError("it is a database, but not of Messages: give chat.db from ~/Library/Messages")
            yield from _chats(db, report)
    except sqlite3.Error as error:
        raise SourceError(f"the database is damaged ({error}): quit Messages and copy chat.db and chat.db-wal again") from error


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, as it is on the disk. What has not been written back to it yet is in a file beside it, which SQLite can only
    read together with a lock file: then a copy of both is read."""
    log = path.with_name(f"{path.name}-wal")
    with tempfile.TemporaryDirectory(prefix="homespun-") as scratch:
        mode = "mode=ro&immutable=1"
        if log.is_file() and log.stat().st_size:
            path, mode = Path(shutil.copy(path, scratch)), "mode=rw"
            shutil.copy(log, scratch)
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as db:
            db.text_factory = lambda raw: raw.decode("utf-8", "replace")
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_BLOB)
            db.execute("PRAGMA trusted_schema = off")
            # Pages of a damaged database may point at one another without end.
            budget = iter(range(1_000 + path.stat().st_size // 100))
            db.set_progress_handler(lambda: next(budget, None) is None, _STEPS)
            yield db


def _tables(db: sqlite3.Connection) -> set[str]:
    # Not views: nothing in a file that is read should be a program.
    rows = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
    return {str(name) for (name,) in rows}


def _chats(db: sqlite3.Connection, report: ImportReport) -> Iterator[Chat]:
    people = _people(db, report)
    report.me = ANSWERER
    report.accounts.setdefault(ANSWERER, set()).update(_own_accounts(db))
    (lost,) = db.execute("SELECT count(*) FROM message WHERE ROWID NOT IN (SELECT message_id FROM chat_message_join)").fetchone()
    if lost:
        report.skip("in no chat, or deleted", lost)
    query = "SELECT chat_identifier, max(display_name), max(style) FROM chat GROUP BY chat_identifier ORDER BY min(ROWID)"
    for identifier, name, style in db.execute(query).fetchall():
        members = [people[handle] for handle in _members(db, identifier) if handle in people]
        key = storable(str(identifier))
        shown = name if isinstance(name, str) and name.strip() else ", ".join(dict.fromkeys(members)) or key
        group = {_GROUP: True, _DIRECT: False}.get(style)
        yield Chat(storable(shown), _messages(db, identifier, people, report), group, key=key)


def _messages(db: sqlite3.Connection, chat: object, people: Mapping[int, str], report: ImportReport) -> Iterator[Message]:
    present = {name for _, name, *_ in db.execute("PRAGMA table_info(message)")}
    columns = ", ".join(f"m.{name}" if name in present else f"NULL AS {name}" for name in _Row._fields)
    query = f"""SELECT {columns} FROM chat c JOIN chat_message_join j ON j.chat_id = c.ROWID JOIN message m ON m.ROWID = j.message_id
        WHERE c.chat_identifier IS ? ORDER BY m.date, m.ROWID"""
    for values in db.execute(query, (chat,)):
        row = _Row(*values)
        text, time = _text(row), _time(row.date)
        reason = _why_not(row, text, time)
        speaker = ANSWERER if row.is_from_me else people.get(row.handle_id) if isinstance(row.handle_id, int) else None
        if reason or speaker is None:
            report.skip(reason or "message without a sender")
        else:
            yield Message(speaker, text, time, storable(row.guid) if isinstance(row.guid, str) else "")


def _why_not(row: _Row, text: str, time: float | None) -> str | None:
    """Why a message is left out; None to keep it."""
    if row.item_type or row.group_action_type or row.is_system_message:
        return "service message"
    if row.associated_message_type not in (None, 0, 2, 3):
        return "reaction or sticker"
    if row.balloon_bundle_id and row.balloon_bundle_id != _LINK:
        return "made by an app"
    if row.is_auto_reply:
        return "automatic reply"
    if row.is_forward:
        return "forwarded: not the sender's words"
    if not text.strip():
        return "unsent" if row.date_edited or row.date_retracted else "media without text"
    return "message without a date" if time is None else None


def _text(row: _Row) -> str:
    text = row.text if isinstance(row.text, str) and row.text else ""
    if not text and isinstance(row.attributedBody, bytes):
        text = body(row.attributedBody)
    return storable(text.translate(_PLACES))


def body(data: bytes) -> str:
    """The text in an attributedBody, "" if there is none.

    In a typedstream it is the first string: `+`, its length and UTF-8. A length is one byte, or 0x81 and two, or 0x82 and four.
    """
    if data.startswith(b"bplist00"):
        return _body_of_plist(data)
    mark = data.find(b"\x84\x01+", max(0, data.find(b"NSString")))
    if mark < 0:
        return ""
    at = mark + 3
    size = {0x81: 2, 0x82: 4}.get(data[at], 0) if at < len(data) else 0
    length = int.from_bytes(data[at + 1 : at + 1 + size], "little") if size else int.from_bytes(data[at : at + 1], "little")
    start = at + 1 + size
    if start + length > len(data):
        # Cut off, or a length of another kind: then the end mark has to do.
        end = data.find(b"\x86\x84", start)
        return data[start : end if end >= 0 else len(data)].decode("utf-8", "ignore")
    return data[start : start + length].decode("utf-8", "replace")


def _body_of_plist(data: bytes) -> str:
    """The other way of archiving, which is rare: a property list whose root points at the string."""
    try:
        archive = plistlib.loads(data)
        objects = archive["$objects"]
        found = objects[archive["$top"]["root"].data]
        for key in ("NSString", "NS.string"):
            found = found.get(key, found) if isinstance(found, dict) else found
            found = objects[found.data] if isinstance(found, plistlib.UID) else found
        return found if isinstance(found, str) else ""
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""


def _time(date: object) -> float | None:
    if not isinstance(date, int) or date <= 0:
        return None
    return _2001 + (date / 1e9 if date > _NANOSECONDS else date)


def _people(db: sqlite3.Connection, report: ImportReport) -> dict[int, str]:
    """Handle -> speaker. One person has a handle for each number, address and service; the system says which belong together."""
    present = {name for _, name, *_ in db.execute("PRAGMA table_info(handle)")}
    person = "person_centric_id" if "person_centric_id" in present else "NULL"
    people: dict[int, str] = {}
    names: dict[str, str] = {}
    for row, id, same in db.execute(f"SELECT ROWID, id, {person} FROM handle ORDER BY ROWID"):
        if not isinstance(id, str) or not id.strip():
            continue
        label = storable(id)
        known = names.get(label) or (names.get(f"person {same}") if same else None) or label
        people[row] = names[label] = known
        if same:
            names[f"person {same}"] = known
        report.accounts.setdefault(known, set()).update(phone(label) | mail(label))
    return people


def _members(db: sqlite3.Connection, chat: object) -> list[int]:
    if "chat_handle_join" not in _tables(db):
        return []
    query = "SELECT handle_id FROM chat_handle_join j JOIN chat c ON j.chat_id = c.ROWID WHERE c.chat_identifier IS ? ORDER BY handle_id"
    return [handle for (handle,) in db.execute(query, (chat,))]


def _own_accounts(db: sqlite3.Connection) -> set[str]:
    """Written there as `E:anna@example.org` or `P:+4915112345678`."""
    if "account_login" not in {name for _, name, *_ in db.execute("PRAGMA table_info(chat)")}:
        return set()
    logins = [storable(str(login)[2:]) for (login,) in db.execute("SELECT DISTINCT account_login FROM chat")]
    return {account for login in logins for account in phone(login) | mail(login)}
