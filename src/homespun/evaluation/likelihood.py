"""Does the model expect the person's own words? Gain over the base, and specificity against other people's adapters.

All from forward passes: the negative log-likelihood of the person's held-out replies in their true contexts. That authorial
language models tell authors apart by exactly this is Huang, Murakami & Grieve 2024 (arXiv 2401.12005).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from homespun.evaluation.bootstrap import Interval, mean, ratio_of_sums


@dataclass(frozen=True, slots=True)
class ScoredReply:
    """A reply's negative log-likelihood under one model: `nll` in nats, summed over its `tokens`."""

    conversation: str
    nll: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Specificity:
    """Nats per token by which the person's own adapter beats each impostor's on the person's words."""

    by_impostor: Mapping[str, Interval]
    weakest: str
    """The impostor that comes nearest: the one with the lowest lower bound."""

    @property
    def interval(self) -> Interval:
        return self.by_impostor[self.weakest]


def gain(base: Sequence[ScoredReply], model: Sequence[ScoredReply]) -> Interval:
    """Nats per token by which `model` expects the replies better than `base`, pooled over tokens, conversations redrawn.

    Raises ValueError when the two do not score the same replies in the same order.
    """
    _line_up(base, model)
    differences = [before.nll - after.nll for before, after in zip(base, model, strict=True)]
    return ratio_of_sums(differences, [reply.tokens for reply in model], [reply.conversation for reply in model])


def specificity(impostors: Mapping[str, Sequence[ScoredReply]], model: Sequence[ScoredReply]) -> Specificity:
    """The gain over adapters trained alike on other speakers of the same corpus: it measures the person, not the channel.

    All score the same replies of the person. Raises ValueError without an impostor, or when the replies do not line up.
    """
    if not impostors:
        raise ValueError("specificity needs at least one impostor")
    gains = {name: gain(scored, model) for name, scored in impostors.items()}
    return Specificity(gains, weakest=min(gains, key=lambda name: (gains[name].low, gains[name].value)))


def perplexity_ratio(gain: Interval) -> Interval:
    """The model's perplexity as a share of the base's, exp(-gain): 0.9 is ten per cent lower."""
    return Interval(math.exp(-gain.value), math.exp(-gain.high), math.exp(-gain.low), gain.n, gain.clusters)


def share_improved(base: Sequence[ScoredReply], model: Sequence[ScoredReply]) -> Interval:
    """Share of replies that `model` expects better than `base`."""
    _line_up(base, model)
    improved = [after.nll < before.nll for before, after in zip(base, model, strict=True)]
    return mean(improved, [reply.conversation for reply in model])


def _line_up(base: Sequence[ScoredReply], model: Sequence[ScoredReply]) -> None:
    if len(base) != len(model):
        raise ValueError(f"the scores do not line up: {len(base)} replies against {len(model)}")
    for index, (one, other) in enumerate(zip(base, model, strict=True)):
        if (one.conversation, one.tokens) != (other.conversation, other.tokens):
            raise ValueError(
                f"the scores do not line up at reply {index}: {one.tokens} tokens of {one.conversation!r} "
                f"against {other.tokens} of {other.conversation!r}"
            )
