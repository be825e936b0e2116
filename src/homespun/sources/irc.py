"""IRC logs of irssi, WeeChat, HexChat, ZNC and mIRC, and of public loggers: a line is a time and `<nick> text`.

Times are those of the logger's clock and are read as UTC. Lines that tell only the hour get their day from the lines that
open a log or change the day, else from the name of the file; without either, time counts from the first midnight.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import Literal, NamedTuple

from homespun.config import SourceSection
from homespun.sources.text import lines, storable
from homespun.types import Chat, Clock, ImportReport, Message

title = "an IRC log ([12:34] <nick> text; irssi, WeeChat, HexChat, ZNC, mIRC)"

_HEAD = 500
"""Lines by which a log is known, and in which it may name its channel."""
_EPOCH = date(1970, 1, 1).toordinal()
_HALF_DAY = 43_200
_MARKS = "~&@%+!* "
"""What stands at a nick for its rank."""
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_MONTH = f"({'|'.join(_MONTHS)})"

_STAMP = rf"\[?(?:(?P<day>\d{{4}}[-/.]\d\d[-/.]\d\d|{_MONTH} [ \d]?\d)[T ,]+)?(?P<clock>\d{{1,2}}:\d\d(?::\d\d)?)(?:[.,]\d+)?Z?\]?"
_SAID = rf"<[{_MARKS}]*(?P<nick>[^\s<>]{{1,64}})>[ \t]?(?P<text>.*)"
_LINE = re.compile(rf"(?:{_STAMP}(?:[ \t]|\Z))?[ \t]*(?:{_SAID}|\*[ \t](?P<star>.*)|(?P<other>.*))", re.DOTALL)
_WEECHAT = re.compile(r"(?P<day>\d{4}-\d\d-\d\d) (?P<clock>\d\d:\d\d:\d\d)\t(?P<nick>[^\t]{0,64})\t(?P<text>.*)", re.DOTALL)
_ARROWS = ("-->", "<--", "--", "=!=", "")
"""What WeeChat writes instead of a nick."""
_WHO = r"\S+ (?:\([^)]*\) |\[[^\]]*\] )?"
_EVENT = re.compile(
    r"(?:Joins|Parts|Quits|Topic|Users|Set by|Now talking|You are|Disconnected|Attempting|Rejoined|Retrieving|Connect)\b"
    rf"|{_WHO}(?:has (?:joined|left|quit|kicked|changed|set|been)\b|is now known as\b|was kicked\b|Quit\b"
    r"|(?:sets?|changes?|gives?|removes?) (?:the )?(?:mode|topic|ban|channel|voice)\b)"
)
_OTHERS = re.compile(r"-!-|-->|<--|---|--\s|===|\*\*\*|Session \w+:")
"""How the lines begin that clients write of joins, modes and the log itself."""
_NOTICE = re.compile(r"-[^\s-]\S{0,80}-[ \t]")
_CODES = re.compile(r"\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x04[0-9A-Fa-f]{6}|[\x02\x0f\x11\x16\x1d\x1e\x1f]")
"""Colours and other looks."""
_CHANNEL = re.compile(r"(?:has joined|Joins:? .{1,99}|[Tt]alking (?:on|in)|Session Ident:|Topic for) :?([#&][^\s,:]+)")
_DATED = re.compile(
    rf"(?:---|===|\*{{3,4}}|Session |#).{{0,60}}?(?:{_MONTH} +(\d{{1,2}})(?: [\d:]{{5,8}}(?: \w+)?)?,? (\d{{4}})|(\d{{4}})-(\d\d)-(\d\d))"
)
_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)(?!\d)")

Kind = Literal["message", "event", "notice", "other"]
_REASONS = {"event": "join, part, mode or the like", "notice": "notice", "other": "line that is no message"}


class _Line(NamedTuple):
    kind: Kind
    raw: str
    day: str | None = None
    clock: int | None = None
    nick: str = ""
    text: str = ""


def detect(path: Path, head: str) -> bool:
    written = [line.rstrip("\r") for line in head.split("\n")[:_HEAD] if line.strip()]
    found = [_parse(line) for line in written]
    spoken = [line for line in found if line.kind == "message"]
    nicks = {line.nick for line in spoken}
    strange = sum(line.kind == "other" for line in found)
    if any(line.clock is not None for line in spoken):
        return strange * 2 <= len(found) and (len(nicks) > 1 or any(line.kind == "event" for line in found))
    # Without a time, `<nick> text` could be a page of some markup, and `* nick waves` any list.
    spoken = [line for line in spoken if not line.raw.lstrip().startswith("*")]
    return len(spoken) > len(nicks) > 1 and strange * 5 <= len(found) and "</" not in head and "/>" not in head


def read(path: Path, report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """The one channel, or query, of the log."""
    found = map(_parse, lines(path, report))
    head = list(islice(found, _HEAD))
    name = storable(_channel(head, path))
    day = _first_day(head, path)
    timed = any(line.kind == "message" and line.clock is not None for line in head)
    clock: Clock = "none" if not timed else "relative" if day is None else "absolute"
    messages = _messages(chain(head, found), _Calendar(day or 0, day is not None), report)
    # Logs that count from some midnight have nothing to do with each other.
    yield Chat(name, messages, True if name[:1] in "#&" else None, clock, key=f"{name} {storable(path.name)}" if day is None else name)


def _parse(line: str) -> _Line:
    if match := _WEECHAT.match(line):
        return _of_weechat(match)
    match = _LINE.match(line)
    assert match is not None
    day, clock = match["day"], _seconds(match["clock"])
    if match["nick"]:
        return _message(line, day, clock, match["nick"], match["text"])
    if match["star"]:
        return _action(line, day, clock, match["star"])
    kind: Kind = "event" if _OTHERS.match(match["other"] or "") else "notice" if _NOTICE.match(match["other"] or "") else "other"
    return _Line(kind, line, day, clock)


def _of_weechat(match: re.Match[str]) -> _Line:
    line, day, clock, prefix, text = match.string, match["day"], _seconds(match["clock"]), match["nick"].strip(), match["text"]
    if prefix == "*":
        return _action(line, day, clock, text)
    if prefix in _ARROWS or " " in prefix:
        return _Line("notice" if text.startswith("Notice(") else "event", line, day, clock)
    return _message(line, day, clock, prefix, text)


def _action(line: str, day: str | None, clock: int | None, act: str) -> _Line:
    """`* nick waves`, which many clients also write for `* nick has joined`."""
    nick, _, deed = act.lstrip().partition(" ")
    if not deed.strip() or _EVENT.match(act.lstrip()):
        return _Line("event", line, day, clock)
    return _message(line, day, clock, nick, f"/me {deed}")


def _message(line: str, day: str | None, clock: int | None, nick: str, text: str) -> _Line:
    nick = _CODES.sub("", nick).strip(_MARKS)
    return _Line("message" if nick else "other", line, day, clock, storable(nick), storable(_CODES.sub("", text)))


def _seconds(clock: str | None) -> int | None:
    hour, minute, second = (int(part) for part in f"{clock}:0".split(":")[:3]) if clock else (24, 0, 0)
    return hour * 3600 + minute * 60 + second if hour < 24 and minute < 60 and second < 61 else None


def _messages(found: Iterable[_Line], calendar: _Calendar, report: ImportReport) -> Iterator[Message]:
    for line in found:
        time = calendar.at(line)
        if line.kind != "message":
            if line.raw.strip():
                report.skip(_REASONS[line.kind])
        elif not line.text.strip():
            report.skip("empty message")
        else:
            yield Message(line.nick, line.text, time)


@dataclass(slots=True)
class _Calendar:
    """The day the log has come to."""

    day: int
    """Since 1970, or since the log began."""
    known: bool
    clock: int = 0
    written: str | None = None

    def at(self, line: _Line) -> float | None:
        if line.kind in ("event", "other") and self.known and (day := _dated(line.raw)) is not None:
            self.day, self.clock = day, 0
        if line.clock is None:
            return None
        if line.day and line.day != self.written:
            self._turn(line.day)
        elif not line.day and line.clock < self.clock - _HALF_DAY:
            self.day += 1
        self.clock = line.clock
        return self.day * 86400.0 + line.clock

    def _turn(self, written: str) -> None:
        """A new day at the beginning of a line; HexChat does not tell the year, which is that of the day before, or the next."""
        if not self.known:
            self.day += self.written is not None
        elif (day := _day(written, date.fromordinal(self.day + _EPOCH))) is not None:
            self.day = day
        self.written = written


def _first_day(head: Iterable[_Line], path: Path) -> int | None:
    """The day of the first message."""
    day = next((day for name in (path.stem, path.parent.name) if (day := _in_name(name)) is not None), None)
    for line in head:
        if line.kind == "message":
            return _day(line.day, None) if line.day and line.day[0].isdigit() else day
        dated = _dated(line.raw)
        day = day if dated is None else dated
    return day


def _dated(line: str) -> int | None:
    """The day that a line of the log itself tells."""
    match = _DATED.match(line)
    if match is None:
        return None
    return _ordinal(match[4], match[5], match[6]) if match[4] else _ordinal(match[3], str(_MONTHS.index(match[1]) + 1), match[2])


def _in_name(name: str) -> int | None:
    return next((day for match in _IN_NAME.finditer(name) if (day := _ordinal(match[1], match[3], match[4])) is not None), None)


def _day(written: str, before: date | None) -> int | None:
    if written[0].isdigit():
        return _ordinal(*re.split("[-/.]", written))
    assert before is not None
    month = _MONTHS.index(written[:3]) + 1
    return _ordinal(str(before.year + (month < before.month)), str(month), written[4:])


def _ordinal(year: str, month: str, day: str) -> int | None:
    try:
        return date(int(year), int(month), int(day)).toordinal() - _EPOCH
    except ValueError:
        return None


def _channel(head: Iterable[_Line], path: Path) -> str:
    """The channel as the log calls it, else as its file or folder is called."""
    for line in head:
        if line.kind in ("event", "other") and (match := _CHANNEL.search(line.raw)):
            return match[1]
    for name in (path.stem, path.parent.name):
        clean = _IN_NAME.sub("", name).strip(" ._-")
        if clean:
            return clean[clean.index("#") :] if "#" in clean else clean
    return path.stem
