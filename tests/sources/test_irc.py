"""IRC logs as the usual clients write them."""

from __future__ import annotations

import contextlib
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import messages_of, read_by
from homespun import sources
from homespun.errors import SourceError
from homespun.sources import irc
from homespun.types import Chat, ImportReport


def read(text: str, name: str = "log.txt") -> tuple[Chat, ImportReport]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
        (chat,), report = read_by(irc, path)
    return chat, report


def at(stamp: str) -> float:
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()


IRSSI = """--- Log opened Fri Nov 05 23:58:00 2004
23:58 -!- anna [~a@example.org] has joined #tea
23:58 [Users #tea]
23:58 -!- Irssi: #tea: Total of 2 nicks
23:59 <@anna> hi
23:59 -server- notice for you
--- Day changed Sat Nov 06 2004
00:01 < ben_> hello  there
00:02  * anna waves
00:02 -!- mode/#tea [+o ben_] by anna
--- Log closed Sat Nov 06 00:03:00 2004
"""
WEECHAT = """2004-11-05 23:58:00\t-->\tanna (~a@example.org) has joined #tea
2004-11-05 23:59:00\t@anna\thi
2004-11-05 23:59:10\t--\tNotice(server): for you
2004-11-06 00:01:00\tben_\thello  there
2004-11-06 00:02:00\t *\tanna waves
2004-11-06 00:03:00\t<--\tben_ (~b@example.org) has quit (bye)
"""
HEXCHAT = """**** BEGIN LOGGING AT Fri Nov  5 23:58:00 2004

Nov 05 23:58:00 *\tNow talking on #tea
Nov 05 23:58:00 *\tanna (~a@example.org) has joined
Nov 05 23:59:00 <anna>\thi
Nov 05 23:59:10 -server-\tfor you
Nov 06 00:01:00 <ben_>\thello  there
Nov 06 00:02:00 *\tanna waves
Nov 06 00:02:10 *\tChanServ gives channel operator status to anna
**** ENDING LOGGING AT Sat Nov  6 00:03:00 2004
"""
MIRC = """Session Start: Fri Nov 05 23:58:00 2004
Session Ident: #tea
[23:58] * anna (~a@example.org) has joined #tea
[23:58] * ChanServ sets mode: +o anna
[23:59] <@anna> \x0304hi\x0f
[00:01] <ben_> hello  there
[00:02] * anna waves
[00:02] * ben_ is now known as ben
Session Close: Sat Nov 06 00:03:00 2004
"""
ZNC = """[23:58:00] *** Joins: anna (~a@example.org)
[23:59:00] <anna> hi
[23:59:10] -server- for you
[00:01:00] <+ben_> hello  there
[00:02:00] * anna waves
[00:02:10] *** Quits: ben_ (~b@example.org) (bye)
"""
UBUNTU = """=== anna [~a@example.org] has joined #tea
[23:59] <anna> hi
[00:01] <ben_> hello  there
[00:02]  * anna waves
=== ben_ is now known as ben
"""
DATED = """2004-11-05T23:59:00 <anna> hi
2004-11-06T00:01:00 <ben_> hello  there
2004-11-06T00:02:00 * anna waves
"""
CLIENTS = [
    ("irssi", IRSSI, "x.log", {"join, part, mode or the like": 6, "line that is no message": 1, "notice": 1}),
    ("WeeChat", WEECHAT, "irc.libera.#tea.weechatlog", {"join, part, mode or the like": 2, "notice": 1}),
    ("HexChat", HEXCHAT, "x.log", {"join, part, mode or the like": 5, "notice": 1}),
    ("mIRC", MIRC, "x.log", {"join, part, mode or the like": 6}),
    ("ZNC", ZNC, "#tea/2004-11-05.log", {"join, part, mode or the like": 2, "notice": 1}),
    ("older ZNC", ZNC, "anna_libera_#tea_20041105.log", {"join, part, mode or the like": 2, "notice": 1}),
    ("a public logger", UBUNTU, "2004-11-05.txt", {"join, part, mode or the like": 2}),
    ("whole dates", DATED, "#tea.log", {}),
]


@pytest.mark.parametrize(("text", "name", "skipped"), [client[1:] for client in CLIENTS], ids=[client[0] for client in CLIENTS])
def test_every_client_gives_the_same_messages(text: str, name: str, skipped: dict[str, int]) -> None:
    chat, report = read(text, name)
    assert (chat.name, chat.group, chat.clock, report.skipped) == ("#tea", True, "absolute", skipped)
    assert [(message.speaker, message.text, message.time) for message in messages_of(chat)] == [
        ("anna", "hi", at("2004-11-05T23:59")),
        ("ben_", "hello  there", at("2004-11-06T00:01")),
        ("anna", "/me waves", at("2004-11-06T00:02")),
    ]


