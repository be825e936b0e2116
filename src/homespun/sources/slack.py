"""A Slack workspace as Slack exports it (and slackdump): a folder for every channel, a file for every day.

Kept are the words of people, a thread as a chat of its own. Left out, with a reason each: bots, joins and other service lines, the
lines that Slack writes about files, and media without text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from homespun.config import SourceSection
from homespun.sources.files import Tree
from homespun.sources.json_stream import Record
from homespun.sources.labels import Labels, mail, phone
from homespun.sources.several import Several
from homespun.sources.text import storable
from homespun.types import Chat, ImportReport, Message

title = "Slack (the zip of a workspace export)"

_DAY = re.compile(r"((?:.*/)?)([^/]+)/\d{4}-\d{2}-\d{2}\.json", re.ASCII)
_PEOPLE = ("users.json", "org_users.json")
_ROOMS = ("channels.json", "groups.json", "mpims.json", "dms.json")
_TYPED = (None, "thread_broadcast", "me_message", "file_share")
_ABOUT_FILE = re.compile(r"<@[^>]+> (?:uploaded|shared) a file")
_TS = re.compile(r"\d{1,11}(?:\.\d{1,9})?", re.ASCII)
_ANGLE = re.compile(r"<([^<>]+)>")
_POINTERS = {"user": ("@", "user_id"), "channel": ("#", "channel_id"), "broadcast": ("!", "range")}


def claim(tree: Tree) -> Collection[str]:
    names = set(tree.names)
    roots = {PurePosixPath(name).parent for name in names if PurePosixPath(name).name in _PEOPLE}
    days = {name for name in names if _DAY.fullmatch(name) and PurePosixPath(name).parents[1] in roots}
    used = {PurePosixPath(name).parents[1] for name in days}
    return days | {name for name in names if PurePosixPath(name).parent in used and PurePosixPath(name).name in (*_PEOPLE, *_ROOMS)}


def read_tree(tree: Tree, names: Collection[str], report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """Channels, groups and direct messages day by day; every thread is a chat that is one conversation.

    Raises:
        SourceError: none of the files can be read.
    """
    several = Several(tree, report)
    export = _Export(report)
    for name in sorted(names):
        if PurePosixPath(name).name in _PEOPLE:
            export.take_people(several.objects(name))
    for name in sorted(names):
        if PurePosixPath(name).name in _ROOMS:
            export.take_rooms(several.objects(name), direct=name.endswith("dms.json"))
    days = sorted(name for name in names if _DAY.fullmatch(name))
    for name in days:
        yield from export.day(PurePosixPath(name).parent.name, several.objects(name))
    several.finish(days)


@dataclass(frozen=True, slots=True)
class _Room:
    key: str
    name: str
    group: bool | None


@dataclass(slots=True)
class _Export:
    report: ImportReport
    names: dict[str, str] = field(default_factory=dict)
    """Id of a person -> display name."""
    accounts: dict[str, set[str]] = field(default_factory=dict)
    bots: set[str] = field(default_factory=lambda: {"USLACKBOT"})
    channels: dict[str, str] = field(default_factory=dict)
    """Id of a channel -> name."""
    rooms: dict[str, _Room] = field(default_factory=dict)
    """By folder."""
    people: Labels = field(default_factory=Labels)
    titles: Labels = field(default_factory=Labels)

    def take_people(self, users: Iterator[Record]) -> None:
        for user in users:
            id, profile = user.get("id"), _object(user.get("profile"))
            if not isinstance(id, str):
                continue
            self.names[id] = _display_name(user, profile) or id
            self.accounts[id] = {f"slack:{id}"} | mail(profile.get("email")) | phone(profile.get("phone"))
            if user.get("is_bot"):
                self.bots.add(id)

    def take_rooms(self, rooms: Iterator[Record], direct: bool) -> None:
        for room in rooms:
            id, name, members = room.get("id"), room.get("name"), room.get("members")
            if not isinstance(id, str):
                continue
            inside = ", ".join(self.names.get(str(member), str(member)) for member in members) if isinstance(members, list) else id
            if isinstance(name, str) and name:
                self.channels[id] = name
                self.rooms[name] = _Room(id, inside if name.startswith("mpdm-") else f"#{name}", True)
            self.rooms[id] = self.rooms[name] if isinstance(name, str) and name else _Room(id, inside, False if direct else None)

    def day(self, folder: str, raws: Iterator[Record]) -> Iterator[Chat]:
        """The channel's part of a day, and the parts of its threads."""
        room = self.rooms.get(folder) or _Room(folder, f"#{folder}", None)
        said: defaultdict[str, list[Message]] = defaultdict(list)
        for raw in raws:
            if message := self._message(raw):
                said[storable(str(raw.get("thread_ts") or ""))].append(message)
        name = storable(self.titles.label(room.key, room.name))
        for thread, messages in sorted(said.items()):
            key = f"{room.key}:{thread}" if thread else room.key
            yield Chat(f"{name} (thread)" if thread else name, messages, room.group, key=storable(key), whole=bool(thread))

    def _message(self, raw: Record) -> Message | None:
        text, ts, user = self._text(raw), str(raw.get("ts")), raw.get("user")
        if reason := self._why_not(raw, text, ts):
            self.report.skip(reason)
            return None
        return Message(self._speaker(str(user), _object(raw.get("user_profile"))), text, float(ts), ts)

    def _speaker(self, id: str, profile: Record) -> str:
        if id not in self.people.of_id:
            label = self.people.label(id, storable(self.names.get(id) or _display_name(profile, profile) or id))
            self.report.accounts.setdefault(label, set()).update(self.accounts.get(id) or {f"slack:{storable(id)}"})
        return self.people.of_id[id]

    def _why_not(self, raw: Record, text: str, ts: str) -> str | None:
        """Why a message is left out; None to keep it."""
        written, user, kind = raw.get("text"), raw.get("user"), raw.get("subtype")
        if raw.get("type", "message") != "message" or raw.get("hidden"):
            return "service message"
        if kind == "file_share" and isinstance(written, str) and _ABOUT_FILE.match(written):
            return "media without text"
        if raw.get("bot_id") or kind == "bot_message" or (isinstance(user, str) and user in self.bots):
            return "message by a bot"
        if kind not in _TYPED:
            return "service message"
        if not isinstance(user, str) or not user:
            return "message without a sender"
        if not text.strip():
            return "media without text" if raw.get("files") or raw.get("file") or raw.get("attachments") else "empty message"
        return None if _TS.fullmatch(ts) else "message without a date"

    def _text(self, raw: Record) -> str:
        """What was typed: Slack writes mentions and links as <…>, and the three signs it needs for that as entities."""
        written = raw.get("text")
        if not isinstance(written, str) or not written.strip():
            return storable("\n".join(self._lines(raw.get("blocks"))))
        text = _ANGLE.sub(lambda match: self._pointed(match[1]), written)
        return storable(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))

    def _lines(self, blocks: object) -> Iterator[str]:
        """Of a message whose words are in its blocks alone: its paragraphs, quotes and items of lists."""
        for block in _objects(blocks):
            for part in _objects(block.get("elements")) if block.get("type") == "rich_text" else ():
                for line in _objects(part.get("elements")) if part.get("type") == "rich_text_list" else [part]:
                    yield "".join(map(self._piece, _objects(line.get("elements")))).removesuffix("\n")

    def _piece(self, piece: Record) -> str:
        kind = piece.get("type")
        if kind == "emoji":
            return f":{piece.get('name')}:"
        if isinstance(kind, str) and kind in _POINTERS:
            sign, key = _POINTERS[kind]
            return self._pointed(f"{sign}{piece.get(key)}")
        return next((words for key in ("text", "url", "fallback") if isinstance(words := piece.get(key), str)), "")

    def _pointed(self, inside: str) -> str:
        target, _, label = inside.partition("|")
        sign, id = target[:1], target[1:]
        if sign == "@":
            return f"@{self.names.get(id) or label or id}"
        if sign == "#":
            return f"#{self.channels.get(id) or label or id}"
        if sign == "!":
            return label or f"@{id.partition('^')[0]}"
        return label or target.removeprefix("mailto:").removeprefix("tel:")


def _display_name(user: Record, profile: Record) -> str:
    names = profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name")
    return next((name for name in names if isinstance(name, str) and name.strip()), "")


def _object(value: object) -> Record:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Record]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
