"""Who is in the corpus: which of them is the reader, who is the same person twice, and what everybody is to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from nicegui import ui

from homespun.corpus import identity
from homespun.corpus import people as who
from homespun.corpus.identity import Proposal
from homespun.corpus.people import PersonCount
from homespun.ui import look, parts

if TYPE_CHECKING:
    from homespun.serving.house import House

SHOWN = 100
"""People listed; the others are found by name."""


def register(house: House) -> None:
    async def people_page() -> None:
        with parts.page(house, "People", "words", "people"):
            look.title("People", "Everybody who writes in what you added. Say who you are: a model of you learns from your messages alone.")
            await _People(house).show()

    parts.serve("/people", people_page)


class _People:
    """The list, drawn again after every change."""

    def __init__(self, house: House) -> None:
        self.home = house.home
        self.refused = look.stack()
        self.body = look.stack()
        self.wanted = ""
        self.dismissed: set[tuple[str, str]] = set()

    async def show(self) -> None:
        everybody = await parts.off_loop(who.list_people, self.home)
        proposals = await parts.off_loop(identity.proposals, self.home)
        self.body.clear()
        with self.body:
            if not everybody:
                with look.empty("group", "Nobody yet", "Add an export of a chat, and everybody who writes in it stands here."):
                    parts.link_button("Add words", "/words", "primary")
                return
            self._owner(everybody)
            self._proposals([one for one in proposals if (one.gone, one.kept) not in self.dismissed])
            self._list(everybody)
            self._merge([person.name for person in everybody])

    def _owner(self, everybody: list[PersonCount]) -> None:
        me = next((person for person in everybody if person.is_me), None)
        if me is None:
            look.note("Nobody is marked as you yet. Find your name below and press “This is me”.", "warn")
        else:
            with look.card("hs-row hs-between"):
                with ui.element("div"):
                    look.text("p", f"You are {me.name}", "hs-section")
                    look.muted(f"{parts.counted(me.messages, 'message')}, {parts.counted(me.words, 'word')}")
                parts.link_button("Train a model of you", "/train", "primary")

    def _proposals(self, found: list[Proposal]) -> None:
        if not found:
            return
        look.section("Perhaps the same person")
        with look.card("hp-lines"):
            for one in found[:10]:
                with look.row("hs-between"):
                    with ui.element("div").classes("hp-grow"):
                        look.text("p", f"{one.gone} and {one.kept}")
                        look.text("p", "; ".join(one.evidence), "hs-muted hs-small")
                    look.button("Not the same", lambda one=one: self._dismiss(one), "quiet")
                    look.button("Same person", lambda one=one: self._merge_names(one.gone, one.kept))

    async def _dismiss(self, one: Proposal) -> None:
        self.dismissed.add((one.gone, one.kept))
        await self.show()

    def _list(self, everybody: list[PersonCount]) -> None:
        with look.row("hs-between"):
            look.section(parts.counted(len(everybody), "person", "people"))
            if len(everybody) > 12:
                look.text_input("Find a name", self.wanted).on("keydown.enter", lambda event: self._find(event.sender.value))
        wanted = [person for person in everybody if self.wanted.casefold() in person.name.casefold()]
        rows = [
            (
                lambda person=person: self._name(person),
                f"{person.messages:,}",
                f"{person.words:,}",
                lambda person=person: self._actions(person),
            )
            for person in wanted[:SHOWN]
        ]
        parts.table(("Name", "Messages", "Words", ""), rows, numbers=(1, 2), classes="hp-people")
        if len(wanted) > SHOWN:
            look.muted(f"The {SHOWN} who write most; the others are found by name.")

    async def _find(self, name: str) -> None:
        self.wanted = name or ""
        await self.show()

    def _name(self, person: PersonCount) -> None:
        with look.row():
            look.text("span", person.name)
            if person.is_me:
                look.badge("you", "accent")
            elif person.relation:
                look.badge(f"your {person.relation}")

    def _actions(self, person: PersonCount) -> None:
        if person.is_me:
            return
        with look.row("hs-end hp-tight"):
            look.name(look.button("Relation", lambda: self._relation(person), "quiet"), f"What {person.name} is to you")
            look.name(look.button("This is me", lambda: self._me(person.name), "quiet"), f"{person.name} is me")

    async def _me(self, name: str) -> None:
        await self._change(lambda: parts.off_loop(who.set_me, self.home, name))

    async def _relation(self, person: PersonCount) -> None:
        with look.dialog("What are they to you?") as box:
            look.text("p", f"Your avatar is told whenever it talks with {person.name}. Leave it empty to take it back.", "hs-muted")
            given = look.text_input("Such as sister, partner, work", person.relation or "")
            with look.row("hs-end"):
                look.button("Cancel", lambda: box.submit(None), "quiet")
                look.button("Keep", lambda: box.submit(given.value or ""), "primary")
        answer = await box
        box.delete()
        if answer is not None:
            await self._change(lambda: parts.off_loop(who.set_relation, self.home, person.name, answer.strip() or None))

    def _merge(self, names: list[str]) -> None:
        if len(names) < 2:
            return
        with ui.element("details").classes("hp-more"):
            look.text("summary", "Two names, one person")
            with look.card("hs-stack"):
                look.muted("Where somebody writes under two names, make them one. From then on they are known by the second name.")
                with look.row():
                    gone = look.select("This name", names).classes("hp-grow").props("use-input")
                    kept = look.select("is the same person as", names).classes("hp-grow").props("use-input")
                    look.button("Make them one", lambda: self._merge_names(gone.value, kept.value))

    async def _merge_names(self, gone: str | None, kept: str | None) -> None:
        if not gone or not kept:
            look.toast("Choose both names first.", "bad")
            return
        words = f"All messages of {gone} become {kept}'s. They cannot be told apart again."
        if await look.confirm("Make them one person?", words, "Make them one", danger=True):
            await self._change(lambda: parts.off_loop(who.merge_people, self.home, gone, kept))

    async def _change(self, action: Callable[[], Awaitable[object]]) -> None:
        if await parts.attempt(self.refused, action):
            await self.show()
