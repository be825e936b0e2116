"""Messenger and Instagram: folders of chats, the encrypted download, and letters that were bytes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import messages_of, read_by
from damage import bent
from homespun.errors import SourceError
from homespun.sources import meta
from homespun.types import Chat, ImportReport

Json = dict[str, Any]


def garbled(text: str) -> str:
    """As the export writes it: each byte of UTF-8 as a letter."""
    return text.encode().decode("latin-1")


def said(sender: str, text: str | None, time: float, **more: object) -> Json:
    content = {} if text is None else {"content": garbled(text)}
    return {"sender_name": garbled(sender), "timestamp_ms": int(time * 1000), **content, **more}


def thread(*messages: object, title: str = "Zoë", people: tuple[str, ...] = ("Zoë", "Ben"), **more: object) -> Json:
    head = {"participants": [{"name": garbled(name)} for name in people], "messages": list(messages), "title": garbled(title)}
    return {**head, "is_still_participant": True, "magic_words": [], **more}


def read(files: Mapping[str, object]) -> tuple[list[Chat], ImportReport]:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return read_by(meta, path if len(files) == 1 and "/" not in name else Path(folder))


def texts_of(chat: Chat) -> list[str]:
    return [message.text for message in messages_of(chat)]


@pytest.mark.parametrize("root", ["", "your_activity_across_facebook/", "your_facebook_activity/", "your_instagram_activity/"])
@pytest.mark.parametrize("section", ["inbox", "archived_threads", "filtered_threads", "message_requests", "e2ee_cutover"])
def test_a_chat_is_read_from_its_highest_file_to_its_first(root: str, section: str) -> None:
    place = f"{root}messages/{section}/zoe_1234567890"
    pages = {n: thread(said("Ben", f"b{n}", 1000 - n), said("Zoë", f"café {n} 👩‍🚀", 999.5 - n)) for n in (1, 2, 10)}
    (chat,), _ = read({f"{place}/message_{n}.json": page for n, page in pages.items()})
    expected = [
        (who, text, 1000 - n - late) for n in (10, 2, 1) for who, text, late in (("Zoë", f"café {n} 👩‍🚀", 0.5), ("Ben", f"b{n}", 0))
    ]
    assert [(m.speaker, m.text, m.time) for m in messages_of(chat)] == expected
    assert (chat.name, chat.key, chat.group) == ("Zoë", "1234567890", False)


def test_the_fixture_of_another_parser(data_dir: Path) -> None:
    folder = data_dir / "dev-chat-fixtures/chat-miner/instagram"
    (chat,), _ = read_by(meta, folder / "test_export.json")
    # Theirs is newest first and to the minute, in the time zone of whoever made it.
    target = json.loads((folder / "target.json").read_text())[::-1]
    assert [(m.speaker, m.text) for m in messages_of(chat)] == [(one["author"], one["message"]) for one in target]
    assert [m.time for m in messages_of(chat)] == [1577186580.0, 1579294140.0]
    assert chat.name == "test_export"


def test_an_encrypted_download_is_a_file_for_each_chat() -> None:
    def sent(sender: str, text: str, time: int, **more: object) -> Json:
        return {"senderName": sender, "text": text, "timestamp": time * 1000, "type": "text", "isUnsent": False, "media": [], **more}

    messages = [sent("Ben", garbled("Hallo Zoë"), 1), sent("Ben", "oops", 2, isUnsent=True), sent("Zoe", "café", 3)]
    files = {f"messages/Zoe_{n}.json": {"participants": ["Ben", "Zoe"], "threadName": "Zoe", "messages": messages} for n in (1, 2)}
    chats, report = read(files)
    assert [(c.name, c.key, c.group, texts_of(c)) for c in chats] == [
        ("Zoe", "Zoe_1", False, ["Hallo Zoë", "café"]),
        ("Zoe", "Zoe_2", False, ["Hallo Zoë", "café"]),
    ]
    assert report.skipped == {"unsent": 2}


def test_only_what_a_person_wrote_counts() -> None:
    chats, report = read(
        {
            "message_1.json": thread(
                said("Ben", "You are now connected on Messenger, she said", 1, type="Generic"),
                said("Ben", "Zoë called him.", 2),
                said("Zoë", "http://example.org", 3, type="Share", share={"link": "http://example.org"}),
                said("Zoë", "Zoë called you.", 4, call_duration=0),
                said("Ben", "Ben sent an attachment.", 5, share={"link": "x"}),
                said("Ben", "Liked a message", 6),
                said("Ben", "Reacted 😍 to your message ", 7),
                said("Ben", "You are now connected on Messenger.", 8),
                said("Zoë", "Zoë set the nickname for Ben to B.", 9),
                said("Zoë", None, 10, photos=[{"uri": "x.jpg"}]),
                said("Zoë", None, 11, sticker={"uri": "x"}),
                said("Zoë", None, 12),
                said("Zoë", "secret", 13, is_unsent=True),
                said("Zoë", "removed Zoë from the group", 14, type="Unsubscribe"),
                said("Zoë", "The call was short.", 15, type="Call"),
                {"sender_name": "Zoe", "content": "undated"},
                "no message",
            )
        }
    )
    assert texts_of(chats[0]) == ["You are now connected on Messenger, she said", "Zoë called him.", "http://example.org"]
    assert report.skipped == {
        "service message": 8,
        "media without text": 2,
        "empty message": 1,
        "unsent": 1,
        "message without a date": 1,
        "record that is no JSON object": 1,
    }


@pytest.mark.parametrize(
    ("line", "service"),
    [
        ("Anna Lee started a video chat.", True),
        ("Anna named the group Trip to Rome", True),
        ("You missed a call from Anna.", True),
        ("Ben voted for “pizza” in the poll.", True),
        ("The video chat ended.", True),
        ("Anna turned on vanish mode.", True),
        ("You called him.", False),
        ("Anna left", False),
        ("I think Anna Lee started a video chat.", False),
        ("Carl left the group.", False),
        ("You turned off the light?", False),
        ("Anna left the group.\nWhy?", False),
    ],
)
def test_lines_of_the_app_are_known_whole(line: str, service: bool) -> None:
    assert meta.is_service(line, ["Anna Lee", "Anna", "Ben"]) is service


def test_the_profile_or_else_being_in_every_chat_tells_the_owner() -> None:
    files: dict[str, object] = {
        f"messages/inbox/x_{n}/message_1.json": thread(said("Zoë", "x", 1), people=(name, "Bén")) for n, name in enumerate(("Zoë", "Cem"))
    }
    assert read(files)[1].me == "Bén"
    values = {"Name": {"value": garbled("Bén")}, "Username": {"value": "ben"}, "Email": {"value": "B@example.org"}}
    instagram = {"profile_user": [{"string_map_data": values}]}
    for folder in ("personal_information", "personal_information/personal_information", "account_information"):
        _, report = read({**files, f"{folder}/personal_information.json": instagram})
        assert (report.me, report.accounts) == ("Bén", {"Bén": {"instagram:ben", "mail:b@example.org"}})
    profile = {"name": {"full_name": garbled("Bén")}, "emails": {"emails": ["b@example.org"]}}
    _, report = read({**files, "profile_information/profile_information.json": {"profile_v2": profile}})
    assert (report.me, report.accounts) == ("Bén", {"Bén": {"mail:b@example.org"}})


def test_those_who_left_are_not_one_person() -> None:
    chats, _ = read({f"messages/inbox/{n}/message_1.json": thread(said("Facebook user", "x", 1), title="") for n in ("a", "b")})
    assert [(c.name, messages_of(c)[0].speaker) for c in chats] == [("a", "Somebody in a"), ("b", "Somebody in b")]


def test_a_damaged_file_of_many_is_left_out_and_named() -> None:
    files = {"messages/inbox/a/message_1.json": thread(said("Ben", "kept", 1)), "messages/inbox/b/message_1.json": '{"messages": ['}
    (chat,), report = read(files)
    assert texts_of(chat) == ["kept"]
    assert report.skipped == {"damaged file": 1}
    assert report.notes[0].startswith("left out messages/inbox/b/message_1.json: the JSON is damaged or cut off")
    with pytest.raises(SourceError, match=r"^message_1\.json: the JSON is damaged"):
        read({"message_1.json": json.dumps(thread(said("Ben", "kept", 1)))[:-40]})


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(lambda text: text.strip() != "")


@given(st.lists(st.tuples(st.sampled_from(["Zoë", "Ben"]), texts), min_size=1, max_size=9), st.integers(1, 4))
def test_messages_written_as_an_export_are_read_back(talk: list[tuple[str, str]], size: int) -> None:
    messages = [said(who, text, 1 + number) for number, (who, text) in enumerate(talk)][::-1]
    pages = [messages[start : start + size] for start in range(0, len(messages), size)]
    (chat,), _ = read({f"messages/inbox/zoe_1234567890/message_{n}.json": thread(*page) for n, page in enumerate(pages, start=1)})
    assert [(m.speaker, m.text) for m in messages_of(chat)] == talk


@given(st.data())
def test_any_type_in_any_field(data: st.DataObject) -> None:
    profile = {"profile_user": [{"string_map_data": {"Name": {"value": "Ben"}}}]}
    files = {"inbox/a/message_1.json": thread(said("Ben", "x", 1)), "personal_information.json": profile}
    try:
        read(bent(files, data))
    except SourceError as error:
        assert "\n" not in str(error)
