"""What the model is told of what the person wrote: a few lines under its system line, and only when they fit the question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from homespun.retrieval.passages import Passage
from homespun.types import Turn

SAYS = "What you wrote before:"
BUDGET = 160
"""Tokens."""
NEAR, NOT_FAR = 0.5, 0.3
"""Cosines with the question from which a passage fits it: by its meaning alone, and with the words they share."""
SHARED, SHARED_ALONE = 1.1, 1.5
"""What the shared words must count, as in `Passage.words`: where the meaning is known, and where it is not."""


def fits(passage: Passage) -> bool:
    """Whether a passage is about the question that found it. The thresholds are measured: see benchmarks/retrieval.py."""
    if passage.cosine is None:
        return passage.words >= SHARED_ALONE
    return passage.cosine >= NEAR or (passage.words >= SHARED and passage.cosine >= NOT_FAR)


def grounded(
    turns: Sequence[Turn], passages: Sequence[Passage], count: Callable[[str], int], says: str = SAYS, budget: int = BUDGET
) -> tuple[list[Turn], list[Passage]]:
    """The turns with what the person wrote before under the system line, and the passages that are told: none where none fits.

    Args:
        passages: best first.
        count: tokens of a text.
        says: what introduces them.
        budget: tokens they may take, with their introduction. A passage that does not fit in is left out.
    """
    told: list[Passage] = []
    lines = [says]
    for passage in filter(fits, passages):
        line = _line(passage)
        if count("\n".join((*lines, line))) <= budget:
            told.append(passage)
            lines.append(line)
    if not told:
        return list(turns), []
    has_system = bool(turns) and turns[0].role == "system"
    system = turns[0] if has_system else Turn("system", "")
    text = "\n".join((system.text, *lines)).strip()
    return [replace(system, text=text), *turns[has_system:]], told


def _line(passage: Passage) -> str:
    about = ", ".join(part for part in (passage.date, f"to {passage.to}" if passage.to else "") if part)
    text = " ".join(passage.text.split())
    return f"({about}) {text}" if about else text
