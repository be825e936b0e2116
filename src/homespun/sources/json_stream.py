"""JSON of any size, value by value, in constant memory.

    for place, value in walk(path, report, {"", "messages"}): …
    for value in items(path, report, "messages.item"): …

Places are written as in ijson: keys and `item` joined with dots, "" for the whole. Each value is built by the C scanner of the
standard library from a window on the file, which is as fast as ijson's C backend and, unlike it, takes what chat exports really
hold: control characters in strings, halves of emoji, bytes that are no UTF-8, numbers of any length.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from enum import Enum
from json.scanner import make_scanner
from pathlib import Path
from typing import IO

from homespun.errors import SourceError
from homespun.sources.files import readable
from homespun.sources.text import LOST
from homespun.types import ImportReport

Record = dict[str, object]

CHUNK = 1 << 15
LARGEST = 1 << 24
"""Characters of one value."""
_NEAR = 1 << 10
"""An error this close to the end of the window may only be its end."""

_SOMETHING = re.compile(r"[^ \t\r\n]").search
_COMMA = re.compile(r"[ \t\r\n]*,[ \t\r\n]*").match
_SCAN = make_scanner(json.JSONDecoder(strict=False))  # type: ignore[arg-type]  # the stub is wrong
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Mark(Enum):
    """Stands for the first and the last bracket of an object or list that is gone into."""

    START = "start"
    END = "end"


def walk(
    path: Path, report: ImportReport, into: Collection[str], repair: Callable[[str], str] | None = None
) -> Iterator[tuple[str, object]]:
    """Everything in the file as place and value, in file order.

    Args:
        into: the places of objects and lists that are gone into; all others come whole. Stray bytes become U+FFFD, as in `read_text`.
        repair: mends faults of the program that wrote the file. It gets text from the beginning of a value on, only where that cannot
            be read, perhaps cut off at its end, and perhaps twice.

    Raises:
        SourceError: the JSON is damaged or cut off; says where. What was read before it has been yielded.
    """
    with readable("it"), path.open("rb") as stream:
        text = _Window(stream, repair)
        yield from _value(text, "", into)
        if text.peek():
            raise text.damaged("more after its end", text.at)
    if text.lost:
        report.notes.append(f"the file is not clean UTF-8: {text.lost:,} characters became {LOST}")


def items(path: Path, report: ImportReport, place: str = "item") -> Iterator[object]:
    """The values at one place, `item` being those of a list and "" the whole; raises as `walk`."""
    parts = place.split(".") if place else []
    parents = {".".join(parts[:depth]) for depth in range(len(parts))}
    return (value for at, value in walk(path, report, parents) if at == place)


def objects(values: Iterable[object], report: ImportReport, where: str) -> Iterator[Record]:
    """The values that are objects; others are counted, and a note names the first ones of `where`."""
    bad, first = 0, ""
    for number, value in enumerate(values, start=1):
        if isinstance(value, dict):
            yield value
        else:
            bad += 1
            first += f"{', ' if first else ''}{number}" if bad <= 3 else ""
    if bad:
        report.skip("record that is no JSON object", bad)
        report.notes.append(f"{bad:,} records of {where} are no JSON objects: number {first}{', …' if bad > 3 else ''}")


class _Window:
    """The part of a file that is being read: what lies behind is dropped, what comes is decoded when it is asked for."""

    def __init__(self, stream: IO[bytes], repair: Callable[[str], str] | None) -> None:
        self._stream, self._repair = stream, repair
        wide = stream.read(2) in _UTF16
        stream.seek(0)
        self._decoder = codecs.getincrementaldecoder("utf-16" if wide else "utf-8-sig")("replace")
        self._tail = b""
        self._over = False
        self.text, self.at, self.line, self.lost = "", 0, 1, 0

    def more(self) -> bool:
        """Read on, as much again as there is to reread; False at the end of the file."""
        if self._over:
            return False
        if len(self.text) - self.at > LARGEST:
            raise self.damaged(f"a value longer than {LARGEST:,} characters", self.at)
        raw = self._stream.read(max(CHUNK, len(self.text) - self.at))
        self._over = not raw
        new = self._decoder.decode(raw, self._over)
        if LOST in new:
            # Those that stand in the file are not lost; one may lie across two chunks.
            self.lost += new.count(LOST) - (self._tail + raw).count(LOST.encode())
        self._tail = (self._tail + raw)[-2:]
        self._move(self.text[self.at :] + new)
        return True

    def peek(self) -> str:
        """The next character that is no white space; "" at the end."""
        while True:
            if found := _SOMETHING(self.text, self.at):
                self.at = found.start()
                return found[0]
            self.at = len(self.text)
            if not self.more():
                return ""

    def take(self, expected: str) -> str:
        """The next character, which is to be one of these."""
        found = self.peek()
        if not found or found not in expected:
            raise self.damaged(f"no {' or '.join(expected)}" if found else "the file ends", self.at)
        self.at += 1
        return found

    def follows(self, closing: str) -> bool:
        """Whether there is another element, and go to it; else behind the closing bracket."""
        found = _COMMA(self.text, self.at)
        if found and found.end() < len(self.text):
            self.at = found.end()
            return True
        if self.take("," + closing) == closing:
            return False
        self.peek()
        return True

    def value(self) -> object:
        """The value that begins here."""
        while True:
            try:
                value, end = _SCAN(self.text, self.at)
            except StopIteration as stop:
                self._mend_or_more("a value is missing", stop.value)
            except json.JSONDecodeError as error:
                self._mend_or_more(error.msg, error.pos)
            except (ValueError, RecursionError):
                raise self.damaged("a value that cannot be", self.at) from None
            else:
                # A number at the edge may go on behind it, if only with what looks like none: 1 and e+ and 5.
                if end + 2 < len(self.text) or not self.more():
                    self.at = end
                    return value

    def damaged(self, what: str, at: int) -> SourceError:
        line = self.line + self.text.count("\n", 0, at)
        return SourceError(f"the JSON is damaged or cut off ({what}, line {line:,}): export it again, or copy the file again")

    def _mend_or_more(self, what: str, at: int) -> None:
        """A value cannot be read: because of a fault that can be mended, because the window ends too early, or for good."""
        broken = self.text[self.at :]
        if self._repair and (mended := self._repair(broken)) != broken:
            self._move(mended)
        elif not ((what.startswith("Unterminated") or at > len(self.text) - _NEAR) and self.more()):
            raise self.damaged(what, at) from None

    def _move(self, text: str) -> None:
        self.line += self.text.count("\n", 0, self.at)
        self.text, self.at = text, 0


def _value(text: _Window, place: str, into: Collection[str]) -> Iterator[tuple[str, object]]:
    opening = text.peek()
    if place not in into or opening not in ("{", "["):
        yield place, text.value()
        return
    text.at += 1
    yield place, Mark.START
    yield from _members(text, place, into) if opening == "{" else _elements(text, place, into)
    yield place, Mark.END


def _members(text: _Window, place: str, into: Collection[str]) -> Iterator[tuple[str, object]]:
    if text.peek() == "}":
        text.at += 1
        return
    while True:
        if text.peek() != '"':
            raise text.damaged("no key", text.at)
        key = str(text.value())
        text.take(":")
        yield from _value(text, f"{place}.{key}" if place else key, into)
        if not text.follows("}"):
            return


def _elements(text: _Window, place: str, into: Collection[str]) -> Iterator[tuple[str, object]]:
    inner = f"{place}.item" if place else "item"
    if text.peek() == "]":
        text.at += 1
        return
    entered = inner in into
    while True:
        if entered:
            yield from _value(text, inner, into)
        else:
            yield inner, text.value()
        if not text.follows("]"):
            return
