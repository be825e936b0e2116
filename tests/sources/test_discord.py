"""Discord, as DiscordChatExporter and as Discord itself export it."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chats import messages_of, read_by
from homespun.errors import SourceError
from homespun.sources import discord, discord_package
from homespun.types import Chat, Message

ANNA = {"id": "1", "name": "anna_1", "discriminator": "0000", "nickname": "Anna", "isBot": False}
BEN = {"id": "2", "name": "ben", "discriminator": "0000", "nickname": "Ben", "isBot": False}
OTHER = {**ANNA, "id": "3", "name": "another"}
DIRECT = {"id": "77", "type": "DirectTextChat", "name": "Anna"}
GENERAL = {"id": "88", "type": "GuildTextChat", "category": "Text", "name": "general"}
TIME = "2021-05-01T12:00:00.5+02:00"
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4
)


def message(author: object, content: str, id: str = "10", **more: object) -> dict[str, object]:
    return {"id": id, "type": "Default", "timestamp": TIME, "content": content, "author": author, "mentions": [], **more}


def export(path: Path, channel: object, *messages: object) -> Path:
    guild = {"id": "5", "name": "Club"} if channel is not DIRECT else {"id": "0", "name": "Direct Messages"}
    head = {"guild": guild, "channel": channel, "dateRange": {"after": None, "before": None}, "exportedAt": TIME}
    path.write_text(json.dumps({**head, "messages": list(messages), "messageCount": len(messages)}, indent=2, ensure_ascii=False))
    return path


def test_a_direct_chat_is_named_after_the_other_one(tmp_path: Path) -> None:
    path = export(tmp_path / "a.json", DIRECT, message(ANNA, "hi\n👩‍🚀"), message(BEN, "ho", "11", type="Reply"))
    chats, report = read_by(discord, path)
    expected = Message("Anna", "hi\n👩‍🚀", 1619863200.5, "10"), Message("Ben", "ho", 1619863200.5, "11")
    assert chats == [Chat("Anna", expected, False, key="77")]
    assert (report.me, report.accounts) == ("Ben", {"Anna": {"discord:1"}, "Ben": {"discord:2"}})


def test_parts_of_a_channel_are_one_chat_in_order(tmp_path: Path) -> None:
    for part in (10, 2, 1, 9):
        name = "Club - general [88]" + (f" [part {part}]" if part > 1 else "")
        export(tmp_path / f"{name}.json", GENERAL, message(ANNA, str(part), str(part)))
    export(tmp_path / "thread.json", {"id": "99", "type": "GuildPublicThread", "name": "plans"}, message(OTHER, "x"))
    (general, thread), report = read_by(discord, tmp_path)
    assert (general.name, general.key, general.group, general.whole) == ("Club: general", "88", True, False)
    assert [one.text for one in messages_of(general)] == ["1", "2", "9", "10"]
    assert (thread.name, thread.whole, messages_of(thread)[0].speaker) == ("Club: plans", True, "Anna (3)")
    assert report.me is None


def test_mentions_and_emoji_are_shown_as_people_see_them(tmp_path: Path) -> None:
    said = message(ANNA, "<@2> <@!2> <@1> <@9> <:wave:123> <a:dance_2:4> :smile: <#88>", mentions=[BEN])
    (chat,), _ = read_by(discord, export(tmp_path / "a.json", GENERAL, message(ANNA, "hi"), said))
    assert messages_of(chat)[1].text == "@Ben @Ben @Anna <@9> :wave: :dance_2: :smile: <#88>"


def test_what_nobody_typed_is_left_out_with_a_reason(tmp_path: Path) -> None:
    said = [
        message({"id": "6", "name": "ghost", "nickname": None}, "kept"),
        message(ANNA, "Joined the server.", type="GuildMemberJoin"),
        message({**BEN, "isBot": True}, "beep"),
        message(ANNA, "", attachments=[{"url": "a.png"}]),
        message(ANNA, "", stickers=[{"id": "4", "name": "wave"}]),
        message(ANNA, ""),
        message(ANNA, "", forwardedMessage={"content": "theirs"}),
        message(ANNA, "undated", timestamp=None),
        message(None, "whose?"),
        "not even an object",
    ]
    (chat,), report = read_by(discord, export(tmp_path / "a.json", GENERAL, *said))
    assert [(one.speaker, one.text) for one in messages_of(chat)] == [("ghost", "kept")]
    assert (sum(report.skipped.values()), report.skipped["forwarded: not the sender's words"]) == (9, 1)
    assert report.skipped["media without text"] == 2
    assert report.notes == ["1 records of a.json are no JSON objects: number 10"]


def test_a_damaged_file_does_not_spoil_the_rest(tmp_path: Path) -> None:
    good = export(tmp_path / "a.json", GENERAL, message(ANNA, "hi"), message(ANNA, "ho", "11"))
    (tmp_path / "b.json").write_text(good.read_text()[:-120])
    _, report = read_by(discord, tmp_path)
    assert report.kept == 3 and "b.json: the JSON is damaged or cut off" in report.notes[0]
    with pytest.raises(SourceError, match=r"^b\.json: the JSON is damaged or cut off"):
        read_by(discord, tmp_path / "b.json")


@settings(max_examples=50)
@given(
    st.dictionaries(st.sampled_from(["id", "type", "timestamp", "content", "author", "mentions", "attachments"]), JUNK),
    st.dictionaries(st.sampled_from(["id", "type", "name"]), JUNK) | JUNK,
    st.integers(100, 600),
)
def test_damage_never_ends_in_anything_but_a_source_error(wrong: dict[str, object], channel: object, cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = export(
            Path(folder, "a.json"), channel, {**message(ANNA, "hi"), **wrong}, {**message(ANNA, "hi"), "author": {**ANNA, **wrong}}
        )
        Path(folder, "b.json").write_text(path.read_text()[:cut])
        with contextlib.suppress(SourceError):
            read_by(discord, Path(folder))


USER = {"id": "2", "username": "ben", "global_name": "Ben", "email": "Ben@x.org", "phone": "+4915112345678"}
FRIEND = {"id": "1", "type": 1, "user": {"id": "1", "username": "anna_1", "global_name": "Anna"}}
ROWS = [
    {"ID": 12, "Timestamp": "2024-05-01 10:00:00.000000+00:00", "Contents": 'later, "quoted"\nline', "Attachments": ""},
    {"ID": 11, "Timestamp": "2024-05-01 10:00:00", "Contents": "hi <@1>", "Attachments": ""},
    {"ID": 10, "Timestamp": "2024-05-01 09:00:00.123000+00:00", "Contents": "", "Attachments": "https://cdn/a.png"},
]


def as_csv(rows: list[dict[str, object]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["ID", "Timestamp", "Contents", "Attachments"])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def package(path: Path, files: dict[str, object]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("account", "messages", "csv"), [("account", "messages", True), ("Account", "Messages", False), ("帳號", "訊息", False)]
)
def test_the_data_package_is_found_by_its_shape(tmp_path: Path, account: str, messages: str, csv: bool) -> None:
    said: dict[str, object] = {f"{messages}/c77/messages.csv": as_csv(ROWS)} if csv else {f"{messages}/c77/messages.json": ROWS}
    files = {
        "README.txt": "Welcome",
        f"{account}/user.json": {**USER, "relationships": [FRIEND]},
        f"{messages}/index.json": {"77": "Direct Message with anna_1#0", "88": None},
        f"{messages}/c77/channel.json": {"id": "77", "type": "DM", "recipients": ["1", "2"]},
        f"{messages}/c88/channel.json": {"id": "88", "type": 0, "name": "general", "guild": {"id": "5", "name": "Club"}},
        f"{messages}/c88/messages.json": ROWS[:1],
        "Servers/index.json": {"5": "Club"},
    }
    (direct, general), report = read_by(discord_package, package(tmp_path / "package.zip", files | said))
    time = 1714557600.0
    assert direct == Chat(
        "Direct Message with anna_1#0",
        (Message("Ben", "hi @Anna", time, "11"), Message("Ben", 'later, "quoted"\nline', time, "12")),
        False,
        key="77",
    )
    assert (general.name, general.key, general.group) == ("general in Club", "88", True)
    assert (report.me, report.skipped) == ("Ben", {"media without text": 1})
    assert report.accounts == {"Ben": {"discord:2", "mail:ben@x.org", "tel:+4915112345678"}}


@settings(max_examples=50)
@given(
    st.dictionaries(st.sampled_from(["ID", "Timestamp", "Contents", "Attachments"]), JUNK),
    st.dictionaries(st.sampled_from(["id", "type", "name", "guild", "username", "global_name", "relationships"]), JUNK) | JUNK,
    st.integers(0, 200),
)
def test_a_damaged_package_never_ends_in_anything_but_a_source_error(wrong: dict[str, object], thing: object, cut: int) -> None:
    text = json.dumps([ROWS[0], {**ROWS[1], **wrong}])
    files = {"m/index.json": thing, "a/user.json": thing, "m/c1/channel.json": thing, "m/c1/messages.json": text}
    files |= {"m/c2/channel.json": thing, "m/c2/messages.json": text[:cut], "m/c3/channel.json": {}, "m/c3/messages.csv": text}
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(SourceError):
        read_by(discord_package, package(Path(folder, "package.zip"), files))
