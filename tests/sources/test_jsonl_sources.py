"""The two formats of our own: messages and reflections, one JSON object a line."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import messages_of
from homespun import sources
from homespun.errors import SourceError
from homespun.sources.reflections import ANSWERER
from homespun.types import Chat, ImportReport, Message


def read(*lines: object, format: str | None = "messages") -> tuple[list[Chat], ImportReport]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "words.jsonl")
        path.write_text(text + "\n", encoding="utf-8")
        return sources.load(path, format)


def said(text: object, speaker: object = "Anna", conv: object = "c", **more: object) -> dict[str, object]:
    return {"conv": conv, "speaker": speaker, "text": text, **more}


@pytest.mark.parametrize(
    ("ts", "clock", "seconds"),
    [
        (None, "none", None),
        (1577876400, "absolute", 1577876400.0),
        (1577876400.5, "absolute", 1577876400.5),
        (1577876400500, "absolute", 1577876400.5),
        ("2020-01-01T11:00", "absolute", 1577876400.0),
        ("2020-01-01 11:00:00.5", "absolute", 1577876400.5),
        ("2020-01-01T12:00+01:00", "absolute", 1577876400.0),
        ("2020-01-01T11:00:00Z", "absolute", 1577876400.0),
        ("-00:00:00:10", "relative", -10.0),
        ("01:02:03:04", "relative", 93784.0),
    ],
)
def test_the_kinds_of_time(ts: object, clock: str, seconds: float | None) -> None:
    chats, report = read(said("hi", ts=ts))
    assert chats == [Chat("c", (Message("Anna", "hi", seconds),), group=False, clock=chats[0].clock)]
    assert (chats[0].clock, report.notes) == (clock, [])


def test_one_chat_per_conversation_in_order_and_groups_from_three_on() -> None:
    chats, report = read(said("1", conv="b"), said("2", "Ben", "a"), said("3", "Ben", "b"), said("4", " Cem ", "b"), said("5", conv=7))
    assert [(chat.name, len(messages_of(chat)), chat.group) for chat in chats] == [("b", 3, True), ("a", 1, False), ("7", 1, False)]
    assert messages_of(chats[0])[2].speaker == "Cem" and report.kept == 5


def test_a_file_that_mixes_kinds_of_time_names_the_line() -> None:
    with pytest.raises(SourceError, match='line 3 has mission time but line 1 has a date without a zone: keep to one kind of "ts"'):
        read(said("a", ts="2020-01-01T11:00"), "", said("b", ts="00:00:00:10"))
    with pytest.raises(SourceError, match="line 2 has no time but line 1 has a number of seconds"):
        read(said("a", ts=5), said("b"))


def test_a_few_bad_lines_are_reported_and_many_refused() -> None:
    bad = ["{", '["list"]', said(" "), said(5), {"conv": "c", "text": "x"}, said("x", ts="yesterday"), said("x", ts=True), said("x", "")]
    chats, report = read(*[said("fine")] * 9, *bad)
    assert len(messages_of(chats[0])) == 9
    assert report.notes == [
        '8 of 17 lines could not be used: line 10 has no JSON, line 11 has no JSON object, line 12 has a blank "text", …',
    ]
    assert report.skipped['bad line: a "text" that is not a string'] == 1 and report.skipped.total() == 8
    with pytest.raises(SourceError, match=r'words.jsonl: line 2 has no JSON; each line should look like \{"conv": "Anna"'):
        read(*[said("fine")], *bad)


def test_the_real_corpora_are_read_fast_and_whole(data_dir: Path) -> None:
    counts = {"dev-apollo/messages.a13.jsonl": 11256, "dev-apollo/messages.a8.jsonl": 8933, "dev-ubuntu-irc/messages.jsonl": 64080}
    for name, count in counts.items():
        start = time.perf_counter()
        chats, report = sources.load(data_dir / name)
        assert (report.format, report.kept) == ("messages", count)
        assert {chat.clock for chat in chats} == {"relative" if "apollo" in name else "absolute"}
        assert time.perf_counter() - start < 2
    assert chats[0].group and len(chats) == 48


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)
names = words.map(str.strip)
moments = st.one_of(st.none(), st.integers(0, 4 * 10**9), st.floats(0, 4e9))


@given(st.lists(st.tuples(names, names, words, st.integers(-(10**9), 4 * 10**9)), min_size=1, max_size=8))
def test_messages_written_as_jsonl_are_read_back(lines: list[tuple[str, str, str, int]]) -> None:
    chats, _ = read(*(said(text, who, conv, ts=ts) for conv, who, text, ts in lines))
    expected: dict[str, list[Message]] = {}
    for conv, who, text, ts in lines:
        expected.setdefault(conv, []).append(Message(who, text, float(ts)))
    assert {chat.name: list(chat.messages) for chat in chats} == expected and [chat.name for chat in chats] == list(expected)


DAY = 86400


def test_each_reflection_gets_a_day_of_its_own() -> None:
    dates = ["1970-01-03", "1970-01-03T10:00:00", None, "1970-01-02", "1970-01-09"]
    (chat,), report = read(
        *({"question": f"q{n}", "answer": f"a{n}", "category": "x", "date": d} for n, d in enumerate(dates)), format=None
    )
    assert (chat.name, chat.clock, chat.group, report.me, report.format) == ("words", "absolute", False, ANSWERER, "reflections")
    assert [(m.speaker, m.text, m.time) for m in messages_of(chat)[:2]] == [("Question", "q3", 1.0 * DAY), ("Me", "a3", DAY + 60.0)]
    assert [m.text for m in messages_of(chat)[1::2]] == ["a3", "a0", "a1", "a2", "a4"]
    assert [m.time for m in messages_of(chat)[::2]] == [1.0 * DAY, 2.0 * DAY, 3.0 * DAY, 4.0 * DAY, 8.0 * DAY]


def test_reflections_without_dates_count_days_from_the_beginning() -> None:
    (chat,), report = read(*({"question": "q", "answer": f"a{n}"} for n in range(3)), {"question": "q", "answer": None}, format=None)
    assert [m.time for m in messages_of(chat)[::2]] == [0.0, DAY, 2 * DAY]
    assert report.notes == ['1 of 4 lines could not be used: line 4 has no "answer"']
