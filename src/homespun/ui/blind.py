"""The blind test, one question after the other: which of two replies did the person write?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nicegui import ui
from nicegui.events import KeyEventArguments

from homespun.evaluation import blind
from homespun.evaluation.blind import Answer, Result, Side, Trial
from homespun.home import Home
from homespun.registry import versions
from homespun.registry.versions import Version
from homespun.ui import look, parts, plots, runs
from homespun.ui.plots import Mark
from homespun.ui.report import default_title

if TYPE_CHECKING:
    from homespun.serving.house import House

SHOWN = 6
"""Turns of what was said before, at most."""
COUNTS = {20: "20 questions, about 5 minutes", 50: "50 questions", blind.ENOUGH: f"{blind.ENOUGH} questions, sure to within 10 points"}


def register(house: House) -> None:
    async def any_blind() -> None:
        await _show(house, await parts.off_loop(default_title, house.home))

    async def blind_page(title: str) -> None:
        await _show(house, title)

    parts.serve("/blind", any_blind)
    parts.serve("/blind/{title}", blind_page)


@dataclass(frozen=True, slots=True)
class Test:
    """A blind test of a version, as far as it was taken."""

    version: Version
    person: str
    folder: Path
    trials: list[Trial]


def find_test(home: Home, title: str) -> tuple[Version, Test | None]:
    """A version and the newest blind test that was made for it. Raises UnknownName."""
    version = versions.get_version(home, title)
    person = versions.get_model(home, version.model).person
    made = [
        one
        for one in home.artefacts()
        if one.kind == "evaluation"
        and f"version:{version.artefact}" in one.parents
        and (home.folder(one.kind, one.id) / blind.TRIALS).is_file()
    ]
    if not made:
        return version, None
    folder = home.folder("evaluation", max(made, key=lambda one: one.created).id)
    return version, Test(version, person, folder, blind.read_trials(folder))


async def _show(house: House, title: str | None) -> None:
    with parts.page(house, "Blind test", "report", "blind"), parts.told():
        if title is None:
            with look.empty("visibility_off", "No model to test yet", "Train one first. Then see whether you can tell it from the person."):
                parts.link_button("Train a model", "/train", "primary")
            return
        version, test = await parts.off_loop(find_test, house.home, title)
        if test is None or not test.trials:
            _make(house, version)
        else:
            await _Play(house, test).show()


def _make(house: House, version: Version) -> None:
    look.title(
        "Which one is real?", f"You read a moment that {version.title} never learned from, and two replies to it: one real, one made up."
    )
    with look.card("hs-stack"):
        look.muted(
            "Who cannot tell them apart is right half of the time. Writing the replies takes minutes; you can leave this page meanwhile."
        )
        count = look.select("How many", COUNTS, 20)
        refused = look.stack()

        async def start() -> None:
            arguments = {"model": version.title, "blind": True, "trials": count.value}
            await runs.begin(house, refused, "eval", arguments)

        with look.row():
            look.button("Prepare the test", start, "primary")


class _Play:
    """Where somebody is in a test. Every answer is on the disk before the next question is shown."""

    def __init__(self, house: House, test: Test) -> None:
        self.house, self.test = house, test
        self.open: Trial | None = None
        self.body = look.stack()
        ui.keyboard(self._key)

    async def show(self) -> None:
        answers = await parts.off_loop(blind.read_answers, self.test.folder)
        left = [trial for trial in self.test.trials if trial.id not in answers]
        self.open = left[0] if left else None
        self.body.clear()
        with self.body:
            if self.open is None:
                self._result(blind.score(self.test.trials, answers))
            else:
                self._question(self.open, len(self.test.trials) - len(left))

    def _question(self, trial: Trial, done: int) -> None:
        total, person = len(self.test.trials), self.test.person
        with look.row("hs-between"):
            look.title(f"Which reply did {person} write?")
            look.text("span", f"{done + 1} of {total}", "hs-muted").props('aria-live="polite"')
        look.progress("Questions answered", done / total)
        with ui.element("div").classes("hp-said"):
            for turn in trial.context[-SHOWN:]:
                own = turn.role == "assistant"
                with ui.element("div").classes(f"hp-bubble {'hp-own' if own else ''}"):
                    look.text("span", f"{person}: " if own else "They: ", "hs-hidden")
                    look.text("span", turn.text, "hs-plain")
        with ui.element("div").classes("hp-choices"):
            for side, words in (("a", trial.a), ("b", trial.b)):
                self._choice(side, words)  # type: ignore[arg-type]
        with look.row("hs-between"):
            look.text("span", "Keys: A, B, or ? — nothing is told before the end.", "hs-muted hs-small")
            look.button("I cannot say", lambda: self._answer("?"), "quiet")

    def _choice(self, side: Side, words: str) -> None:
        with ui.button(on_click=lambda: self._answer(side), color=None).props("flat no-caps :ripple=false").classes("hp-choice"):
            look.text("span", side.upper(), "hp-letter")
            look.text("span", words or "(an empty reply)", "hs-plain")

    async def _key(self, event: KeyEventArguments) -> None:
        pressed = str(event.key).lower()
        if event.action.keydown and not event.action.repeat and pressed in blind.ANSWERS:
            await self._answer(next(answer for answer in blind.ANSWERS if answer == pressed))

    async def _answer(self, answer: Answer) -> None:
        if (trial := self.open) is None:
            return
        self.open = None  # a second press, or a double click, is not the next answer
        await parts.off_loop(_keep, self.test.folder, trial.id, answer)
        await self.show()

    def _result(self, result: Result | None) -> None:
        if result is None:
            return
        found = result.right + result.unsure / 2
        look.title(f"You found the real one {found:g} times of {result.answered}")
        with look.card("hs-stack"):
            look.text("p", meaning(result, self.test.version.title, self.test.person), "hs-section")
            marks = (Mark(0.5, "guessing", "ceiling"), Mark(1, "always"))
            parts.drawing(plots.interval("Found out", result.rate, result.low, result.high, marks, lambda value: f"{value:.0%}"))
            look.muted(
                f"{result.rate:.0%}, surely between {result.low:.0%} and {result.high:.0%}: {result.right} right, {result.wrong} wrong, "
                f"{result.unsure} not said."
            )
        with look.row():
            parts.link_button("To the report", f"/report/{self.test.version.title}", "primary")
            look.button("Answer again", self._again, "quiet", "restart_alt")

    async def _again(self) -> None:
        if await look.confirm("Answer again?", "Your answers to these questions are forgotten.", "Forget them", danger=True):
            await parts.off_loop(blind.write_answers, self.test.folder, {})
            await self.show()


def _keep(folder: Path, trial: str, answer: Answer) -> None:
    blind.write_answers(folder, {**blind.read_answers(folder), trial: answer})


def meaning(result: Result, title: str, person: str) -> str:
    """What a rate says, for somebody who does not know statistics."""
    if result.low > 0.5:
        return f"{title} can be told from {person}."
    if result.high < 0.5:
        return f"{title} passes for {person} more often than {person} does."
    if result.more == 0:
        return f"{title} cannot be told from {person}."
    return f"It is not decided: {parts.counted(result.more, 'more question')} would settle it to within 10 points."
