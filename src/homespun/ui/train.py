"""Training from a page: whose model, how long, what it will take; then every run there was."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nicegui import ui

from homespun.config import recipe_names
from homespun.corpus import people
from homespun.corpus.people import PersonCount
from homespun.errors import UsageError
from homespun.home import Home
from homespun.registry import consent, versions
from homespun.registry.versions import Model
from homespun.serving import jobs
from homespun.serving.jobs import Job
from homespun.ui import look, parts, runs

if TYPE_CHECKING:
    from homespun.serving.house import House

FEWEST = 10
"""Messages of somebody who is worth being asked about."""
BUDGETS = {
    "": "As long as it takes to learn well",
    "2m": "2 minutes, a first try",
    "5m": "5 minutes",
    "15m": "15 minutes",
    "30m": "30 minutes",
    "1h": "1 hour",
}


def register(house: House) -> None:
    async def train_page(model: str = "") -> None:
        with parts.page(house, "Train", "train", "train"):
            look.title("Train", "A small model learns how somebody writes, on this machine. You can watch it, stop it, and go on later.")
            known = await parts.off_loop(_known, house.home)
            running = next((job for job in known.jobs if job.status == "running"), None)
            if running:
                _running(running)
            if known.people:
                _Form(house, known, model)
            else:
                with look.empty(
                    "model_training", "No words to learn from", "Add an export of a chat first: a model learns from what you wrote."
                ):
                    parts.link_button("Add words", "/words", "primary")
            _runs(known.jobs)

    async def evaluate_page(title: str) -> None:
        with parts.page(house, f"Evaluate {title}", "report", "report"), parts.told():
            version = await parts.off_loop(versions.get_version, house.home, title)
            _evaluate(house, version.title)

    parts.serve("/train", train_page)
    parts.serve("/evaluate/{title}", evaluate_page)


@dataclass(frozen=True, slots=True)
class _Known:
    people: list[PersonCount]
    """Who wrote enough to be asked about; the owner first."""
    models: list[Model]
    jobs: list[Job]


def _known(home: Home) -> _Known:
    talkative = [person for person in people.list_people(home) if person.messages >= FEWEST]
    talkative.sort(key=lambda person: not person.is_me)
    return _Known(talkative, versions.list_models(home), jobs.list_jobs(home))


def _running(job: Job) -> None:
    with look.card("hs-stack"):
        with look.row("hs-between"):
            look.text("p", runs.named(job), "hs-section")
            parts.link_button("Watch", f"/runs/{job.id}", "primary", "monitoring")
        look.muted(runs.doing(job))
        look.progress("Steps done", job.progress.share if job.progress else None)


def suggested(person: str) -> str:
    """A model's name made of a person's: `Zoë Müller` is `zoe`."""
    plain = unicodedata.normalize("NFKD", person.casefold()).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain)
    return words[0][:64] if words else "me"


class _Form:
    """What is to be trained. A model that is there keeps its person and its recipe."""

    def __init__(self, house: House, known: _Known, model: str) -> None:
        self.house, self.known = house, known
        self.models = {one.name: one for one in known.models}
        chosen = self.models.get(model or self._usual(known.people[0].name))
        persons = {person.name: f"{person.name}{' (you)' if person.is_me else ''}" for person in known.people}
        if chosen:
            persons.setdefault(chosen.person, chosen.person)
        first = chosen.person if chosen else next(iter(persons))
        named = chosen.name if chosen else model or self._usual(first)
        with look.card("hs-stack"):
            if not any(person.is_me for person in known.people):
                look.note("Nobody is marked as you yet. Say who you are under Words, People: a model of yourself needs no consent.", "warn")
            with ui.element("div").classes("hs-grid"):
                self.person = look.select("Whose model", persons, first, self._person_changed)
                self.model = look.text_input("What it is called", named, self._model_changed)
                self.budget = look.select("How long", BUDGETS, "")
                self.recipe = look.select("Recipe", recipe_names(), "avatar")
            self.note = look.text_area(
                "How and when they agreed", placeholder="Such as: on the phone, 3 May. Of somebody invented, say that."
            )
            self.review = ui.checkbox("A version that passes waits for my approval")
            self.about = look.muted("").classes("hs-small")
            self.refused = look.stack()
            with look.row():
                look.button("Start the training", self._start, "primary", "play_arrow")
                look.button("What will it take?", self._plan, icon="timer")
        ui.timer(0, self._explain, once=True)

    def _usual(self, person: str) -> str:
        """The model that somebody has already, or a name for their first."""
        return next((one.name for one in self.models.values() if one.person == person), suggested(person))

    async def _person_changed(self) -> None:
        known = self.models.get(self.model.value)
        if known is None or known.person != self.person.value:
            self.model.value = self._usual(self.person.value)
        await self._explain()

    async def _model_changed(self) -> None:
        if (known := self.models.get(self.model.value)) and known.person in self.person.options:
            self.person.value = known.person
        await self._explain()

    async def _explain(self) -> None:
        """What follows from the choice: whether a consent is needed, and what is there already."""
        known = self.models.get(self.model.value)
        self.recipe.set_visibility(known is None)
        self.note.set_visibility(await parts.off_loop(_needs_consent, self.house.home, self.person.value))
        self.about.text = (
            f"{known.name} is there, with {parts.counted(known.versions, 'version')}. Training it again makes a new one, "
            "and what is live stays live until the gate passes it."
            if known
            else ""
        )

    def _arguments(self) -> dict[str, object]:
        arguments: dict[str, object] = {"model": self.model.value.strip(), "person": self.person.value}
        if self.budget.value:
            arguments["budget"] = self.budget.value
        if self.models.get(self.model.value) is None:
            arguments["recipe"] = self.recipe.value
        return arguments

    async def _start(self) -> None:
        async def prepare() -> None:
            await parts.off_loop(versions.check_owner, self.house.home, self.model.value.strip(), self.person.value)
            if self.note.visible:
                if not (self.note.value or "").strip():
                    raise UsageError(f"{self.person.value} is not you: say how and when they agreed to a model of them")
                await parts.off_loop(consent.record, self.house.home, self.person.value, self.note.value)

        if await parts.attempt(self.refused, prepare):
            await runs.begin(self.house, self.refused, "train", self._arguments() | ({"review": True} if self.review.value else {}))

    async def _plan(self) -> None:
        await runs.begin(self.house, self.refused, "plan", self._arguments())


def _needs_consent(home: Home, person: str) -> bool:
    try:
        consent.check_consent(home, person)
    except UsageError:
        return True
    return False


def _runs(found: list[Job]) -> None:
    if not found:
        return
    look.section("Runs")
    rows = [
        (
            lambda job=job: ui.link(runs.named(job), f"/runs/{job.id}"),
            lambda job=job: runs.status_badge(job),
            parts.moment(job.created),
            runs.doing(job) or job.line,
        )
        for job in found
    ]
    parts.table(("What", "", "Began", ""), rows)


def _evaluate(house: House, title: str) -> None:
    look.title(f"Evaluate {title}", "The report of its training is a quick one. These look closer; each is a run of its own.")
    refused = look.stack()
    choices: tuple[tuple[str, str, dict[str, object]], ...] = (
        (
            "Everything that can be measured",
            "Against other people's avatars, with facts and forgetting, and the gate again. Takes some trainings, once.",
            {"full": True},
        ),
        (
            "Does it leak?",
            "Trains a twin with secrets planted, and tries to draw them out. Takes about as long as its training.",
            {"privacy": True},
        ),
        ("Again, as after its training", "A quick report, on what it never learned from.", {}),
    )
    for heading, words, flags in choices:
        with look.card("hs-row hs-between"):
            with ui.element("div").classes("hp-grow"):
                look.text("p", heading, "hs-section")
                look.muted(words)
            start = look.button("Start", lambda flags=flags: runs.begin(house, refused, "eval", {"model": title, **flags}))
            look.name(start, f"Start: {heading}")
    with look.card("hs-row hs-between"):
        with ui.element("div").classes("hp-grow"):
            look.text("p", "Blind test", "hs-section")
            look.muted("You judge: which of two replies is real?")
        parts.link_button("To the test", f"/blind/{title}")
