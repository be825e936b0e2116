"""X (Twitter): the archive of an account, a zip or folder with `data/tweets.js` and `data/direct-messages.js`.

Each file is JavaScript that sets a variable to JSON. The archive has nobody's tweets but one's own, and no names in direct messages,
only numbers: names are those by which the tweets mention people.
"""

from __future__ import annotations

import html
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from homespun.config import SourceSection
from homespun.errors import SourceError
from homespun.sources.files import Tree, readable
from homespun.sources.json_stream import Mark, Record, items, objects, walk
from homespun.sources.labels import Labels, mail
from homespun.sources.reflections import ANSWERER
from homespun.sources.text import storable
from homespun.types import Chat, ImportReport, Message

title = "X or Twitter (the zip of Settings > Your account > Download an archive of your data)"

_FILE = re.compile(r"(?:.*/)?(account|tweet|direct-message)s?(?:-group)?(?:-part\d+)?\.js")
_CONVERSATION = "item.dmConversation"
_INTO = {"", "item", _CONVERSATION, f"{_CONVERSATION}.messages"}
_SHORT = re.compile(r" ?(https?://t\.co/\w+)")
_MENTIONS = re.compile(r"(?:@\w+(?:\s+|$))+")
_FIRST_YEAR = 2006


def claim(tree: Tree) -> Collection[str]:
    found = [name for name in tree.names if _FILE.fullmatch(name) and (tree.head(name) or "").lstrip().startswith("window.YTD.")]
    return found if any(_kind(name) != "account" for name in found) else []


def _kind(name: str) -> str:
    match = _FILE.fullmatch(name)
    return match[1] if match else ""


