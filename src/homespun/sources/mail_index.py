"""What is in mbox files, kept small: for every mail where it lies, who wrote it and when, and which thread it belongs to.

A mail takes about 400 bytes here, whatever its size: 200,000 mails take 80 MB. Its words stay in the file.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header
from email.utils import mktime_tz, parsedate_tz
from hashlib import blake2b
from typing import IO

from homespun.sources.text import storable

_START = re.compile(rb"From (?:[^\n]{0,300}\d\d:\d\d[^\n]{0,100}|-?[ \t\r]*)\n(?=[!-9;-~]+:|>From )")
_FIELDS = re.compile(rb"^([!-9;-~]+):[ \t]*((?:.*(?:\n[ \t]+.*)*))", re.MULTILINE)
_WANTED = frozenset(
    b"message-id in-reply-to references date from to cc delivered-to subject x-gm-thrid x-gmail-labels auto-submitted precedence list-id"
    b" content-type".split()
)
_ID = re.compile(rb"<([^<>\s]{1,300})>")
_ADDRESS = re.compile(rb"[^\s<>,;:\"'()\[\]]{1,64}@[^\s<>,;:\"'()\[\]]{1,255}")
_RE = re.compile(
    r"(?:\s*(?:re|aw|sv|antw|antwort|odp|ynt|vs|rv|ref|回复|答复|回覆|返信)\s*(?:\[\d+\]|\(\d+\))?\s*[:：])+\s*", re.IGNORECASE
)
_CHUNK = 1 << 20
_LONGEST_FROM = 1 << 9
_HEADER = 1 << 14
MAX_HEADER = 1 << 20
_YEAR_10000 = 253_402_300_800

SENT, LISTED = 1, 2

Fields = dict[bytes, bytes]


@dataclass(slots=True)
class Index:
    """Columns, one row a mail; a thread is a set of ids and of Gmail's thread numbers that were named together."""

    files: array[int] = field(default_factory=lambda: array("L"))
    offsets: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))
    nodes: array[int] = field(default_factory=lambda: array("q"))
    parents: array[int] = field(default_factory=lambda: array("q"))
    """The node of the mail that it answers, or -1."""
    senders: array[int] = field(default_factory=lambda: array("q"))
    flags: array[int] = field(default_factory=lambda: array("B"))
    addresses: dict[str, int] = field(default_factory=dict)
    names: dict[int, tuple[float, str]] = field(default_factory=dict)
    """Address -> the display name that it had first."""
    parties: Counter[str] = field(default_factory=Counter)
    """Address -> mails that it wrote or got."""
    _node_of: dict[int, int] = field(default_factory=dict)
    _above: array[int] = field(default_factory=lambda: array("q"))
    _rows: array[int] = field(default_factory=lambda: array("q"))
    """Node -> row, or -1 for a mail that is only named by others."""
    _loose: list[tuple[float, int, int, bool]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.offsets)

    def add(self, file: int, offset: int, size: int, time: float, fields: Fields, flags: int) -> bool:
        """False: this mail is here already."""
        node = self.node(message_id(fields) or b"\0%d %d" % (file, offset))
        if self._rows[node] >= 0:
            self.flags[self._rows[node]] |= flags & SENT
            return False
        self._rows[node] = len(self)
        sender, name = writer(fields)
        number = self.addresses.setdefault(sender, len(self.addresses))
        if name and (number not in self.names or time < self.names[number][0]):
            self.names[number] = time, name
        self.parties.update({sender, *recipients(fields)})
        self.files.append(file)
        self.offsets.append(offset)
        self.sizes.append(size)
        self.times.append(time)
        self.nodes.append(node)
        self.parents.append(-1 if (parent := answers(fields)) is None else self.node(parent))
        self.senders.append(number)
        self.flags.append(flags)
        self._tie(node, time, fields)
        return True

    def node(self, name: bytes) -> int:
        short = int.from_bytes(blake2b(name, digest_size=8).digest(), "big") >> 1
        if short not in self._node_of:
            self._node_of[short] = len(self._above)
            self._above.append(len(self._above))
            self._rows.append(-1)
        return self._node_of[short]

    def thread(self, node: int) -> int:
        """The one node that stands for all that are tied together."""
        while (above := self._above[node]) != node:
            self._above[node] = node = self._above[above]
        return node

    def tie_by_subject(self) -> None:
        """Mails that name no other go to the newest before them with their subject between the same two people, if they say `Re:`."""
        newest: dict[int, int] = {}
        for _, subject, node, answers in sorted(self._loose):
            if answers and subject in newest:
                self._join(node, newest[subject])
            newest[subject] = node
        self._loose.clear()

    def _tie(self, node: int, time: float, fields: Fields) -> None:
        named = references(fields)
        thread = fields.get(b"x-gm-thrid", b"").strip()
        for name in [*named, *([b"\0thread " + thread] if thread else [])]:
            self._join(node, self.node(name))
        subject = subject_of(fields)
        if subject and not named and not thread:
            bare = _RE.sub("", subject, count=1).casefold()
            two = sorted({writer(fields)[0], *recipients(fields)[:1]})
            short = hash((bare, *two))
            self._loose.append((time, short, node, bool(_RE.match(subject))))

    def _join(self, one: int, other: int) -> None:
        self._above[self.thread(one)] = self.thread(other)


