"""A conversation with a model: what it remembers, and opening the version that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from homespun.bases import hub
from homespun.config import Recipe, Settings
from homespun.corpus.view import View
from homespun.dataset.turns import system_turn
from homespun.engines.base import Engine
from homespun.home import Home, write_jsonl
from homespun.registry import versions
from homespun.retrieval.grounding import BUDGET
from homespun.retrieval.passages import Passage
from homespun.serving.disclosure import asks_what_it_is, disclosure, notice
from homespun.serving.memory import Memory, remembered
from homespun.types import Turn

REMEMBERED = 10
"""Messages of history sent along, at most; fewer where they would not fit the tokens the model learned to read."""
HELD_BACK = 3
"""Words: a name has rarely more."""


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


def open_version(home: Home, title: str, settings: Settings, base: bool = False) -> Opened:
    """A version (the live one of a model, or MODEL@V), or the untrained base it was made from."""
    version = versions.get_version(home, title)
    recipe = versions.recipe_of(home, version)
    if base:
        recipe = recipe.with_sampling(stop_bias=0.0)

    base_folder = hub.resolve(recipe.base, settings)
    if not base:
        versions.verify(home, version, base_folder)

    def load() -> Engine:
        from homespun.engines import torch
        from homespun.training.run import load_weights

        engine = torch.load(recipe, settings)
        engine.use(None if base else load_weights(versions.version_folder(home, version)))
        return engine

    person = versions.get_model(home, version.model).person
    view, look_up = View(home, recipe.privacy), recipe.retrieval
    memory = remembered(home, version.artefact, person, view, look_up.passages) if look_up.enabled and not base else None
    return Opened(f"{recipe.base} (base)" if base else version.title, person, recipe, load, view, not base, memory)


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
        self.told: list[Passage] = []
        """What the newest answer could draw on, in the model's names."""

    def say(self, text: str) -> Iterator[str]:
        """The reply, as it is written. It joins the history when it is complete or was interrupted.

        An avatar that is asked what it is says so, without a model.
        """
        self.turns.append(Turn("user", text.strip()))
        self.told = []
        opened = self.opened
        if opened.is_avatar and (language := asks_what_it_is(text, opened.person)):
            self.turns.append(Turn("assistant", disclosure(language, opened.person, opened.title)))
            yield self.turns[-1].text
            return
        prompt = self.prompt()
        if opened.memory:
            prompt, self.told = opened.memory.told(prompt, opened.engine.count)
            if opened.recipe.retrieval.abstain and (unsaid := opened.memory.unknown(prompt[-1].text, self.told)):
                self.turns.append(Turn("assistant", unsaid))
                yield unsaid
                return
        sampling = self.opened.recipe.sampling
        if self.seed is not None:
            sampling = sampling.model_copy(update={"seed": self.seed + len(self.turns)})
        said: list[str] = []
        try:
            for piece in _restored((one.text for one in self.opened.engine.stream(prompt, sampling)), self.opened.view):
                said.append(piece)
                yield piece
        finally:
            self.turns.append(Turn("assistant", "".join(said).strip()))

    def prompt(self) -> list[Turn]:
        """The system line and as much of the history as is remembered, oldest cut first, the newest message always in."""
        opened, view = self.opened, self.opened.view
        room = opened.recipe.dataset.max_tokens - (BUDGET if opened.memory else 0)
        kept: list[Turn] = []
        for turn in reversed(self.turns[-REMEMBERED:]):
            hidden = Turn(turn.role, view.hide(turn.text))
            room -= opened.engine.count(hidden.text)
            if room < 0 and kept:
                break
            kept.insert(0, hidden)
        return [system_turn(opened.recipe, view.name(opened.person), view.name(self.speaker) if self.speaker else None), *kept]

    def clear(self) -> None:
        self.turns.clear()

    def save(self, file: Path) -> None:
        """Write the conversation as JSONL, in a form that `homespun add` reads."""
        me = self.speaker or "You"
        names = {"user": me, "assistant": self.opened.person}
        write_jsonl(file, [{"conv": file.stem, "speaker": names[turn.role], "text": turn.text} for turn in self.turns])


def _restored(pieces: Iterable[str], view: View) -> Iterator[str]:
    """The same text with people's own names. Where names are hidden, the last words wait: the next piece may belong to them."""
    if not view.names:
        yield from pieces
        return
    written, given = "", 0
    for piece in pieces:
        written += piece
        sure = view.restore(" ".join(written.split(" ")[:-HELD_BACK]))
        yield sure[given:]
        given = max(given, len(sure))
    yield view.restore(written)[given:]
