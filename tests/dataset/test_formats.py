"""Training files -> records."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homespun.dataset import formats
from homespun.dataset.formats import Piece, Record, Shape, opened, parse
from homespun.errors import SourceError, UsageError
from homespun.types import Turn

ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1).filter(lambda text: bool(text.strip()))
HELLO = (Turn("user", "Hello"), Turn("assistant", "Hi!", target=True))


def read(path: Path) -> tuple[Shape, list[Piece]]:
    with opened(path) as (shape, pieces):
        return shape, list(pieces)


def problems(path: Path) -> list[tuple[int, str]]:
    return [(piece.number, piece.problem) for piece in read(path)[1] if piece.problem]


@st.composite
def rows(draw: st.DrawFn) -> list[dict[str, str]]:
    """Rows of one flat format."""
    fields = draw(st.sampled_from([("instruction", "input", "output"), ("question", "answer"), ("prompt", "completion"), ("text",)]))
    return draw(st.lists(st.fixed_dictionaries(dict.fromkeys(fields, WORDS)), min_size=1, max_size=6))


@given(rows=rows(), ascii=st.booleans(), end=st.sampled_from(["\n", "\r\n"]), blank=st.booleans(), mark=st.booleans())
@ONE_FOLDER
def test_jsonl_is_read_as_it_was_written(
    tmp_path: Path, rows: list[dict[str, str]], ascii: bool, end: str, blank: bool, mark: bool
) -> None:
    file = tmp_path / "rows.jsonl"
    lines = [json.dumps(row, ensure_ascii=ascii) for row in rows]
    file.write_bytes(b"\xef\xbb\xbf" * mark + (end * (1 + blank)).join(lines).encode())
    shape, pieces = read(file)
    assert shape.container == "JSONL" and [piece.value for piece in pieces] == rows
    assert [piece.number for piece in pieces] == list(range(1, len(rows) * (1 + blank) + 1, 1 + blank))


@given(rows=rows(), indent=st.sampled_from([None, 0, 2]), chunk=st.integers(1, 9))
@ONE_FOLDER
def test_an_array_is_cut_where_its_records_end(tmp_path: Path, rows: list[dict[str, str]], indent: int | None, chunk: int) -> None:
    """Wherever the parts it is read in end, and whatever signs are in its strings."""
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(rows, indent=indent, ensure_ascii=False), encoding="utf-8")
    with patch.object(formats, "CHUNK", chunk):
        shape, pieces = read(file)
    assert [piece.value for piece in pieces] == rows
    if indent is None:
        assert shape.unit == "record" and [piece.number for piece in pieces] == list(range(1, len(rows) + 1))
    else:
        assert shape.unit == "line" and [piece.number for piece in pieces] == [2 + place * (len(rows[0]) + 2) for place in range(len(rows))]


@given(rows=rows(), delimiter=st.sampled_from(",;\t"))
@ONE_FOLDER
def test_csv_is_read_as_it_was_written(tmp_path: Path, rows: list[dict[str, str]], delimiter: str) -> None:
    file = tmp_path / "rows.csv"
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    file.write_text(text.getvalue(), encoding="utf-8", newline="")
    shape, pieces = read(file)
    assert shape.container == "CSV" and [piece.value for piece in pieces] == rows
    assert "".join([shape.opening, shape.between.join(piece.raw for piece in pieces), shape.closing]) == text.getvalue()


def test_a_csv_record_has_the_number_of_its_first_line(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text('Question,Answer\n"two\nlines",yes\nlater,no\n\na,b,c\n', encoding="utf-8")
    _, pieces = read(tmp_path / "rows.csv")
    assert [(piece.number, piece.value) for piece in pieces] == [
        (2, {"question": "two\nlines", "answer": "yes"}),
        (4, {"question": "later", "answer": "no"}),
        (6, None),
    ]


@pytest.mark.parametrize(
    ("value", "format", "turns"),
    [
        ({"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi!"}]}, "messages", HELLO),
        ({"conversations": [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hi!"}]}, "sharegpt", HELLO),
        ({"prompt": "Hello", "completion": "Hi!"}, "completion", HELLO),
        ({"instruction": "Hello", "input": "", "output": "Hi!"}, "instruction", HELLO),
        ({"question": "Hello", "answer": "Hi!", "date": "2024-01-01"}, "question", HELLO),
        ({"input": "Hello", "output": "Hi!", "context": "", "task": "greet"}, "task", HELLO),
        ({"input": "Hello", "output": "Hi!", "context": "At work", "task": "greet"}, "task", (Turn("system", "At work"), *HELLO)),
        ({"input": "Hello", "output": {"say": "Hü"}}, "task", (HELLO[0], Turn("assistant", '{"say": "Hü"}', target=True))),
        ({"instruction": "Say", "input": "Hello", "output": "Hi!"}, "instruction", (Turn("user", "Say\nHello"), HELLO[1])),
    ],
)
def test_each_format_makes_turns(value: dict[str, object], format: str, turns: tuple[Turn, ...]) -> None:
    record = parse(value)
    assert (record.format, record.turns) == (format, turns)


def test_text_and_messages_of_chats_have_no_turns() -> None:
    assert parse({"text": "Once.", "category": "tale"}) == Record("text", text="Once.", labels={"category": "tale"})
    timed = {"conv": "Anna", "ts": 5, "speaker": "Ben", "text": "Morning!"}
    assert parse(timed) == Record("message", text="Morning!", said=("Anna", "Ben", "5"))
    assert parse(timed | {"ts": None}).said is None


def test_replies_that_are_only_history_are_no_targets() -> None:
    """As Axolotl, OpenAI and TRL say it."""
    said = [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}]
    for value in (
        {"messages": [said[0] | {"train": False}, said[1], said[2] | {"train": True}]},
        {"messages": [said[0] | {"weight": 0}, *said[1:]]},
        {"prompt": said[:2], "completion": said[2:]},
    ):
        assert [turn.target for turn in parse(value).turns] == [False, False, True]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"id": 1}, "no format"),
        ({"instruction": "Do"}, 'no "output"'),
        ({"question": "Why?", "answer": None}, 'no "answer"'),
        ({"question": "Why?", "answer": 7}, 'a "answer" that is no text'),
        ({"messages": []}, 'a "messages" that is no list'),
        ({"messages": ["hello"]}, "no turn"),
        ({"messages": [{"content": "hello"}]}, 'no "role"'),
        ({"messages": [{"role": "tool", "content": "hello"}]}, "neither system, user nor assistant"),
        ({"messages": [{"role": [], "content": "hello"}]}, "neither system, user nor assistant"),
        ({"conv": "Anna", "text": "hello", "ts": 1}, 'no "speaker"'),
    ],
)
def test_a_bad_record_says_why(value: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"text": "a"}\n{"text": \n{"text": "b"}\n', [(2, "no JSON: Expecting value")]),
        ('{"text": "a"}\n[1]\n7\n', [(2, "no JSON object"), (3, "no JSON object")]),
        ('{"text": NaN}', [(1, "no JSON: NaN is no number")]),
        ("[" * 100_000, [(1, "no JSON: a number or a nesting beyond all use"), (1, "an array that does not end")]),
        ('[\n{"text": "a"},\n]', [(3, "a comma too many")]),
        ('[\n{"text": "a"},\n{"te', [(3, "no JSON: Unterminated string starting at"), (3, "an array that does not end")]),
        ('[{"text": "a"}] {"text": "b"}', [(2, "something after the end of the array")]),
        ("text\n" + '"' + "x" * 140_000, [(2, "no CSV: field larger than field limit (131072)")]),
        ("", []),
        (" \n\n", []),
        ("[]", []),
        ("not a training file", [(1, "no JSON: Expecting value")]),
    ],
)
def test_damage_is_named_with_its_line(tmp_path: Path, text: str, found: list[tuple[int, str]]) -> None:
    (tmp_path / "file").write_text(text, encoding="utf-8")
    assert problems(tmp_path / "file") == found


def test_a_record_that_would_fill_the_memory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text('{"text": "a"}\n{"text": "' + "x" * 300 + '"}\n{"text": "b"}\n', encoding="utf-8")
    with patch.object(formats, "MAX_RECORD", 100):
        _, pieces = read(tmp_path / "file")
    assert [(piece.number, piece.problem) for piece in pieces] == [(1, ""), (2, formats.TOO_LARGE), (3, "")]


def test_utf16_is_read_and_stray_bytes_become_lost_characters(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text('{"text": "Grüße 👋"}\n', encoding="utf-16")
    assert [piece.value for piece in read(file)[1]] == [{"text": "Grüße 👋"}]
    file.write_bytes('{"text": "Grüße"}\n'.encode("latin-1"))
    (piece,) = read(file)[1]
    assert piece.value is not None and parse(piece.value).text == "Gr\ufffd\ufffde"


@given(
    data=st.one_of(st.binary(), st.text(alphabet='[]{},:"\\ \n\ra1é').map(str.encode)), head=st.sampled_from([b"", b"[", b"text,answer\n"])
)
@ONE_FOLDER
def test_no_file_breaks_the_reader(tmp_path: Path, data: bytes, head: bytes) -> None:
    (tmp_path / "file").write_bytes(head + data)
    try:
        _, pieces = read(tmp_path / "file")
    except SourceError:
        return
    for piece in pieces:
        assert (piece.value is None) == bool(piece.problem)


def objects(inner: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    names = ["messages", "conversations", "role", "content", "from", "value", "text", "conv", "speaker", "ts", "input", "output", "prompt"]
    return st.dictionaries(st.sampled_from([*names, "completion", "context"]), inner, max_size=4)


@given(value=st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3) | objects(inner)))
def test_no_value_breaks_the_parser(value: object) -> None:
    if isinstance(value, dict):
        try:
            parse(value)
        except ValueError as error:
            assert str(error)


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    for path, word in ((tmp_path, "a folder"), (tmp_path / "none", "not there")):
        with pytest.raises(UsageError, match=word):
            read(path)
