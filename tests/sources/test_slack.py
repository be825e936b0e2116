"""Slack exports: a real one, and each thing that Slack writes in its own way."""

from __future__ import annotations

import contextlib
import json
import tempfile
import zipfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from chats import messages_of, read_by
from homespun.errors import SourceError
from homespun.sources import slack
from homespun.types import Chat, ImportReport, Message

USERS = [
    {"id": "U1", "name": "anna1", "profile": {"display_name": "Anna", "email": "Anna@x.org", "phone": "+49 151 12345678"}},
    {"id": "U2", "name": "anna2", "profile": {"display_name": "", "real_name": "Anna"}},
    {"id": "U3", "name": "ben", "profile": {}},
    {"id": "U4", "name": "poll", "is_bot": True, "profile": {}},
]


def message(user: str, text: str, ts: str = "1456427378.000002", **more: object) -> dict[str, object]:
    return {"type": "message", "user": user, "text": text, "ts": ts, **more}


def read(days: dict[str, object], **lists: object) -> tuple[list[Chat], ImportReport]:
    lists = {"users": USERS, "channels": [{"id": "C1", "name": "general"}], **lists}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "export.zip")
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in [*lists.items(), *days.items()]:
                archive.writestr(f"{name}.json", content if isinstance(content, str) else json.dumps(content))
        return read_by(slack, path)


def test_a_real_export(data_dir: Path) -> None:
    (enrique, sailor), report = read_by(slack, data_dir / "dev-chat-fixtures/slack-export-viewer/testarchive.zip")
    assert [(chat.name, chat.key, chat.group, len(messages_of(chat))) for chat in (enrique, sailor)] == [
        ("#enrique", "C0JGLMMNX", True, 30),
        ("#traveling-sailor", "C0JL6CGQ2", True, 19),
    ]
    said = messages_of(enrique)
    text = "@abilinski: Created an issue for a setup.py so that it can be installed to a standard place"
    assert said[0] == Message("hamza", text, 1452837352.000006, "1452837352.000006")
    assert said[3].text == 'Nope. Just "install" the executor.'
    assert said[5].text == "Here's an example: https://github.com/hfaran/progressive/blob/master/setup.py"
    assert report.skipped == {"message by a bot": 97, "service message": 9, "media without text": 3}
    assert (report.kept, report.me, report.accounts["hamza"]) == (49, None, {"slack:U0BMQB6JE"})


def test_slack_s_own_signs_are_read_as_they_were_typed() -> None:
    typed = {
        "<@U1> <@U2|old> <@U9|gone> <@U8>": "@Anna @Anna @gone @U8",
        "<#C1|was> <#C9|other>": "#general #other",
        "<!here> <!channel> <!subteam^S1|@team> <!date^1^{date}|today>": "@here @channel @team today",
        "<https://x.org/?a=1&amp;b=2|x.org> <https://y.org> <mailto:a@x.org|a@x.org>": "x.org https://y.org a@x.org",
        "a &lt; b &amp;&amp; c &gt; d &amp;lt;\n:man-shrug::skin-tone-2: *b*": "a < b && c > d &lt;\n:man-shrug::skin-tone-2: *b*",
    }
    (chat,), _ = read({"general/2020-01-01": [message("U1", text, f"{n}.5") for n, text in enumerate(typed)]})
    assert [one.text for one in messages_of(chat)] == list(typed.values())


def test_words_that_are_in_the_blocks_alone_are_read_there() -> None:
    def part(kind: str, *elements: object) -> dict[str, object]:
        return {"type": kind, "elements": list(elements)}

    def text(words: str) -> dict[str, object]:
        return {"type": "text", "text": words}

    signs = [{"type": "user", "user_id": "U1"}, {"type": "channel", "channel_id": "C1"}, {"type": "broadcast", "range": "here"}]
    links = [{"type": "link", "url": "https://x.org", "text": "x"}, text(" "), {"type": "link", "url": "https://y.org"}]
    items = [part("rich_text_section", text(item)) for item in ("flour", "salt")]
    rich = part(
        "rich_text",
        part("rich_text_section", text("a < b & c "), *signs, {"type": "emoji", "name": "wave"}, text("\n")),
        part("rich_text_list", *items),
        part("rich_text_quote", *links),
    )
    (chat,), report = read(
        {"general/2020-01-01": [message("U1", "", blocks=[{"type": "divider"}, rich]), message("U1", "text", blocks=[rich])]}
    )
    assert [one.text for one in messages_of(chat)] == ["a < b & c @Anna#general@here:wave:\nflour\nsalt\nx https://y.org", "text"]
    assert report.skipped == {}


def test_namesakes_stay_two_and_accounts_are_known() -> None:
    (chat,), report = read({"general/2020-01-01": [message(user, "hi") for user in ("U1", "U2", "U3", "W9")]})
    assert [one.speaker for one in messages_of(chat)] == ["Anna", "Anna (U2)", "ben", "W9"]
    assert report.accounts["Anna"] == {"slack:U1", "mail:anna@x.org", "tel:+4915112345678"}
    assert report.accounts["Anna (U2)"] == {"slack:U2"}


