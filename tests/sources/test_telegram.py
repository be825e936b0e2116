"""Telegram Desktop exports: one chat, the whole account, and the exporter's known faults."""

from __future__ import annotations

import contextlib
import json
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import messages_of, read_by
from homespun import sources
from homespun.errors import SourceError
from homespun.sources import telegram
from homespun.types import Chat, ImportReport, Message


def read(export: object, name: str = "result.json") -> tuple[list[Chat], ImportReport]:
    text = export if isinstance(export, str) else json.dumps(export, indent=1, ensure_ascii=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_text(text, encoding="utf-8")
        return sources.load(path)


def message(by: int, text: object, **more: object) -> dict[str, object]:
    who = {"from": f"Person {by}", "from_id": f"user{by}"}
    return {"id": 1, "type": "message", "date": "2020-01-01T12:00:00", "date_unixtime": "1577876400", **who, "text": text, **more}


def said(chat: Chat) -> list[tuple[str, str, float | None]]:
    return [(message.speaker, message.text, message.time) for message in messages_of(chat)]


def chat(*messages: object, **more: object) -> dict[str, object]:
    return {"name": "Anna", "type": "personal_chat", "id": 2, **more, "messages": list(messages)}


def test_a_single_chat_tells_its_owner_by_who_is_not_the_other_one() -> None:
    chats, report = read(chat(message(1, "hi"), message(2, "ho", id=7)))
    expected = Message("Person 1", "hi", 1577876400.0, "1"), Message("Person 2", "ho", 1577876400.0, "7")
    assert chats == [Chat("Anna", expected, group=False, key="user2")]
    assert (report.format, report.me, report.kept) == ("telegram", "Person 1", 2)
    assert report.accounts == {"Person 1": {"telegram:user1"}, "Person 2": {"telegram:user2"}}


def test_text_is_joined_from_its_pieces_with_nothing_in_between() -> None:
    pieces = ["see ", {"type": "link", "text": "x.org"}, "!\n", {"type": "custom_emoji", "text": "👩‍🚀", "document_id": "5"}]
    entities = [{"type": "plain", "text": "a "}, {"type": "bold", "text": "b"}, {"type": "plain", "text": " c"}]
    chats, _ = read(chat(message(1, pieces), message(1, "lost", text_entities=entities), message(1, "plain", text_entities=[])))
    assert [m.text for m in chats[0].messages] == ["see x.org!\n👩‍🚀", "a b c", "plain"]


def test_what_is_not_the_sender_s_own_words_is_left_out_with_a_reason() -> None:
    chats, report = read(
        chat(
            message(1, "a caption", photo="photos/1.jpg"),
            message(1, "", media_type="voice_message", file="1.ogg"),
            message(1, "", poll={"question": ["Tea", {"type": "bold", "text": "?"}], "answers": []}),
            message(1, "", sticker_emoji="😀", file="(File not included. Change data exporting settings to download.)"),
            message(1, "", location_information={"latitude": 1.0}),
            message(1, "", contact_information={"first_name": "Cem"}),
            message(1, ""),
            message(1, "copied", forwarded_from=None),
            message(1, "kept for later", saved_from="Cem"),
            message(1, "a game", via_bot="@gamebot"),
            message(1, "undated", date=None, date_unixtime=None),
            {"id": 2, "type": "service", "actor": "Anna", "action": "phone_call", "text": ""},
            {"id": 3, "type": "unsupported"},
            "not even an object",
        )
    )
    assert [m.text for m in chats[0].messages] == ["a caption"]
    assert report.skipped == {
        "media without text": 5,
        "empty message": 1,
        "forwarded: not the sender's words": 2,
        "sent through a bot": 1,
        "message without a date": 1,
        "service message": 1,
        "message of an unsupported kind": 1,
        "record that is no JSON object": 1,
    }
    assert report.notes == ["1 records of the chat 'Anna' are no JSON objects: number 14"]


def test_a_whole_account_keeps_dialogues_and_knows_the_owner() -> None:
    hello = message(1, "hello", **{"from": "Me Myself"})
    listed = [
        chat(hello, message(2, "ho")),
        chat(hello, type="saved_messages", name=None),
        chat(hello, hello, type="bot_chat", name="Bot", id=3),
        chat(hello, type="public_channel", name="News", id=4),
        chat(hello, type="verification_codes", name=None, id=5),
        chat(hello, message(2, "x"), type="private_group", name="Team", id=6),
        chat(message(7, "bye", **{"from": None}), name=None, id=7),
        chat(message(8, "hi", **{"from": "Me Myself"}), name="Anna", id=8),
    ]
    export = {
        "about": "Here is the data you requested.",
        "personal_information": {"user_id": 1, "first_name": "Me", "last_name": "M.", "phone_number": "+44 7700 900123"},
        "contacts": {"about": "", "list": [{"user_id": 2, "first_name": "P", "phone_number": "0049 151 12345678"}, {"date": "2020"}]},
        "chats": {"list": listed},
        "left_chats": {"list": [chat(message(2, "left"), type="private_supergroup", name="Gone", id=9)]},
    }
    chats, report = read(export)
    assert report.me == "Me Myself"
    assert [(c.name, c.group) for c in chats] == [
        ("Anna", False),
        ("Team", True),
        ("Deleted account 7", False),
        ("Anna (user8)", False),
        ("Gone", True),
    ]
    assert [c.key for c in chats] == ["user2", "chat6", "user7", "user8", "channel9"]
    assert report.accounts["Me Myself"] == {"telegram:user1", "tel:+447700900123"}
    assert report.accounts["Person 2"] == {"telegram:user2", "tel:+4915112345678"}
    # A namesake of the owner is another person, and so is a deleted account.
    assert messages_of(chats[2])[0].speaker == "Deleted account 7"
    assert messages_of(chats[3])[0].speaker == "Me Myself (user8)"
    assert report.skipped == {"saved messages: notes to oneself": 1, "chat with a bot": 2, "channel": 1, "verification codes": 1}


@pytest.mark.parametrize(
    ("kind", "group", "reason"),
    [
        ("personal_chat", False, None),
        ("private_group", True, None),
        ("private_supergroup", True, None),
        ("public_supergroup", True, None),
        ("saved_messages", None, "saved messages: notes to oneself"),
        ("replies", None, "replies to comments"),
        ("verification_codes", None, "verification codes"),
        ("bot_chat", None, "chat with a bot"),
        ("private_channel", None, "channel"),
        ("public_channel", None, "channel"),
    ],
)
def test_every_kind_of_chat(kind: str, group: bool | None, reason: str | None) -> None:
    chats, report = read({"chats": {"list": [chat(message(1, "hi"), type=kind), chat(message(1, "ho"), id=3)]}})
    assert [found.group for found in chats] == ([False] if reason else [group, False])
    assert report.skipped == ({reason: 1} if reason else {})


def test_a_group_may_write_as_itself_and_marks_on_a_message_change_nothing() -> None:
    reaction = {"type": "emoji", "emoji": "👍", "recent": [{"from": "Person 2", "from_id": "user2", "date": "2020-01-02T12:00:00"}]}
    marks = {"edited_unixtime": "1577999999", "reply_to_message_id": 7, "author": "Chief", "reactions": [reaction]}
    as_itself = message(1, "rules", **{"from": "Team", "from_id": "channel9"})
    chats, report = read(chat(as_itself, message(1, "hi", **marks), type="public_supergroup", name="Team", id=9))
    assert said(chats[0]) == [("Team", "rules", 1577876400.0), ("Person 1", "hi", 1577876400.0)]
    assert report.accounts["Team"] == {"telegram:channel9"}


def test_old_exports_have_bare_ids_and_local_dates() -> None:
    old = [{"type": "message", "date": "2019-05-31T21:28:30", "from": "Daan", "from_id": 4300, "text": "hi"}]
    chats, report = read({"name": "Anna", "type": "personal_chat", "id": 12, "messages": old})
    assert said(chats[0]) == [("Daan", "hi", 1559338110.0)]
    assert report.me == "Daan"


def test_the_exporter_s_broken_json_is_repaired() -> None:
    text = json.dumps(chat(message(1, "bell BELL and \\x41 kept")), indent=1).replace("BELL", r"\x07")
    text = text.replace('"from":', '"custom": {\n "document_id": video_files/sticker (2).webm\n },\n "from":')
    assert messages_of(read(text)[0][0])[0].text == "bell \x07 and \\x41 kept"
    with pytest.raises(SourceError, match="damaged or cut off"):
        read(text[:-20])


@pytest.mark.parametrize(("name", "chat_name"), [("test_single_export.json", "test_single_export"), ("test_batch_export.json", "Chatname")])
def test_the_fixtures_of_another_parser(data_dir: Path, name: str, chat_name: str) -> None:
    (found,), _ = sources.load(data_dir / "dev-chat-fixtures/chat-miner/telegram" / name)
    assert (found.name, found.group) == (chat_name, False)
    assert said(found) == [("Author 1", "Minimal Message", 1544006350.0), ("Author 2", "Link:https://telegram.org/", 1544006964.0)]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)


