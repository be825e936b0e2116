"""An engine without a model, for testing what stands around one: it answers with what it was told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from homespun.config import SamplingSection
from homespun.engines.base import NOTHING, Generation, Piece, Prompt, Usage, Wanted
from homespun.types import Turn


class FakeEngine:
    """`answer` makes the reply from the turns; the default repeats the last one. `seen` keeps every conversation it was asked."""

    def __init__(self, answer: Callable[[Sequence[Turn]], str] = lambda turns: f"you said: {turns[-1].text}") -> None:
        self.answer = answer
        self.seen: list[tuple[Turn, ...]] = []

    def stream(self, prompt: Prompt, sampling: SamplingSection, wanted: Wanted = NOTHING) -> Iterator[Piece]:
        turns = [Turn("user", prompt)] if isinstance(prompt, str) else prompt
        self.seen.append(tuple(turns))
        words = self.answer(turns).split(" ")
        for word in words:
            yield Piece(f"{word} ")
        yield Piece("", finish="stop", usage=Usage(sum(self.count(turn.text) for turn in turns), len(words)))

    def log_likelihoods(self, turns: Sequence[Turn], candidates: Sequence[str]) -> list[float]:
        """Nearer to nothing for shorter ones."""
        return [-float(self.count(text)) for text in candidates]

    def generate(self, conversations: Sequence[Sequence[Turn]], sampling: SamplingSection) -> list[Generation]:
        return [Generation(self.answer(turns), stopped=True) for turns in conversations]

    def count(self, text: str) -> int:
        return len(text.split())

    def close(self) -> None: ...
