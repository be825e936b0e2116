"""The data package that Discord sends on request: one's own messages in every channel, and nobody else's.

It is found by its shape, because Discord translates and renames its folders: an index.json beside folders c123 with a channel.json.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath

from homespun.config import SourceSection
from homespun.errors import SourceError
from homespun.sources.discord import moment, readable_text
from homespun.sources.files import Tree, readable
from homespun.sources.json_stream import Record
from homespun.sources.labels import Labels, mail, phone
from homespun.sources.several import Several
from homespun.sources.text import storable
from homespun.types import Chat, ImportReport, Message

title = "Discord (the data package that Discord sends on request)"

_CHANNEL = re.compile(r"((?:.*/)?)c?(\d{1,20})/channel\.json", re.ASCII)
_NUMBER = re.compile(r"\d{1,20}", re.ASCII)
_DIRECT = (1, "1", "DM")


def claim(tree: Tree) -> Collection[str]:
    names = set(tree.names)
    claimed: set[str] = set()
    for name in tree.names:
        found = _CHANNEL.fullmatch(name)
        if found and f"{found[1]}index.json" in names:
            claimed |= {name, f"{found[1]}index.json", *_said(name, names)}
    roots = {str(PurePosixPath(name).parents[1]) for name in claimed if name.endswith("/index.json")}
    return claimed | {name for name in names if _is_account(name) and str(PurePosixPath(name).parents[1]) in roots}


def read_tree(tree: Tree, names: Collection[str], report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """A chat for every channel, with the messages of one speaker in the order of their writing.

    Raises:
        SourceError: none of the channels can be read.
    """
    several = Several(tree, report)
    account = next((several.one(name) for name in names if _is_account(name)), {})
    index = {id: title for name in names if name.endswith("/index.json") for id, title in several.one(name).items()}
    speaker, friends, rooms = _owner(account, report), _friends(account), Labels()
    said = {name: found[0] for name in sorted(names) if _CHANNEL.fullmatch(name) and (found := _said(name, names))}
    for name, table in said.items():
        id, channel = _CHANNEL.sub(r"\2", name), several.one(name)
        group = channel.get("type") not in _DIRECT if channel.get("type") is not None else None
        raws = several.guarded(table, _rows(tree, table)) if table.endswith(".csv") else several.objects(table)
        # Only one's own messages are here: few enough to be put in order.
        messages = sorted(_messages(raws, speaker, friends, report), key=_order)
        yield Chat(rooms.label(id, _room(id, channel, index.get(id))), messages, group, key=id)
    several.finish(list(said.values()))
    report.me = speaker


def _is_account(name: str) -> bool:
    return name.count("/") > 0 and name.endswith("/user.json")


def _said(channel: str, names: Collection[str]) -> list[str]:
    """The file of messages beside a channel.json."""
    folder = channel.removesuffix("channel.json")
    return [name for name in (f"{folder}messages.json", f"{folder}messages.csv") if name in names]


def _rows(tree: Tree, name: str) -> Iterator[Record]:
    with readable("it"), tree.path(name).open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        try:
            yield from csv.DictReader(stream)
        except csv.Error as error:
            raise SourceError(f"the table is damaged ({error}): ask Discord for the package again") from None


def _messages(raws: Iterator[Record], speaker: str, friends: Mapping[str, str], report: ImportReport) -> Iterator[Message]:
    for raw in raws:
        id, content, time = str(raw.get("ID")), raw.get("Contents"), moment(raw.get("Timestamp"))
        text = readable_text(content, friends.get) if isinstance(content, str) else ""
        if not text.strip():
            report.skip("media without text" if raw.get("Attachments") else "empty message")
        elif time is None:
            report.skip("message without a date")
        else:
            yield Message(speaker, text, time, id if _NUMBER.fullmatch(id) else "")


def _order(message: Message) -> tuple[float, int]:
    """Ids grow within a second, of which the dates hold no more."""
    return message.time or 0.0, int(message.id or 0)


def _owner(account: Record, report: ImportReport) -> str:
    names = (account.get(key) for key in ("global_name", "username"))
    speaker = next((storable(name) for name in names if isinstance(name, str) and name.strip()), "Owner of the Discord package")
    id = str(account.get("id"))
    known = mail(account.get("email")) | phone(account.get("phone")) | ({f"discord:{id}"} if _NUMBER.fullmatch(id) else set())
    report.accounts.setdefault(speaker, set()).update(known)
    return speaker


def _friends(account: Record) -> dict[str, str]:
    """Id -> name of those the account is connected with; of nobody else the package knows the name."""
    relations = account.get("relationships")
    users = [one.get("user") for one in relations if isinstance(one, dict)] if isinstance(relations, list) else []
    names = {str(user.get("id")): user.get("global_name") or user.get("username") for user in users if isinstance(user, dict)}
    return {id: name for id, name in names.items() if isinstance(name, str)}


def _room(id: str, channel: Record, title: object) -> str:
    guild = channel.get("guild")
    inside = f" in {guild['name']}" if isinstance(guild, dict) and isinstance(guild.get("name"), str) else ""
    name = channel.get("name")
    own = f"{name}{inside}" if isinstance(name, str) and name.strip() else f"channel {id}"
    return storable(title if isinstance(title, str) and title.strip() else own)