def starts(stream: IO[bytes]) -> Iterator[int]:
    """Where mails begin: lines `From …`, followed by a header."""
    base, window = -1, b"\n" + stream.read(_CHUNK)
    while window:
        more = stream.read(_CHUNK)
        # A line that the window's end cuts is found in the next one.
        end = len(window) - _LONGEST_FROM if more else len(window)
        at = window.find(b"\nFrom ")
        while 0 <= at < end:
            if _START.match(window, at + 1):
                yield base + at + 1
            at = window.find(b"\nFrom ", at + 1)
        base, window = base + end, window[end:] + more


def header(stream: IO[bytes], offset: int, size: int) -> tuple[bytes, Fields]:
    """The line `From …` and the fields wanted here, unfolded; of one that comes several times the first, but all recipients."""
    stream.seek(offset)
    from_line = stream.readline(_HEADER)
    raw = stream.read(min(size, _HEADER))
    ends = (raw.find(b"\n\n"), raw.find(b"\n\r\n"))
    if max(ends) < 0 and size > _HEADER:
        raw += stream.read(min(size, MAX_HEADER) - _HEADER)
        ends = (raw.find(b"\n\n"), raw.find(b"\n\r\n"))
    end = min((end for end in ends if end >= 0), default=len(raw))
    found: Fields = {}
    for name, value in _FIELDS.findall(raw[:end].replace(b"\r\n", b"\n")):
        if (key := name.lower()) in _WANTED:
            if key == b"cc" or (key in (b"to", b"delivered-to") and key in found):
                found[b"to"] = found.get(b"to", b"") + b", " + value
            found.setdefault(key, re.sub(rb"\n[ \t]+", b" ", value).strip())
    return from_line, found


def message_id(fields: Fields) -> bytes | None:
    found = _ID.search(fields.get(b"message-id", b""))
    return found[1] if found else None


def references(fields: Fields) -> list[bytes]:
    """Message-IDs of the mails before it in its thread, the first of all first."""
    return list(dict.fromkeys(_ID.findall(fields.get(b"references", b"") + b" " + fields.get(b"in-reply-to", b""))))


def answers(fields: Fields) -> bytes | None:
    """The Message-ID of the mail that it answers."""
    named = _ID.findall(fields.get(b"in-reply-to", b"")) or _ID.findall(fields.get(b"references", b""))[-1:]
    return named[0] if named else None


def writer(fields: Fields) -> tuple[str, str]:
    """Address, in lower case, and display name of who wrote it; either may be empty."""
    raw = fields.get(b"from", b"")[:2000]
    found = _ADDRESS.findall(raw)
    name = decoded(raw.partition(b"<")[0]).strip().strip("\"'").strip() if b"<" in raw else ""
    return (_lower(found[-1]) if found else ""), "" if "@" in name else storable(name.replace('\\"', '"'))


def recipients(fields: Fields) -> list[str]:
    raw = fields.get(b"to", b"")[:10_000] + b", " + fields.get(b"delivered-to", b"")[:1000]
    return list(dict.fromkeys(_lower(one) for one in _ADDRESS.findall(raw)))


def subject_of(fields: Fields) -> str:
    return storable(" ".join(decoded(fields.get(b"subject", b"")[:2000]).split()))


def bare_subject(fields: Fields) -> str:
    """The subject without `Re:`."""
    return _RE.sub("", subject_of(fields), count=1)


def labels(fields: Fields) -> set[str]:
    """Gmail's labels, in the language of the account, in lower case."""
    return {label.strip().casefold() for label in decoded(fields.get(b"x-gmail-labels", b"")).split(",")} - {""}


def time_of(fields: Fields, from_line: bytes) -> float | None:
    """Seconds since 1970: when it was sent, or when it came."""
    for text in (fields.get(b"date", b""), b" ".join(from_line.split()[2:])):
        try:
            moment = parsedate_tz(text[:200].decode("latin-1"))
            seconds = float(mktime_tz(moment)) if moment else None
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        if seconds is not None and abs(seconds) < _YEAR_10000:
            return seconds
    return None


def decoded(raw: bytes) -> str:
    """A header as text (RFC 2047), whatever its charset says."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if "=?" not in text:
        return text
    try:
        return "".join(part if isinstance(part, str) else _any_charset(part, charset) for part, charset in decode_header(text))
    except (HeaderParseError, ValueError):
        return text


def _any_charset(raw: bytes, charset: str | None) -> str:
    try:
        return raw.decode(charset or "utf-8")
    except (LookupError, ValueError):
        return raw.decode("latin-1")


def _lower(address: bytes) -> str:
    return address.decode("utf-8", "replace").casefold().strip(".")
