"""Notes and diaries: a folder of Markdown or text files, a note each, or one file with an entry below every date.

All of it is the owner talking alone. A folder is taken only if it holds hardly anything else, and nothing that another format reads;
one file only if it has dates between its entries. Any other text file is read when it is given with `--as notes`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from homespun.config import SourceSection
from homespun.sources import dates, day_lines
from homespun.sources.files import Tree, readable
from homespun.sources.reflections import ANSWERER
from homespun.sources.text import read_text, storable
from homespun.types import Chat, ImportReport, Message

title = "notes or a diary (a folder of Markdown or text files, or one file with dates)"

last_resort = True

MAX_NOTE = 1 << 26
"""Bytes of one file."""
_SUFFIXES = (".md", ".markdown", ".txt")
_BESIDE = (".canvas", ".base", ".csv", ".html", ".css", ".ics", ".excalidraw")
"""What note programs put beside notes."""
_PAPERS = re.compile(
    r"(?:readme|licen[cs]e|copying|notice|changelog|changes|contributing|code_of_conduct|security|authors|install)\b.*", re.IGNORECASE
)
_FRONT = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\r?\n(.*?)\r?\n(?:\1|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FIELD = re.compile(
    r"[ \t]*(?:date|created|created[ _]?at|created time|erstellt|datum|fecha|créé le)[ \t]*[:=][ \t]*[\"']?([^\"'\n\r]+)", re.IGNORECASE
)
_NOTION = re.compile(r"(\s*#[^\n]*\r?\n\s*\n)((?:[^\W\d_][\w ]{0,30}: [^\n]*\n)+)\s*\n")
_NOTION_ID = re.compile(r"[ _-][0-9a-f]{32}$")
_DAY_ONE = re.compile(r"\tDate:\t(.*)")
_DAY_ONE_FIELD = re.compile(r"\t[A-Z][\w ]{2,20}:\t.*")
_EMBED = re.compile(r"[ \t]*!(?:\[\[[^\]\n]*\]\]|\[[^\]\n]*\]\([^)\n]*\))[ \t]*")


class _Entry(NamedTuple):
    name: str
    text: str
    time: float | None


def claim(tree: Tree) -> Collection[str]:
    notes = [name for name in tree.names if _is_note(name)]
    rest = sum(not name.lower().endswith((*_SUFFIXES, *_BESIDE)) for name in tree.names)
    if len(notes) < 2 or rest * 10 > len(tree.names):
        return []
    return notes


def detect(path: Path, head: str) -> bool:
    """One file: a diary, by at least two lines that are dates, the first of them at its beginning."""
    if path.suffix.lower() not in (*_SUFFIXES, ""):
        return False
    found = [_opens_entry(line, False) for line in _FRONT.sub("", head, count=1).splitlines() if line.strip()]
    return any(time is not None for time in found[:5]) and sum(time is not None for time in found) >= 2


def read(path: Path, report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """The entries of one file; raises as `read_tree`."""
    yield from _chats(path, path.name, None, report)


def read_tree(tree: Tree, names: Collection[str], report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """A chat for every note or entry, in order of the files' names. Its time is what the note says, or its name, or its file.

    Raises:
        SourceError: a file cannot be read.
    """
    for name in names:
        path = tree.path(name)
        above = path.parents[len(PurePosixPath(name).parts) - 1]
        # What was unpacked from a zip was written just now.
        with readable(name):
            written = path.stat().st_mtime if above.name == tree.name else None
        yield from _chats(path, name, written, report)


def _chats(path: Path, name: str, written: float | None, report: ImportReport) -> Iterator[Chat]:
    report.me = ANSWERER
    with readable(name):
        size = path.stat().st_size
    if size > MAX_NOTE:
        report.skip("file too large for a note")
        return
    seen: dict[str, int] = {}
    for entry in _entries(read_text(path, report), PurePosixPath(name).stem, written):
        text = "\n".join(line for line in entry.text.split("\n") if not _EMBED.fullmatch(line.rstrip("\r"))).strip("\r\n")
        if not text.strip():
            report.skip("empty note")
            continue
        key = name if entry.name == PurePosixPath(name).stem else f"{name}#{entry.name}"
        seen[key] = seen.get(key, 0) + 1
        key = storable(key if seen[key] == 1 else f"{key} ({seen[key]})")
        message = Message(ANSWERER, storable(text), entry.time, id=key)
        yield Chat(
            storable(_NOTION_ID.sub("", entry.name)), (message,), clock="none" if entry.time is None else "absolute", key=key, whole=True
        )


def _entries(text: str, stem: str, written: float | None) -> Iterator[_Entry]:
    """The entries of a diary, or the whole note."""
    text, said = _without_fields(text)
    lines = text.split("\n")
    turned = day_lines.month_first(lines)
    places = [(at, time) for at, line in enumerate(lines) if (time := _opens_entry(line, turned)) is not None]
    if said is None and len(places) == 1 and not "".join(lines[: places[0][0]]).strip(" \r"):
        said = places[0][1]
        lines = lines[places[0][0] + 1 :]
    if len(places) < 2:
        times = (said, day_lines.moment(stem, turned), _in_name(stem), written)
        yield _Entry(stem, _without_day_one(lines), next((time for time in times if time is not None), None))
        return
    if any(line.strip() for line in lines[: places[0][0]]):
        yield _Entry(stem, "\n".join(lines[: places[0][0]]), said)
    for (at, time), (end, _) in zip(places, [*places[1:], (len(lines), 0.0)], strict=True):
        found = _DAY_ONE.match(lines[at])
        name = (found[1] if found else lines[at]).strip(" \t\r#*_=:")
        yield _Entry(name, _without_day_one(lines[at + 1 : end]), time)


def _opens_entry(line: str, turned: bool) -> float | None:
    found = _DAY_ONE.match(line)
    return day_lines.moment(found[1] if found else line.rstrip("\r"), turned)


def _without_day_one(lines: list[str]) -> str:
    """Weather and place stand between the date and the words in Day One's text."""
    start = 0
    while start < len(lines) and _DAY_ONE_FIELD.fullmatch(lines[start].rstrip("\r")):
        start += 1
    return "\n".join(lines[start:])


def _without_fields(text: str) -> tuple[str, float | None]:
    """Text without front matter, or without the properties below Notion's title; and the time that they tell."""
    if front := _FRONT.match(text):
        return text[front.end() :], _told(front[2])
    notion = _NOTION.match(text)
    if notion and (time := _told(notion[2])) is not None:
        return notion[1] + text[notion.end() :], time
    return text.removeprefix("\ufeff"), None


def _told(fields: str) -> float | None:
    values = (found[1].strip() for line in fields.split("\n") if (found := _FIELD.match(line)))
    times = (time for value in values if (time := _time(value)) is not None)
    return next(times, None)


def _time(value: str) -> float | None:
    time = day_lines.moment(value)
    return time if time is not None else dates.seconds(value)


def _in_name(stem: str) -> float | None:
    """`2024-01-05 Dentist` or `20240105`."""
    found = re.match(r"(\d{4})[-_.]?(\d\d)[-_.]?(\d\d)(?!\d)", stem, re.ASCII)
    return day_lines.moment("-".join(found.groups())) if found else None


def _is_note(name: str) -> bool:
    return name.lower().endswith(_SUFFIXES) and not _PAPERS.fullmatch(PurePosixPath(name).stem)
