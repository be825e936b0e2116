"""Plain transcripts: a turn is a line `SPEAKER: text`, and the lines below it that name no speaker.

A time may stand before the speaker or on a line of its own: `[00:01:02]`, `00:01:02`, `(12:34)` minutes and seconds, or with
days before the hours. What could be a speaker is one if it is named twice, or written in capitals.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from itertools import groupby, pairwise
from pathlib import Path

from homespun.config import SourceSection
from homespun.errors import SourceError
from homespun.sources import irc, whatsapp
from homespun.sources.text import lines, storable
from homespun.types import Chat, Clock, ImportReport, Message

title = "a transcript (SPEAKER: text, one turn a line)"

_STAMP = r"(?P<open>[\[(])?(?P<stamp>-?(?:\d{1,3}:){1,3}\d\d(?:[.,]\d+)?)(?(open)[\])])"
_TURN = re.compile(
    rf"(?:{_STAMP}[ \t]*(?:-[ \t])?)?(?P<who>[^\W\d_](?:[\w.'’()/&#-]|[ ](?=[\w(&#])){{0,39}}) ?:(?:[ \t]+(?P<text>.*))?", re.DOTALL
)
_TIME = re.compile(_STAMP)
_REMARK = re.compile(r"_\w+ ?:")
_FIELD = re.compile(
    "from|to|b?cc|subject|date|sent|received|reply-to|message-id|content-type|mime-version|x-mailer|user-agent|disallow|allow|sitemap"
    "|host|accept|server|name|title|u?id|type|kind|version|description|author|key|value|url|uri|https?|file|path|line|status|error"
    "|warn|warning|info|debug|note|todo|fixme|default|else|try|finally|public|private|protected|case|return|tags|layout|files|copyright"
    "|licen[sc]e|comment|classifier|requires-dist|requires|provides-extra|project-url|package|depends|summary|section|source|format",
    re.IGNORECASE,
)
"""What stands before a colon in mails, settings, records and code."""
_MAIL = re.compile(r"^(?:Received|Return-Path|Message-I[Dd]|MIME-Version): ", re.MULTILINE)
_CODE = re.compile(r"[{};]\s*$|^\s*(?:#|//|<|-\s)")


def detect(path: Path, head: str) -> bool:
    if _MAIL.search(head) or irc.detect(path, head) or whatsapp.detect(path, head):
        return False
    written = [line.rstrip("\r") for line in head.split("\n") if line.strip()]
    matches = [_TURN.fullmatch(line) for line in written if not _TIME.fullmatch(line) and not _REMARK.match(line)]
    turns = [(match["who"], match["text"]) for match in matches if match and match["text"]]
    return (
        len(turns) > 0.5 * len(matches)
        and sum(len(text.split()) > 2 for _, text in turns) > 0.25 * len(turns)
        and sum(bool(_CODE.search(line)) for line in written) < 0.1 * len(written)
        and _take_turns([who for who, _ in turns])
    )


def read(path: Path, report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """The one conversation of the file. Times count from the transcript's own zero.

    Raises:
        SourceError: no line names a speaker.
    """
    named: Counter[str] = Counter()
    timed = False
    for line in lines(path, report):
        match = _TURN.fullmatch(line)
        timed = timed or bool((match and match["stamp"]) or _TIME.fullmatch(line))
        if match:
            named[match["who"]] += 1
    speakers = {who for who, count in named.items() if count > 1 or who.partition("(")[0].isupper()}
    if not speakers:
        raise SourceError("no line names a speaker: write `Anna: Hello`, one turn a line")
    clock: Clock = "relative" if timed else "none"
    # Files of two days are often called the same, and their times count from two zeros.
    name, folder = storable(path.stem), storable(path.parent.name)
    yield Chat(name, _messages(lines(path, ImportReport("")), speakers, report), clock=clock, key=f"{folder}/{name}")


def _take_turns(names: list[str]) -> bool:
    """Whether those named at the beginning of lines are people: two at least come back to speak, and not always in the same order."""
    repeated = {name for name, count in Counter(name for name, _ in groupby(names)).items() if count > 1}
    fields = sum(bool(_FIELD.fullmatch(name)) for name in repeated)
    strangers = sum(name not in repeated for name in names)
    if len(repeated) < 2 or 2 * fields >= len(repeated) or strangers > 0.3 * len(names):
        return False
    followers: dict[str, set[str]] = {}
    for name, follower in pairwise(names):
        followers.setdefault(name, set()).add(follower)
    return len(followers) == 2 or any(len(after) > 1 for after in followers.values())


def _messages(written: Iterable[str], speakers: Container[str], report: ImportReport) -> Iterator[Message]:
    speaker, time, stamp = "", None, None
    body: list[str] = []
    for line in written:
        match = _TURN.fullmatch(line)
        if match and match["who"] in speakers:
            yield from _turn(speaker, body, time, report)
            stamp = _seconds(match["stamp"]) if match["stamp"] else stamp
            speaker, time, body = match["who"], stamp, [match["text"] or ""]
        elif alone := _TIME.fullmatch(line.strip()):
            stamp = _seconds(alone["stamp"])
        elif _REMARK.match(line):
            report.skip("remark of the transcript")
        elif body and body[-1] and line[:1] in (" ", "\t") and line.strip():
            # Set back from the margin it is the rest of the line above, which was too long for the page.
            body[-1] += f" {line.strip()}"
        elif speaker:
            body.append(line)
        elif line.strip():
            report.skip("line before the first speaker")
    yield from _turn(speaker, body, time, report)


def _turn(speaker: str, body: list[str], time: float | None, report: ImportReport) -> Iterator[Message]:
    """The turn, without the empty lines around it."""
    text = storable("\n".join(body)).strip("\n")
    if text.strip():
        yield Message(storable(speaker), text, time)
    elif speaker:
        report.skip("empty turn")


def _seconds(stamp: str) -> float:
    """Of `minutes:seconds`, with hours and days before them if there are more numbers."""
    parts = [float(part) for part in stamp.lstrip("-").replace(",", ".").split(":")]
    total = sum(part * size for part, size in zip(reversed(parts), (1, 60, 3600, 86400), strict=False))
    return -total if stamp.startswith("-") else total
