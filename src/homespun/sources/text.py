"""Bytes of a file -> text, the same way for every source."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from homespun.errors import SourceError
from homespun.sources.files import readable
from homespun.types import ImportReport

MAX_WHOLE = 1 << 30
"""Bytes of a file that is read at once; what can be larger is streamed."""
MAX_LINE = 1 << 24
"""Bytes of a line; a longer one is cut there, so that no file can fill the memory."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
LOST = "\ufffd"


def read_text(path: Path, report: ImportReport) -> str:
    """The whole file: UTF-8, or UTF-16 where it says so. Stray bytes become U+FFFD, and the report says how many."""
    with readable("it"):
        if path.stat().st_size > MAX_WHOLE:
            raise SourceError(f"it is larger than {MAX_WHOLE >> 30} GiB: export it in parts")
        raw = path.read_bytes()
    if raw.startswith(_UTF16):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("utf-8-sig", "replace")
        _note_lost(text.count(LOST), report)
        return text


def lines(path: Path, report: ImportReport) -> Iterator[str]:
    """The file line by line, without line ends, in constant memory; stray bytes as in `read_text`. Only "\\n" and "\\r\\n" end a line."""
    with readable("it"), path.open("rb") as stream:
        if stream.read(2) in _UTF16:
            yield from _utf16_lines(path)
            return
        stream.seek(0)
        if stream.read(3) != codecs.BOM_UTF8:
            stream.seek(0)
        lost = 0
        while raw := stream.readline(MAX_LINE):
            try:
                line = raw.decode()
            except UnicodeDecodeError:
                line = raw.decode("utf-8", "replace")
                lost += line.count(LOST)
            yield line.rstrip("\n").removesuffix("\r")
    _note_lost(lost, report)


def storable(text: str) -> str:
    """`text` without what no database takes: lone surrogates and NUL become U+FFFD, everything else stays."""
    if "\0" in text:
        text = text.replace("\0", LOST)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _utf16_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-16", errors="replace", newline="\n") as stream:
        while line := stream.readline(MAX_LINE):
            yield line.rstrip("\n").removesuffix("\r")


def _note_lost(lost: int, report: ImportReport) -> None:
    if lost:
        report.notes.append(f"the file is not clean UTF-8: {lost:,} characters became {LOST}")
