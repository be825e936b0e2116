"""Plain transcripts, and what only looks like one."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import messages_of, read_by
from homespun import sources
from homespun.errors import SourceError
from homespun.sources import transcript
from homespun.types import Chat, ImportReport

INTERVIEW = """Interview, 3 May

ANNA: How did it start?
BEN: By chance. There is one thing I say to everybody:
Note: never plan.
It works.

And a new paragraph.

ANNA: And then?
BEN:   Then I left,   with the others.
DR. O'NEILL (by phone): So did I.
ANNA: Why
  did you?
BEN:
"""


def read(text: str, name: str = "interview.txt") -> tuple[Chat, ImportReport]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tapes", name)
        path.parent.mkdir()
        path.write_bytes(text.encode())
        (chat,), report = read_by(transcript, path)
    return chat, report


def test_turns_with_the_lines_that_belong_to_them() -> None:
    chat, report = read(INTERVIEW)
    assert (chat.name, chat.key, chat.group, chat.clock) == ("interview", "tapes/interview", True, "none")
    assert [(message.speaker, message.text) for message in messages_of(chat)] == [
        ("ANNA", "How did it start?"),
        ("BEN", "By chance. There is one thing I say to everybody:\nNote: never plan.\nIt works.\n\nAnd a new paragraph."),
        ("ANNA", "And then?"),
        ("BEN", "Then I left,   with the others."),
        ("DR. O'NEILL (by phone)", "So did I."),
        ("ANNA", "Why did you?"),
    ]
    assert report.skipped == {"line before the first speaker": 1, "empty turn": 1}


@pytest.mark.parametrize(
    "text",
    [
        "[00:01:02] Anna: one\n[00:01:03] Ben: two words more\n[01:00:00.5] Anna: three\n[01:00:01] Ben: four\n",
        "00:01:02 Anna: one\n00:01:03 Ben: two words more\n01:00:00,5 Anna: three\n01:00:01 Ben: four\n",
        "(1:02) Anna: one\n(1:03) Ben: two words more\n(60:00.5) Anna: three\n(60:01) Ben: four\n",
        "[00:00:01:02]\nAnna: one\n\n[00:00:01:03]\nBen: two words more\n\n[00:01:00:00.5]\nAnna: three\n\n[00:01:00:01]\nBen: four\n",
    ],
)
def test_times_before_a_turn_or_on_a_line_of_their_own(text: str) -> None:
    chat, _ = read(text.replace("three", "three is a charm"))
    assert (chat.clock, [message.time for message in messages_of(chat)]) == ("relative", [62.0, 63.0, 3600.5, 3601.0])
    assert [message.speaker for message in messages_of(chat)] == ["Anna", "Ben"] * 2


@pytest.mark.parametrize(
    "text",
    [
        "name: Anna is here\nage: 30 years of age\n" * 5,
        "From: Anna and Ben\nTo: Ben and Anna\nSubject: hello to you\n" * 4,
        "Title: one two three\nArtist: four five six\nAlbum: seven eight nine\n" * 5,
        "if x:\n    pass\nelse: return a b c\ntry: x y z\n" * 5,
        "He said it twice: never again.\nShe wrote it down: never again.\nThe sun rose: it was red.\n",
        "Anna: hi there you\nBen: ho there you\nThen they went home.\nIt was late.\nNobody spoke.\n",
        "Anna: hello to all of you\nAnna: is anybody here today\nAnna: it seems not\n",
        "13/05/2023, 21:05 - Anna: hi there you\n13/05/2023, 21:06 - Ben: ho there you\n" * 3,
        "[12:34] <anna> hi: there\n[12:35] <ben> ho: there\n" * 3,
        "User-agent: a b c\nDisallow: /x y z\n" * 5,
        "https: //a b c\nhttp: //d e f\n" * 5,
    ],
)
def test_what_is_no_transcript_is_left_to_others(text: str) -> None:
    assert not transcript.detect(Path("x.txt"), text)


@pytest.mark.parametrize(("mission", "turns"), [("a8", 8933), ("a11", 8482), ("a13", 11264)])
def test_real_transcripts_of_days(data_dir: Path, mission: str, turns: int) -> None:
    (chat,), report = read_by(transcript, data_dir / f"dev-apollo/raw/{mission}.TEC.txt")
    read = [(message.speaker.partition(" (")[0], _plain(message.text)) for message in messages_of(chat)]
    rows = map(json.loads, (data_dir / f"dev-apollo/messages.{mission}.jsonl").read_text().splitlines())
    others = {(row["role"], _plain(row["text"])) for row in rows}
    assert (len(read), chat.clock, list(report.skipped)) == (turns, "relative", ["remark of the transcript"])
    # What is left writes Greek letters and indices in another way.
    assert len(others - set(read)) < 0.02 * len(others)


def _plain(text: str) -> str:
    """Without the links to a glossary, and with every space the same."""
    return " ".join(re.sub(r"\[\w+:([^\]|]*)(?:\|[^\]]*)?\]", r"\1", text).split())


names = st.from_regex(r"[A-Z][a-z]{1,8}( [A-Z][a-z]{1,8})?", fullmatch=True)
lines = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=":"), min_size=1, max_size=50)
texts = lines.map(str.strip).filter(lambda text: text != "")


@given(names, names, st.lists(st.lists(texts, min_size=1, max_size=3).map("\n".join), min_size=4, max_size=12))
def test_turns_written_are_read_back(first: str, second: str, said: list[str]) -> None:
    turns = [(second if number % 2 else f"Dr. {first}", text) for number, text in enumerate(said)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.txt")
        path.write_bytes("\n\n".join(f"{speaker}: {text}" for speaker, text in turns).encode())
        (chat,) = transcript.read(path, ImportReport("transcript"), sources.ANYTHING)
        assert [(message.speaker, message.text) for message in chat.messages] == turns


@given(st.binary(max_size=20), st.integers(0, 200))
def test_damaged_bytes_never_end_in_a_traceback(junk: bytes, place: int) -> None:
    good = (INTERVIEW + "[99:99:99:99] BEN: x\n[00:01\n(1:02] A: b\n").encode()
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(SourceError):
        path = Path(folder, "x.txt")
        path.write_bytes(good[:place] + junk + good[place:])
        assert all(message.text for chat in transcript.read(path, ImportReport(""), sources.ANYTHING) for message in chat.messages)
