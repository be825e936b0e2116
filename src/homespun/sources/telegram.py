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
from homespun.sources.text import read_text, storable
from homespun.types import Chat, ImportReport, Message

title = 'Telegram (result.json of "Machine-readable JSON")'

Json = dict[str, object]

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
    export = _load(read_text(path, report))
    chats = list(_chats(export))
    people, rooms = _Labels(), _Labels()
    owner = _owner(export, chats)
    if owner is not None:
        report.me = people.label(*owner)
    for chat in chats:
        kind = str(chat.get("type", ""))
        messages = _messages(chat)
        if kind in _DROPPED:
            report.skip(_DROPPED[kind], len(messages))
            continue
        kept = tuple(message for raw in messages if (message := _message(raw, people, report)))
        group = "group" in kind or len({message.speaker for message in kept}) > 2
        if kept:
            name = _room(chat, path)
            yield Chat(rooms.label(str(chat.get("id") or name), name), kept, group)


@dataclass(slots=True)
class _Labels:
    """Display names made unique, so that two people called Anna stay two people."""

    of_id: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def label(self, id: str, name: str) -> str:
        if id not in self.of_id:
            self.of_id[id] = f"{name} ({id})" if name in self.taken else name
            self.taken.add(self.of_id[id])
        return self.of_id[id]


def _load(text: str) -> Json:
    try:
        try:
            export = json.loads(text, strict=False)
        except ValueError:
            text = _UNQUOTED.sub(lambda match: match[1] + json.dumps(match[2]), _HEX.sub(r"\1\\u00\2", text))
            export = json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        raise SourceError(f"the JSON is damaged or cut off ({error.msg} in line {error.lineno}): export it again") from error
    except (ValueError, RecursionError) as error:
        raise SourceError("the JSON is damaged: export it again") from error
    if not isinstance(export, dict):
        raise SourceError("it is JSON but no Telegram export: choose result.json")
    return export


def _chats(export: Json) -> Iterator[Json]:
    sections = [section for key in ("chats", "left_chats") if isinstance(section := export.get(key), dict)]
    if isinstance(export.get("messages"), list):
        yield export
    elif not sections:
        raise SourceError("it holds no chats: export again in Telegram Desktop with the chats ticked")
    for section in sections:
        chats = section.get("list")
        yield from (chat for chat in chats if isinstance(chat, dict)) if isinstance(chats, list) else ()


def _messages(chat: Json) -> list[Json]:
    messages = chat.get("messages")
    return [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []


def _owner(export: Json, chats: list[Json]) -> tuple[str, str] | None:
    """Id and display name of the account's owner.

    A whole account says who it is. In a single one-to-one chat the chat's id is the other person's, so the owner is who is left.
    """
    person = export.get("personal_information")
    speakers = {_id(raw): str(raw["from"]) for chat in chats for raw in _messages(chat) if raw.get("from")}
    if isinstance(person, dict):
        names = " ".join(str(person[key]) for key in ("first_name", "last_name") if person.get(key)).strip()
        owner = f"user{person.get('user_id')}"
        name = storable(speakers.get(owner) or names)
        return (owner, name) if name else None
    if export.get("type") == "personal_chat":
        others = {id: name for id, name in speakers.items() if id.startswith("user") and id != f"user{export.get('id')}"}
        return next(((id, storable(name)) for id, name in others.items()), None) if len(others) == 1 else None
    return None


def _message(raw: Json, people: _Labels, report: ImportReport) -> Message | None:
    text, time = _text(raw), _time(raw)
    reason = _why_not(raw, text, time)
    if reason:
        report.skip(reason)
        return None
    return Message(people.label(_id(raw), _speaker(raw)), text, time)


def _why_not(raw: Json, text: str, time: float | None) -> str | None:
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


def _text(raw: Json) -> str:
    """The words, formatting taken off. Pieces are joined with nothing between them, as they were typed."""
    for key in ("text_entities", "text"):
        value = raw.get(key)
        pieces = value if isinstance(value, list) else [value]
        words = [piece.get("text") if isinstance(piece, dict) else piece for piece in pieces]
        if text := "".join(word for word in words if isinstance(word, str)):
            return storable(text)
    return ""


def _time(raw: Json) -> float | None:
    """Seconds since 1970. Exports before 2021 have only the local date, which is read as UTC."""
    unix = str(raw.get("date_unixtime"))
    if unix.isdecimal() and len(unix) <= 11:
        return float(unix)
    try:
        return datetime.fromisoformat(str(raw.get("date"))).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _id(raw: Json) -> str:
    """ "user123"; older exports write the bare number, the oldest nothing, where the name has to do."""
    id = raw.get("from_id") or raw.get("from") or ""
    return f"user{id}" if isinstance(id, int) or str(id).isdecimal() else storable(str(id))


def _speaker(raw: Json) -> str:
    name = raw.get("from")
    if isinstance(name, str) and name.strip():
        return storable(name)
    return f"Deleted account {_id(raw).removeprefix('user')}".strip()


def _room(chat: Json, path: Path) -> str:
    name = chat.get("name")
    if isinstance(name, str) and name.strip():
        return storable(name)
    return f"Deleted account {chat['id']}" if chat.get("id") else storable(path.stem)
