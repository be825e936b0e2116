"""Training files -> records. JSONL, a JSON array and CSV are streamed, and every record is told its format by itself.

Two steps: `opened` cuts a file into records that still look as they did in the file, `parse` makes turns of one.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TextIO

from homespun.errors import UsageError
from homespun.sources.files import readable
from homespun.sources.text import storable
from homespun.types import Role, Turn

Format = Literal["messages", "sharegpt", "completion", "instruction", "question", "task", "message", "text"]
FIELDS: dict[Format, tuple[str, ...]] = {
    "messages": ("messages",),
    "sharegpt": ("conversations",),
    "completion": ("prompt", "completion"),
    "instruction": ("instruction",),
    "question": ("question", "answer"),
    "task": ("input", "output"),
    "message": ("speaker", "conv"),
    "text": ("text",),
}
"""What a record of each format is told by: the first format of which it has any field."""
LABELS = ("task", "category")
"""Fields that say what kind of row it is."""

MAX_RECORD = 1 << 24
"""Characters; a longer record is reported, so that no file can fill the memory."""
TOO_LARGE = f"a record of more than {MAX_RECORD:,} characters"
NO_END = "an array that does not end"
COMMA = "a comma too many"
CHUNK = 1 << 20
_ROLES: dict[object, Role] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
}
_MARKS = re.compile(r'\\.|["\[\]{},]', re.DOTALL)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A record as it stands in the file. Without a value, `problem` says why."""

    number: int
    """The line it begins on; in an array that is all on one line, which record it is."""
    raw: str
    value: dict[str, object] | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file holds its records, and what stands around them."""

    container: Literal["JSONL", "JSON array", "CSV"]
    unit: Literal["line", "record"] = "line"
    opening: str = ""
    between: str = "\n"
    closing: str = "\n"


@dataclass(frozen=True, slots=True)
class Record:
    """A training row: turns with target marks, or a text."""

    format: Format
    turns: tuple[Turn, ...] = ()
    text: str = ""
    """Of a record without turns."""
    labels: Mapping[str, str] = field(default_factory=dict)
    said: tuple[str, ...] | None = ()
    """Of a message: conversation, speaker and time; None where it has no time, because people say the same thing twice."""

    @property
    def output(self) -> str | None:
        """What it is there to teach: its last turn."""
        return self.turns[-1].text if self.turns and self.turns[-1].role == "assistant" else None


@contextmanager
def opened(path: Path) -> Iterator[tuple[Shape, Iterator[Piece]]]:
    """The shape of a file, and its records one by one; blank lines are none.

    Raises:
        UsageError: there is no such file.
        SourceError: it cannot be read.
    """
    if not path.is_file():
        raise UsageError(f"{path} is {'a folder' if path.is_dir() else 'not there'}: name a JSONL, JSON or CSV file")
    with readable(path.name):
        with path.open("rb") as raw:
            utf16 = raw.read(2) in _UTF16
        # What is not UTF-8 is carried along as lone surrogates: `parse` makes U+FFFD of them, writing gives the bytes back.
        coding = ("utf-16", "replace") if utf16 else ("utf-8-sig", "surrogateescape")
        with path.open(encoding=coding[0], errors=coding[1], newline="") as stream:
            yield _cut(stream)


def parse(value: Mapping[str, object]) -> Record:
    """One record, whatever its format.

    Raises:
        ValueError: with the reason, when it is of no format or a field is absent or of the wrong type.
    """
    format = next((name for name, fields in FIELDS.items() if any(key in value for key in fields)), None)
    if format is None:
        raise ValueError("no format: none of the fields of a training record")
    labels = {key: label for key in LABELS if isinstance(label := value.get(key), str)}
    if format == "message":
        said = (str(value.get("conv")), _text(value, "speaker"), str(value["ts"])) if value.get("ts") is not None else None
        return Record(format, text=_text(value, "text"), labels=labels, said=said)
    if format == "text":
        return Record(format, text=_text(value, "text"), labels=labels)
    return Record(format, tuple(_TURNS[format](value)), labels=labels)


def _from_messages(value: Mapping[str, object]) -> Iterator[Turn]:
    return _dialogue(value, "messages")


def _from_sharegpt(value: Mapping[str, object]) -> Iterator[Turn]:
    return _dialogue(value, "conversations")


def _from_completion(value: Mapping[str, object]) -> Iterator[Turn]:
    """Only the completion is learned; each side is a text or messages."""
    if isinstance(value.get("prompt"), list):
        for turn in _dialogue(value, "prompt"):
            yield Turn(turn.role, turn.text)
    else:
        yield Turn("user", _text(value, "prompt"))
    if isinstance(value.get("completion"), list):
        yield from _dialogue(value, "completion")
    else:
        yield Turn("assistant", _text(value, "completion"), target=True)


def _from_instruction(value: Mapping[str, object]) -> Iterator[Turn]:
    more = _text(value, "input") if value.get("input") is not None else ""
    yield Turn("user", f"{_text(value, 'instruction')}\n{more}" if more.strip() else _text(value, "instruction"))
    yield Turn("assistant", _text(value, "output"), target=True)


def _from_question(value: Mapping[str, object]) -> Iterator[Turn]:
    yield Turn("user", _text(value, "question"))
    yield Turn("assistant", _text(value, "answer"), target=True)


def _from_task(value: Mapping[str, object]) -> Iterator[Turn]:
    """What the request is about (`context`) comes before it."""
    if value.get("context") not in (None, "", {}, []):
        yield Turn("system", _text(value, "context"))
    yield Turn("user", _text(value, "input"))
    yield Turn("assistant", _text(value, "output"), target=True)


_TURNS: dict[Format, Callable[[Mapping[str, object]], Iterator[Turn]]] = {
    "messages": _from_messages,
    "sharegpt": _from_sharegpt,
    "completion": _from_completion,
    "instruction": _from_instruction,
    "question": _from_question,
    "task": _from_task,
}


def _dialogue(value: Mapping[str, object], key: str) -> Iterator[Turn]:
    """Every reply is a target, but those that say `"train": false` (as Axolotl does) or `"weight": 0` (as OpenAI does)."""
    said = value.get(key)
    if not isinstance(said, list) or not said:
        raise ValueError(f'a "{key}" that is no list of turns')
    for turn in said:
        if not isinstance(turn, dict):
            raise ValueError(f'a "{key}" with something that is no turn')
        name, words = ("from", "value") if "from" in turn else ("role", "content")
        if name not in turn:
            raise ValueError(f'no "role" or "from" in "{key}"')
        role = _ROLES.get(turn[name]) if isinstance(turn[name], str) else None
        if role is None:
            raise ValueError(f'a role in "{key}" that is neither system, user nor assistant')
        learned = role == "assistant" and turn.get("train") is not False and turn.get("weight") != 0
        yield Turn(role, _text(turn, words), target=learned)


def _text(value: Mapping[str, object], key: str) -> str:
    """A string; structured data as the JSON that it is."""
    found = value.get(key)
    if found is None:
        raise ValueError(f'no "{key}"')
    if isinstance(found, dict | list) and key in ("output", "context"):
        return json.dumps(found, ensure_ascii=False)
    if not isinstance(found, str):
        raise ValueError(f'a "{key}" that is no text')
    return storable(found)


ALONE = "\ud800"
"""The delimiter of a table with one column: what no decoded text holds."""


def _cut(stream: TextIO) -> tuple[Shape, Iterator[Piece]]:
    head = stream.read(1 << 16)
    stream.seek(0)
    if head.lstrip().startswith("["):
        unit: Literal["line", "record"] = "line" if "\n" in head.strip() else "record"
        return Shape("JSON array", unit, "[\n", ",\n", "\n]\n"), _array(stream, unit == "line")
    first = head.splitlines()[0] if head.strip() else ""
    # A header of one name has no delimiter, and then no line has: what looks like one was written.
    delimiter = next((mark for mark in (ALONE if not set(",;\t") & set(first) else ",;\t") if _is_header(first, mark)), None)
    if delimiter is None or first.lstrip().startswith("{"):
        return Shape("JSONL"), _jsonl(stream)
    line = stream.readline()
    end = line[len(line.rstrip("\r\n")) :] or "\n"
    names = [name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter))]
    return Shape("CSV", "line", line.rstrip("\r\n") + end, end, end), _csv(stream, names, delimiter)


def _is_header(line: str, delimiter: str) -> bool:
    names = {name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter), [])}
    return any(names.issuperset(fields) for fields in FIELDS.values())


def _jsonl(stream: TextIO) -> Iterator[Piece]:
    for number, raw in enumerate(iter(partial(stream.readline, MAX_RECORD), ""), start=1):
        if len(raw) == MAX_RECORD and not raw.endswith("\n"):
            while (more := stream.readline(MAX_RECORD)) and not more.endswith("\n"):
                pass
            yield Piece(number, "", None, TOO_LARGE)
        elif raw.strip():
            yield _loaded(number, raw)


def _csv(stream: TextIO, names: list[str], delimiter: str) -> Iterator[Piece]:
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for raw in iter(partial(stream.readline, MAX_RECORD), ""):
            taken.append(raw)
            yield raw

    rows = csv.reader(lines(), delimiter=delimiter)
    number = 2
    while True:
        try:
            row = next(rows, None)
            problem = "more fields than the header" if row and len(row) > len(names) else ""
        except csv.Error as error:
            row, problem = [""], f"no CSV: {error}"
        if row is None:
            return
        raw = "".join(taken).rstrip("\r\n")
        if row:
            yield Piece(number, raw, None if problem else dict(zip(names, row, strict=False)), problem)
        number += len(taken)
        taken.clear()


def _array(stream: TextIO, by_line: bool) -> Iterator[Piece]:
    """Cut at the commas that stand outside of strings and inner brackets."""
    line = 1
    for count, (raw, end) in enumerate(_elements(stream), start=1):
        body = raw.strip()
        line += raw[: len(raw) - len(raw.lstrip())].count("\n")
        number = line if by_line else count
        if body and end != "after":
            yield _loaded(number, body)
        elif body:
            yield Piece(number, raw, None, "something after the end of the array")
        elif end in ",]" and count > 1:
            yield Piece(number, "", None, COMMA)
        if end == "":
            yield Piece(number, "", None, NO_END if len(raw) <= MAX_RECORD else TOO_LARGE)
        line += raw.lstrip().count("\n")


def _elements(stream: TextIO) -> Iterator[tuple[str, str]]:
    """What stands in the array, each with the sign that ends it, "" where none does; then what stands "after" it."""
    depth, quoted, size = 0, False, 0
    part: list[str] = []
    while chunk := stream.read(CHUNK):
        while chunk.endswith("\\") and (more := stream.read(1)):
            chunk += more
        begin = 0
        for mark in _MARKS.finditer(chunk):
            sign = mark[0]
            if sign == '"':
                quoted = not quoted
            elif quoted or len(sign) > 1:
                continue
            elif sign in "[{":
                depth += 1
                begin = mark.end() if depth == 1 else begin
            elif depth > 1:
                depth -= sign != ","
            else:
                yield "".join([*part, chunk[begin : mark.start()]]), sign
                part, size, begin = [], 0, mark.end()
                if sign != ",":
                    yield chunk[begin:] + stream.read(CHUNK), "after"
                    return
        part.append(chunk[begin:])
        size += len(part[-1])
        if size > MAX_RECORD:
            break
    yield "".join(part), ""


def _loaded(number: int, raw: str) -> Piece:
    try:
        value = json.loads(raw, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        return Piece(number, raw, None, f"no JSON: {error.msg}")
    except (ValueError, RecursionError):
        return Piece(number, raw, None, "no JSON: a number or a nesting beyond all use")
    return Piece(number, raw, value) if isinstance(value, dict) else Piece(number, raw, None, "no JSON object")


def _refuse(constant: str) -> object:
    raise json.JSONDecodeError(f"{constant} is no number", "", 0)
