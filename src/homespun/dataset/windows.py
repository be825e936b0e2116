"""A conversation's turns -> windows that fit: every reply is a target in exactly one window, with history before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from homespun.config import DatasetSection
from homespun.types import Turn

OVERHEAD = 6
"""Tokens a chat template spends around a turn, at most, in the families of presets.toml."""


def windows(turns: Sequence[Turn], count: Callable[[str], int], options: DatasetSection, reserved: int = 0) -> Iterator[tuple[Turn, ...]]:
    """Windows of at most `options.max_tokens`. The oldest history is cut first, never the reply.

    Args:
        turns: of one conversation; those marked `target` are to be learned or scored.
        count: tokens of a text.
        reserved: tokens of what is put before every window.
    """
    options = options.model_copy(update={"max_tokens": options.max_tokens - reserved})
    turns = [turn if turn.target else _tail(turn, count, options.context_tokens) for turn in turns]
    sizes = [count(turn.text) + OVERHEAD for turn in turns]
    targets = [index for index, turn in enumerate(turns) if turn.target]
    while targets:
        start = _history(sizes, targets[0], options)
        covered = _reach(sizes, start, targets, options)
        window = turns[start : covered[-1] + 1]
        room = options.max_tokens - sum(sizes[start + 1 : targets[0] + 1]) - OVERHEAD
        if start < targets[0] and sizes[start] - OVERHEAD > room:
            window[0] = _tail(window[0], count, room)
        yield tuple(replace(turn, target=turn.target and start + index >= covered[0]) for index, turn in enumerate(window))
        targets = targets[len(covered) :]


def _history(sizes: Sequence[int], first: int, options: DatasetSection) -> int:
    """Where the window begins: as much before its first reply as the context allows, and never less than a turn."""
    start, used = first, 0
    room = min(options.context_tokens, max(0, options.max_tokens - sizes[first]))
    while start > 0 and (used + sizes[start - 1] <= room or first - start < options.min_context_turns):
        start -= 1
        used += sizes[start]
    return start


def _reach(sizes: Sequence[int], start: int, targets: Sequence[int], options: DatasetSection) -> list[int]:
    """The replies one window takes: while they fit, and while no long stretch of others' talk lies between two of them."""
    covered = [targets[0]]
    for target in targets[1:]:
        between = sum(sizes[covered[-1] + 1 : target])
        if between > options.context_tokens or sum(sizes[start : target + 1]) > options.max_tokens:
            break
        covered.append(target)
    return covered


def _tail(turn: Turn, count: Callable[[str], int], limit: int) -> Turn:
    """The last lines (or words, or characters, if one line or word is too long) of a turn that is only history."""
    for separator in ("\n", " ", ""):
        parts = turn.text.split(separator) if separator else list(turn.text)
        while len(parts) > 1 and count(separator.join(parts)) > limit:
            parts = parts[max(1, len(parts) // 8) :]
        turn = replace(turn, text=separator.join(parts))
    return turn
