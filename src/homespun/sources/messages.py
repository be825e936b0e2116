"""JSONL of messages, the format to turn anything else into: `{"conv": "…", "ts": "…", "speaker": "…", "text": "…"}` a line.

`ts` is ISO-8601, a number of seconds or milliseconds since 1970, mission time (`-00:00:00:10`, days:hours:minutes:seconds),
or left out; a file keeps to one of these. Other keys are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

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


def read(path: Path, report: ImportReport) -> Iterator[Chat]:
    """One chat per `conv`, in order of first appearance; a group when more than two people speak in it.

    Raises:
        SourceError: half of the lines or more are bad, or two lines tell time in different ways; names the line.
    """
    lines = records(path, report, _parse, EXAMPLE)
    if not lines:
        return
    first, opening = lines[0]
    for number, line in lines:
        if line.kind != opening.kind:
            raise SourceError(f'line {number} has {line.kind} but line {first} has {opening.kind}: keep to one kind of "ts" in a file')
    chats: dict[str, list[Message]] = {}
    for _, line in lines:
        chats.setdefault(line.conv, []).append(line.message)
    for conv, messages in chats.items():
        yield Chat(conv, tuple(messages), len({message.speaker for message in messages}) > 2, _clock(opening.kind))


def _parse(record: Record) -> _Line:
    conv = record.get("conv")
    name = str(conv) if isinstance(conv, int) else words(record, "conv")
    speaker = words(record, "speaker").strip()
    kind, time = moment(record.get("ts"))
    return _Line(name, kind, Message(speaker, words(record, "text"), time))


def _clock(kind: Kind) -> Clock:
    return "none" if kind == "no time" else "relative" if kind == "mission time" else "absolute"
