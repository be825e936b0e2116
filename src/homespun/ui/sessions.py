"""The list of conversations, beside the chat or over it on a phone, and what can be done with one."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from nicegui import ui
from sqlalchemy import func, select

from homespun.database.connection import connect
from homespun.database.schema import interactions
from homespun.home import Home
from homespun.serving import store
from homespun.ui import look


def address(model: str, **wanted: str | None) -> str:
    """Where a conversation is: `session`, `beside` (the same with the base), `speaker` and `calm`, those that are set."""
    query = urllib.parse.urlencode({name: value for name, value in wanted.items() if value})
    return f"/chat/{urllib.parse.quote(model)}" + (f"?{query}" if query else "")


def listed(home: Home, model: str, current: str | None) -> None:
    """The newest conversations, with a way to a new one."""
    with ui.link(target=address(model)).classes("chat-new"):
        look.icon("add")
        look.text("span", "New conversation")
    found = store.sessions_of(home, limit=60)
    by_base = _of_base(home, [stored.id for stored in found])
    if not found:
        look.text("p", "What you say stays here, on this machine.", "hs-muted hs-small chat-none")
        return
    with ui.element("ul").classes("chat-sessions"):
        for stored in found:
            with ui.element("li"), ui.link(target=address(stored.model, session=stored.id)) as link:
                look.text("span", stored.first or "…", "chat-first")
                look.text(
                    "span",
                    " · ".join(filter(None, ("the base" if stored.id in by_base else stored.model, stored.speaker, when(stored.updated)))),
                    "hs-muted hs-small",
                )
            if stored.id == current:
                link.props('aria-current="page"')


def _of_base(home: Home, ids: Sequence[str]) -> set[str]:
    """Those in which only the base of a model spoke: what was compared."""
    spoke = select(interactions.c.session, func.min(interactions.c.version.like("%@%"))).where(interactions.c.version.is_not(None))
    with connect(home) as db:
        rows = db.execute(spoke.where(interactions.c.session.in_(ids)).group_by(interactions.c.session)).all()
    return {session for session, named in rows if not named}


def when(stamp: str, now: datetime | None = None) -> str:
    """A time as people say it: "14:05" today, "12 May" this year, "12 May 2023" before."""
    then = datetime.fromisoformat(stamp).astimezone()
    now = (now or datetime.now(UTC)).astimezone()
    if then.date() == now.date():
        return f"{then:%H:%M}"
    return f"{then.day} {then:%b}" if then.year == now.year else f"{then.day} {then:%b %Y}"


def download(home: Home, session: str) -> None:
    """The conversation as JSONL, which `homespun add` reads."""
    rows: Sequence[Any] = store.export(home, session)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    ui.download.content(lines, f"conversation-{session[:8]}.jsonl", "application/jsonl")


async def delete(home: Home, gone: Sequence[str]) -> bool:
    """Ask, then delete for good."""
    words = "Everything said in it, and what you thought of the replies, is overwritten on the disk."
    if not await look.confirm("Delete this conversation?", words, "Delete", danger=True):
        return False
    for session in gone:
        store.remove(home, session)
    return True
