"""An engine without a model, for testing what stands around one: it answers with what it was told to."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from homespun.config import SamplingSection
from homespun.engines.base import NOTHING, Generation, Piece, Prompt, Scored, Usage, Wanted
from homespun.engines.stops import Speaker
from homespun.types import Turn


class FakeEngine:
    """`answer` makes the reply from the turns; the default repeats the last one. A token is a word with the space after it.

    Max tokens, stops and log-probabilities are honoured. A seed changes nothing unless `answer` asks `random`, which is a generator of
    its own for each reply. A grammar changes nothing: `answer` must follow it. `seen` keeps every conversation it was asked, and
    `wanted` what was wanted of it.
    """

    def __init__(self, answer: Callable[[Sequence[Turn]], str] = lambda turns: f"you said: {turns[-1].text}") -> None:
        self.answer = answer
        self.seen: list[tuple[Turn, ...]] = []
        self.wanted: list[Wanted] = []
        self.random = random.Random()

    def stream(self, prompt: Prompt, sampling: SamplingSection, wanted: Wanted = NOTHING) -> Iterator[Piece]:
        turns = [Turn("user", prompt)] if isinstance(prompt, str) else prompt
        self.seen.append(tuple(turns))
        self.wanted.append(wanted)
        self.random = random.Random(sampling.seed)
        words = [f"{word} " for word in self.answer(turns).split(" ")]
        speaker = Speaker(sampling.stop)
        said = 0
        for word in words[: sampling.max_tokens]:
            said += 1
            scores = () if wanted.logprobs is None else (Scored(word, 0.0, ((word, 0.0),)[: wanted.logprobs]),)
            yield from speaker.hear(word, scores)
            if speaker.stopped:
                break
        yield from speaker.end()
        cut = said < len(words) and not speaker.stopped
        usage = Usage(sum(self.count(turn.text) for turn in turns), said)
        yield Piece("", finish="length" if cut else "stop", usage=usage)

    def log_likelihoods(self, turns: Sequence[Turn], candidates: Sequence[str]) -> list[float]:
        """Nearer to nothing for shorter ones."""
        return [-float(self.count(text)) for text in candidates]

    def generate(self, conversations: Sequence[Sequence[Turn]], sampling: SamplingSection) -> list[Generation]:
        made = []
        for turns in conversations:
            pieces = list(self.stream(turns, sampling))
            made.append(Generation("".join(piece.text for piece in pieces).strip(), pieces[-1].finish == "stop"))
        return made

    def count(self, text: str) -> int:
        return len(text.split())

    def close(self) -> None: ...
