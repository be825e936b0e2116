"""JSONL of reflections: `{"question": "…", "answer": "…", "date": "2024-05-01"}` a line, one person answering throughout.

Each pair must become a session of its own, so each gets a day of its own, at 00:00 and with the answer 60 seconds later:
its own date, or the next free day when that is taken; without a date, the day after the pair before it, counting from
1970. Only the order of such invented days means anything. Until all are known, the words wait on the disk.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from homespun.config import SourceSection
from homespun.sources.files import readable
from homespun.sources.jsonl import Record, moment, records, words
from homespun.sources.text import storable
from homespun.types import Chat, ImportReport, Message

title = 'reflections as JSONL ({"question", "answer"} a line)'

ANSWERER = "Me"
"""The answering speaker: the file does not name its author, who is the owner of the corpus."""
QUESTIONER = "Question"
EXAMPLE = '{"question": "What did you learn today?", "answer": "To wait.", "date": "2024-05-01"}'
_LINE = re.compile(r'^[ \t]*\{(?=.*"question"\s*:).*"answer"\s*:', re.MULTILINE)
_DAY = 86400


class _Pair(NamedTuple):
    question: str
    answer: str
    day: int | None


def detect(path: Path, head: str) -> bool:
    return bool(_LINE.search(head))


def read(path: Path, report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """One chat, named after the file, in order of date.

    Raises:
        SourceError: half of the lines or more are bad; names the first.
    """
    report.me = ANSWERER
    days, places = array("q"), array("q")
    with readable("it"), TemporaryFile(prefix="homespun-") as spool:
        for _, pair in records(path, report, _parse, EXAMPLE):
            # A pair without a date belongs after the one before it.
            days.append(pair.day if pair.day is not None else days[-1] if days else 0)
            places.append(spool.tell())
            spool.write(json.dumps((pair.question, pair.answer)).encode() + b"\n")
        yield Chat(storable(path.stem), _messages(spool, days, places))


def _messages(spool: IO[bytes], days: Sequence[int], places: Sequence[int]) -> Iterator[Message]:
    free: int | None = None
    for number in sorted(range(len(days)), key=days.__getitem__):
        day = days[number] if free is None else max(days[number], free)
        free = day + 1
        spool.seek(places[number])
        question, answer = json.loads(spool.readline())
        yield Message(QUESTIONER, question, day * _DAY)
        yield Message(ANSWERER, answer, day * _DAY + 60)


def _parse(record: Record) -> _Pair:
    kind, time = moment(record.get("date"))
    if kind == "mission time":
        raise ValueError("a time that cannot be read")
    return _Pair(words(record, "question"), words(record, "answer"), None if time is None else int(time // _DAY))
