"""The first line of a WhatsApp message: date, time and author, in any locale.

The patterns that know every locale are slow. A file keeps to a few forms of them, so each form met is learned: the next line
like it is recognised by a pattern made of that form, and a date, time or author already seen is not worked out again.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import contains
from typing import NamedTuple

from homespun.sources.text import storable
from homespun.sources.whatsapp_words import MARKS

NOBODY = -1
"""The author of what WhatsApp itself says."""
_MAX_FORMS = 24
"""Forms learned of a file; a chat has two or three."""

_MORNING = "am|上午|午前|凌晨|清晨|早上|오전|ص|قظ|πμ|vorm|morgens|nachts|fm|öö|sa|पूर्वाह्न|прооб|pg|pd"
_EVENING = "pm|下午|午後|傍晚|晚上|오후|م|بظ|μμ|nachm|abends|em|ös|ch|अपराह्न|слоб|ptg|md"
_HALVES = "|".join(r"\.?\s?".join(word) + r"\.?" for word in f"{_MORNING}|{_EVENING}|中午|mittags".split("|"))
_M = f"[{MARKS}]*+"
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
_AUTHOR = re.compile(rf"([^\n]{{1,120}}?):(?:{_S}|\Z)")
_NOTHING = re.compile(r"(?!)")
_QUOTES = re.compile('["„“”«»「」]')


class Header(NamedTuple):
    """A line is `date + time + what follows`."""

    date: str
    time: str
    fields: tuple[int, int, int]
    """The three numbers of the date, in the order in which they stand there."""
    clock: int
    """Seconds since midnight."""
    forms: tuple[str, str] | None
    """Patterns for dates and times written like these; None where what follows has a say in it."""


@dataclass(slots=True)
class Headers:
    """The headers of a file as columns of one row each, some 24 bytes."""

    line: array[int] = field(default_factory=lambda: array("Q"))
    date: array[int] = field(default_factory=lambda: array("I"))
    """Rows of `dates`."""
    clock: array[int] = field(default_factory=lambda: array("I"))
    author: array[int] = field(default_factory=lambda: array("i"))
    """Rows of `names`, or NOBODY."""
    body: array[int] = field(default_factory=lambda: array("I"))
    """Where in the line the body begins."""
    dates: list[tuple[int, int, int]] = field(default_factory=list)
    iphone: list[bool] = field(default_factory=list)
    """Of each date, whether it stands in brackets."""
    names: list[str] = field(default_factory=list)


def header(line: str) -> Header | None:
    """Date and time at the beginning of a line, if it has those of a message."""
    # Most lines of a long message fail here, before the expensive patterns.
    if not line[:12].lstrip(MARKS + "[")[:1].isdigit():
        return None
    for pattern in _HEADERS:
        if (match := pattern.match(line)) and (clock := _clock(match)) is not None:
            date, time = line[: match.end("c")], line[match.end("c") : match.start("rest")]
            return Header(date, time, (int(match["a"]), int(match["b"]), int(match["c"])), clock, _forms(match))
    return None


def scan(lines: Iterable[str]) -> Headers:
    """Every header of a file, in one pass."""
    found = Headers()
    known = _NOTHING
    forms: tuple[dict[str, None], dict[str, None]] = {}, {}
    dates: dict[str, int] = {}
    clocks: dict[str, int] = {}
    names = {"": NOBODY}
    written: dict[str, int] = {}
    for number, line in enumerate(lines):
        match = known.match(line)
        if match and (date := dates.get(match[1], -1)) >= 0 and (clock := clocks.get(match[2], -1)) >= 0:
            rest = match.end()
        elif new := header(line):
            if new.date not in dates:
                dates[new.date] = len(dates)
                found.dates.append(new.fields)
                found.iphone.append("[" in new.date)
            date, clock, rest = dates[new.date], new.clock, len(new.date) + len(new.time)
            clocks[new.time] = clock
            known = _learned(forms, new) or known
        else:
            continue
        author, body = NOBODY, rest
        if match := _AUTHOR.match(line, rest):
            who = match[1]
            if who not in written:
                written[who] = names.setdefault(_name(who), len(names) - 1)
            author = written[who]
            body = match.end() if author != NOBODY else rest
        found.line.append(number)
        found.date.append(date)
        found.clock.append(clock)
        found.author.append(author)
        found.body.append(body)
    found.names = list(names)[1:]
    return found


def _learned(forms: tuple[dict[str, None], dict[str, None]], new: Header) -> re.Pattern[str] | None:
    """The pattern for all forms met so far, if `new` has one more."""
    if new.forms is None or sum(map(len, forms)) >= _MAX_FORMS or all(map(contains, forms, new.forms)):
        return None
    for known, form in zip(forms, new.forms, strict=True):
        known[form] = None
    return re.compile("({})({})".format(*map("|".join, forms)))


def _forms(match: re.Match[str]) -> tuple[str, str] | None:
    """Patterns for dates and for times written like those of `match`: the numbers may be others, all else is as here.

    None where there is no dash, for then what follows has a say in whether the line is a header.
    """
    if match.re is _HEADERS[-1]:
        return None
    date = _form(match, 0, ("a", r"\d{1,4}"), ("b", r"\d{1,2}"), ("c", r"\d{1,4}"))
    time = _form(match, match.end("c"), ("hour", r"\d{1,2}"), ("minute", r"\d\d"), ("second", r"\d\d"))
    return date, time + re.escape(match.string[max(match.end("minute"), match.end("second")) : match.start("rest")])


def _form(match: re.Match[str], start: int, *numbers: tuple[str, str]) -> str:
    form = ""
    for group, pattern in numbers:
        if match[group] is not None:
            form += re.escape(match.string[start : match.start(group)]) + pattern
            start = match.end(group)
    return form


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
