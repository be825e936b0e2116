"""Messages on a Mac: a real SQLite database with the columns that matter."""

from __future__ import annotations

import functools
import plistlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import messages_of, read_by
from homespun.errors import SourceError
from homespun.sources import imessage
from homespun.sources.imessage import body
from homespun.types import Chat, ImportReport, Message

SCHEMA = """
CREATE TABLE message (ROWID INTEGER PRIMARY KEY, guid TEXT, text TEXT, attributedBody BLOB, date INTEGER, is_from_me INTEGER DEFAULT 0,
    handle_id INTEGER DEFAULT 0, associated_message_type INTEGER DEFAULT 0, item_type INTEGER DEFAULT 0,
    group_action_type INTEGER DEFAULT 0, balloon_bundle_id TEXT, date_edited INTEGER DEFAULT 0,
    date_retracted INTEGER DEFAULT 0, is_auto_reply INTEGER DEFAULT 0);
CREATE TABLE handle (ROWID INTEGER PRIMARY KEY, id TEXT, service TEXT, person_centric_id TEXT);
CREATE TABLE chat (ROWID INTEGER PRIMARY KEY, guid TEXT, chat_identifier TEXT, style INTEGER, display_name TEXT, account_login TEXT);
CREATE TABLE chat_message_join (chat_id INTEGER, message_id INTEGER, PRIMARY KEY (chat_id, message_id));
CREATE TABLE chat_handle_join (chat_id INTEGER, handle_id INTEGER);
"""
START = 700_000_000
"""Seconds since 2001."""
EPOCH = 978_307_200 + START

Rows = Iterable[Mapping[str, object]]


def typedstream(text: str, mutable: bool = False) -> bytes:
    """As NSArchiver writes an attributed string."""
    raw = text.encode()
    size = bytes([len(raw)]) if len(raw) < 0x80 else b"\x81" + len(raw).to_bytes(2, "little") if len(raw) < 0x8000 else b""
    size = size or b"\x82" + len(raw).to_bytes(4, "little")
    head = b"\x04\x0bstreamtyped\x81\xe8\x03\x84\x01@\x84\x84\x84\x12NSAttributedString\x00\x84\x84\x08NSObject\x00\x85\x92"
    string = (
        b"\x84\x84\x84\x0fNSMutableString\x01\x84\x84\x08NSString\x01\x95\x84\x01+"
        if mutable
        else b"\x84\x84\x84\x08NSString\x01\x94\x84\x01+"
    )
    return head + string + size + raw + b"\x86\x84\x02iI\x01\x05\x92\x84\x84\x84\x0cNSDictionary\x00\x94\x84\x01i\x01\x86\x86"


def insert(db: sqlite3.Connection, table: str, rows: Rows) -> None:
    for row in rows:
        db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))


def chat_db(path: Path, messages: Rows, handles: Rows | None = None, chats: Rows | None = None, members: Rows = ()) -> Path:
    """A database; messages are in the chat that their `chat` names, by default in the first."""
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(f"PRAGMA synchronous = off; PRAGMA journal_mode = memory; {SCHEMA}")
        insert(db, "handle", [{"ROWID": 1, "id": "+4915112345678"}] if handles is None else handles)
        direct = {"ROWID": 1, "chat_identifier": "+4915112345678", "style": 45, "account_login": "E:Me@Example.org"}
        insert(db, "chat", [direct] if chats is None else chats)
        insert(db, "chat_handle_join", members)
        for number, row in enumerate(messages, start=1):
            values = {"ROWID": number, "date": (START + number) * 10**9, "handle_id": 1, **row}
            place = values.pop("chat", 1)
            insert(db, "message", [values])
            insert(db, "chat_message_join", [{"chat_id": place, "message_id": number}] if place else [])
    return path


def read(messages: Rows, **rest: Any) -> tuple[list[Chat], ImportReport]:
    with tempfile.TemporaryDirectory() as folder:
        return read_by(imessage, chat_db(Path(folder, "chat.db"), messages, **rest))


def test_a_chat_says_who_wrote_and_whose_it_is() -> None:
    (chat,), report = read(
        [{"guid": "A-1", "text": "hi\n👩‍🚀", "is_from_me": 1, "handle_id": 0}, {"guid": "A-2", "attributedBody": typedstream("ho")}],
        members=[{"chat_id": 1, "handle_id": 1}],
    )
    expected = Message("Me", "hi\n👩‍🚀", EPOCH + 1.0, "A-1"), Message("+4915112345678", "ho", EPOCH + 2.0, "A-2")
    assert chat == Chat("+4915112345678", expected, group=False, key="+4915112345678")
    assert report.me == "Me"
    assert report.accounts == {"Me": {"mail:me@example.org"}, "+4915112345678": {"tel:+4915112345678"}}


