"""Does each speaker's adapter know its speaker? Every adapter of a corpus scores every speaker's held-out replies.

A bag of replies goes to the adapter that finds it least surprising, as authorial language models attribute texts (Huang,
Murakami & Grieve 2024, arXiv 2401.12005). The speakers are of one corpus: across corpora the channel gives them away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from homespun.evaluation.bootstrap import Floats, Interval, bounds
from homespun.evaluation.likelihood import ScoredReply

SIZES = (5, 20)
"""Replies in a bag."""

Scored = Mapping[str, Sequence[ScoredReply]]
"""Adapter -> one speaker's held-out replies under it, in one order for all adapters."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of bags that go to their own speaker's adapter."""

    overall: Interval
    """The mean over speakers, each counting alike; chance is 1 / adapters."""
    by_speaker: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Swap:
    """Who is recognised by whose adapter."""

    nll: Mapping[str, Mapping[str, float]]
    """Speaker -> adapter -> nats per token of the speaker's held-out replies."""
    accuracy: Mapping[int, Accuracy]
    """By replies in a bag; without the sizes that no speaker has replies enough for."""
    notes: tuple[str, ...]


def swap(scored: Mapping[str, Scored], sizes: Sequence[int] = SIZES, bags: int = 500, draws: int = 500, seed: int = 0) -> Swap:
    """The swap matrix, and how often bags of a speaker's replies find their adapter.

    Bags are drawn within a speaker, at random with replacement; an own adapter that ties with m others counts 1/(m + 1).
    Each speaker's conversations are redrawn for the interval, and bags drawn from what they hold.

    Args:
        scored: speaker -> adapter -> replies. Every speaker has an adapter.

    Raises:
        ValueError: fewer than two speakers, an adapter missing, no replies, or scores that do not line up.
    """
    names = sorted(scored)
    if len(names) < 2 or any(sorted(row) != names for row in scored.values()):
        raise ValueError("a swap matrix needs two speakers at least, and everybody's replies under everybody's adapter")
    sums = {name: _sums(name, scored[name]) for name in names}
    tokens = {name: sum(reply.tokens for reply in scored[name][name]) for name in names}
    nll = {name: dict(zip(names, (sums[name].sum(axis=0) / tokens[name]).tolist(), strict=True)) for name in names}
    accuracy: dict[int, Accuracy] = {}
    notes: list[str] = []
    for size in sizes:
        able = [name for name in names if len(sums[name]) >= size]
        if len(able) < len(names):
            notes.append(f"bags of {size}: too few held-out replies of {', '.join(name for name in names if name not in able)}")
        if able:
            rng = np.random.default_rng(seed)
            where = {name: [reply.conversation for reply in scored[name][name]] for name in able}
            shares = {name: _shares(sums[name], names.index(name), where[name], size, bags, draws, rng) for name in able}
            by_speaker = {name: _interval(shares[name], [where[name]]) for name in able}
            accuracy[size] = Accuracy(_interval(np.mean(list(shares.values()), axis=0), list(where.values())), by_speaker)
    return Swap(nll, accuracy, tuple(notes))


def _sums(speaker: str, row: Scored) -> Floats:
    """(replies, adapters): nats of each reply of one speaker, adapters in the order of their names."""
    if not row[speaker]:
        raise ValueError(f"no held-out replies of {speaker}")
    lines = {tuple((reply.conversation, reply.tokens) for reply in replies) for replies in row.values()}
    if len(lines) > 1:
        raise ValueError(f"the scores of {speaker}'s replies do not line up")
    return np.array([[reply.nll for reply in row[adapter]] for adapter in sorted(row)]).T


def _shares(sums: Floats, own: int, conversations: Sequence[str], size: int, bags: int, draws: int, rng: np.random.Generator) -> Floats:
    """(1 + draws): the share of bags that adapter `own` wins, first among all replies, then among those of redrawn conversations."""
    names, codes = np.unique(conversations, return_inverse=True)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    shares = []
    for times in [np.ones_like(names, dtype=np.int64), *counts]:
        replies = np.repeat(np.arange(len(sums)), times[codes])
        totals = sums[replies[rng.integers(len(replies), size=(bags, size))]].sum(axis=1)
        best = totals == totals.min(axis=1, keepdims=True)
        shares.append((best[:, own] / best.sum(axis=1)).mean())
    return np.array(shares)


def _interval(shares: Floats, conversations: Sequence[Sequence[str]]) -> Interval:
    """The first share, with the bounds of the others; nothing is known of the spread where a speaker has one conversation only."""
    known = all(len(set(ids)) > 1 for ids in conversations)
    low, high = bounds(shares[1:], level=0.95) if known else (-np.inf, np.inf)
    n, clusters = sum(map(len, conversations)), len({name for ids in conversations for name in ids})
    return Interval(float(shares[0]), low, high, n, clusters)
