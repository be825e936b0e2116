"""ChatGPT's export: the user's turns of the branch that was last on the screen."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import messages_of, read_by
from damage import bent
from homespun.errors import SourceError
from homespun.sources import chatgpt
from homespun.types import Chat, ImportReport, Message

Json = dict[str, Any]


def node(id: str, parent: str | None, text: object, role: str = "user", time: float | None = 1.7e9, **more: object) -> Json:
    content = text if isinstance(text, dict) else {"content_type": "text", "parts": [text]}
    message = {"id": f"m-{id}", "author": {"role": role}, "create_time": time, "content": content, "metadata": {}, "recipient": "all"}
    return {"id": id, "parent": parent, "children": [], "message": {**message, **more}}


def conversation(*nodes: Json, current: str | None = None, title: str | None = "Bread", id: str = "c1") -> Json:
    root: Json = {"id": "root", "parent": None, "children": [], "message": None}
    mapping = {one["id"]: one for one in (root, *nodes)}
    head = {"title": title, "create_time": 1.6e9, "update_time": 1.7e9, "mapping": mapping}
    return {**head, "current_node": current or nodes[-1]["id"], "conversation_id": id, "id": id}


def read(export: object, name: str = "conversations.json") -> tuple[list[Chat], ImportReport]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_text(export if isinstance(export, str) else json.dumps(export), encoding="utf-8")
        return read_by(chatgpt, path)


def test_the_branch_on_the_screen_counts_and_only_the_user_s_turns() -> None:
    chats, report = read(
        [
            conversation(
                node("a", "root", "How long?\n\n👩‍🍳", time=1.6e9),
                node("b", "a", "An hour.", "assistant"),
                node("c", "b", "A first try"),
                node("d", "b", "And then?", time=None),
                node("e", "d", "Eat.", "assistant"),
                current="e",
            )
        ]
    )
    said = Message("Me", "How long?\n\n👩‍🍳", 1.6e9, "m-a"), Message("Me", "And then?", 1.7e9, "m-d")
    assert chats == [Chat("Bread", said, group=False, key="c1", whole=True)]
    assert (report.me, report.skipped) == ("Me", {"not by the user": 2, "in a branch that was edited away": 1})


def test_what_was_not_typed_is_left_out_with_a_reason() -> None:
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"}
    spoken = {"content_type": "audio_transcription", "text": "spoken", "direction": "in"}
    turns = [
        node("1", "root", {"content_type": "user_editable_context", "user_profile": "I bake."}),
        node("2", "1", "hidden", metadata={"is_visually_hidden_from_conversation": True}),
        node("3", "2", "You are a baker.", "system"),
        node("4", "3", {"content_type": "multimodal_text", "parts": [picture]}),
        node("5", "4", {"content_type": "multimodal_text", "parts": [spoken]}),
        node("6", "5", {"content_type": "multimodal_text", "parts": [picture, "What is this?"]}),
        node("7", "6", " "),
        node("8", "7", {"content_type": "code", "text": "print()"}),
        node("9", "8", "searched", "tool"),
        node("10", "9", "Answer as a baker.", metadata={"is_user_system_message": True}),
        node("11", "10", "I bake.", metadata={"user_context_message_data": {"about_user_message": "I bake."}}),
        node("12", "11", {"content_type": "thoughts", "thoughts": []}, "assistant"),
    ]
    (chat,), report = read([conversation(*turns, title=None), "no conversation"])
    assert (chat.name, [m.text for m in messages_of(chat)]) == ("Untitled", ["What is this?"])
    assert report.skipped == {
        "custom instructions, or hidden": 4,
        "not by the user": 3,
        "media without text": 2,
        "empty message": 1,
        "not typed by the user": 1,
        "record that is no JSON object": 1,
    }


def test_a_zip_of_several_files_is_one_export(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for number in range(2):
            one = conversation(node("a", "root", f"hi {number}"), id=f"c{number}")
            archive.writestr(f"conversations-00{number}.json", json.dumps([one]))
        archive.writestr("user.json", json.dumps({"id": "u", "email": "Me@Example.org", "phone_number": "+4915112345678"}))
        archive.writestr("chat.html", "<html>")
        archive.writestr("shared_conversations.json", "[]")
    chats, report = read_by(chatgpt, tmp_path / "export.zip")
    assert [(c.key, [m.text for m in messages_of(c)]) for c in chats] == [("c0", ["hi 0"]), ("c1", ["hi 1"])]
    assert report.accounts == {"Me": {"mail:me@example.org", "tel:+4915112345678"}}


def test_an_object_around_the_list_another_name_and_a_circle() -> None:
    loop = conversation(node("a", "b", "first"), node("b", "a", "second"))
    (chat,), _ = read({"conversations": [loop]}, "renamed.json")
    assert [m.text for m in messages_of(chat)] == ["first", "second"]
    lost = conversation(node("a", "root", "hi"), current="gone")
    assert [m.text for m in messages_of(read([lost])[0][0])] == ["hi"]


def test_a_file_cut_off_says_so() -> None:
    text = json.dumps([conversation(node("a", "root", "hi")), conversation(node("a", "root", "ho"), id="c2")])
    for end in (-1, -30, -len(text) // 3):
        with pytest.raises(SourceError, match=r"conversations\.json: the JSON is damaged or cut off"):
            read(text[:end])


def test_another_machine_s_conversations_are_not_claimed() -> None:
    with pytest.raises(SourceError, match="in no known format"):
        read([{"uuid": "1", "name": "x", "chat_messages": [{"text": "hi", "sender": "human"}]}])


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)


@given(st.lists(st.tuples(texts, st.integers(1, 4 * 10**9)), min_size=1, max_size=6))
def test_turns_written_as_an_export_are_read_back(said: Sequence[tuple[str, int]]) -> None:
    turns: list[Json] = []
    for number, (text, time) in enumerate(said):
        turns.append(node(f"u{number}", f"a{number - 1}", text, time=time))
        turns.append(node(f"a{number}", f"u{number}", "Sure!", "assistant"))
    (chat,), report = read([conversation(*turns)])
    assert [(m.text, m.time) for m in messages_of(chat)] == [(text, float(time)) for text, time in said]
    assert report.kept == len(said)


@given(st.data())
def test_any_type_in_any_field(data: st.DataObject) -> None:
    export = [conversation(node("a", "root", "hi"), node("b", "a", {"content_type": "multimodal_text", "parts": [{}, "x"]}))]
    try:
        read(bent(export, data))
    except SourceError as error:
        assert "\n" not in str(error)
