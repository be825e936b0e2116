"""The way from nothing to a model that answers, step by step, with what is done of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nicegui import ui

from homespun.corpus import imports, people
from homespun.evaluation import blind
from homespun.home import Home
from homespun.registry import versions
from homespun.ui import look, parts

if TYPE_CHECKING:
    from homespun.serving.house import House


def register(house: House) -> None:
    async def start_page() -> None:
        with parts.page(house, "Start", ""):
            look.title(
                "From your messages to a model that writes like you", "Everything happens on this machine, and nothing of it leaves."
            )
            steps = await parts.off_loop(steps_of, house.home)
            following = next((step for step in steps if not step.done), None)
            with ui.element("ol").classes("hp-steps"):
                for step in steps:
                    _step(step, step is following)

    parts.serve("/start", start_page)


@dataclass(frozen=True, slots=True)
class Step:
    heading: str
    words: str
    address: str
    action: str
    done: bool


def steps_of(home: Home) -> list[Step]:
    """What is to be done in a home, in order, and what of it is done."""
    owner = people.owner(home)
    messages = sum(one.messages for one in imports.list_imports(home))
    models = versions.list_models(home)
    live = next((model for model in models if model.live), None)
    made = next((model for model in models if model.versions), None)
    tested = any((home.folder(one.kind, one.id) / blind.ANSWERED).is_file() for one in home.artefacts() if one.kind == "evaluation")
    there = f"{messages:,} messages are here." if messages else "Export a chat from your phone and drop it."
    return [
        Step("Add your words", there, "/words", "Add words", bool(messages)),
        Step(
            "Say who you are",
            f"You are {owner}." if owner else "A model of you learns from your messages alone.",
            "/people",
            "People",
            bool(owner),
        ),
        Step("Train", "See what it will take, choose how long, and watch it learn.", "/train", "Train", made is not None),
        Step("Take the blind test", "Can you tell it from the real one?", "/blind", "Blind test", tested),
        Step("Let it answer", "Read its report, and let it go live.", "/versions", "Versions", live is not None),
        Step("Talk with it", "On this machine, on your phone, or from any program that speaks to OpenAI's.", "/", "Chat", False),
    ]


def _step(step: Step, following: bool) -> None:
    with ui.element("li").classes(f"hp-step {'hp-done' if step.done else ''}"):
        look.icon("check_circle" if step.done else "radio_button_unchecked")
        with ui.element("div").classes("hp-grow"):
            look.text("h2", step.heading)
            look.text("p", step.words, "hs-muted")
            if step.done:
                look.text("span", "Done", "hs-hidden")
        parts.link_button(step.action, step.address, "primary" if following else "quiet")