def test_a_year_ends_in_a_log_that_does_not_tell_it() -> None:
    chat, _ = read("**** BEGIN LOGGING AT Fri Dec 31 23:00:00 2004\nDec 31 23:00:00 <a>\tx\nJan 01 00:10:00 <b>\ty\n")
    assert [message.time for message in messages_of(chat)] == [at("2004-12-31T23:00"), at("2005-01-01T00:10")]


def test_without_a_day_time_counts_from_the_first_midnight_and_without_a_clock_it_does_not_count() -> None:
    chat, _ = read("[23:59] <anna> hi\n[00:01] <ben> ho\n[00:02] <anna> x\n", "tea.log")
    assert (chat.name, chat.clock, [message.time for message in messages_of(chat)]) == ("tea", "relative", [86340.0, 86460.0, 86520.0])
    chat, _ = read("<anna> hi\n<ben> ho\n<anna> x\n", "tea.log")
    assert (chat.name, chat.clock, [message.time for message in messages_of(chat)]) == ("tea", "none", [None] * 3)


@pytest.mark.parametrize(
    "text",
    [
        "13/05/2023, 21:05 - Anna: hi\n13/05/2023, 21:06 - Ben: <Media omitted>\n",
        "<html> x\n<body> y\n<html> z\n</body>\n",
        "Anna: hi\nBen: ho\nAnna: hi\nBen: ho\n",
        "2024-01-01 12:00:00 INFO started\n2024-01-01 12:00:01 INFO <main> running\n2024-01-01 12:00:01 INFO x\n",
        "* one\n* two\n* three\n",
        "00:00:01,000 --> 00:00:02,000\n<i>hello</i>\n",
    ],
)
def test_what_is_no_log_is_left_to_others(text: str) -> None:
    assert not irc.detect(Path("x.txt"), text)


def test_the_logs_of_a_public_channel(data_dir: Path) -> None:
    chats, report = read_by(irc, data_dir / "dev-ubuntu-irc/raw")
    raw = "\n".join(path.read_text() for path in (data_dir / "dev-ubuntu-irc/raw").glob("*.txt"))
    spoken = [message for chat in chats for message in messages_of(chat)]
    written = {(nick, text) for nick, text in re.findall(r"^\[..:..\] <(.*?)> ?(.*)", raw, re.MULTILINE)}
    acts = re.findall(r"^\[..:..\]  \* ", raw, re.MULTILINE)
    assert len(spoken) + report.skipped["empty message"] == len(re.findall(r"^\[..:..\] <", raw, re.MULTILINE)) + len(acts)
    # One of them writes with marks for italics.
    assert {(m.speaker, m.text) for m in spoken if not m.text.startswith("/me ")} - written == {("UserNew", "063906310628064a061f061f")}
    assert {chat.clock for chat in chats} == {"absolute"}
    assert min(message.time or 0 for message in spoken) == at("2008-01-03T14:34")
    assert sum(message.speaker == "ikonia" for message in spoken) > 100


nicks = st.from_regex(r"[a-zA-Z_\[\]\\`^{|}][a-zA-Z0-9_\[\]\\`^{|}-]{0,15}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60).filter(lambda text: text.strip() != "")


@given(st.lists(st.tuples(nicks, texts, st.integers(0, 42_000)), min_size=1, max_size=20))
def test_messages_written_as_a_log_are_read_back(drawn: list[tuple[str, str, int]]) -> None:
    start, written, expected = int(at("2004-11-05T00:00")), ["=== anna has joined #tea"], []
    for nick, text, seconds in drawn:
        # A longer silence cannot be told in a log without days.
        start += seconds
        written.append(f"[{datetime.fromtimestamp(start, UTC):%H:%M:%S}] <{nick}> {text}")
        expected.append((nick, text, float(start)))
    chat, _ = read("\n".join(written), "2004-11-05.txt")
    assert [(message.speaker, message.text, message.time) for message in messages_of(chat)] == expected


@given(st.sampled_from([client[1] for client in CLIENTS]), st.binary(max_size=20), st.integers(0, 500))
def test_damaged_bytes_never_end_in_a_traceback(good: str, junk: bytes, place: int) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(SourceError):
        path = Path(folder, "99999999.log")
        path.write_bytes(good.encode()[:place] + junk + good.encode()[place:])
        assert all(message.text for chat in irc.read(path, ImportReport("irc"), sources.ANYTHING) for message in chat.messages)
