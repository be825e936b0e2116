"""WhatsApp's "Export chat": the .txt of Android, or the `_chat.txt` of an iPhone, of any locale.

Times are the phone's local time and are read as UTC: only their differences and order mean anything. Day and month are told
apart by the dates themselves: the order with the fewest impossible dates, then the fewest steps back in time, then the
shortest span. Where only the span decides, a note says so, and the format `whatsapp:month-first` or `whatsapp:day-first`
settles it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path

from homespun.config import SourceSection
from homespun.errors import SourceError
from homespun.sources.text import read_text, storable
from homespun.sources.whatsapp_words import MARKS, chat_title, is_encryption_notice, said
from homespun.types import Chat, ImportReport, Message

title = 'WhatsApp ("Export chat", .txt or .zip)'
options = ("day-first", "month-first", "year-first")

_FIELDS = {"day-first": (2, 1, 0), "month-first": (2, 0, 1), "year-first": (0, 1, 2)}
"""Where year, month and day stand in a date."""
_LATE = 50
"""Messages in a row that are earlier than one before them, from which on the earlier time is the right one."""

_MORNING = "am|上午|午前|凌晨|清晨|早上|오전|ص|قظ|πμ|vorm|morgens|nachts|fm|öö|sa|पूर्वाह्न|прооб|pg|pd"
_EVENING = "pm|下午|午後|傍晚|晚上|오후|م|بظ|μμ|nachm|abends|em|ös|ch|अपराह्न|слоб|ptg|md"
_HALVES = "|".join(r"\.?\s?".join(word) + r"\.?" for word in f"{_MORNING}|{_EVENING}|中午|mittags".split("|"))
_M = f"[{MARKS}]*"
_S = "[ \t\u00a0\u2009\u202f]"
_SLASH = rf"{_M}[./-]{_M}{_S}?"
_DATE = rf"{_M}(?P<a>\d{{1,4}}){_SLASH}(?P<b>\d{{1,2}}){_SLASH}(?P<c>\d{{1,4}})\.?{_M}[,،]?{_S}{_M}"
_BEFORE = rf"(?:(?:klo|kl\.|um|às|as|à|a las|alle|le|at|om|в|о){_S})?(?:(?P<before>{_HALVES}){_S}?)?"
_TIME = rf"(?P<hour>\d{{1,2}})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d))?{_M}"
_AFTER = rf"(?:{_S}?(?:(?P<after>{_HALVES})|h|hs|Uhr|uur))?{_M}"
_HEADERS = tuple(
    re.compile(header, re.IGNORECASE | re.DOTALL)
    for header in (
        rf"{_M}\[{_DATE}{_BEFORE}{_TIME}{_AFTER}\]{_S}(?P<rest>.*)",
        rf"{_DATE}{_BEFORE}{_TIME}{_AFTER}(?:{_S}[-–]{_S}|:{_S})(?P<rest>.*)",
        rf"{_DATE}{_BEFORE}{_TIME}(?P<after>)(?(second){_S}|(?!))(?P<rest>[^:]+:{_S}.*)",
    )
)
_AUTHOR = re.compile(rf"([^\n]{{1,120}}?):(?:{_S}(.*))?", re.DOTALL)
_QUOTES = re.compile('["„“”«»「」]')


@dataclass(slots=True)
class _Entry:
    """A line with a header, and the lines below it."""

    lines: list[str]
    """What follows the author, line by line."""
    raw: str
    fields: tuple[int, int, int]
    clock: int
    author: str | None
    iphone: bool
    time: float | None = None
    pasted: bool = False
    body: str = field(init=False, default="")


def detect(path: Path, head: str) -> bool:
    lines = [line for line in head.split("\n") if line.strip()]
    return any(_header(line.rstrip("\r")) for line in lines[:3])


def read(path: Path, report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """The one chat of the file, named as WhatsApp named the file (or its folder, or zip), in file order.

    Raises:
        SourceError: no line has the header of a message, or no date fits the order asked for.
    """
    raw = [line.removesuffix("\r") for line in read_text(path, report).removesuffix("\n").split("\n")]
    lines = [_header(line) or line for line in raw]
    # An iPhone calls every chat `_chat.txt`; there the folder, or the zip it came from, has the name.
    name = storable(path.parent.name if path.stem.startswith("_chat") and path.parent.name else path.stem)
    _set_times(lines, report, name)
    entries = _assemble(lines, report)
    called = chat_title(name)
    room = called or next((entry.author for entry in entries if entry.author and is_encryption_notice(entry.body)), None) or name
    # On an iPhone, with two other authors the chat is a group, and what the group itself says comes from WhatsApp.
    authors = {entry.author for entry in entries if entry.author and entry.iphone}
    speaks_itself = room in authors and len(authors) > 2
    messages = tuple(message for entry in entries if (message := _message(entry, report, room if speaks_itself else None)))
    speakers = {message.speaker for message in messages}
    if not speaks_itself and called in speakers and len(speakers) == 2:
        report.me = next(speaker for speaker in speakers if speaker != called)
    if messages:
        yield Chat(room, messages, speaks_itself or len(speakers) > 2)


def _header(line: str) -> _Entry | None:
    # Most lines of a long message fail here, before the expensive patterns.
    if not line[:12].lstrip(MARKS + "[")[:1].isdigit():
        return None
    for number, header in enumerate(_HEADERS):
        if (match := header.match(line)) and (clock := _clock(match)) is not None:
            written = _AUTHOR.fullmatch(match["rest"])
            author = _name(written[1]) if written else ""
            body = (written[2] or "") if written and author else match["rest"]
            return _Entry([body], line, (int(match["a"]), int(match["b"]), int(match["c"])), clock, author or None, iphone=number == 0)
    return None


def _clock(match: re.Match[str]) -> int | None:
    """Seconds since midnight, or None if there is no such time."""
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    half = re.sub(r"[.\s]", "", match["before"] or match["after"] or "").casefold()
    if half and hour <= 12:
        hour = hour % 12 + 12 if half in _EVENING.split("|") else hour % 12 if half in _MORNING.split("|") else hour
    return None if hour > 24 or minute > 59 or second > 59 else hour % 24 * 3600 + minute * 60 + second


def _name(written: str) -> str:
    """The author as one would write it; empty for a notice that quotes something with a colon (`… named the group "A: b"`)."""
    # "~" stands before people who are not in the phone's contacts.
    name = " ".join(written.strip(MARKS + " ").removeprefix("~").strip(MARKS).split())
    return "" if len(_QUOTES.findall(name)) % 2 else storable(name)


def _set_times(lines: Sequence[_Entry | str], report: ImportReport, name: str) -> None:
    """Gives every entry its time, in the order of day and month that fits the chat best; None where the date is impossible."""
    entries = [line for line in lines if isinstance(line, _Entry)]
    wanted = report.format.partition(":")[2]
    ways = {order: _times(entries, order) for order in ([wanted] if wanted else _FIELDS)}
    ranks = {order: (*_flaws(times), _rarity(entries, order), _span(times)) for order, times in ways.items()}
    best = min(ranks, key=lambda order: ranks[order])
    if all(time is None for time in ways[best]):
        raise SourceError("no line looks like a message of WhatsApp, such as `31/12/2024, 21:05 - Anna: Hello`")
    for entry, time in zip(entries, ways[best], strict=True):
        entry.time = time
    for other in {"day-first", "month-first"} & set(ranks) - {best}:
        if ranks[other][:2] == ranks[best][:2] and ways[other] != ways[best]:
            first = "/".join(str(number) for number in entries[0].fields)
            report.notes.append(
                f"the dates of {name!r} could be {best} or {other}, and {first} was read as {best}: "
                f"if that is wrong, add it with --as whatsapp:{other}"
            )


def _times(entries: Sequence[_Entry], order: str) -> list[float | None]:
    year, month, day = _FIELDS[order]
    days: dict[tuple[int, int, int], int | None] = {}
    for fields in {entry.fields for entry in entries}:
        try:
            days[fields] = date(fields[year] + 2000 * (fields[year] < 100), fields[month], fields[day]).toordinal()
        except ValueError:
            days[fields] = None
    epoch = date(1970, 1, 1).toordinal()
    return [None if (ordinal := days[entry.fields]) is None else (ordinal - epoch) * 86400.0 + entry.clock for entry in entries]


def _flaws(times: Sequence[float | None]) -> tuple[int, int]:
    """Impossible dates, and steps back in time."""
    known = [time for time in times if time is not None]
    return len(times) - len(known), sum(later < earlier for earlier, later in pairwise(known))


def _rarity(entries: Sequence[_Entry], order: str) -> bool:
    """Whether the order is one that hardly any locale uses: the year first, with two digits."""
    return order == "year-first" and all(entry.fields[0] < 100 for entry in entries)


def _span(times: Sequence[float | None]) -> float:
    known = [time for time in times if time is not None]
    return max(known) - min(known) if known else 0.0


def _assemble(lines: Sequence[_Entry | str], report: ImportReport) -> list[_Entry]:
    """The messages: a line without a header, with an impossible date or inside a pasted transcript belongs to the one above."""
    _mark_pasted([line for line in lines if isinstance(line, _Entry) and line.time is not None])
    entries: list[_Entry] = []
    for line in lines:
        if isinstance(line, _Entry) and line.time is not None and not line.pasted:
            entries.append(line)
        elif entries:
            entries[-1].lines.append(line if isinstance(line, str) else line.raw)
        else:
            report.skip("line before the first message")
    for entry in entries:
        entry.body = storable("\n".join(entry.lines))
    return entries


def _mark_pasted(entries: Sequence[_Entry]) -> None:
    """Marks headers inside a pasted transcript: earlier than what stands above them, and by someone who never writes in turn."""
    latest, late = float("-inf"), 0
    behind: list[_Entry] = []
    members: set[str] = set()
    for entry in entries:
        time, author = entry.time or 0.0, entry.author
        late = 0 if time >= latest else late + 1
        if author and 0 < late <= _LATE:
            behind.append(entry)
            continue
        latest = time
        members |= {author} if author else set()
    # In a monologue nobody has taken turns yet, so nothing can be told.
    for entry in behind if len(members) > 1 else ():
        entry.pasted = entry.author not in members


def _message(entry: _Entry, report: ImportReport, room: str | None) -> Message | None:
    if entry.author is None or entry.author == room:
        report.skip("WhatsApp notice")
        return None
    text, reason = said(entry.body, entry.iphone)
    if reason:
        report.skip(reason)
        return None
    return Message(entry.author, text, entry.time)
