"""Facebook Messenger and Instagram: "Download your information" in JSON, as a zip, a folder, one chat's folder or one `message_1.json`.

A chat's folder has its newest messages in `message_1.json`, newest first. Chats with end-to-end encryption come as a download of their
own, one `Anna_1.json` each. Both write UTF-8 as if each byte were a letter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import PurePosixPath

from homespun.config import SourceSection
from homespun.errors import SourceError
from homespun.sources.files import Tree
from homespun.sources.json_stream import Record, items, walk
from homespun.sources.labels import mail, phone
from homespun.sources.text import storable
from homespun.types import Chat, ImportReport, Message

title = 'Messenger or Instagram ("Download your information" in JSON)'

_SECTIONS = "inbox|archived_threads|filtered_threads|message_requests|e2ee_cutover"
_THREAD = re.compile(rf"(?:.*/)?(?:{_SECTIONS})/[^/]+/message_\d+\.json")
_NUMBERED = re.compile(r"(?:.*/)?[^/]*_(\d+)\.json")
_PROFILE = re.compile(r"(?:.*/)?(?:personal|profile)_information\.json")
_MESSAGE = re.compile(r'"(?:sender_name|senderName)"\s*:'), re.compile(r'"(?:timestamp_ms|timestamp)"\s*:\s*\d')
_THREAD_ID = re.compile(r".*_([A-Za-z0-9-]{8,})")
_SHOWN_DAMAGED = 3
_YEAR_10000 = 253_402_300_800
_MEDIA = ("photos", "videos", "audio_files", "files", "gifs", "sticker", "share", "media")
_NO_MESSAGE = {"call", "subscribe", "unsubscribe", "placeholder"}
_NOBODY = {"", "Facebook user", "Facebook User", "Instagram User", "Instagram user", "Instagrammer"}
"""What everybody is called who has left."""

_WHO = "(?:You|\0)"
_WHOM = "(?:you|\0)"
_SERVICE = re.compile(
    r"Liked a message|Reacted .{1,40} to your message|Mentioned you in (?:their|his|her) story|This poll is no longer available\.|"
    r"You are now connected on Messenger\.?|You can now message and call each other and see info .*|"
    r"Say hi to your new Facebook friend, .*|Messages and calls are secured with end-to-end encryption\..*|"
    r"(?:The )?(?:video chat|audio call|video call|call) (?:has )?ended\.?|\0's poll has multiple updates\.|"
    rf"{_WHO} (?:"
    r"(?:sent|shared) (?:an attachment|a (?:photo|video|GIF|link|sticker|voice message|location|live location|post|reel|story))\.?|"
    r"liked a message|reacted .{1,40} to (?:your|a|their own) message|(?:unsent|pinned|unpinned) a message\.?|"
    r"(?:started|joined|missed) (?:a|an|the|your) (?:video |audio |group )?(?:call|chat)\.?|"
    rf"(?:started|joined|missed) (?:a|an|your) (?:video |audio )?(?:call|chat) (?:from|with) {_WHOM}\.?|(?:called|waved at) {_WHOM}[.!]?|"
    r"(?:named the group|changed the group name to|changed the (?:chat )?theme|set the (?:emoji|quick reaction) to|set your nickname to).*|"
    rf"set the nickname for {_WHOM} to .*|set (?:his|her|their) own nickname to .*|cleared the nickname for {_WHOM}\.|"
    r"changed the group (?:photo|emoji)\.?|(?:left|joined|created) the group\.?|"
    r"(?:added|removed) .{1,200} (?:to|from) the group\.|turned (?:on|off) (?:vanish mode|disappearing messages).*|"
    r"created a poll: .*|(?:voted for|changed (?:their|your) vote to|removed (?:their|your) vote for) .* in the poll\.)"
)


def claim(tree: Tree) -> Collection[str]:
    alone = len(tree.names) == 1
    found = [name for name in tree.names if _THREAD.fullmatch(name) or ((alone or _NUMBERED.fullmatch(name)) and _is_chat(tree.head(name)))]
    return [*found, *(name for name in tree.names if _PROFILE.fullmatch(name))] if found else []


def _is_chat(head: str | None) -> bool:
    return head is not None and all(sign.search(head) for sign in _MESSAGE)


def read_tree(tree: Tree, names: Collection[str], report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """A chat for every thread, oldest message first. Of a thread, one file at a time is in memory.

    Raises:
        SourceError: the only file is damaged; of several, a damaged one is left out.
    """
    download = _Download(tree, report, len(names) == 1)
    threads: dict[str, list[str]] = {}
    for name in names:
        if _PROFILE.fullmatch(name):
            download.belongs_to(name)
        else:
            threads.setdefault(_thread_of(name), []).append(name)
    for thread, files in threads.items():
        yield from download.chats(thread, sorted(files, key=_number, reverse=True))
    # Whoever takes part in every chat is the owner, who need not have asked for the profile.
    if report.me is None and download.threads > 1 and len(download.everywhere) == 1:
        (report.me,) = download.everywhere


def _thread_of(name: str) -> str:
    """A folder of `message_N.json` is one chat, any other file is one by itself."""
    path = PurePosixPath(name)
    return str(path.parent) if re.fullmatch(r"message_\d+\.json", path.name) else str(path.with_suffix(""))


def _number(name: str) -> int:
    match = _NUMBERED.fullmatch(name)
    return int(match[1][:9]) if match else 0


@dataclass(slots=True)
class _Page:
    """One file of a chat."""

    about: Record
    messages: Sequence[Message]


@dataclass(slots=True)
class _Download:
    tree: Tree
    report: ImportReport
    alone: bool
    everywhere: set[str] = field(default_factory=set)
    """Who takes part in every chat so far."""
    threads: int = 0

    def belongs_to(self, name: str) -> None:
        try:
            (profile,) = items(self.tree.path(name), self.report, "")
        except SourceError as error:
            self._left_out(name, error)
            return
        me, accounts = _instagram_owner(profile) if "personal_information.json" in name else _facebook_owner(profile)
        if me:
            self.report.me = me
            self.report.accounts.setdefault(me, set()).update(accounts)

    def _left_out(self, name: str, error: SourceError) -> None:
        self.report.skip("damaged file")
        if self.report.skipped["damaged file"] <= _SHOWN_DAMAGED:
            self.report.notes.append(f"left out {storable(name)}: {error}")

    def chats(self, thread: str, files: Sequence[str]) -> Iterator[Chat]:
        """One chat, or none if none of its files can be read."""
        pages = (page for name in files if (page := self._page(thread, name)))
        first = next(pages, None)
        if first is None:
            return
        people = _participants(first.about)
        if people:
            self.everywhere = self.everywhere & people if self.threads else people
            self.threads += 1
        path = PurePosixPath(_words(first.about.get("thread_path")) or (thread if thread != "." else PurePosixPath(self.tree.name).stem))
        name = _words(first.about.get("title")) or _words(first.about.get("threadName")) or storable(path.name)
        match = _THREAD_ID.fullmatch(path.name)
        messages = chain(first.messages, chain.from_iterable(page.messages for page in pages))
        yield Chat(name, messages, len(people) > 2 if people else None, key=storable(match[1] if match else path.name))

    def _page(self, thread: str, name: str) -> _Page | None:
        about: Record = {}
        raws: list[object] = []
        try:
            for place, value in walk(self.tree.path(name), self.report, {"", "messages"}):
                if place == "messages.item":
                    raws.append(value)
                elif place:
                    about[place] = value
        except SourceError as error:
            if self.alone:
                raise
            self._left_out(name, error)
            return None
        names = _as_subjects(_participants(about) | {_sender(raw) for raw in raws})
        kept = [message for raw in raws for message in self._message(raw, thread, names)]
        if len(kept) > 1 and (kept[0].time or 0.0) > (kept[-1].time or 0.0):
            kept.reverse()
        return _Page(about, sorted(kept, key=lambda message: message.time or 0.0))

    def _message(self, raw: object, thread: str, names: Sequence[str]) -> Iterator[Message]:
        """The message, if it is one to keep."""
        if not isinstance(raw, dict):
            self.report.skip("record that is no JSON object")
            return
        sender = _sender(raw)
        text = _words(raw.get("content")) or _words(raw.get("text"))
        time = _time(raw.get("timestamp_ms", raw.get("timestamp")))
        if reason := _why_not(raw, text, time, names):
            self.report.skip(reason)
        else:
            yield Message(f"Somebody in {storable(PurePosixPath(thread).name)}" if sender in _NOBODY else sender, text, time)


def _why_not(raw: Record, text: str, time: float | None, names: Sequence[str]) -> str | None:
    """Why a message is left out; None to keep it."""
    if raw.get("is_unsent") or raw.get("isUnsent"):
        return "unsent"
    if str(raw.get("type")).lower() in _NO_MESSAGE or "call_duration" in raw or is_service(text, names):
        return "service message"
    if not text.strip():
        return "media without text" if any(raw.get(key) for key in _MEDIA) else "empty message"
    return "message without a date" if time is None else None


def is_service(text: str, names: Sequence[str]) -> bool:
    """Whether a text is one of the app's own, the whole of it: a person may well write a part of one, or one about somebody else."""
    line = text.rstrip(" ")
    if "\n" in line:
        return False
    if line.startswith((*names, "You ")):
        for name in names:
            line = line.replace(name, "\0")
    return bool(_SERVICE.fullmatch(line))