@pytest.mark.parametrize("length", [1, 127, 128, 255, 256, 32_767, 32_768, 70_000])
@pytest.mark.parametrize("mutable", [False, True])
def test_a_typedstream_of_any_length(length: int, mutable: bool) -> None:
    text = "é" * (length // 2) + "x" * (length % 2)
    assert body(typedstream(text, mutable)) == text


@given(st.text(st.characters(exclude_categories=["Cs"])), st.booleans())
def test_a_typedstream_is_read_back(text: str, mutable: bool) -> None:
    assert body(typedstream(text, mutable)) == text


@given(st.binary() | st.integers(0, 260).map(lambda end: typedstream("long " * 40)[:end]))
def test_a_damaged_body_is_what_is_left_of_it(data: bytes) -> None:
    assert len(body(data)) <= len(data)


def test_a_length_that_is_too_long_ends_at_the_end_mark() -> None:
    assert body(typedstream("short").replace(b"+\x05", b"+\x7f")) == "short"


def test_the_rare_body_is_a_property_list() -> None:
    for inner in ("hello", {"NS.string": "hello"}):
        objects = ["$null", {"NSString": plistlib.UID(2)}, inner]
        archive = {"$archiver": "NSKeyedArchiver", "$top": {"root": plistlib.UID(1)}, "$objects": objects}
        assert body(plistlib.dumps(archive, fmt=plistlib.FMT_BINARY)) == "hello"
    assert body(b"bplist00 and no more") == body(plistlib.dumps([1], fmt=plistlib.FMT_BINARY)) == ""


def test_old_dates_are_in_seconds_and_order_is_by_date() -> None:
    (chat,), _ = read([{"text": "second", "date": START + 5}, {"text": "first", "date": START}])
    assert [(m.text, m.time) for m in messages_of(chat)] == [("first", EPOCH), ("second", EPOCH + 5)]


def test_what_nobody_typed_is_left_out_with_a_reason() -> None:
    (chat,), report = read(
        [
            {"text": "kept"},
            {"text": "Loved “kept”", "associated_message_type": 2000},
            {"text": "Reacted 🎉", "associated_message_type": 2006},
            {"text": "Removed", "associated_message_type": 3001},
            {"associated_message_type": 1000},
            {"item_type": 2},
            {"group_action_type": 1},
            {"text": "\ufffd", "balloon_bundle_id": "com.apple.PassbookUIService.PeerPaymentMessagesExtension"},
            {"text": "https://example.org", "balloon_bundle_id": "com.apple.messages.URLBalloonProvider"},
            {"text": "I'm driving", "is_auto_reply": 1},
            {"text": "\ufffc"},
            {"text": "\ufffca \ufffdcaption"},
            {"date_edited": 5, "date_retracted": 5},
            {"text": "changed", "date_edited": 5},
            {"text": "undated", "date": 0},
            {"text": "by nobody", "handle_id": 9},
            {"text": "deleted", "chat": None},
        ]
    )
    assert [m.text for m in messages_of(chat)] == ["kept", "https://example.org", "a caption", "changed"]
    assert report.skipped == {
        "reaction or sticker": 4,
        "service message": 2,
        "made by an app": 1,
        "automatic reply": 1,
        "media without text": 1,
        "unsent": 1,
        "message without a date": 1,
        "message without a sender": 1,
        "in no chat, or deleted": 1,
    }


def test_groups_have_titles_and_one_person_may_have_several_handles() -> None:
    handles = [
        {"ROWID": 1, "id": "+4915112345678", "service": "iMessage", "person_centric_id": "P"},
        {"ROWID": 2, "id": "+4915112345678", "service": "SMS", "person_centric_id": "P"},
        {"ROWID": 3, "id": "Anna@Example.org", "service": "iMessage", "person_centric_id": "P"},
        {"ROWID": 4, "id": "12345", "service": "SMS"},
    ]
    chats = [
        {"ROWID": 1, "chat_identifier": "+4915112345678", "style": 45, "display_name": ""},
        {"ROWID": 2, "chat_identifier": "+4915112345678", "style": 45},
        {"ROWID": 3, "chat_identifier": "chat8", "style": 43, "display_name": "Trip"},
        {"ROWID": 4, "chat_identifier": "chat9", "style": 43},
    ]
    found, report = read(
        [
            {"text": "iMessage"},
            {"text": "SMS", "chat": 2, "handle_id": 2},
            {"text": "by mail", "chat": 3, "handle_id": 3},
            {"text": "a code", "chat": 4, "handle_id": 4},
        ],
        handles=handles,
        chats=chats,
        members=[{"chat_id": 4, "handle_id": 3}, {"chat_id": 4, "handle_id": 4}],
    )
    assert [(c.name, c.group, [(m.speaker, m.text) for m in messages_of(c)]) for c in found] == [
        ("+4915112345678", False, [("+4915112345678", "iMessage"), ("+4915112345678", "SMS")]),
        ("Trip", True, [("+4915112345678", "by mail")]),
        ("+4915112345678, 12345", True, [("12345", "a code")]),
    ]
    assert report.accounts["+4915112345678"] == {"tel:+4915112345678", "mail:anna@example.org"}


def test_what_is_still_in_the_write_ahead_log_is_read_and_nothing_is_touched(tmp_path: Path) -> None:
    live = chat_db(tmp_path / "chat.db", [{"text": "old"}])
    with closing(sqlite3.connect(live)) as db:
        db.execute("PRAGMA journal_mode = wal")
        with db:
            insert(db, "message", [{"ROWID": 2, "text": "new", "date": START, "is_from_me": 1}])
            insert(db, "chat_message_join", [{"chat_id": 1, "message_id": 2}])
        copy = tmp_path / "copy"
        copy.mkdir()
        for name in ("chat.db", "chat.db-wal"):
            shutil.copy(tmp_path / name, copy)
    before = {file.name: file.read_bytes() for file in copy.iterdir()}
    (chat,), _ = read_by(imessage, copy)
    assert [m.text for m in messages_of(chat)] == ["new", "old"]
    assert {file.name: file.read_bytes() for file in copy.iterdir()} == before


def test_an_old_database_lacks_columns(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "chat.db")) as db, db:
        db.executescript(
            "CREATE TABLE message (text, date, is_from_me, handle_id); CREATE TABLE handle (id); CREATE TABLE chat (chat_identifier, "
            "display_name, style); CREATE TABLE chat_message_join (chat_id, message_id); INSERT INTO message VALUES ('hi', 5, 1, 0); "
            "INSERT INTO chat VALUES ('a', NULL, NULL); INSERT INTO chat_message_join VALUES (1, 1)"
        )
    (chat,), _ = read_by(imessage, tmp_path / "chat.db")
    assert messages_of(chat) == (Message("Me", "hi", 978_307_205.0),)


