"""JSON in pieces: the same values as the whole at once, wherever the window ends; damage is one clear line."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.errors import SourceError
from homespun.sources import json_stream
from homespun.sources.json_stream import Mark, items, objects, walk
from homespun.sources.telegram import _repaired
from homespun.types import ImportReport

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def written(content: bytes | str) -> Path:
    with tempfile.NamedTemporaryFile(suffix=".json", delete=False) as file:
        file.write(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return Path(file.name)


def read_items(content: bytes | str, place: str = "item", chunk: int = json_stream.CHUNK) -> tuple[list[object], ImportReport]:
    path, report = written(content), ImportReport("")
    try:
        with patch.object(json_stream, "CHUNK", chunk):
            return list(items(path, report, place)), report
    finally:
        path.unlink()


@given(st.lists(values), st.sampled_from([None, 1]), st.booleans(), st.integers(1, 9))
def test_items_are_those_of_the_whole(listed: list[object], indent: int | None, ascii: bool, chunk: int) -> None:
    text = json.dumps({"a": {"before": 1, "list": listed}, "after": listed}, indent=indent, ensure_ascii=ascii)
    assert read_items(text.encode("utf-8", "replace"), "a.list.item", chunk)[0] == json.loads(text.encode("utf-8", "replace"))["after"]


def test_walk_gives_what_it_enters_and_the_rest_whole() -> None:
    path = written('\ufeff {"a": [1, {"b": []}], "c": {"d": [null]}, "e": {}} ')
    assert list(walk(path, ImportReport(""), {"", "c", "e"})) == [
        ("", Mark.START),
        ("a", [1, {"b": []}]),
        ("c", Mark.START),
        ("c.d", [None]),
        ("c", Mark.END),
        ("e", Mark.START),
        ("e", Mark.END),
        ("", Mark.END),
    ]
    assert list(items(path, ImportReport(""), "")) == [{"a": [1, {"b": []}], "c": {"d": [None]}, "e": {}}]


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 7, 100])
def test_telegram_s_faults_are_mended_wherever_the_window_ends(chunk: int) -> None:
    path = written(
        '[{"text": "a\\x07b \\\\x41 \\\\\\x0b",\n "document_id": video_files/a (2).webm\n}, "\\x1f",\n{"document_id": 12,\n "x": 1}]'
    )
    with patch.object(json_stream, "CHUNK", chunk):
        found = [value for place, value in walk(path, ImportReport(""), {""}, _repaired) if place == "item"]
    mended = {"text": "a\x07b \\x41 \\\x0b", "document_id": "video_files/a (2).webm"}
    assert found == [mended, "\x1f", {"document_id": 12, "x": 1}]


def test_stray_bytes_become_the_replacement_character_and_are_counted() -> None:
    for chunk in (1, 2, 3, 64):
        found, report = read_items(b'["caf\xe9", "\xef\xbf\xbd kept"]', chunk=chunk)
        assert found == ["caf\ufffd", "\ufffd kept"]
        assert report.notes == ["the file is not clean UTF-8: 1 characters became \ufffd"]
    assert read_items('["né"]'.encode("utf-16"))[0] == ["né"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "value is missing, line 1"),
        ('["a",\n"b', "Unterminated string starting at, line 2"),
        ("[1,\n\n2", "the file ends, line 3"),
        ("[1 2]", "no , or ], line 1"),
        ('{"a" 1}', "no :, line 1"),
        ("{1: 2}", "no key, line 1"),
        ("[1] x", "more after its end, line 1"),
        ("[" + "9" * 5000 + "]", "a value that cannot be, line 1"),
        ("[" * 100_000, "a value that cannot be, line 1"),
        ('["' + "a" * 50_000_000, "a value longer than 16,777,216 characters, line 1"),
    ],
)
def test_damage_is_told_with_its_line(text: str, what: str) -> None:
    with pytest.raises(SourceError, match=f"{what}.*export it again"):
        read_items(text)


def test_records_of_another_kind_are_counted_and_named() -> None:
    report = ImportReport("")
    assert list(objects([{}, 1, {"a": 2}, None, "x", []], report, "c.json")) == [{}, {"a": 2}]
    assert report.skipped == {"record that is no JSON object": 4}
    assert report.notes == ["4 records of c.json are no JSON objects: number 2, 4, 5, …"]