@given(st.lists(st.tuples(st.integers(1, 4), st.lists(texts, min_size=1, max_size=3), st.integers(0, 4 * 10**9)), min_size=1, max_size=8))
def test_messages_written_as_telegram_are_read_back(written: list[tuple[int, list[str], int]]) -> None:
    messages = (message(who, [*pieces], date_unixtime=str(time), id=id) for id, (who, pieces, time) in enumerate(written))
    (found,), report = read(chat(*messages, type="private_group"))
    expected = (Message(f"Person {who}", "".join(pieces), float(time), str(id)) for id, (who, pieces, time) in enumerate(written))
    assert found == Chat("Anna", tuple(expected), group=True, key="chat2")
    assert report.kept == len(written)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
FIELDS = ["id", "type", "date", "date_unixtime", "from", "from_id", "text", "text_entities", "name", "messages", "chats"]


@given(st.dictionaries(st.sampled_from(FIELDS), junk), st.dictionaries(st.sampled_from(FIELDS), junk), st.integers(0, 400))
def test_damage_never_ends_in_anything_but_a_source_error(wrong: dict[str, object], chat_wrong: dict[str, object], cut: int) -> None:
    good = message(1, "hi")
    text = json.dumps({**chat(good, {**good, **wrong}), **chat_wrong})
    for export in (text, text[:cut]):
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(SourceError):
            path = Path(folder, "result.json")
            path.write_text(export, encoding="utf-8", errors="surrogatepass")
            read_by(telegram, path)


def test_what_was_read_before_the_damage_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(chat(message(1, "hi"), message(2, "ho")))[:-40])
    found = next(telegram.read(path, ImportReport("telegram"), sources.ANYTHING))
    messages = iter(found.messages)
    assert next(messages).text == "hi"
    with pytest.raises(SourceError, match="damaged or cut off"):
        list(messages)


def test_a_long_chat_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(chat(*(message(1, "x" * 2000) for _ in range(5000))), indent=1))
    tracemalloc.start()
    count = sum(1 for found in sources.read(path, ImportReport("")) for _ in found.messages)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 5000 and peak < path.stat().st_size / 4
