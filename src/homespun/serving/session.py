"""A conversation with a model: what it remembers, and opening the version that answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from homespun.config import Recipe, Settings
from homespun.corpus.view import View
from homespun.dataset.turns import system_turn
from homespun.engines.base import Engine
from homespun.home import Home, write_jsonl
from homespun.registry import versions
from homespun.types import Turn

REMEMBERED = 10
"""Messages of history sent along, at most; fewer where they would not fit the tokens the model learned to read."""
HELD_BACK = 3
"""Words: a name has rarely more."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A version ready to answer."""

    title: str
    person: str
    recipe: Recipe
    engine: Engine
    view: View
    """What the model knows people by."""


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
    return Opened(f"{recipe.base} (base)" if base else version.title, person, recipe, engine, View(home, recipe.privacy))


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
            for piece in _restored(self.opened.engine.stream(self.prompt(), sampling), self.opened.view):
                said.append(piece)
                yield piece
        finally:
            self.turns.append(Turn("assistant", "".join(said).strip()))

    def prompt(self) -> list[Turn]:
        """The system line and as much of the history as is remembered, oldest cut first, the newest message always in."""
        opened, view = self.opened, self.opened.view
        room = opened.recipe.dataset.max_tokens
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