def _as_subjects(people: Iterable[str]) -> list[str]:
    """What the app calls people in its own lines: by their whole names or the first ones. The longest first."""
    return sorted({name for one in people if one for name in (one, one.partition(" ")[0])}, key=len, reverse=True)


def _sender(raw: object) -> str:
    return (_words(raw.get("sender_name")) or _words(raw.get("senderName"))) if isinstance(raw, dict) else ""


def _participants(about: Record) -> set[str]:
    found = about.get("participants")
    people = [one.get("name") if isinstance(one, dict) else one for one in found] if isinstance(found, list) else []
    return {name for one in people if (name := _words(one))}


def _instagram_owner(profile: object) -> tuple[str, set[str]]:
    values = _at(profile, "profile_user", 0, "string_map_data")
    username, name = (_words(_at(values, key, "value")) for key in ("Username", "Name"))
    return name or username, ({f"instagram:{username}"} if username else set()) | mail(_at(values, "Email", "value"))


def _facebook_owner(profile: object) -> tuple[str, set[str]]:
    person = _at(profile, "profile_v2") or _at(profile, "profile")
    mails, numbers = _at(person, "emails", "emails"), _at(person, "phone_numbers")
    accounts = {account for one in mails for account in mail(one)} if isinstance(mails, list) else set()
    accounts |= {account for one in numbers for account in phone(_at(one, "phone_number"))} if isinstance(numbers, list) else set()
    return _words(_at(person, "name", "full_name")), accounts


def _at(value: object, *keys: str | int) -> object:
    """What lies at a path of keys and indexes; None if it leads nowhere."""
    for key in keys:
        if isinstance(key, str) and isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(key, int) and isinstance(value, list) and key < len(value):
            value = value[key]
        else:
            return None
    return value


def _words(value: object) -> str:
    """The string, its bytes made letters again; "" if it is none."""
    if not isinstance(value, str) or not value.strip():
        return ""
    try:
        return storable(value.encode("latin-1").decode())
    except UnicodeError:
        return storable(value)


def _time(value: object) -> float | None:
    return value / 1000 if isinstance(value, int | float) and 0 < value < _YEAR_10000 * 1000 else None
