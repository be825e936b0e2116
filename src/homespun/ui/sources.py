"""The messages that a reply could draw on, as they were written: who, when, and the words."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui
from sqlalchemy import select

from homespun.database.connection import connect
from homespun.database.schema import chats, messages, people
from homespun.home import Home
from homespun.retrieval.passages import Passage
from homespun.ui import look


def sources_of(home: Home, ids: Sequence[str]) -> list[Passage]:
    """One for each message, in the order of `ids`, without those that were forgotten since."""
    if not ids:
        return []
    wanted = (
        select(messages.c.id, messages.c.time, messages.c.text, people.c.name.label("who"), chats.c.name.label("chat"))
        .join(people, people.c.id == messages.c.speaker)
        .join(chats, chats.c.id == messages.c.chat)
        .where(messages.c.id.in_(ids))
    )
    with connect(home) as db:
        found = {row.id: Passage(row.text, row.who, row.chat, row.time, "", (row.id,)) for row in db.execute(wanted)}
    return [found[one] for one in dict.fromkeys(ids) if one in found]


def show(found: Sequence[Passage]) -> None:
    """Folded, and as plain text, since it is whatever people once wrote."""
    with ui.element("details").classes("chat-sources"):
        look.text("summary", f"Looked up: {len(found)} message{'s' if len(found) != 1 else ''}")
        with ui.element("ul"):
            for source in found:
                with ui.element("li"):
                    look.text("p", source.text, "hs-plain")
                    look.text(
                        "p", " · ".join(filter(None, (source.who, source.date, source.to and f"in {source.to}"))), "hs-muted hs-small"
                    )