def test_a_thread_is_a_chat_of_its_own_over_several_days() -> None:
    root = message("U1", "who comes?", "1.1", thread_ts="1.1", reply_count=2)
    days: dict[str, object] = {
        "general/2020-01-01": [root, message("U3", "hello", "2.0")],
        "general/2020-01-02": [
            message("U2", "I", "90000.0", thread_ts="1.1"),
            message("U3", "me", "3.0", thread_ts="1.1", subtype="thread_broadcast"),
        ],
    }
    (channel, thread), _ = read(days)
    assert (channel.name, channel.key, channel.whole, [m.text for m in messages_of(channel)]) == ("#general", "C1", False, ["hello"])
    assert (thread.name, thread.key, thread.whole) == ("#general (thread)", "C1:1.1", True)
    assert [m.text for m in messages_of(thread)] == ["who comes?", "I", "me"]


def test_private_and_direct_chats_of_an_enterprise_export() -> None:
    lists: dict[str, object] = {
        "groups": [{"id": "G1", "name": "secret", "members": ["U1"]}],
        "dms": [{"id": "D1", "members": ["U1", "U3"]}],
        "mpims": [{"id": "G2", "name": "mpdm-anna1--ben-1", "members": ["U1", "U2", "U3"]}],
    }
    folders: dict[str, object] = {
        f"{folder}/2020-01-01": [message("U1", "hi")] for folder in ("D1", "mpdm-anna1--ben-1", "secret", "renamed")
    }
    chats, _ = read(folders, users="[]", org_users=USERS, **lists)
    assert [(chat.name, chat.key, chat.group) for chat in chats] == [
        ("Anna, ben", "D1", False),
        ("Anna, Anna, ben", "G2", True),
        ("#renamed", "renamed", False),
        ("#secret", "G1", True),
    ]


def test_what_nobody_typed_is_left_out_with_a_reason() -> None:
    said = [
        message("U1", "kept", subtype="me_message"),
        message("U1", "a caption", subtype="file_share", files=[{}]),
        message("U1", "<@U1> uploaded a file: <https://x|y>", subtype="file_share"),
        message("U1", "", files=[{}]),
        message("U1", ""),
        message("U1", "<@U1> has joined the channel", subtype="channel_join"),
        message("U4", "vote!"),
        message("USLACKBOT", "Reminder"),
        {"type": "message", "subtype": "bot_message", "bot_id": "B1", "text": "built", "ts": "1.0"},
        {"type": "message", "text": "whose?", "ts": "1.0"},
        message("U1", "undated", "soon"),
        "not even an object",
    ]
    (chat,), report = read({"general/2020-01-01": said})
    assert [one.text for one in messages_of(chat)] == ["kept", "a caption"]
    assert report.skipped == {
        "media without text": 2,
        "empty message": 1,
        "service message": 1,
        "message by a bot": 3,
        "message without a sender": 1,
        "message without a date": 1,
        "record that is no JSON object": 1,
    }


def test_a_damaged_day_does_not_spoil_the_others() -> None:
    _, report = read({"general/2020-01-01": [message("U1", "hi")], "general/2020-01-02": '[{"type": "mess'})
    assert report.kept == 1 and "general/2020-01-02.json: the JSON is damaged or cut off" in report.notes[0]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4
)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["U1", "U2", "U3"]), texts), min_size=1, max_size=6))
def test_messages_written_as_slack_are_read_back(written: list[tuple[str, str]]) -> None:
    escaped = [text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for _, text in written]
    days = [message(user, text, f"{n}.000001") for n, ((user, _), text) in enumerate(zip(written, escaped, strict=True))]
    (chat,), _ = read({"general/2020-01-01": days})
    names = {"U1": "Anna", "U2": "Anna (U2)", "U3": "ben"}
    assert {one.text for one in messages_of(chat)} == {text for _, text in written}
    assert [one.id for one in messages_of(chat)] == [f"{n}.000001" for n in range(len(written))]
    assert {one.speaker.partition(" ")[0] for one in messages_of(chat)} == {names[user].partition(" ")[0] for user, _ in written}


@settings(max_examples=40)
@given(
    st.dictionaries(st.sampled_from(["type", "subtype", "user", "text", "ts", "thread_ts", "bot_id", "user_profile", "blocks"]), junk),
    st.lists(st.dictionaries(st.sampled_from(["id", "name", "profile", "members", "is_bot"]), junk), max_size=2) | junk,
    st.integers(0, 100),
)
def test_damage_never_ends_in_anything_but_a_source_error(wrong: dict[str, object], listed: object, cut: int) -> None:
    text = json.dumps([{**message("U1", "hi"), **wrong}])
    for day in (text, text[:cut]):
        with contextlib.suppress(SourceError):
            read({"general/2020-01-01": day}, users=listed, channels=listed, dms=listed)
