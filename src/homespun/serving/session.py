"""A conversation with a model: what it remembers, and opening the version that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from homespun.bases import hub
from homespun.config import Recipe, Settings
from homespun.corpus.view import View
from homespun.engines.base import Engine
from homespun.home import Home, write_jsonl
from homespun.registry import versions
from homespun.registry.versions import Version
from homespun.retrieval.passages import Passage
from homespun.serving import loading
from homespun.serving.disclosure import notice
from homespun.serving.memory import Memory, remembered
from homespun.serving.prompt import answer, prepare
from homespun.types import Turn

EngineName = Literal["llamacpp", "torch"]


@dataclass(frozen=True)
class Opened:
    """A version ready to answer."""

    title: str
    person: str
    recipe: Recipe
    load: Callable[[], Engine]
    view: View
    """What the model knows people by."""
    trained: bool = True
    """False: the base that the version was made from."""
    memory: Memory | None = None
    """What it may look up."""
    adapter: str | None = None
    """By what name the engine knows its adapter; None where the engine needs to be told nothing."""

    @cached_property
    def engine(self) -> Engine:
        """Loaded when the first answer needs it."""
        return self.load()

    @property
    def is_avatar(self) -> bool:
        """Whether it speaks for a person, and so has to say what it is."""
        return self.trained and self.recipe.kind == "avatar"

    @property
    def notice(self) -> str | None:
        """What whoever talks with it is told unasked."""
        return notice(self.person, self.title) if self.is_avatar else None


def open_version(
    home: Home, title: str, settings: Settings, base: bool = False, engine: EngineName = "llamacpp", temperature: float | None = None
) -> Opened:
    """A version (the live one of a model, or MODEL@V), or the untrained base it was made from.

    Args:
        engine: llamacpp is fast and light; torch has the exact numerics of training.
        temperature: instead of the recipe's.
    """
    version = versions.get_version(home, title)
    recipe = versions.recipe_of(home, version)
    if temperature is not None:
        recipe = recipe.with_sampling(temperature=temperature)
    folder = hub.resolve(recipe.base, settings)
    if not base:
        versions.verify(home, version, folder)

    def load() -> Engine:
        if engine == "torch":
            return loading.torch(home, None if base else version, recipe, settings)
        adapters = {} if base else {version.artefact: loading.for_llamacpp(settings)(home, version)}
        return loading.llamacpp(settings, slots=1)(folder, adapters)

    opened = opened_as(home, version, recipe, versions.get_model(home, version.model).person, load, base)
    return replace(opened, adapter=None) if engine == "torch" else opened


def opened_as(home: Home, version: Version, recipe: Recipe, person: str, load: Callable[[], Engine], base: bool = False) -> Opened:
    """A version, or its base, with an engine that knows its adapter by the version's artefact."""
    view, look_up = View(home, recipe.privacy), recipe.retrieval
    if base:
        return Opened(f"{recipe.base} (base)", person, recipe.with_sampling(stop_bias=0.0), load, view, trained=False)
    memory = remembered(home, version.artefact, person, view, look_up.passages) if look_up.enabled else None
    return Opened(version.title, person, recipe, load, view, memory=memory, adapter=version.artefact)


class Session:
    """One conversation with an opened version.

    Args:
        speaker: who is talking, if it is somebody the person knows; the avatar then answers as it would answer them.
        seed: makes the answers repeatable.
    """

    def __init__(self, opened: Opened, speaker: str | None = None, seed: int | None = None) -> None:
        self.opened = opened
        self.speaker = speaker
        self.seed = seed
        self.turns: list[Turn] = []
        self.told: tuple[Passage, ...] = ()
        """What the newest answer could draw on, in the model's names."""

    def say(self, text: str) -> Iterator[str]:
        """The reply, as it is written. It joins the history when it is complete or was interrupted.

        An avatar that is asked what it is says so, without a model.
        """
        self.turns.append(Turn("user", text.strip()))
        prepared = prepare(self.opened, self.turns, self.speaker)
        self.told = prepared.told
        sampling = self.opened.recipe.sampling
        if self.seed is not None:
            sampling = sampling.model_copy(update={"seed": self.seed + len(self.turns)})
        said: list[str] = []
        try:
            for piece in answer(self.opened, prepared, sampling):
                if piece.text:
                    said.append(piece.text)
                    yield piece.text
        finally:
            self.turns.append(Turn("assistant", "".join(said).strip()))

    def clear(self) -> None:
        self.turns.clear()

    def save(self, file: Path) -> None:
        """Write the conversation as JSONL, in a form that `homespun add` reads."""
        me = self.speaker or "You"
        names = {"user": me, "assistant": self.opened.person}
        write_jsonl(file, [{"conv": file.stem, "speaker": names[turn.role], "text": turn.text} for turn in self.turns])
