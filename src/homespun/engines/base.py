"""What every engine can do. An engine turns a prompt into tokens; nothing above it knows which one runs.

Every engine is a module with a `load` of its own, since each needs other things; what it gives is an `Engine`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from homespun.config import SamplingSection
from homespun.types import Turn

Prompt = Sequence[Turn] | str
"""A conversation, which the base's template renders, or text that is continued as it stands."""
Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for beyond how its tokens are drawn."""

    adapter: str | None = None
    """By the name it was loaded with; None is the bare base."""
    grammar: str | None = None
    """In llguidance's form of Lark: the reply is one of its sentences (engines/grammar.py makes it from a JSON schema)."""
    logprobs: int | None = None
    """None: none. Else the log-probability of every token and of so many likeliest ones, before anything changed them."""


NOTHING = Wanted()


@dataclass(frozen=True, slots=True)
class Scored:
    """A token with its log-probability (nats), and the likeliest ones in its place."""

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    prompt: int
    completion: int
    cached: int = 0
    """Of the prompt: read from a cache."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a reply: whole characters. The last one has no text and says how it ended.

    While a long prompt is read there may be some without text too, so that the reader can leave.
    """

    text: str
    scores: tuple[Scored, ...] = ()
    finish: Finish | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    text: str
    stopped: bool
    """False when it ran into the length cap instead of ending by itself."""


def penalised(sampling: SamplingSection) -> bool:
    """Whether what a reply said already is held back from it."""
    return sampling.repetition_penalty != 1 or bool(sampling.frequency_penalty or sampling.presence_penalty)


class Writer(Protocol):
    def generate(self, conversations: Sequence[Sequence[Turn]], sampling: SamplingSection) -> list[Generation]:
        """One reply to each conversation."""
        ...

    def count(self, text: str) -> int:
        """Tokens of a text."""
        ...


class Engine(Writer, Protocol):
    def stream(self, prompt: Prompt, sampling: SamplingSection, wanted: Wanted = NOTHING) -> Iterator[Piece]:
        """The next reply, piece by piece. Closing the iterator stops the work at once.

        Raises:
            TooLong: the prompt leaves no room for a reply.
        """
        ...

    def log_likelihoods(self, turns: Sequence[Turn], candidates: Sequence[str]) -> list[float]:
        """Mean log-probability in nats per token of each candidate reply (with its stop token) after the same conversation."""
        ...

    def close(self) -> None: ...
