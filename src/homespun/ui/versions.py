"""The versions of a model: what the gate said of each, which one answers, and every way to change that, with why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nicegui import ui

from homespun.errors import UsageError
from homespun.evaluation import report as reporting
from homespun.evaluation.bootstrap import Interval
from homespun.home import Home
from homespun.registry import card, decisions, versions
from homespun.registry.decisions import Entry
from homespun.registry.versions import Model, Version
from homespun.ui import look, parts
from homespun.ui.verdicts import verdict_badge

if TYPE_CHECKING:
    from homespun.serving.house import House


def register(house: House) -> None:
    async def any_versions() -> None:
        await _show(house, "")

    async def versions_page(model: str) -> None:
        await _show(house, model)

    async def card_page(title: str) -> None:
        with parts.page(house, f"Model card of {title}", "versions"), parts.told():
            words = await parts.off_loop(card_of, house.home, title)
            look.title(f"Model card of {title}", "What is passed on with it when it is exported. It quotes nobody.")
            with look.card():
                parts.prose(words)
            parts.link_button("Back to the versions", f"/versions/{title.partition('@')[0]}", "quiet", "chevron_left")

    parts.serve("/versions", any_versions)
    parts.serve("/versions/{model}", versions_page)
    parts.serve("/card/{title}", card_page)


@dataclass(frozen=True, slots=True)
class Line:
    """A version with what its row shows."""

    version: Version
    stale: str | None
    gone: bool
    gain: str


def lines(home: Home, model: str) -> list[Line]:
    """The versions of a model, the newest first."""
    found = []
    for version in reversed(versions.list_versions(home, model)):
        gone = home.manifest("version", version.artefact) is None
        found.append(Line(version, home.why_stale("version", version.artefact), gone, _gain(home, version)))
    return found


def _gain(home: Home, version: Version) -> str:
    folder = versions.version_folder(home, version)
    gain = reporting.read(folder).metrics.get("gain") if (folder / "report.json").is_file() else None
    return f"{gain:.2f}" if isinstance(gain, Interval) else "not measured"


def card_of(home: Home, title: str) -> str:
    """The model card without what only the hub reads.

    Raises UnknownName; UsageError where it has none.
    """
    version = versions.get_version(home, title)
    file = versions.version_folder(home, version) / card.FILE
    if not file.is_file():
        raise UsageError(f"{version.title} has no model card: it was made by an older homespun, or its files are gone")
    words = file.read_text(encoding="utf-8")
    return words.partition("\n---\n")[2] if words.startswith("---\n") else words


async def _show(house: House, name: str) -> None:
    with parts.page(house, "Versions", "versions", wide=True), parts.told():
        models = await parts.off_loop(versions.list_models, house.home)
        if not models:
            look.title("Versions")
            with look.empty("history", "No model yet", "Every training makes a version. They stand here, with what the gate said of each."):
                parts.link_button("Train a model", "/train", "primary")
            return
        model = await parts.off_loop(versions.get_model, house.home, name or models[0].name)
        with look.row("hs-between"):
            with ui.element("div"):
                look.title(f"Versions of {model.name}")
            if len(models) > 1:
                names = [one.name for one in models]
                look.select("Model", names, model.name, lambda event: ui.navigate.to(f"/versions/{event.value}")).classes("hp-narrow")
        await _Shelf(house, model).show()


class _Shelf:
    """The versions of one model, drawn again after every change."""

    def __init__(self, house: House, model: Model) -> None:
        self.home, self.model = house.home, model
        self.refused = look.stack()
        self.body = look.stack()

    async def show(self) -> None:
        known = await parts.off_loop(lines, self.home, self.model.name)
        said = await parts.off_loop(decisions.history, self.home, self.model.name)
        self.body.clear()
        with self.body:
            if not known:
                with look.empty("history", "No version yet", "Its training did not end, or has not begun."):
                    parts.link_button("Train it", f"/train?model={self.model.name}", "primary")
                return
            for line in known:
                if line.version.waits:
                    self._waiting(line)
            self._live(known, sum(entry.action in ("promoted", "approved") for entry in said) > 1)
            rows = [
                (
                    lambda line=line: self._name(line),
                    parts.moment(line.version.created),
                    line.gain,
                    lambda line=line: _verdict(line),
                    lambda line=line: self._actions(line),
                )
                for line in known
            ]
            parts.table(("Version", "Made", "Gain [95 %]", "Gate", ""), rows)
            self._compare([line.version for line in known])
            self._history(said)

    def _live(self, known: Sequence[Line], other_before: bool) -> None:
        live = next((line.version for line in known if line.version.is_live), None)
        with look.card("hs-row hs-between"):
            with ui.element("div").classes("hp-grow"):
                look.text("p", f"{live.title} answers" if live else "No version answers yet", "hs-section")
                words = "Other versions stay here and can be brought back." if live else "Choose one below and let it go live."
                look.muted(words)
            with look.row():
                if live and other_before:
                    look.button("Roll back", self._roll_back, icon="undo")
                if live:
                    parts.link_button("Chat", "/", "primary", "chat_bubble")

    def _waiting(self, line: Line) -> None:
        with look.card("hs-stack"):
            look.text("p", f"{line.version.title} waits for you", "hs-section")
            look.muted(f"The gate passed it: {line.version.reason}. Read its report, then say whether it may answer.")
            with look.row():
                look.button("Approve", lambda: self._promote(line.version), "primary")
                look.button("Refuse", lambda: self._refuse(line.version), "danger")
                parts.link_button("Read the report", f"/report/{line.version.title}", "quiet")

    def _name(self, line: Line) -> None:
        with look.row("hp-tight"):
            ui.link(line.version.title, f"/report/{line.version.title}")
            if line.version.is_live:
                look.badge("live", "good")
            if line.version.waits:
                look.badge("waits for you", "accent")
            if line.stale:
                look.name(look.badge("stale", "warn"), line.stale)
            if line.gone:
                look.badge("files gone", "bad")

    def _actions(self, line: Line) -> None:
        version = line.version
        with look.row("hs-end hp-tight"):
            if not (version.is_live or version.waits or line.gone or line.stale):
                look.name(look.button("Go live", lambda: self._promote(version)), f"Let {version.title} go live")
            parts.link_button("Report", f"/report/{version.title}", "quiet")
            parts.link_button("Card", f"/card/{version.title}", "quiet")

    async def _promote(self, version: Version) -> None:
        if version.verdict in (None, "pass"):
            words = f"{version.title} will answer from the next message on. You can roll back at any time."
            if await look.confirm("Let it go live?", words, "Go live"):
                await self._change(lambda: parts.off_loop(versions.promote, self.home, version.title))
            return
        why = await _ask_why(
            "Let it go live anyway?",
            f"The gate did not pass {version.title}: {version.reason}. Say why it may answer all the same.",
            "Go live",
        )
        if why:
            await self._change(lambda: parts.off_loop(versions.promote, self.home, version.title, why, anyway=True))

    async def _refuse(self, version: Version) -> None:
        if why := await _ask_why("Refuse it?", f"{version.title} will not answer. This cannot be taken back, but it stays here.", "Refuse"):
            await self._change(lambda: parts.off_loop(versions.refuse, self.home, version.title, why))

    async def _roll_back(self) -> None:
        if await look.confirm("Roll back?", "The version that was live before answers again.", "Roll back"):
            await self._change(lambda: parts.off_loop(versions.rollback, self.home, self.model.name))

    async def _change(self, action: Callable[[], Awaitable[object]]) -> None:
        if await parts.attempt(self.refused, action):
            await self.show()

    def _compare(self, known: Sequence[Version]) -> None:
        if len(known) < 2:
            return
        titles = [version.title for version in known]
        look.section("Compare two")
        with look.row():
            first = look.select("One", titles, titles[1]).classes("hp-narrow")
            second = look.select("Another", titles, titles[0]).classes("hp-narrow")
            look.button("Compare", lambda: ui.navigate.to(f"/compare/{first.value}/{second.value}"))

    def _history(self, said: Sequence[Entry]) -> None:
        if not said:
            return
        with ui.element("details").classes("hp-more"):
            look.text("summary", f"Everything that was decided ({len(said):,})")
            rows = [(parts.moment(entry.created), entry.version, _what(entry), entry.reason) for entry in reversed(said)]
            parts.table(("When", "Version", "What", "Because"), rows)


def _verdict(line: Line) -> None:
    verdict_badge(line.version.verdict)
    if line.version.reason:
        look.text("p", line.version.reason, "hs-muted hs-small")


def _what(entry: Entry) -> str:
    return entry.action + (f": {entry.verdict}" if entry.verdict else "")


async def _ask_why(heading: str, words: str, yes: str) -> str | None:
    """The reason somebody gives; None where they give none."""
    with look.dialog(heading) as box:
        look.text("p", words)
        given = look.text_input("Why")
        with look.row("hs-end"):
            look.button("Cancel", lambda: box.submit(None), "quiet")
            done = look.button(yes, lambda: box.submit(given.value.strip()), "danger")
        done.bind_enabled_from(given, "value", lambda value: bool((value or "").strip()))
    answer = await box
    box.delete()
    return answer or None
