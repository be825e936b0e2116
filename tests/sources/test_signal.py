"""Signal: the folders of signal-export, as Markdown and as JSON, and Signal's own plaintext export."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import messages_of, read_by
from homespun import sources
from homespun.errors import SourceError
from homespun.sources import signal, whatsapp
from homespun.types import ImportReport


def at(stamp: str) -> float:
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()


def test_the_fixture_of_another_parser(data_dir: Path) -> None:
    folder = data_dir / "dev-chat-fixtures/chat-miner/signal"
    target = [(row["author"], row["message"], at(row["timestamp"])) for row in json.loads((folder / "target.json").read_text())]
    (chat,), report = read_by(signal, folder / "test_export.txt")
    # That parser turns newlines into spaces and the order around.
    assert [(m.speaker, m.text.replace("\n", " "), m.time) for m in chat.messages] == target[::-1]
    assert (chat.name, chat.group, report.me) == ("test_export", False, None)


def written(**fields: Any) -> dict[str, Any]:
    return {"date": "2024-05-01T09:30:00", "sender": "Aya", "quote": "", "sticker": None, "reactions": [], "attachments": []} | fields


# A message as signal-export 3.9 writes it: the JSON, what stands behind the name in Markdown, and what is left of it.
SIGNAL_EXPORT = [
    (written(body="hello: you  ", sender="Me"), "hello: you  ", "hello: you"),
    (written(body="two\n\nlines 👩\u200d👧  "), "two\n\nlines 👩\u200d👧  ", "two\n\nlines 👩\u200d👧"),
    (written(body="yes  ", quote="\n\n> so?\n> really?\n\n"), "\n\n> so?\n> really?\n\nyes  ", "yes"),
    (written(body="ok  ", reactions=[["Me", "❤️"]]), "ok  \n(- Me: ❤️ -)", "ok"),
    (written(body="see  ", attachments=[{"name": "a.jpg", "path": "media/a.jpg"}]), "see  ![a.jpg](./media/a.jpg)  ", "see"),
    (
        written(body="  ", attachments=[{"name": "a_(1).ogg", "path": "media/a_(1).ogg"}]),
        "  [a_(1).ogg](./media/a_(1).ogg)  ",
        "media without text",
    ),
    (written(body="  ", attachments=[{"missing_kind": "media"}]), "  (media not exported)  ", "media without text"),
    (written(body="  ", sticker={"emoji": "😀"}), "  \n(( 😀 ))", "media without text"),
    (written(body="  ", sticker={"emoji": "😀"}), "  [😀](../exported_stickers/pack/1.webp)  ", "media without text"),
    (written(body="Missed voice call  ", call=True), "Missed voice call  ", "call"),
    (written(body="Incoming video call (accepted, 3m 2s)  "), "Incoming video call (accepted, 3m 2s)  ", "call"),
    (written(body="gone  ", deleted=True), "(This message was deleted)", "deleted message"),
    (written(body="who?  ", sender="No-Sender"), "who?  ", "sender unknown"),
    (written(body="  "), "  ", "empty message"),
]


@pytest.mark.parametrize(("record", "markdown", "left"), SIGNAL_EXPORT)
def test_json_and_markdown_of_signal_export_say_the_same(record: dict[str, Any], markdown: str, left: str, tmp_path: Path) -> None:
    bye = written(body="bye  ", sender="Me")
    (tmp_path / "Aya").mkdir()
    (tmp_path / "Aya/chat.md").write_text("".join(
        f"[2024-05-01 09:30:00] {sender}: {text}\n\n" for sender, text in [(record["sender"], markdown), ("Me", "bye  ")]
    ))  # fmt: skip
    found = [read_by(signal, tmp_path)]
    (tmp_path / "Aya/data.json").write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in (record, bye)))
    found.append(read_by(signal, tmp_path))
    for (chat,), report in found:
        assert [message.text for message in messages_of(chat)[:-1]] + list(report.skipped) == [left]
        assert (chat.name, messages_of(chat)[-1].time, report.me) == ("Aya", at("2024-05-01T09:30"), "Me")


def test_two_people_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for folder in ("Aya", "Aya2"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "chat.md").write_text(f"[2024-05-01 09:30:00] Aya: from {folder}  \n\n[2024-05-01 09:31:00] Me: hi  \n\n")
    chats, _ = read_by(signal, tmp_path)
    assert [(chat.name, messages_of(chat)[0].speaker) for chat in chats] == [("Aya", "Aya"), ("Aya2", "Aya2")]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("[2019-05-29, 15:04] Me: hi\n[2019-05-29, 15:10] Aya: ho\n", True),
        ("[2024-05-01 09:30:00] Me: hi  \n\n[2024-05-01 09:30:05] Aya: ho  \n\n", True),
        ("[2024-05-01 09:30:00] Me: hi\n[2024-05-01 09:30:05] Aya: ho\n", False),  # an iPhone's WhatsApp, in Swedish
        ("[2024-05-01, 09:30:00] Me: hi\n", False),
        ("[01.05.24, 09:30:00] Me: hi\n", False),
        ('{"version": "1", "backupTimeMs": "1715636551000"}\n', True),
        ('{"conv": "a", "speaker": "b", "text": "c"}\n', False),
        ('{"account": "a", "text": "c"}\n', False),
    ],
)
def test_signal_is_known_by_its_content(head: str, expected: bool) -> None:
    assert signal.detect(Path("x.txt"), head) is expected
    assert expected or head.startswith("{") or whatsapp.detect(Path("x.txt"), head)


BEN = {"aci": "X4xWjQEZR72BqruHybcZlQ==", "e164": "491701234567", "profileGivenName": "Ben", "nickname": {"given": "Benny"}}
OTHER = {"aci": "CujGyCcHTqeyJHQXIn04kA==", "systemGivenName": "Benny", "profileFamilyName": "Bo"}
FRAMES: list[dict[str, Any]] = [
    {"version": "1", "backupTimeMs": "1715636551000", "mediaRootBackupKey": "q6s="},
    {"account": {"profileKey": "YQ==", "givenName": "Anna", "familyName": "Ox"}},
    {"recipient": {"id": "1", "self": {}}},
    {"recipient": {"id": "2", "releaseNotes": {}}},
    {"recipient": {"id": "3", "distributionList": {"distributionList": {"name": "My Story"}}}},
    {"recipient": {"id": "4", "contact": BEN}},
    {"recipient": {"id": "5", "contact": OTHER}},
    {"recipient": {"id": "6", "group": {"masterKey": "IK0=", "snapshot": {"title": {"title": "Tea"}}}}},
    {"chat": {"id": "10", "recipientId": "4"}},
    {"chat": {"id": "11", "recipientId": "6"}},
    {"chat": {"id": "12", "recipientId": "1"}},
    {"chat": {"id": "13", "recipientId": "2"}},
]


def item(chat: str, author: str, sent: int | str, **fields: Any) -> dict[str, Any]:
    direction = {"outgoing": {}} if author == "1" else {"incoming": {"dateReceived": "5"}}
    return {"chatItem": {"chatId": chat, "authorId": author, "dateSent": sent, **direction, **fields}}


def said(text: str, **fields: Any) -> dict[str, Any]:
    return {"standardMessage": {"text": {"body": text, **fields}}}


def export(folder: Path, *items: dict[str, Any]) -> Path:
    path = folder / "main.jsonl"
    path.write_text("".join(json.dumps(frame, ensure_ascii=False) + "\n" for frame in (*FRAMES, *items)))
    return path


def test_signals_own_export(tmp_path: Path) -> None:
    mention = [{"start": 0, "length": 2, "style": "BOLD"}, {"start": 3, "length": 1, "mentionAci": OTHER["aci"]}]
    path = export(
        tmp_path,
        item("10", "4", "1714555800000", **said("hi\n👩\u200d👧")),
        item("11", "5", 1714555801000, **said("hi \ufffc", bodyRanges=mention)),
        item("10", "1", "1714555809000", **said("new words"), revisions=[item("10", "1", "1714555802000", **said("old"))["chatItem"]]),
        item("11", "4", "1714555803000", standardMessage={"text": {"body": "hello"}, "quote": {"text": {"body": "never"}}}),
    )
    chats, report = read_by(signal, path)
    ben, tea = chats
    assert (ben.name, ben.group, tea.name, tea.group, report.me) == ("Benny", False, "Tea", True, "Anna Ox")
    other = f"Benny ({OTHER['aci']})"
    assert [(m.speaker, m.text, m.time) for m in messages_of(ben)] == [
        ("Benny", "hi\n👩\u200d👧", 1714555800.0),
        ("Anna Ox", "new words", 1714555802.0),
    ]
    assert [(m.speaker, m.text) for m in messages_of(tea)] == [(other, f"hi @{other}"), ("Benny", "hello")]
    assert report.accounts["Benny"] == {"tel:+491701234567", f"signal:{BEN['aci']}"}
    assert messages_of(ben)[1].id == "1714555802000 self" and ben.key == f"contact:{BEN['aci']}"
    assert "IK0=" not in tea.key


LEFT_OUT = [
    (item("10", "4", "1", **said("x"), expiresInMs="3600000"), "disappearing message"),
    (item("10", "4", "1", remoteDeletedMessage={}), "deleted message"),
    (item("10", "4", "1", updateMessage={"simpleUpdate": {"type": "JOINED_SIGNAL"}}), "service message"),
    (item("10", "4", "1", poll={"question": "Pizza?"}), "poll"),
    (item("10", "4", "1", stickerMessage={"sticker": {"emoji": "😀"}}), "media without text"),
    (item("10", "4", "1", viewOnceMessage={}), "media without text"),
    (item("10", "4", "1", standardMessage={"attachments": [{}]}), "media without text"),
    (item("12", "1", "1", **said("buy milk")), "notes to oneself"),
    (item("13", "2", "1", **said("New in Signal")), "news from Signal"),
    (item("99", "4", "1", **said("x")), "chat unknown"),
    (item("10", "99", "1", **said("x")), "sender unknown"),
    (item("10", "4", "soon", **said("x")), "message without a date"),
    ({"chatItem": 5}, 'bad line: a "chatItem" that is no object'),
]


@pytest.mark.parametrize(("frame", "reason"), LEFT_OUT)
def test_what_nobody_typed_is_left_out_with_the_reason(frame: dict[str, Any], reason: str, tmp_path: Path) -> None:
    reply = {"directStoryReplyMessage": {"textReply": {"text": {"body": "nice story"}}}}
    (chat,), report = read_by(signal, export(tmp_path, frame, item("10", "4", "2", **reply)))
    assert [message.text for message in messages_of(chat)] == ["nice story"]
    assert report.skipped == {reason: 1}


def places(frame: Any) -> Iterator[tuple[Any, Any]]:
    for key in frame if isinstance(frame, dict) else range(len(frame)) if isinstance(frame, list) else ():
        yield frame, key
        yield from places(frame[key])


@given(st.data(), st.sampled_from([None, 5, -1.5, True, "x", "\ud800", [], [5], {}, {"a": 5}, 10**30]))
def test_wrong_types_in_any_field_never_end_in_a_traceback(data: st.DataObject, junk: Any) -> None:
    good = [*FRAMES, item("10", "4", "1", **said("hi \ufffc", bodyRanges=[{"start": 1, "mentionAci": "x"}]), revisions=[{"dateSent": "1"}])]
    good.append(item("99", "4", "1", **said("x")))
    frames = json.loads(json.dumps([*good, written(body="x  ", sender="Me")]))
    holder, key = data.draw(st.sampled_from(list(places(frames))))
    holder[key] = junk
    with tempfile.TemporaryDirectory() as folder:
        for part in (frames[:-1], frames[-1:] * 2):
            path = Path(folder, "x.jsonl")
            path.write_text("".join(json.dumps(frame) + "\n" for frame in part))
            with contextlib.suppress(SourceError):
                chats = signal.read(path, ImportReport(""), sources.ANYTHING)
                assert all(message.text.encode() for chat in chats for message in chat.messages)


senders = st.sampled_from(["Me", "Aya", "Jane Doe", "Zoë 🌻"])
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="[]()"), min_size=1, max_size=60)
bodies = texts.filter(lambda text: bool(text.strip()) and not text.endswith(" ") and text[0] not in "> ")


@given(st.lists(st.tuples(senders, st.lists(bodies, min_size=1, max_size=3).map("\n".join)), min_size=1, max_size=8))
def test_messages_written_as_markdown_are_read_back(said: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "chat.md")
        path.write_bytes("".join(f"[2024-05-01 09:30:{n:02}] {sender}: {text}  \n\n" for n, (sender, text) in enumerate(said)).encode())
        (chat,), _ = read_by(signal, path)
        assert [(message.speaker, message.text) for message in messages_of(chat)] == said
