"""Whom one talks with, and as whom."""

from __future__ import annotations

from nicegui import ui

from homespun.corpus.people import list_people
from homespun.home import Home
from homespun.registry import versions
from homespun.ui import look
from homespun.ui.sessions import address

NOBODY = "Somebody new"
MOST = 200
"""People one can talk as, those who wrote most."""


def speakers(home: Home, person: str) -> dict[str, str]:
    """Name -> how they are shown: everybody in the corpus but the model's own person."""
    known = sorted(list_people(home), key=lambda one: (one.relation is None, -one.messages))
    shown = {one.name: f"{one.name}, {one.relation}" if one.relation else one.name for one in known[:MOST] if one.name != person}
    return {"": NOBODY} | shown


def numbers(home: Home, model: str) -> dict[str, str]:
    """Title -> how it is shown: the live version by the bare name, then all by number, the newest first."""
    known = versions.list_versions(home, model)
    live = next((version.number for version in known if version.is_live), None)
    first = {model: f"Live (now {live})" if live else "The newest"}
    return first | {version.title: f"Version {version.number}" for version in reversed(known)}


def choose(home: Home, title: str, speaker: str | None) -> None:
    """A dialog that begins a new conversation with another model, version, or speaker."""
    models = [model for model in versions.list_models(home) if model.versions]
    now = title.partition("@")[0]
    wanted = {"title": title, "speaker": speaker or ""}

    def changed(model: str) -> None:
        wanted["title"] = model
        version.set_options(numbers(home, model), value=model)
        person = next(one.person for one in models if one.name == model)
        as_whom.set_options(speakers(home, person), value="")

    person = next((model.person for model in models if model.name == now), "")
    with look.dialog("Who is talking") as box:
        look.select("Model", {model.name: f"{model.name} ({model.person})" for model in models}, now, lambda event: changed(event.value))
        version = look.select("Version", numbers(home, now), title, lambda event: wanted.update(title=event.value))
        as_whom = look.select("You are", speakers(home, person), speaker or "", lambda event: wanted.update(speaker=event.value))
        look.text("p", "It answers people it knows as it would answer them. This begins a new conversation.", "hs-muted hs-small")
        with look.row("hs-end"):
            look.button("Cancel", box.close, "quiet")
            look.button("Begin", lambda: ui.navigate.to(address(wanted["title"], speaker=wanted["speaker"])), "primary")
    box.open()
