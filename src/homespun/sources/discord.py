"""Discord channels as DiscordChatExporter's JSON, each in one file or in several parts.

Kept are ordinary messages and replies by people. Left out, with a reason each: all other kinds (whose text Discord made), bots,
forwards, and media without text.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from homespun.config import SourceSection
from homespun.errors import SourceError
from homespun.sources.files import Tree
from homespun.sources.json_stream import Mark, Record, objects, walk
from homespun.sources.labels import Labels
from homespun.sources.several import Several
from homespun.sources.text import storable
from homespun.types import Chat, ImportReport, Message

title = "Discord (JSON made by DiscordChatExporter)"

_HEAD = re.compile(r'\s*\{\s*"guild"\s*:\s*\{.*?"channel"\s*:\s*\{', re.DOTALL)
_PART = re.compile(r" \[part (\d{1,6})\](?=\.json$)", re.IGNORECASE | re.ASCII)
_TYPED = ("Default", "Reply")
_DIRECT = "DirectTextChat"
_MENTION = re.compile(r"<@!?(\d{1,20})>", re.ASCII)
_EMOJI = re.compile(r"<a?(:\w{1,64}:)\d{1,20}>", re.ASCII)


def claim(tree: Tree) -> Collection[str]:
    return [name for name in tree.names if name.lower().endswith(".json") and _HEAD.match(tree.head(name) or "")]


def read_tree(tree: Tree, names: Collection[str], report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """A chat for every file; the parts of a channel follow each other.

    Raises:
        SourceError: none of the files can be read to its end.
    """
    export = _Export(report)
    several = Several(tree, report)
    for name in sorted(names, key=_part):
        guarded = partial(several.guarded, name)
        yield from guarded(export.chats(tree.path(name), tree.shown(name), guarded))
    several.finish(names)
    report.me = export.me()


def readable_text(text: str, name_of: Callable[[str], str | None]) -> str:
    """Mentions and emoji of the server as one sees them; who is not known stays a number."""
    text = _MENTION.sub(lambda match: f"@{name}" if (name := name_of(match[1])) else match[0], text)
    return storable(_EMOJI.sub(r"\1", text))


def moment(value: object) -> float | None:
    """Seconds since 1970 of an ISO date; without a zone it is UTC."""
    try:
        date = datetime.fromisoformat(str(value))
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _part(name: str) -> tuple[str, int]:
    """The first part has no number, the tenth comes after the ninth."""
    found = _PART.search(name)
    return _PART.sub("", name), int(found[1]) if found else 1


@dataclass(slots=True)
class _Export:
    report: ImportReport
    people: Labels = field(default_factory=Labels)
    rooms: Labels = field(default_factory=Labels)
    owners: set[str] = field(default_factory=set)
    """Who is not the one that a direct chat is named after."""

    def me(self) -> str | None:
        return self.people.of_id[next(iter(self.owners))] if len(self.owners) == 1 else None

    def chats(self, path: Path, shown: str, guarded: Callable[[Iterator[Message]], Iterator[Message]]) -> Iterator[Chat]:
        events = walk(path, self.report, {"", "messages"})
        head: Record = {}
        for place, value in events:
            if place == "messages" and value is Mark.START:
                channel = _object(head.get("channel"))
                id, kind = storable(str(channel.get("id") or path.stem)), str(channel.get("type", ""))
                messages = guarded(self._kept(_list(events), shown, channel))
                group = None if not kind else kind != _DIRECT
                yield Chat(self.rooms.label(id, _room(head, path)), messages, group, key=id, whole="Thread" in kind)
                return
            head[place] = value
        raise SourceError("it has no list of messages: export the channel again")

    def _kept(self, events: Iterator[object], shown: str, channel: Record) -> Iterator[Message]:
        writers: dict[str, tuple[object, object]] = {}
        for raw in objects(events, self.report, shown):
            author = _object(raw.get("author"))
            mentioned = raw.get("mentions")
            names = {str(one.get("id")): _name(one) for one in mentioned if isinstance(one, dict)} if isinstance(mentioned, list) else {}
            content, time = raw.get("content"), moment(raw.get("timestamp"))
            text = readable_text(content, ChainMap(names, self.people.of_id).get) if isinstance(content, str) else ""
            if reason := _why_not(raw, author, text, time):
                self.report.skip(reason)
                continue
            id = storable(str(author.get("id") or _name(author)))
            writers.setdefault(id, (author.get("nickname"), author.get("name")))
            number = raw.get("id")
            yield Message(self._speaker(id, author), text, time, number if isinstance(number, str) and number.isalnum() else "")
        strangers = [id for id, known in writers.items() if channel.get("name") not in known]
        if channel.get("type") == _DIRECT and len(writers) == 2 and len(strangers) == 1:
            self.owners.update(strangers)

    def _speaker(self, id: str, author: Record) -> str:
        label = self.people.of_id.get(id)
        if label is None:
            label = self.people.label(id, _name(author))
            if id.isdecimal():
                self.report.accounts.setdefault(label, set()).add(f"discord:{id}")
        return label


def _list(events: Iterator[tuple[str, object]]) -> Iterator[object]:
    for _, value in events:
        if value is Mark.END:
            return
        yield value


def _why_not(raw: Record, author: Record, text: str, time: float | None) -> str | None:
    """Why a message is left out; None to keep it."""
    if raw.get("type") not in _TYPED:
        return "service message"
    if author.get("isBot"):
        return "message by a bot"
    if raw.get("forwardedMessage"):
        return "forwarded: not the sender's words"
    if not text.strip():
        return "media without text" if any(raw.get(key) for key in ("attachments", "stickers", "embeds")) else "empty message"
    if not author:
        return "message without a sender"
    return "message without a date" if time is None else None


def _name(person: Mapping[str, object]) -> str:
    """What others see: the name on this server, or else the account's."""
    for key in ("nickname", "name"):
        name = person.get(key)
        if isinstance(name, str) and name.strip():
            return storable(name)
    return f"Deleted user {storable(str(person.get('id', '')))}".strip()


def _room(head: Record, path: Path) -> str:
    channel, guild = _object(head.get("channel")), _object(head.get("guild"))
    names = [channel.get("name")] if channel.get("type") == _DIRECT else [guild.get("name"), channel.get("name")]
    return storable(": ".join(name for name in names if isinstance(name, str) and name.strip()) or path.stem)


def _object(value: object) -> Record:
    return value if isinstance(value, dict) else {}
