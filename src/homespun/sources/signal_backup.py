"""Signal's own plaintext export: `main.jsonl`, one frame a line (an account, a recipient, a chat, a message), as its backups.

Numbers of chats and people hold within a file only; people are known by their accounts. Messages that were to disappear are
left out, and of an edited message the last words are kept, at the time of the first.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path

from homespun.sources.jsonl import Record, records
from homespun.sources.labels import Labels, phone
from homespun.sources.text import storable
from homespun.types import Chat, ImportReport, Message

_EXAMPLE = '{"chatItem": {"chatId": "1", "authorId": "2", "dateSent": "1714555800000", "standardMessage": {"text": {"body": "Morning!"}}}}'
_FRAME = re.compile(r'\s*\{\s*"(?:version|backupTimeMs|mediaRootBackupKey|account|recipient|chat|chatItem)"\s*:')
_INFO = re.compile(r'[^\n]*"backupTimeMs"\s*:|[^\n]*"(?:profileKey|recipientId|dateSent|self|contact|group)"\s*:')
_DROPPED = {
    "self": "notes to oneself",
    "releaseNotes": "news from Signal",
    "distributionList": "story",
    "callLink": "call",
}
_REASONS = {
    "updateMessage": "service message",
    "remoteDeletedMessage": "deleted message",
    "adminDeletedMessage": "deleted message",
    "poll": "poll",
}
_PLACE = "\ufffc"
"""Where somebody is mentioned in a text."""


def detect(head: str) -> bool:
    return bool(_FRAME.match(head) and _INFO.match(head.lstrip()))


def read(path: Path, report: ImportReport) -> Iterator[Chat]:
    """Every dialogue; a chat comes in as many pieces as it was interrupted by others.

    Raises:
        SourceError: half of the lines or more are no frames; names the first.
    """
    export = _Export(report)
    frames = (frame for _, frame in records(path, report, _frame, _EXAMPLE))
    for id, run in groupby(export.items(frames), key=lambda item: _id(item.get("chatId"))):
        messages = (message for item in run if (message := export.message(item, id)))
        first = next(messages, None)
        if first is not None:
            yield export.chat(id, chain([first], messages))


def _frame(record: Record) -> Record:
    for kind in ("account", "recipient", "chat", "chatItem"):
        if kind in record and not isinstance(record[kind], dict):
            raise ValueError(f'a "{kind}" that is no object')
    return record


@dataclass(slots=True)
class _Export:
    """What the frames so far say of people and chats."""

    report: ImportReport
    owner: str = "Me"
    people: Labels = field(default_factory=Labels)
    labels: dict[str, str] = field(default_factory=dict)
    """Recipient -> name."""
    accounts: dict[str, str] = field(default_factory=dict)
    """Recipient -> what outlives the file."""
    mentioned: dict[str, str] = field(default_factory=dict)
    """Account -> name."""
    kinds: dict[str, str] = field(default_factory=dict)
    chats: dict[str, str] = field(default_factory=dict)
    """Chat -> recipient."""

    def items(self, frames: Iterator[Record]) -> Iterator[Record]:
        """The messages; everything else is taken note of."""
        for frame in frames:
            if "chatItem" in frame:
                yield _object(frame["chatItem"])
            elif "recipient" in frame:
                self._recipient(_object(frame["recipient"]))
            elif "chat" in frame:
                chat = _object(frame["chat"])
                self.chats[_id(chat.get("id"))] = _id(chat.get("recipientId"))
            elif "account" in frame:
                account = _object(frame["account"])
                self.owner = _full(account, "givenName", "familyName") or _string(account.get("username")) or self.owner

    def chat(self, id: str, messages: Iterator[Message]) -> Chat:
        recipient = self.chats[id]
        group = self.kinds[recipient] == "group"
        return Chat(self.labels[recipient], messages, group, key=f"{self.kinds[recipient]}:{self.accounts[recipient]}")

    def message(self, item: Record, chat: str) -> Message | None:
        recipient, author = self.chats.get(chat, ""), _id(item.get("authorId"))
        text, reason = self._words(item)
        reason = _DROPPED.get(self.kinds.get(recipient, "")) or reason
        revisions = item.get("revisions")
        first = _object(revisions[0]) if isinstance(revisions, list) and revisions else item
        sent = _number(first.get("dateSent")) or _number(item.get("dateSent"))
        if chat not in self.chats or recipient not in self.labels:
            reason = reason or "chat unknown"
        elif self.kinds.get(author) not in ("contact", "self"):
            reason = reason or "sender unknown"
        elif sent is None:
            reason = reason or "message without a date"
        if reason or sent is None:
            self.report.skip(reason)
            return None
        return Message(self.labels[author], text, sent / 1000, f"{sent} {self.accounts[author]}")

    def _words(self, item: Record) -> tuple[str, str]:
        """What was typed, and why it is left out if it is."""
        if _number(item.get("expiresInMs")):
            return "", "disappearing message"
        if reason := next((_REASONS[kind] for kind in _REASONS if kind in item), ""):
            return "", reason
        reply = _object(_object(item.get("directStoryReplyMessage")).get("textReply"))
        written = _object((_object(item.get("standardMessage")) or reply).get("text"))
        text = storable(_string(written.get("body")))
        if not text.strip():
            return "", "media without text"
        return (self._mentioning(text, written.get("bodyRanges")) if _PLACE in text else text), ""

    def _mentioning(self, text: str, ranges: object) -> str:
        found = [_object(one) for one in ranges] if isinstance(ranges, list) else []
        found = sorted((one for one in found if one.get("mentionAci")), key=lambda one: _number(one.get("start")) or 0)
        for one in found:
            text = text.replace(_PLACE, "@" + self.mentioned.get(_string(one["mentionAci"]), "?"), 1)
        return text

    def _recipient(self, recipient: Record) -> None:
        id = _id(recipient.get("id"))
        self.kinds[id] = kind = next((kind for kind in ("contact", "group", *_DROPPED) if kind in recipient), "")
        one = _object(recipient.get(kind))
        if kind == "self":
            self.report.me = self._person(id, "self", self.owner)
        elif kind == "contact":
            numbers = phone(f"+{one.get('e164')}")
            account = _string(one.get("aci")) or _string(one.get("pni"))
            called = _contact(one) or next((number.removeprefix("tel:") for number in numbers), f"Unknown {id}")
            label = self._person(id, account or next(iter(numbers), id), called)
            self.mentioned[account] = label
            known = numbers | ({f"signal:{storable(account)}"} if account else set())
            self.report.accounts.setdefault(label, set()).update(known)
        elif kind == "group":
            title = _string(_object(_object(one.get("snapshot")).get("title")).get("title"))
            # The key of a group opens it, so it is not kept.
            self.accounts[id] = hashlib.sha256(_string(one.get("masterKey")).encode("utf-8", "replace")).hexdigest()[:16]
            self.labels[id] = storable(title) or f"Group {id}"

    def _person(self, id: str, account: str, name: str) -> str:
        self.accounts[id] = storable(account)
        self.labels[id] = self.people.label(self.accounts[id], storable(name))
        return self.labels[id]


def _contact(contact: Record) -> str:
    """As the owner knows them: the nickname given, the name in the phone, or what they call themselves."""
    return (
        _full(_object(contact.get("nickname")), "given", "family")
        or _full(contact, "systemGivenName", "systemFamilyName")
        or _full(contact, "profileGivenName", "profileFamilyName")
        or _string(contact.get("username"))
    )


def _full(record: Record, *keys: str) -> str:
    return " ".join(part for key in keys if (part := _string(record.get(key)).strip()))


def _object(value: object) -> Record:
    return value if isinstance(value, dict) else {}


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _id(value: object) -> str:
    return str(value) if isinstance(value, (str, int)) else ""


def _number(value: object) -> int | None:
    """Large numbers are written as strings."""
    text = _id(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
