"""JSONL of messages, the format to turn anything else into: `{"conv": "…", "ts": "…", "speaker": "…", "text": "…"}` a line.

`ts` is ISO-8601, a number of seconds or milliseconds since 1970, mission time (`-00:00:00:10`, days:hours:minutes:seconds),
or left out; a file keeps to one of these. Other keys are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import NamedTuple

from homespun.config import SourceSection
from homespun.errors import SourceError
from homespun.sources.jsonl import Kind, Record, moment, records, words
from homespun.types import Chat, Clock, ImportReport, Message

title = 'messages as JSONL ({"conv", "ts", "speaker", "text"} a line)'

EXAMPLE = '{"conv": "Anna", "ts": "2024-05-01T09:30", "speaker": "Ben", "text": "Morning!"}'
_LINE = re.compile(r'^[ \t]*\{(?=.*"text"\s*:).*"(?:speaker|conv)"\s*:', re.MULTILINE)


class _Line(NamedTuple):
    conv: str
    kind: Kind
    message: Message


def detect(path: Path, head: str) -> bool:
    return bool(_LINE.search(head))


def read(path: Path, report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """A chat for every `conv`; one whose lines stand in several places comes in several pieces.

    Raises:
        SourceError: half of the lines or more are bad, or two lines tell time in different ways; names the line.
    """
    lines = _of_one_kind(records(path, report, _parse, EXAMPLE))
    for conv, run in groupby(lines, key=lambda line: line.conv):
        first = next(run)
        yield Chat(conv, (line.message for line in chain([first], run)), clock=_clock(first.kind))


def _of_one_kind(lines: Iterable[tuple[int, _Line]]) -> Iterator[_Line]:
    opening: tuple[int, _Line] | None = None
    for number, line in lines:
        opening = opening or (number, line)
        first, kind = opening[0], opening[1].kind
        if line.kind != kind:
            raise SourceError(f'line {number} has {line.kind} but line {first} has {kind}: keep to one kind of "ts" in a file')
        yield line


def _parse(record: Record) -> _Line:
    conv = record.get("conv")
    name = str(conv) if isinstance(conv, int) else words(record, "conv")
    speaker = words(record, "speaker").strip()
    kind, time = moment(record.get("ts"))
    return _Line(name, kind, Message(speaker, words(record, "text"), time))


def _clock(kind: Kind) -> Clock:
    return "none" if kind == "no time" else "relative" if kind == "mission time" else "absolute"
