"""A conversation with a model: what it remembers, and opening the version that answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from homespun.config import Recipe, Settings
from homespun.dataset.turns import system_turn
from homespun.engines.base import Engine
from homespun.home import Home, write_jsonl
from homespun.registry import versions
from homespun.types import Turn

REMEMBERED = 10
"""Messages of history sent along, at most; fewer where they would not fit the tokens the model learned to read."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A version ready to answer."""

    title: str
    person: str
    recipe: Recipe
    engine: Engine


def open_version(home: Home, title: str, settings: Settings, base: bool = False) -> Opened:
    """Load a version (the live one of a model, or MODEL@V), or the untrained base it was made from."""
    from homespun.engines import torch
    from homespun.training.run import load_weights

    version = versions.get_version(home, title)
    recipe = versions.recipe_of(home, version)
    if base:
        recipe = recipe.with_sampling(stop_bias=0.0)
    engine = torch.load(recipe, settings)
    engine.use(None if base else load_weights(versions.version_folder(home, version)))
    person = versions.get_model(home, version.model).person
    return Opened(f"{recipe.base} (base)" if base else version.title, person, recipe, engine)


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

    def say(self, text: str) -> Iterator[str]:
        """The reply, as it is written. It joins the history when it is complete or was interrupted."""
        self.turns.append(Turn("user", text.strip()))
        sampling = self.opened.recipe.sampling
        if self.seed is not None:
            sampling = sampling.model_copy(update={"seed": self.seed + len(self.turns)})
        said: list[str] = []
        try:
            for piece in self.opened.engine.stream(self.prompt(), sampling):
                said.append(piece)
                yield piece
        finally:
            self.turns.append(Turn("assistant", "".join(said).strip()))

    def prompt(self) -> list[Turn]:
        """The system line and as much of the history as is remembered, oldest cut first, the newest message always in."""
        room = self.opened.recipe.dataset.max_tokens
        kept: list[Turn] = []
        for turn in reversed(self.turns[-REMEMBERED:]):
            room -= self.opened.engine.count(turn.text)
            if room < 0 and kept:
                break
            kept.insert(0, turn)
        return [system_turn(self.opened.recipe, self.opened.person, self.speaker), *kept]

    def clear(self) -> None:
        self.turns.clear()

    def save(self, file: Path) -> None:
        """Write the conversation as JSONL, in a form that `homespun add` reads."""
        me = self.speaker or "You"
        names = {"user": me, "assistant": self.opened.person}
        write_jsonl(file, [{"conv": file.stem, "speaker": names[turn.role], "text": turn.text} for turn in self.turns])