def read_tree(tree: Tree, names: Collection[str], report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """One chat of all tweets, in order of time, and one for each conversation. An account's own tweets are held in memory to be sorted.

    Raises:
        SourceError: a file is damaged; names it.
    """
    archive = _Archive(report)
    tweets: list[Message] = []
    # The account says who "me" is, and the tweets what people are called.
    for name in sorted(names, key=lambda name: (("account", "tweet", "direct-message").index(_kind(name)), name)):
        try:
            with _json_of(tree.path(name)) as path:
                if _kind(name) == "account":
                    archive.belongs_to(path)
                elif _kind(name) == "tweet":
                    tweets += archive.tweets(path, name)
                else:
                    yield from archive.conversations(path)
        except SourceError as error:
            raise SourceError(f"{name}: {error}") from error
    if tweets:
        tweets.sort(key=lambda tweet: (tweet.time or 0.0, len(tweet.id), tweet.id))
        yield Chat("Tweets", tweets, group=False, key="tweets")


@contextmanager
def _json_of(path: Path) -> Iterator[Path]:
    """What stands behind `window.YTD.tweets.part0 =`."""
    with tempfile.TemporaryDirectory(prefix="homespun-") as scratch, readable("it"):
        plain = Path(scratch, "plain.json")
        with path.open("rb") as stream, plain.open("wb") as out:
            head = stream.read(1 << 12)
            out.write(head[max(0, head.find(b"[")) :])
            shutil.copyfileobj(stream, out, 1 << 20)
        yield plain


@dataclass(slots=True)
class _Archive:
    report: ImportReport
    people: Labels = field(default_factory=Labels)
    names: dict[str, str] = field(default_factory=dict)
    """Id -> display name, of people whom a tweet mentions."""
    owner: str = ""
    """An id; "" if the archive came without its account.js."""

    def belongs_to(self, path: Path) -> None:
        for item in objects(items(path, self.report), self.report, "account.js"):
            account = item.get("account")
            if isinstance(account, dict) and (id := _words(account.get("accountId"))):
                self.owner = id
                self.names[id] = _words(account.get("accountDisplayName")) or _words(account.get("username"))
                self.report.accounts.setdefault(self._me(), set()).update(mail(account.get("email")))

    def tweets(self, path: Path, name: str) -> Iterator[Message]:
        for item in objects(items(path, self.report), self.report, name):
            inner = item.get("tweet")
            raw = inner if isinstance(inner, dict) else item
            self._note_names(raw)
            text, time = _tweet_text(raw), _tweeted(raw.get("created_at"))
            if reason := _why_not(raw, text, time):
                self.report.skip(reason)
            else:
                yield Message(self._me(), text, time.timestamp() if time else None, _words(raw.get("id_str")))

    def conversations(self, path: Path) -> Iterator[Chat]:
        key, title = "", ""
        messages: list[Message] = []
        for place, value in walk(path, self.report, _INTO):
            if place == _CONVERSATION and value is Mark.START:
                key, title, messages = "", "", []
            elif place == f"{_CONVERSATION}.conversationId":
                key = _words(value)
            elif place == f"{_CONVERSATION}.messages.item":
                raw = value if isinstance(value, dict) else {}
                title = title or _new_title(raw)
                messages += self._message(raw)
            elif place == _CONVERSATION and value is Mark.END and messages:
                # Written newest first.
                messages.reverse()
                messages.sort(key=lambda message: message.time or 0.0)
                yield Chat(title or self._name(key, messages), messages, "-" not in key if key else None, key=key)

    def _message(self, raw: Record) -> Iterator[Message]:
        """The message, if it is one to keep."""
        sent = raw.get("messageCreate")
        if not isinstance(sent, dict):
            self.report.skip("service message" if raw else "record that is no JSON object")
            return
        text = _expanded(_words(sent.get("text")), _links(sent.get("urls"), "expanded"))
        time, sender = _sent(sent.get("createdAt")), _words(sent.get("senderId"))
        if not text.strip():
            self.report.skip("media without text" if sent.get("mediaUrls") else "empty message")
        elif time is None or not sender:
            self.report.skip("message without a date" if time is None else "message without a sender")
        else:
            yield Message(self._person(sender), text, time, _words(sent.get("id")))

    def _me(self) -> str:
        self.report.me = self._person(self.owner) if self.owner else ANSWERER
        return self.report.me

    def _person(self, id: str) -> str:
        label = self.people.of_id.get(id) or self.people.label(id, self.names.get(id) or f"X user {id}")
        self.report.accounts.setdefault(label, set()).add(f"x:{id}")
        return label

    def _name(self, key: str, messages: list[Message]) -> str:
        """Of two people, the other one."""
        others = [self._person(id) for id in key.split("-") if id != self.owner] if "-" in key else []
        return ", ".join(others or sorted({message.speaker for message in messages}))

    def _note_names(self, tweet: Record) -> None:
        for mention in _entities(tweet, "user_mentions"):
            if (id := _words(mention.get("id_str"))) and (name := _words(mention.get("name")) or _words(mention.get("screen_name"))):
                self.names.setdefault(id, name)


def _why_not(raw: Record, text: str, time: datetime | None) -> str | None:
    """Why a tweet is left out; None to keep it."""
    if text.startswith("RT @") or "retweeted_status" in raw:
        return "retweet: not the sender's words"
    if not text.strip():
        return "media without text" if _entities(raw, "media") else "empty message"
    if time is None:
        return "message without a date"
    return "dated before Twitter began" if time.year < _FIRST_YEAR else None


def _tweet_text(raw: Record) -> str:
    """As it was typed: links in full, and without the names that a reply begins with, which the app puts there."""
    text = _words(raw.get("full_text")) or _words(raw.get("text"))
    urls = {_words(url.get("url")): _words(url.get("expanded_url")) for url in _entities(raw, "urls")}
    text = _expanded(text, urls)
    if raw.get("in_reply_to_user_id") or raw.get("in_reply_to_user_id_str") or raw.get("in_reply_to_status_id"):
        text = text[match.end() :] if (match := _MENTIONS.match(text)) else text
    return text


def _expanded(text: str, urls: Mapping[str, str]) -> str:
    """Short links made long. One that leads nowhere else is that of a picture, which the app puts behind the text."""
    return html.unescape(_SHORT.sub(lambda match: match[0].replace(match[1], urls[match[1]]) if urls.get(match[1]) else "", text))


def _links(urls: object, key: str) -> dict[str, str]:
    found = [url for url in urls if isinstance(url, dict)] if isinstance(urls, list) else []
    return {_words(url.get("url")): _words(url.get(key)) for url in found}


def _entities(raw: Record, kind: str) -> list[Record]:
    entities = raw.get("entities")
    found = entities.get(kind) if isinstance(entities, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _new_title(raw: Record) -> str:
    update = raw.get("conversationNameUpdate")
    return _words(update.get("name")) if isinstance(update, dict) else ""


def _tweeted(value: object) -> datetime | None:
    try:
        return datetime.strptime(str(value), "%a %b %d %H:%M:%S %z %Y")
    except ValueError:
        return None


def _sent(value: object) -> float | None:
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _words(value: object) -> str:
    return storable(value) if isinstance(value, str) and value.strip() else ""
