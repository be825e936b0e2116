"""ChatGPT's data export: `conversations.json`, or `conversations-000.json` and so on, in a zip or folder. Only what the user wrote is kept.

A conversation is a tree: every edit of a question and every new answer is a branch. The branch that was last on the screen counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from homespun.config import SourceSection
from homespun.errors import SourceError
from homespun.sources.files import Tree
from homespun.sources.json_stream import Mark, Record, items, walk
from homespun.sources.labels import mail, phone
from homespun.sources.reflections import ANSWERER
from homespun.sources.text import storable
from homespun.types import Chat, ImportReport, Message

title = "ChatGPT (the zip of Settings > Data controls > Export data)"

_NAME = re.compile(r"(?:.*/)?[^/]*conversations[^/]*\.json", re.IGNORECASE)
_USER = re.compile(r"(?:.*/)?user\.json")
_ARRAY = re.compile(r'\s*(?:\{\s*"conversations"\s*:\s*)?\[\s*\{')
_TREE = re.compile(r'"mapping"\s*:\s*\{')
_CONVERSATIONS = ("item", "conversations.item")
_INTO = {"", "conversations", *_CONVERSATIONS, *(f"{place}.mapping" for place in _CONVERSATIONS)}
_WRITTEN = ("text", "multimodal_text")
_HIDDEN = ("is_visually_hidden_from_conversation", "is_user_system_message", "user_context_message_data")
_YEAR_10000 = 253_402_300_800


def claim(tree: Tree) -> Collection[str]:
    alone = len(tree.names) == 1
    found = [name for name in tree.names if (alone or _NAME.fullmatch(name)) and _is_export(tree.head(name) or "")]
    return [*found, *(name for name in tree.names if _USER.fullmatch(name))] if found else []


def _is_export(head: str) -> bool:
    return bool(_ARRAY.match(head) and _TREE.search(head))


def read_tree(tree: Tree, names: Collection[str], report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """A chat for every conversation, in file order.

    Raises:
        SourceError: a file is damaged; names it.
    """
    report.me = ANSWERER
    for name in names:
        try:
            if _USER.fullmatch(name):
                _note_owner(tree.path(name), report)
            else:
                yield from _chats(tree.path(name), report)
        except SourceError as error:
            raise SourceError(f"{name}: {error}") from error


def _note_owner(path: Path, report: ImportReport) -> None:
    (user,) = items(path, report, "")
    if isinstance(user, dict):
        report.accounts.setdefault(ANSWERER, set()).update(mail(user.get("email")) | phone(user.get("phone_number")))


def _chats(path: Path, report: ImportReport) -> Iterator[Chat]:
    for conversation, nodes in _conversations(path, report):
        name, id = _words(conversation.get("title")), _words(conversation.get("conversation_id") or conversation.get("id"))
        if messages := tuple(_messages(conversation, nodes, report)):
            yield Chat(name or "Untitled", messages, group=False, key=id, whole=True)


def _conversations(path: Path, report: ImportReport) -> Iterator[tuple[Record, Record]]:
    """Each conversation without its tree, and the nodes of its tree by id."""
    conversation: Record = {}
    nodes: Record = {}
    for place, value in walk(path, report, _INTO):
        holder, _, key = place.rpartition(".")
        if place in _CONVERSATIONS:
            if value is Mark.START:
                conversation, nodes = {}, {}
            elif value is Mark.END:
                yield conversation, nodes
            else:
                report.skip("record that is no JSON object")
        elif holder in _CONVERSATIONS:
            conversation[key] = value
        elif ".mapping." in place:
            nodes[place.partition(".mapping.")[2]] = value


def _messages(conversation: Record, nodes: Record, report: ImportReport) -> Iterator[Message]:
    """The user's turns from the root to the current node. Where one has no time, the turn before it tells."""
    path = _path(conversation.get("current_node"), nodes)
    by_user = sum(1 for node in nodes.values() if _role(_message(node)) == "user")
    time = _time(conversation.get("create_time"))
    for message in map(_message, path):
        time = _time(message.get("create_time")) or time
        by_user -= _role(message) == "user"
        reason = _why_not(message, time)
        if reason is None:
            yield Message(ANSWERER, _text(message), time, _words(message.get("id")))
        elif message:
            report.skip(reason)
    if by_user:
        report.skip("in a branch that was edited away", by_user)


def _path(current: object, nodes: Record) -> list[object]:
    here = current if isinstance(current, str) and current in nodes else next(reversed(nodes), None)
    path: list[object] = []
    seen: set[object] = set()
    # A damaged tree may go round in circles.
    while isinstance(here, str) and here in nodes and here not in seen:
        seen.add(here)
        node = nodes[here]
        path.append(node)
        here = node.get("parent") if isinstance(node, dict) else None
    return path[::-1]


def _why_not(message: Record, time: float | None) -> str | None:
    """Why a message is left out; None to keep it."""
    content, about = message.get("content"), message.get("metadata")
    if _role(message) != "user":
        return "not by the user"
    if not isinstance(content, dict):
        return "empty message"
    if content.get("content_type") == "user_editable_context" or (isinstance(about, dict) and any(about.get(key) for key in _HIDDEN)):
        return "custom instructions, or hidden"
    if content.get("content_type") not in _WRITTEN:
        return "not typed by the user"
    if not _text(message).strip():
        return "media without text" if content.get("content_type") == "multimodal_text" else "empty message"
    return "message without a date" if time is None else None


def _text(message: Record) -> str:
    """What was typed. What was spoken, and files, are objects among the parts."""
    content = message.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    return storable("\n".join([part for part in parts if isinstance(part, str) and part])) if isinstance(parts, list) else ""


def _message(node: object) -> Record:
    message = node.get("message") if isinstance(node, dict) else None
    return message if isinstance(message, dict) else {}


def _role(message: Record) -> object:
    author = message.get("author")
    return author.get("role") if isinstance(author, dict) else None


def _time(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 < value < _YEAR_10000 else None


def _words(value: object) -> str:
    return storable(value) if isinstance(value, str) and value.strip() else ""
