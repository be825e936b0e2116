"""Google Chat as Google Takeout gives it: a folder for every conversation, and one that says whose account it is.

Left out, with a reason each: bots, deleted messages, media without text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from homespun.config import SourceSection
from homespun.sources.files import Tree
from homespun.sources.google_dates import Dates
from homespun.sources.json_stream import Record
from homespun.sources.labels import Labels, mail
from homespun.sources.several import Several
from homespun.sources.text import storable
from homespun.types import Chat, ImportReport, Message

title = "Google Chat (Google Takeout)"

_MESSAGES, _GROUP, _USER = "messages.json", "group_info.json", "user_info.json"


def claim(tree: Tree) -> Collection[str]:
    # By shape: the folders above have translated names.
    names = set(tree.names)
    groups = {name for name in names if _beside(name, _MESSAGES) in names and PurePosixPath(name).name == _GROUP}
    roots = {_root(name) for name in groups}
    users = {name for name in names if PurePosixPath(name).name == _USER and _root(name) in roots}
    return groups | {_beside(name, _MESSAGES) for name in groups} | users


def read_tree(tree: Tree, names: Collection[str], report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """A chat for every conversation; the dates are UTC, whatever their language.

    Raises:
        SourceError: none of the conversations can be read.
    """
    several = Several(tree, report)
    export = _Export(report)
    for name in sorted(names):
        if PurePosixPath(name).name == _USER:
            export.belongs_to(_object(several.one(name).get("user")))
    said = sorted(name for name in names if PurePosixPath(name).name == _MESSAGES)
    for name in said:
        yield export.chat(PurePosixPath(name).parent.name, several.one(_beside(name, _GROUP)), several.objects(name, "messages.item"))
    several.finish(said)
    report.me = export.me()


def _beside(name: str, other: str) -> str:
    return str(PurePosixPath(name).with_name(other))


def _root(name: str) -> PurePosixPath:
    """The folder of Google Chat, from a file in one of its folders' folders."""
    return PurePosixPath(name).parent.parent.parent


@dataclass(slots=True)
class _Export:
    report: ImportReport
    people: Labels = field(default_factory=Labels)
    rooms: Labels = field(default_factory=Labels)
    dates: Dates = field(default_factory=Dates)
    owner: str = ""
    owner_name: str = ""

    def belongs_to(self, user: Record) -> None:
        self.owner, self.owner_name = _id(user), _name(user)
        self.people.reserve(self.owner, self.owner_name)

    def me(self) -> str | None:
        return self.people.of_id.get(self.owner) or self.owner_name or None

    def chat(self, folder: str, info: Record, raws: Iterator[Record]) -> Chat:
        listed = info.get("members")
        members = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        name = info.get("name")
        others = ", ".join(_name(one) for one in members if _id(one) != self.owner)
        shown = name if isinstance(name, str) and name.strip() else others or folder
        key = folder.rpartition(" ")[2] or folder
        messages = (message for raw in raws if (message := self._message(raw)))
        return Chat(self.rooms.label(key, storable(shown)), messages, len(members) > 2 if members else None, key=storable(key))

    def _message(self, raw: Record) -> Message | None:
        creator, written = _object(raw.get("creator")), raw.get("text")
        text = storable(written) if isinstance(written, str) else ""
        time, number = self.dates.seconds(raw.get("created_date")), raw.get("message_id")
        if reason := _why_not(raw, creator, text, time):
            self.report.skip(reason)
            return None
        return Message(self._speaker(creator), text, time, storable(number) if isinstance(number, str) else "")

    def _speaker(self, creator: Record) -> str:
        id = _id(creator)
        if id not in self.people.of_id:
            label = self.people.label(id, _name(creator))
            if known := mail(creator.get("email")):
                self.report.accounts.setdefault(label, set()).update(known)
        return self.people.of_id[id]


def _why_not(raw: Record, creator: Record, text: str, time: float | None) -> str | None:
    """Why a message is left out; None to keep it."""
    if str(creator.get("user_type", "")).lower() == "bot":
        return "message by a bot"
    if raw.get("message_state") == "DELETED" or "deletion_metadata" in raw:
        return "deleted message"
    if not text.strip():
        return "media without text" if raw.get("attached_files") or raw.get("annotations") else "empty message"
    if not _id(creator):
        return "message without a sender"
    return "message without a date that can be read" if time is None else None


def _id(person: Record) -> str:
    for key in ("email", "name"):
        value = person.get(key)
        if isinstance(value, str) and value.strip():
            return storable(value.strip().lower() if key == "email" else value)
    return ""


def _name(person: Record) -> str:
    name = person.get("name")
    return storable(name) if isinstance(name, str) and name.strip() else _id(person)


def _object(value: object) -> Record:
    return value if isinstance(value, dict) else {}
