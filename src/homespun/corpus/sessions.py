"""The corpus as conversations. Messages are stored by chat; where a conversation ends is computed when it is read."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlalchemy import select

from homespun.database.connection import connect
from homespun.database.schema import chats, messages, people
from homespun.home import Home
from homespun.types import Conversation, Message

TIMELESS = 40
"""Messages in a session of a chat that has no times: without any cut nothing could be held out."""


def conversations(home: Home) -> list[Conversation]:
    """The whole corpus, cut into sessions; chats in the order of their ids, sessions in time order."""
    query = (
        select(chats.c.id, chats.c.name, chats.c.is_group, chats.c.gap, people.c.name, messages.c.text, messages.c.time, messages.c.id)
        .join(chats, chats.c.id == messages.c.chat)
        .join(people, people.c.id == messages.c.speaker)
        .order_by(chats.c.id, messages.c.time, messages.c.position)
    )
    grouped: dict[int, tuple[str, bool, float, list[Message]]] = {}
    with connect(home) as db:
        for chat, name, group, gap, *message in db.execute(query):
            grouped.setdefault(chat, (name, group, gap, []))[3].append(Message(*message))
    return [session for name, group, gap, held in grouped.values() for session in cut(name, group, held, gap)]


def cut(chat: str, group: bool, held: Sequence[Message], gap: float) -> list[Conversation]:
    """Cut messages, in order, wherever the silence is longer than `gap` seconds; without a clock, every TIMELESS messages.

    An infinite gap means that the chat is one conversation whatever happens."""
    sessions: list[list[Message]] = []
    previous: float | None = None
    for message in held:
        silent = message.time is not None and previous is not None and message.time - previous > gap
        if not sessions or silent or (message.time is None and len(sessions[-1]) >= TIMELESS and gap < math.inf):
            sessions.append([])
        sessions[-1].append(message)
        previous = message.time if message.time is not None else previous
    return [Conversation(session[0].id, chat, group, tuple(session)) for session in sessions]
