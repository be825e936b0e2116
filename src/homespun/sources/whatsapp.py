"""WhatsApp's "Export chat": the .txt of Android, or the `_chat.txt` of an iPhone, of any locale.

Times are the phone's local time and are read as UTC: only their differences and order mean anything. Day and month are told
apart by the dates themselves: the order with the fewest impossible dates, then the fewest steps back in time, then the
shortest span. Where only the span decides, a note says so, and the format `whatsapp:month-first` or `whatsapp:day-first`
settles it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from homespun.config import SourceSection
from homespun.sources.labels import phone
from homespun.sources.text import lines, storable
from homespun.sources.whatsapp_dates import ORDERS, Days, messages, settle
from homespun.sources.whatsapp_headers import NOBODY, Headers, header, scan
from homespun.sources.whatsapp_words import chat_title, is_encryption_notice, said
from homespun.types import Chat, ImportReport, Message

title = 'WhatsApp ("Export chat", .txt or .zip)'
options = tuple(ORDERS)

_MOST_LINES = 1 << 16
"""WhatsApp takes no more characters than this in a message."""


def detect(path: Path, head: str) -> bool:
    written = [line for line in head.split("\n") if line.strip()]
    return any(header(line.rstrip("\r")) for line in written[:3])


def read(path: Path, report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """The one chat of the file, named as WhatsApp named the file (or its folder, or zip), in file order.

    The file is gone through twice: for the headers, which decide what the dates mean and who is in the chat, and for the words.

    Raises:
        SourceError: no line has the header of a message, or no date fits the order asked for.
    """
    headers = scan(lines(path, report))
    # An iPhone calls every chat `_chat.txt`; there the folder, or the zip it came from, has the name.
    name = storable(path.parent.name if path.stem.startswith("_chat") and path.parent.name else path.stem)
    days = settle(headers, report, name)
    rows = messages(headers, days)
    called = chat_title(name)
    room = called or _signed(path, headers, rows) or name
    writers = {(headers.author[row], headers.iphone[headers.date[row]]) for row in rows}
    # On an iPhone, with two other authors the chat is a group, and what the group itself says comes from WhatsApp.
    phones = {headers.names[author] for author, iphone in writers if iphone and author != NOBODY}
    itself = room if room in phones and len(phones) > 2 else None
    for author in {author for author, _ in writers} - {NOBODY}:
        if number := phone(headers.names[author]):
            report.accounts.setdefault(headers.names[author], set()).update(number)
    entries = _entries(path, headers, rows, report)
    yield Chat(room, _messages(entries, headers, days, report, called, itself), True if itself else None)


def _signed(path: Path, headers: Headers, rows: Sequence[int]) -> str | None:
    """The chat's name where the file does not tell it: an iPhone makes the chat itself say that it is encrypted."""
    if not any(headers.iphone):
        return None
    entries = _entries(path, headers, rows, ImportReport(""))
    author = next((headers.author[row] for row, body in entries if headers.author[row] != NOBODY and is_encryption_notice(body)), NOBODY)
    return headers.names[author] if author != NOBODY else None


def _entries(path: Path, headers: Headers, rows: Iterable[int], report: ImportReport) -> Iterator[tuple[int, str]]:
    """Row and body of every message: a line that begins none belongs to the one above."""
    beginnings = iter(rows)
    upcoming = next(beginnings)
    row, begins = upcoming, headers.line[upcoming]
    body: list[str] = []
    # What is to be said of the bytes was said when the headers were read.
    for number, line in enumerate(lines(path, ImportReport(""))):
        if number == begins:
            if body:
                yield row, storable("\n".join(body))
            row = upcoming
            body = [line[headers.body[row] :]]
            upcoming = next(beginnings, NOBODY)
            begins = headers.line[upcoming] if upcoming != NOBODY else NOBODY
        elif not body:
            report.skip("line before the first message")
        elif len(body) < _MOST_LINES:
            body.append(line)
        else:
            report.skip("line far below a message")
    yield row, storable("\n".join(body))


def _messages(
    entries: Iterable[tuple[int, str]], headers: Headers, days: Days, report: ImportReport, called: str | None, itself: str | None
) -> Iterator[Message]:
    speakers: set[str] = set()
    for row, body in entries:
        author, date = headers.author[row], headers.date[row]
        speaker = headers.names[author] if author != NOBODY else None
        if speaker is None or speaker == itself:
            report.skip("WhatsApp notice")
            continue
        text, reason = said(body, headers.iphone[date])
        if reason:
            report.skip(reason)
            continue
        speakers.add(speaker)
        yield Message(speaker, text, (days[date] or 0.0) + headers.clock[row])
    if not itself and called in speakers and len(speakers) == 2:
        report.me = next(speaker for speaker in speakers if speaker != called)
