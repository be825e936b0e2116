"""One exchange of a conversation on the page: what was said, and one reply to it or two beside each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from nicegui import ui

from homespun.home import Home
from homespun.retrieval.passages import Passage
from homespun.serving import store
from homespun.serving.conversation import Ended, Event, Failed, Looked, Queued, Said, Source, Started
from homespun.serving.replies import Reply
from homespun.ui import look, sources

BROKEN_OFF = "The reply broke off."


@dataclass(frozen=True, slots=True)
class Hands:
    """What a reader can do with a reply, which is given by its id."""

    again: Callable[[ReplyView], Awaitable[None]]
    think: Callable[[str, str], Awaitable[None]]
    """(reply, "up" or "down")"""
    better: Callable[[str, str], Awaitable[None]]
    """(reply, its text)"""
    leak: Callable[[str], Awaitable[None]]


class ReplyView:
    """A reply with its label, what it drew on, and what can be done with it.

    Args:
        name: who speaks.
        version: as it is known before the reply begins.
        avatar: whether it speaks for a person; else it is the base.
        aloud: what reads the finished reply to a screen reader.
    """

    def __init__(self, home: Home, hands: Hands, name: str, version: str, avatar: bool, aloud: Callable[[str], None]) -> None:
        self.home, self.hands, self.name, self.avatar, self.aloud = home, hands, name, avatar, aloud
        self.id = ""
        self.found: tuple[Source, ...] = ()
        with ui.element("article").classes("chat-reply") as self.root:
            with ui.element("div").classes("chat-who"):
                look.text("span", name, "chat-name")
                look.badge("avatar" if avatar else "base", "accent" if avatar else "neutral")
                self.version = look.text("span", version if avatar else "before it learned anything", "hs-muted hs-small")
                self.fallback = look.badge("the base answered: the version could not be loaded", "warn")
                self.fallback.visible = False
            self.waiting = look.text("p", "", "chat-waiting hs-muted")
            self.waiting.visible = False
            self.words = look.text("p", "", "chat-words hs-plain")
            self.below = ui.element("div").classes("chat-below")

    async def follow(self, reply: Reply) -> None:
        """Show a reply as it is written, to its end."""
        self._wait(0)
        async with aclosing(reply.follow()) as events:
            async for _, event in events:
                self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case Queued(position):
                self._wait(position)
            case Started():
                self.id = event.interaction
                self._answers(event.version, event.fallback)
                self._wait(0)
            case Looked(found):
                self.found = found
            case Said(text):
                self.waiting.visible = False
                self.words.text += text
            case Ended(reason, text):
                self.words.text = text
                self._over(text, reason, None)
            case Failed():
                self.failed(event.message)

    def failed(self, why: str) -> None:
        self._over(self.words.text, None, why)

    def _wait(self, position: int) -> None:
        self.waiting.visible = True
        self.waiting.text = f"Waiting: number {position} in line" if position else "…"
        self.waiting.classes(**{"remove" if position else "add": "chat-thinking"})

    def _answers(self, version: str, fallback: bool) -> None:
        if self.avatar:
            self.version.text, self.fallback.visible = version, fallback

    def _over(self, text: str, ended: str | None, failed: str | None) -> None:
        ids = [message for source in self.found for message in source.messages]
        facts = [Passage(source.text, "a fact you confirmed", "", None, "", ()) for source in self.found if not source.messages]
        self._done(text, ended, failed, facts + sources.sources_of(self.home, ids))
        self.aloud(failed or f"{self.name}: {text}")

    def stored(self, turn: store.Interaction, fallback: bool, thumb: str | None) -> None:
        """Show a reply that was written before, with the thumb it got."""
        self.id = turn.id
        self._answers(turn.version or "", fallback)
        self.words.text = turn.text
        if turn.status == "writing":
            self.below.clear()
            with self.below:
                look.text("p", "It is being written for another program. Reload the page to see the rest.", "hs-muted hs-small")
            return
        ended = {"complete": "stop", "stopped": "stopped"}.get(turn.status)
        self._done(turn.text, ended, None if ended else BROKEN_OFF, sources.sources_of(self.home, turn.sources), thumb)

    def _done(self, text: str, ended: str | None, failed: str | None, found: Sequence[Passage], thumb: str | None = None) -> None:
        self.waiting.visible = False
        self.words.visible = bool(text)
        self.below.clear()
        with self.below:
            if failed:
                look.error(failed, partial(self.hands.again, self))
            elif not text:
                look.text("p", "Stopped before it said anything." if ended == "stopped" else "It had nothing to say.", "hs-muted hs-small")
            if found:
                sources.show(found)
            if not failed:
                self._actions(text, thumb)

    def _actions(self, text: str, thumb: str | None) -> None:
        hands, reply = self.hands, self.id
        with ui.element("div").classes("chat-actions").props(f'role="group" aria-label="About this reply of {_quoted(self.name)}"'):
            if text:
                up = look.icon_button("thumb_up", "Good reply")
                down = look.icon_button("thumb_down", "Bad reply")
                for mine, other, kind in ((up, down, "up"), (down, up, "down")):
                    mine.props(f'aria-pressed="{str(thumb == kind).lower()}"').on_click(partial(self._thumb, mine, other, kind))
                look.icon_button("edit_note", "Better would be …", lambda: hands.better(reply, text))
            look.icon_button("refresh", "Another try", lambda: hands.again(self)).classes("chat-again")
            if text and self.avatar:
                look.icon_button("flag", "Report that it told something private", lambda: hands.leak(reply))

    async def _thumb(self, mine: ui.button, other: ui.button, kind: str) -> None:
        await self.hands.think(self.id, kind)
        mine.props('aria-pressed="true"')
        other.props('aria-pressed="false"')


def said(text: str, edit: Callable[[], None]) -> ui.element:
    """What the reader said."""
    with ui.element("div").classes("chat-said") as root:
        look.icon_button("edit", "Edit this message", edit)
        with ui.element("div").classes("chat-bubble"):
            look.text("span", "You said: ", "hs-hidden")
            look.text("p", text, "hs-plain")
    return root


def _quoted(words: str) -> str:
    """Fit to stand between double quotes in NiceGUI's props."""
    return words.replace("\\", "").replace('"', "'")
