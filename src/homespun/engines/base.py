"""What every engine can do. An engine turns an adapter into tokens; nothing above it knows which one runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from homespun.config import SamplingSection
from homespun.types import Turn


@dataclass(frozen=True, slots=True)
class Generation:
    text: str
    stopped: bool
    """False when it ran into the length cap instead of ending by itself."""


class Engine(Protocol):
    def stream(self, turns: Sequence[Turn], sampling: SamplingSection) -> Iterator[str]:
        """The next reply, piece by piece."""
        ...

    def generate(self, conversations: Sequence[Sequence[Turn]], sampling: SamplingSection) -> list[Generation]:
        """One reply to each conversation."""
        ...

    def count(self, text: str) -> int:
        """Tokens of a text."""
        ...

    def close(self) -> None: ...
