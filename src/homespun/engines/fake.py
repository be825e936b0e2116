"""An engine without a model, for testing what stands around one: it answers with what it was told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from homespun.config import SamplingSection
from homespun.engines.base import Generation
from homespun.types import Turn


class FakeEngine:
    """`answer` makes the reply from the turns; the default repeats the last one. `seen` keeps every conversation it was asked."""

    def __init__(self, answer: Callable[[Sequence[Turn]], str] = lambda turns: f"you said: {turns[-1].text}") -> None:
        self.answer = answer
        self.seen: list[tuple[Turn, ...]] = []

    def stream(self, turns: Sequence[Turn], sampling: SamplingSection) -> Iterator[str]:
        self.seen.append(tuple(turns))
        for word in self.answer(turns).split(" "):
            yield f"{word} "

    def generate(self, conversations: Sequence[Sequence[Turn]], sampling: SamplingSection) -> list[Generation]:
        return [Generation(self.answer(turns), stopped=True) for turns in conversations]

    def count(self, text: str) -> int:
        return len(text.split())

    def close(self) -> None: ...
