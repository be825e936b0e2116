"""Google Chat of a Takeout: who is the owner, what is left out, and dates in the language of the account."""

from __future__ import annotations

import contextlib
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chats import messages_of, read_by
from homespun.errors import SourceError
from homespun.sources import google_chat
from homespun.sources.google_dates import Dates
from homespun.types import Chat, Message

ME, ANNA, OTHER = ({"name": n, "email": e, "user_type": "Human"} for n, e in [("Me", "Me@x.org"), ("Anna", "a@x.org"), ("Anna", "b@x.org")])
DATE = "Tuesday, January 12, 2021 at 5:44:37\u202fPM UTC"


def message(creator: object, text: str, date: str = DATE, **more: object) -> dict[str, object]:
    return {"creator": creator, "created_date": date, "text": text, "topic_id": "t", "message_id": f"g/t/{text}", **more}


def export(root: Path, groups: dict[str, tuple[object, object]], names: tuple[str, str, str] = ("Google Chat", "Groups", "Users")) -> Path:
    for folder, (info, messages) in groups.items():
        place = root / "Takeout" / names[0] / names[1] / folder
        place.mkdir(parents=True)
        (place / "group_info.json").write_text(json.dumps(info))
        (place / "messages.json").write_text(messages if isinstance(messages, str) else json.dumps({"messages": messages}))
    user = root / "Takeout" / names[0] / names[2] / "User 1"
    user.mkdir(parents=True)
    (user / "user_info.json").write_text(json.dumps({"user": ME, "membership_info": []}))
    return root


def test_an_export_is_found_by_its_shape_and_says_whose_it_is(tmp_path: Path) -> None:
    direct = {"members": [ME, ANNA]}
    space = {"name": "Trip", "members": [ME, ANNA, OTHER]}
    said = [message(ANNA, "hi\nthere 👩‍🚀"), message(ME, "*ho*", quoted_message_metadata={"creator": ANNA, "text": "hi"})]
    root = export(tmp_path, {"DM AbC": (direct, said), "Space XyZ": (space, [message(OTHER, "x")])}, ("谷歌 Chat", "群组", "用户"))
    chats, report = read_by(google_chat, root)
    time = datetime(2021, 1, 12, 17, 44, 37, tzinfo=UTC).timestamp()
    expected = Message("Anna", "hi\nthere 👩‍🚀", time, "g/t/hi\nthere 👩‍🚀"), Message("Me", "*ho*", time, "g/t/*ho*")
    assert chats[0] == Chat("Anna", expected, False, key="AbC")
    assert (chats[1].name, chats[1].group, messages_of(chats[1])[0].speaker) == ("Trip", True, "Anna (b@x.org)")
    assert (report.me, report.kept, report.notes) == ("Me", 3, [])
    assert report.accounts == {"Anna": {"mail:a@x.org"}, "Me": {"mail:me@x.org"}, "Anna (b@x.org)": {"mail:b@x.org"}}


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    said = [
        message(ANNA, "kept"),
        message({"name": "Meet", "user_type": "Bot"}, "a call"),
        {"created_date": DATE, "message_state": "DELETED", "message_id": "1"},
        message(ANNA, "", attached_files=[{"original_name": "a.png"}]),
        message(ANNA, ""),
        {"created_date": DATE, "text": "whose?"},
        message(ANNA, "undated", "some time ago"),
        7,
    ]
    _, report = read_by(google_chat, export(tmp_path, {"DM A": ({}, said)}))
    assert (report.kept, sum(report.skipped.values())) == (1, 7)
    assert report.skipped["message without a date that can be read"] == report.skipped["deleted message"] == 1


def test_a_damaged_conversation_does_not_spoil_the_rest(tmp_path: Path) -> None:
    good = json.dumps({"messages": [message(ANNA, "hi"), message(ANNA, "ho")]})
    _, report = read_by(google_chat, export(tmp_path, {"DM A": ({}, good), "DM B": ({}, good[:-60])}))
    (tmp_path / "Takeout/Google Chat/Groups/DM B/group_info.json").write_text("{")
    assert read_by(google_chat, tmp_path)[1].kept == 3
    assert report.kept == 3 and "DM B/messages.json: the JSON is damaged or cut off" in report.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        DATE,
        "Tuesday, 12 January 2021 at 17:44:37 UTC",
        "2021年1月12日星期二 UTC 17:44:37",
        "2021年1月12日星期二 UTC 下午5:44:37",
        "2021年1月12日火曜日 17:44:37 UTC",
        "2021년 1월 12일 화요일 오후 5시 44분 37초 UTC",
        "Dienstag, 12. Januar 2021 um 17:44:37 UTC",
        "mardi 12 janvier 2021 à 17:44:37 UTC",
        "martes, 12 de enero de 2021, 17:44:37 UTC",
        "martedì 12 gennaio 2021 alle ore 17:44:37 UTC",
        "terça-feira, 12 de janeiro de 2021 às 17:44:37 UTC",
        "dinsdag 12 januari 2021 om 17:44:37 UTC",
        "tiistai 12. tammikuuta 2021 klo 17.44.37 UTC",
        "вторник, 12 января 2021 г., 17:44:37 UTC",
        # Not in the table: looked up.
        "2021. január 12., kedd 17:44:37 UTC",
        "úterý 12. ledna 2021 17:44:37 UTC",
        "12 Ocak 2021 Salı 17:44:37 UTC",
        "Thứ Ba, 12 tháng 1, 2021 lúc 17:44:37 UTC",
        "الثلاثاء، ١٢ يناير ٢٠٢١ في ٥:٤٤:٣٧ م UTC",
        "יום שלישי, 12 בינואר 2021 בשעה 17:44:37 UTC",
    ],
)
def test_dates_are_read_in_the_language_of_the_account(text: str) -> None:
    assert Dates().seconds(text) == 1610473477.0


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)))
def test_english_dates_of_both_clocks_are_read_back(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    names = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
    day, hour = f"Monday, {names[moment.month - 1]} {moment.day}, {moment.year}", moment.hour % 12 or 12
    half = f"{hour}:{moment:%M:%S}\u202f{'PM' if moment.hour > 11 else 'AM'}"
    for clock in (half, f"{moment:%H:%M:%S}"):
        assert Dates().seconds(f"{day} at {clock} UTC") == moment.timestamp()


@given(st.text() | st.none() | st.integers() | st.from_regex(r"[\d:., /-]{5,30}", fullmatch=True))
def test_no_text_is_too_strange_for_a_date(text: object) -> None:
    dates = Dates()
    dates._failed = 1000  # the slow way has its own tests
    assert dates.seconds(text) is None or isinstance(text, str)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4
)


@settings(max_examples=50)
@given(
    st.dictionaries(st.sampled_from(["creator", "created_date", "text", "message_id", "attached_files"]), junk),
    st.dictionaries(st.sampled_from(["name", "members"]), junk) | junk,
    st.integers(0, 300),
)
def test_damage_never_ends_in_anything_but_a_source_error(wrong: dict[str, object], info: object, cut: int) -> None:
    text = json.dumps({"messages": [message(ANNA, "hi"), {**message(ANNA, "ho"), **wrong}]})
    with tempfile.TemporaryDirectory() as folder:
        for number, said in enumerate((text, text[:cut])):
            root = export(Path(folder, str(number)), {"DM A": (info, said)})
            with contextlib.suppress(SourceError):
                read_by(google_chat, root)
