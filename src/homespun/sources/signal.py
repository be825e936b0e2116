"""Signal: what `signal-export` makes of the desktop's messages, and Signal's own plaintext export (signal_backup.py).

signal-export writes a folder for each chat, with `chat.md` (`[2019-05-29 15:04:00] Me: text`) and `data.json` (one message a
line); where both are, the second is read. Its times are the computer's local time and are read as UTC.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from homespun.config import SourceSection
from homespun.sources import signal_backup
from homespun.sources.files import Tree
from homespun.sources.jsonl import Record, records
from homespun.sources.text import lines, storable
from homespun.types import Chat, ImportReport, Message

title = "Signal (main.jsonl of its plaintext export, or a folder made by signal-export)"

ME = "Me"
"""What signal-export calls whose computer it is."""
_NAMES = ("data.json", "chat.md", "index.md")
"""What signal-export calls its files, now and once; the first of them in a folder is read."""
_EXAMPLE = '{"date": "2024-05-01T09:30:00", "sender": "Me", "body": "Morning!"}'
_LINE = re.compile(r'\{"date": ?"[^"]*", "sender": ".*"body": .*"(?:attachments|reactions)": ')
_HEADER = re.compile(r"\[(\d{4}-\d\d-\d\d,? \d\d:\d\d(?::\d\d)?)\] ([^:\n]{1,200}?): ?", re.ASCII)

_QUOTE = re.compile(r"\n\n(?:> .*\n)+\n")
_ATTACHED = re.compile(r"(?:!?\[[^\[\]\n]*\]\((?:\./)?media/[^\[\]\n]*\) *|\((?:media|attachment) not exported\) *)+\Z")
_STICKER = re.compile(r"(?:\n\(\( .* \)\)|\[[^\[\]\n]*\]\(\.\./exported_stickers/[^\[\]\n]*\) *)\Z")
_REACTIONS = re.compile(r"\n\(- .* -\)\Z")
_CALL = re.compile(r"(?:Incoming|Outgoing|Missed)(?: [a-z]+)? call(?: \([a-z0-9, ]+\))?")
_DELETED = "(This message was deleted)"


def detect(path: Path, head: str) -> bool:
    return bool(_LINE.match(head)) or signal_backup.detect(head) or _is_markdown(head)


def claim(tree: Tree) -> Collection[str]:
    """The files of signal-export's folders."""
    named = [name for name in tree.names if PurePosixPath(name).name in _NAMES]
    return [name for name in named if (head := tree.head(name)) is not None and detect(Path(name), head)]


def read_tree(tree: Tree, names: Collection[str], report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """The chats of every folder."""
    best: dict[PurePosixPath, str] = {}
    for name in sorted(names, key=lambda name: _rank(PurePosixPath(name))):
        place = PurePosixPath(name)
        best.setdefault(place.parent if place.name in _NAMES else place, name)
    for _, name in sorted(best.items()):
        yield from read(tree.path(name), report, wanted)


def _rank(place: PurePosixPath) -> int:
    return _NAMES.index(place.name) if place.name in _NAMES else 0


def read(path: Path, report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """The one chat of a file by signal-export, named as its folder; or every chat of Signal's own export.

    Raises:
        SourceError: half of the lines or more are bad; names the line.
    """
    head = next(lines(path, ImportReport("")), "")
    if signal_backup.detect(head):
        yield from signal_backup.read(path, report)
        return
    name = storable(path.parent.name if path.name in _NAMES and path.parent.name else path.stem)
    found = _of_json(path, report) if head.startswith("{") else _of_markdown(path, report)
    yield Chat(name, _messages(found, name, report))


def _is_markdown(head: str) -> bool:
    """Whether every header fits, and is no iPhone's: those have seconds in their times, and no empty lines between the messages."""
    written = head.split("\n")
    headers = [number for number, line in enumerate(written) if _HEADER.match(line)]
    if not headers or any(line.strip() for line in written[: headers[0]]):
        return False
    dated = [match[1] for number in headers if (match := _HEADER.match(written[number]))]
    apart = all(not written[number - 1].strip() for number in headers[1:])
    return all(len(date) < 18 for date in dated) or (apart and any(line.endswith("  ") for line in written))


def _of_json(path: Path, report: ImportReport) -> Iterator[Message]:
    for _, (raw, time) in records(path, report, _parse, _EXAMPLE):
        sender, body = storable(str(raw["sender"])), storable(str(raw["body"]))
        if raw.get("deleted") is True:
            report.skip("deleted message")
        elif raw.get("call") is True:
            report.skip("call")
        elif not body.strip() and (raw.get("attachments") or raw.get("sticker")):
            report.skip("media without text")
        else:
            yield Message(sender, body, time)


def _parse(raw: Record) -> tuple[Record, float]:
    date, sender, body = raw.get("date"), raw.get("sender"), raw.get("body")
    if not isinstance(sender, str) or not isinstance(body, str) or not sender.strip():
        raise ValueError('no "sender" or "body"')
    time = _time(date) if isinstance(date, str) else None
    if time is None:
        raise ValueError('a "date" that cannot be read')
    return raw, time


def _of_markdown(path: Path, report: ImportReport) -> Iterator[Message]:
    sender, time = "", 0.0
    body: list[str] = []
    for line in lines(path, report):
        header = _HEADER.match(line)
        moment = _time(header[1].replace(",", "")) if header else None
        if header and moment is not None:
            yield from _plain(sender, body, time, report)
            sender, time, body = storable(header[2]), moment, [line[header.end() :]]
        elif sender:
            body.append(line)
        elif line.strip():
            report.skip("line before the first message")
    yield from _plain(sender, body, time, report)


def _plain(sender: str, body: list[str], time: float, report: ImportReport) -> Iterator[Message]:
    """The message without what signal-export wrote around the words."""
    text = storable("\n".join(body)).rstrip("\n")
    for mark in (_ATTACHED, _STICKER, _REACTIONS):
        text = mark.sub("", text)
    if quote := _QUOTE.match(text):
        text = text[quote.end() :]
    if sender and text.strip() == _DELETED:
        report.skip("deleted message")
    elif sender and not text.strip() and "".join(body).strip():
        report.skip("media without text")
    elif sender:
        yield Message(sender, text, time)


def _messages(found: Iterable[Message], name: str, report: ImportReport) -> Iterator[Message]:
    for message in found:
        # Two spaces end every body, for the sake of Markdown.
        text = message.text.removesuffix("  ")
        if not text.strip():
            report.skip("empty message")
        elif message.speaker == "No-Sender":
            report.skip("sender unknown")
        elif _CALL.fullmatch(text):
            report.skip("call")
        else:
            report.me = ME if message.speaker == ME else report.me
            yield Message(_speaker(message.speaker, name), text, message.time)


def _speaker(sender: str, folder: str) -> str:
    """Of two people with one name the second has a number behind it, but only in the name of the folder."""
    return folder if re.fullmatch(re.escape(sender) + r"[2-9]|" + re.escape(sender) + r"[1-9]\d+", folder) else sender


def _time(date: str) -> float | None:
    try:
        return datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None
