"""The corpus to read: its chats, a search over every message, and what redaction will change before anything is learned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from nicegui import ui

from homespun.corpus import browse
from homespun.corpus.browse import Found, Shown
from homespun.corpus.preview import Changed, Preview, preview
from homespun.ui import look, parts

if TYPE_CHECKING:
    from homespun.serving.house import House

CHATS, MESSAGES, HITS, CHANGED = 40, 60, 30, 40
"""Shown on a page."""


def register(house: House) -> None:
    async def chats_page(q: str = "", page: int = 1) -> None:
        with parts.page(house, "Read", "words", "corpus"):
            look.title("Read", "What you added, as it is kept here. Nothing of it leaves this machine.")
            _search_field(q)
            if q.strip():
                await _hits(house, q.strip(), max(1, page))
            else:
                await _chats(house, max(1, page))

    async def chat_page(chat: int, page: int = 0, at: str = "") -> None:
        with parts.page(house, "Chat", "words", "corpus"), parts.told():
            await _chat(house, chat, page, at)

    async def privacy_page(names: bool = False) -> None:
        with parts.page(house, "Personal data", "words", "privacy"):
            await _privacy(house, names)

    parts.serve("/corpus", chats_page)
    parts.serve("/corpus/chat/{chat}", chat_page)
    parts.serve("/privacy", privacy_page)


def _search_field(words: str) -> None:
    with ui.element("form").classes("hs-row").props('role="search" action="/corpus" method="get"'):
        field = look.text_input("Search every message", words).classes("hp-grow").props('name="q" type="search"')
        look.button("Search", icon="search").props("type=submit")
    if words:
        field.props("clearable")


async def _chats(house: House, page: int) -> None:
    found = await parts.off_loop(browse.list_chats, house.home, (page - 1) * CHATS, CHATS + 1)
    if not found and page == 1:
        with look.empty("forum", "No words yet", "Add an export of a chat to read it here."):
            parts.link_button("Add words", "/words", "primary")
        return
    rows = [
        (
            lambda chat=chat: ui.link(chat.name or "(without a name)", f"/corpus/chat/{chat.id}"),
            f"{chat.messages:,}",
            " – ".join(dict.fromkeys(day for day in (parts.day(chat.first), parts.day(chat.last)) if day)),
            chat.format,
        )
        for chat in found[:CHATS]
    ]
    look.table(("Chat", "Messages", "From – to", "Format"), rows, numbers=(1,))
    parts.pager("/corpus?page={}", page, len(found) > CHATS, f"page {page}")


async def _hits(house: House, words: str, page: int) -> None:
    total = await parts.off_loop(browse.count_found, house.home, words)
    found = await parts.off_loop(browse.search, house.home, words, (page - 1) * HITS, HITS)
    look.section(f"{parts.counted(total, 'message')} with “{words}”")
    if not found:
        look.muted("Words are looked for as they stand, in any case: try a part of one, or another spelling.")
        return
    with look.card("hp-lines"):
        for hit in found:
            _hit(hit, words)
    parts.pager(f"/corpus?q={quote(words)}&page={{}}", page, page * HITS < total, f"page {page} of {-(-total // HITS):,}")


def _hit(hit: Found, words: str) -> None:
    message = hit.message
    with ui.element("div"):
        with look.row("hs-between"):
            look.text("span", message.speaker, "hs-small hs-muted")
            ui.link(f"{hit.chat}, {parts.moment(message.time)}".rstrip(", "), f"/corpus/chat/{message.chat}?at={message.id}").classes(
                "hs-small"
            )
        with ui.element("p").classes("hs-plain"):
            for part, is_hit in marked(message.text, words):
                look.text("mark" if is_hit else "span", part)


def marked(text: str, words: str) -> Iterator[tuple[str, bool]]:
    """The parts of a text, and whether each is what was searched."""
    for number, part in enumerate(re.split(f"({re.escape(words)})", text, flags=re.IGNORECASE)):
        if part:
            yield part, number % 2 == 1


async def _chat(house: House, chat: int, page: int, at: str) -> None:
    summary = await parts.off_loop(browse.get_chat, house.home, chat)
    if at and page < 1:
        page = (await parts.off_loop(browse.place_of, house.home, at))[1] // MESSAGES + 1
    pages = max(1, -(-summary.messages // MESSAGES))
    page = min(page, pages) if page > 0 else 1
    shown = await parts.off_loop(browse.messages_of, house.home, chat, (page - 1) * MESSAGES, MESSAGES)
    look.title(summary.name or "(without a name)", f"{parts.counted(summary.messages, 'message')}, from {summary.format}")
    with look.card():
        for message in shown:
            _message(message, at)
    parts.pager(f"/corpus/chat/{chat}?page={{}}", page, page < pages, f"page {page:,} of {pages:,}")
    # What stands in an address may be anything: only what is an id becomes part of a script.
    if any(message.id == at for message in shown):
        ui.run_javascript(f"document.getElementById('m-{at}')?.scrollIntoView({{block: 'center'}})")


def _message(message: Shown, at: str) -> None:
    if message.opens:
        look.text("p", parts.moment(message.time) or "A conversation", "hp-opens")
    with ui.element("div").classes(f"hp-message {'hp-me' if message.is_me else ''} {'hp-hit' if message.id == at else ''}") as line:
        line.props(f'id="m-{message.id}"')
        look.text("span", message.speaker)
        look.text("p", message.text, "hs-plain")


async def _privacy(house: House, names: bool) -> None:
    look.title(
        "Personal data",
        "Before anything is learned, mail addresses, phone numbers, cards and the like of everybody become invented ones. "
        "Your messages here stay as they are.",
    )
    look.select(
        "Shown",
        {False: "Contact data, as every recipe replaces it", True: "People's names too, as a recipe can ask for"},
        names,
        lambda event: ui.navigate.to(f"/privacy?names={event.value}"),
    )
    refused, body = look.stack(), look.stack()
    with body:
        look.progress("Reading every message", None)

    async def fill() -> None:
        seen = await parts.off_loop(preview, house.home, CHANGED, names)
        body.clear()
        with body:
            _seen(seen)

    # Every message is looked at, which takes seconds for a large corpus.
    ui.timer(0.05, lambda: parts.attempt(refused, fill), once=True)


def _seen(seen: Preview) -> None:
    if not seen.messages:
        with look.empty("shield", "No words yet", "Add an export first."):
            parts.link_button("Add words", "/words", "primary")
        return
    if not seen.affected:
        look.note(f"Nothing personal was found in {parts.counted(seen.messages, 'message')}.", "good")
        return
    with look.card("hs-stack"):
        look.text("p", f"{seen.affected:,} of {parts.counted(seen.messages, 'message')} hold personal data", "hs-section")
        with look.row():
            for kind, count in seen.counts.items():
                look.badge(f"{count:,} {kind}")
    look.section("The newest of them")
    with look.card("hp-lines hp-changed"):
        for one in seen.shown:
            _changed(one)


def _changed(one: Changed) -> None:
    with ui.element("p").classes("hs-plain"):
        done = 0
        for change in one.spans:
            look.text("span", one.before[done : change.start])
            look.text("del", one.before[change.start : change.end])
            look.text("ins", change.replacement)
            done = change.end
        look.text("span", one.before[done:])
