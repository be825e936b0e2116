"""Telegram Desktop's "Machine-readable JSON": one chat, or the whole account.

Kept are the words a person typed, captions included. Left out, with a reason each: service lines, forwarded messages, what
was sent through a bot, media without a caption, and chats that are no dialogue (channels, bots, codes, notes to oneself).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from homespun.config import SourceSection
from homespun.errors import SourceError
from homespun.sources.json_stream import Mark, Record, objects, walk
from homespun.sources.labels import Labels, phone
from homespun.sources.text import storable
from homespun.types import Chat, ImportReport, Message

title = 'Telegram (result.json of "Machine-readable JSON")'

_DROPPED = {
    "saved_messages": "saved messages: notes to oneself",
    "replies": "replies to comments",
    "verification_codes": "verification codes",
    "bot_chat": "chat with a bot",
    "private_channel": "channel",
    "public_channel": "channel",
}
_TYPES = "|".join([*_DROPPED, "personal_chat", "private_group", "private_supergroup", "public_supergroup"])
_ACCOUNT = re.compile(rf'"type"\s*:\s*"(?:{_TYPES})"|"personal_information"\s*:\s*\{{|"(?:left_)?chats"\s*:\s*\{{')
_CHAT = re.compile(r'"messages"\s*:\s*\['), re.compile(r'"type"\s*:\s*"(?:message|service)"'), re.compile(r'"(?:date|date_unixtime)"\s*:')
_MEDIA = ("photo", "file", "media_type", "location_information", "contact_information", "poll", "game_title", "invoice_information")
_SECTIONS = ("chats", "left_chats")
_CHATS = {"", *(f"{section}.list.item" for section in _SECTIONS)}
"""Where a chat may stand: a single one is the whole file."""
_INTO = {"messages", "contacts", "contacts.list", *_CHATS}.union(
    *({section, f"{section}.list", f"{section}.list.item.messages"} for section in _SECTIONS)
)
# Two known faults of the exporter: control characters written as \xNN, and (around version 4.1) custom emoji without quotes.
_HEX = re.compile(r"(?<!\\)((?:\\\\)*)\\x([0-9A-Fa-f]{2})")
_UNQUOTED = re.compile(r'("document_id":[ \t]*)([^"\s\d-][^"\r\n]{0,300}?)(?=[ \t]*,?[ \t]*\r?\n)')


def detect(path: Path, head: str) -> bool:
    return head.lstrip().startswith("{") and bool(_ACCOUNT.search(head) or all(sign.search(head) for sign in _CHAT))


def read(path: Path, report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """Every dialogue of the export, in file order; times are absolute.

    Raises:
        SourceError: the file is damaged beyond the known faults, or holds no chats.
    """
    export = _Export(path, report)
    events = walk(path, report, _INTO, _repaired)
    chat: Record = {}
    known = False
    for place, value in events:
        holder, _, key = place.rpartition(".")
        if place in _CHATS:
            chat = {}
        elif holder in _CHATS and key == "messages" and value is Mark.START:
            known = True
            yield from export.chat(chat, objects(_elements(events), report, f"the chat {_room(chat, path)!r}"))
        elif place == "personal_information" and isinstance(value, dict):
            export.belongs_to(value)
        elif place == "contacts.list.item" and isinstance(value, dict):
            export.phones[f"user{value.get('user_id')}"] = phone(value.get("phone_number"))
        elif holder in _CHATS:
            chat[key] = value
        known = known or (place in _SECTIONS and value is Mark.START)
    if not known:
        raise SourceError("it holds no chats: export again in Telegram Desktop with the chats ticked")
    report.me = export.me()


def _elements(events: Iterator[tuple[str, object]]) -> Iterator[object]:
    """The elements of a list that has just begun, none of which is gone into."""
    for _, value in events:
        if value is Mark.END:
            return
        yield value


def _repaired(text: str) -> str:
    return _UNQUOTED.sub(lambda match: match[1] + json.dumps(match[2]), _HEX.sub(r"\1\\u00\2", text))


@dataclass(slots=True)
class _Export:
    """What is known of the people in an export, and grows while it is read."""

    path: Path
    report: ImportReport
    people: Labels = field(default_factory=Labels)
    rooms: Labels = field(default_factory=Labels)
    phones: dict[str, set[str]] = field(default_factory=dict)
    owner: str | None = None
    owner_name: str = ""
    left: set[str] = field(default_factory=set)
    """Ids of those who wrote in a one-to-one chat and are not the other person, whose id is the chat's."""

    def belongs_to(self, person: Record) -> None:
        """A whole account says whose it is."""
        self.owner = f"user{person.get('user_id')}"
        self.owner_name = storable(" ".join(str(person[key]) for key in ("first_name", "last_name") if person.get(key)).strip())
        self.phones[self.owner] = phone(person.get("phone_number"))
        self.people.reserve(self.owner, self.owner_name)

    def me(self) -> str | None:
        if self.owner is None and len(self.left) == 1:
            return self.people.of_id[next(iter(self.left))]
        return self.people.of_id.get(self.owner or "") or self.owner_name or None

    def chat(self, chat: Record, messages: Iterator[Record]) -> Iterator[Chat]:
        kind, number = str(chat.get("type", "")), chat.get("id")
        if kind in _DROPPED:
            self.report.skip(_DROPPED[kind], sum(1 for _ in messages))
            return
        name = _room(chat, self.path)
        key = f"{_space(kind)}{number}" if isinstance(number, int) else ""
        kept = self._kept(messages, f"user{number}" if kind == "personal_chat" else None)
        yield Chat(self.rooms.label(key or name, name), kept, True if "group" in kind else None, key=key)

    def _kept(self, messages: Iterator[Record], other: str | None) -> Iterator[Message]:
        writers: set[str] = set()
        labels = self.people.of_id
        for raw in messages:
            text, time = _text(raw), _time(raw)
            if reason := _why_not(raw, text, time):
                self.report.skip(reason)
                continue
            id, number = raw.get("from_id"), raw.get("id")
            if not isinstance(id, str) or id not in labels:
                id = _id(raw)
            writers.add(id)
            speaker = labels.get(id) or self._new_speaker(id, _speaker(raw))
            yield Message(speaker, text, time, str(number) if isinstance(number, int) else "")
        if other:
            self.left |= {id for id in writers if id.startswith("user") and id != other}

    def _new_speaker(self, id: str, name: str) -> str:
        label = self.people.label(id, name)
        if re.fullmatch(r"(?:user|chat|channel)\d+", id):
            self.report.accounts.setdefault(label, set()).update({f"telegram:{id}"}, self.phones.get(id, ()))
        return label