def test_another_database_is_not_taken_for_messages(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as db, db:
        db.executescript(
            "CREATE VIEW message AS SELECT 1; CREATE TABLE handle (id); CREATE TABLE chat (id); CREATE TABLE chat_message_join (id)"
        )
    assert not imessage.detect(tmp_path / "other.db", "SQLite format 3")
    with pytest.raises(SourceError):
        read_by(imessage, tmp_path / "other.db")


@functools.cache
def small_db() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return chat_db(Path(folder, "chat.db"), [{"text": "hi"}, {"attributedBody": typedstream("ho" * 90)}]).read_bytes()


@given(st.data())
def test_a_damaged_database_is_one_clear_line(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "chat.db")
        raw = bytearray(small_db())
        for _ in range(data.draw(st.integers(1, 5))):
            raw[data.draw(st.integers(100, len(raw) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(raw[: data.draw(st.integers(100, len(raw)))])
        try:
            read_by(imessage, path)
        except SourceError as error:
            assert "\n" not in str(error)


def test_pages_that_point_at_one_another_have_an_end(tmp_path: Path) -> None:
    path = chat_db(tmp_path / "chat.db", [{"text": "hi"}])
    with closing(sqlite3.connect(path)) as db:
        (size,) = db.execute("PRAGMA page_size").fetchone()
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'message'").fetchone()
    raw, levels = bytearray(path.read_bytes()), 9
    first = len(raw) // size + 1
    at = slice((root - 1) * size, root * size)
    leaf, raw[at] = raw[at], inner_page(first, size)
    raw += b"".join(inner_page(first + level, size) for level in range(1, levels)) + leaf
    raw[28:32] = (len(raw) // size).to_bytes(4, "big")
    path.write_bytes(raw)
    with pytest.raises(SourceError, match=r"the database is damaged \(interrupted\)"):
        read_by(imessage, path)


def inner_page(child: int, size: int) -> bytes:
    """A page of a table with 100 times the same page below it."""
    cells = b"".join(child.to_bytes(4, "big") + bytes([number]) for number in range(99))
    starts = range(size - len(cells), size, 5)
    head = b"\x05\0\0" + len(starts).to_bytes(2, "big") + starts[0].to_bytes(2, "big") + b"\0" + child.to_bytes(4, "big")
    return (head + b"".join(start.to_bytes(2, "big") for start in starts)).ljust(starts[0], b"\0") + cells


values = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
)


@given(
    st.lists(
        st.fixed_dictionaries({}, optional=dict.fromkeys(("guid", "text", "attributedBody", "date", "is_from_me", "item_type"), values))
    )
)
def test_any_type_in_any_column(rows: list[dict[str, object]]) -> None:
    read([*rows, {"text": "kept"}])