def _why_not(raw: Record, text: str, time: float | None) -> str | None:
    """Why a message is left out; None to keep it."""
    if raw.get("type", "message") != "message":
        return "service message" if raw.get("type") == "service" else "message of an unsupported kind"
    if "forwarded_from" in raw or "forwarded_from_id" in raw or "saved_from" in raw:
        return "forwarded: not the sender's words"
    if "via_bot" in raw:
        return "sent through a bot"
    if not text.strip():
        return "media without text" if any(key in raw for key in _MEDIA) else "empty message"
    return "message without a date" if time is None else None


def _text(raw: Record) -> str:
    """The words, formatting taken off. Pieces are joined with nothing between them, as they were typed."""
    entities, text = raw.get("text_entities"), raw.get("text")
    if text and isinstance(text, str) and (not isinstance(entities, list) or len(entities) < 2):
        return storable(text)
    for pieces in (entities, text):
        if isinstance(pieces, list):
            words = [piece.get("text") if isinstance(piece, dict) else piece for piece in pieces]
            if joined := "".join([word for word in words if isinstance(word, str)]):
                return storable(joined)
    return ""


def _time(raw: Record) -> float | None:
    """Seconds since 1970. Exports before 2021 have only the local date, which is read as UTC."""
    unix = raw.get("date_unixtime")
    if isinstance(unix, str) and unix.isdecimal() and len(unix) <= 11:
        return float(unix)
    try:
        return datetime.fromisoformat(str(raw.get("date"))).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _id(raw: Record) -> str:
    """ "user123"; older exports write the bare number, the oldest nothing, where the name has to do."""
    id = raw.get("from_id") or raw.get("from") or ""
    id = id if isinstance(id, str) else str(id)
    return f"user{id}" if id.isdecimal() else id if id.isalnum() else storable(id)


def _speaker(raw: Record) -> str:
    name = raw.get("from")
    if isinstance(name, str) and name.strip():
        return storable(name)
    return f"Deleted account {_id(raw).removeprefix('user')}".strip()


def _space(kind: str) -> str:
    """People, groups and channels are numbered apart; a supergroup is a channel."""
    return "user" if kind == "personal_chat" else "chat" if kind == "private_group" else "channel" if kind else ""


def _room(chat: Record, path: Path) -> str:
    name = chat.get("name")
    if isinstance(name, str) and name.strip():
        return storable(name)
    return storable(f"Deleted account {chat['id']}" if chat.get("id") else path.stem)
