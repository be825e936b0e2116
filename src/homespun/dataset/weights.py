"""What somebody says again and again counts less each time, instead of being deleted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from homespun.corpus.dedupe import duplicates
from homespun.types import Example

FLOOR = 0.1


def weight(count: int) -> float:
    """Of each of `count` replies that are alike.

    The root keeps the order: what is said more often is still learned more (√count in all), but a stock reply no longer drowns the
    rest. Below the floor the model would forget that the person says it at all.
    """
    return max(FLOOR, 1 / math.sqrt(count))


def target_weights(examples: Sequence[Example], threshold: float) -> list[tuple[float, ...]]:
    """For every example the weights of its targets, in order; replies count together over all `examples`.

    Args:
        threshold: as in corpus.dedupe.duplicates.
    """
    found = duplicates((turn.text for example in examples for turn in example.targets), threshold)
    weights = map(weight, found.counts.tolist())
    return [tuple(islice(weights, sum(1 for _ in example.targets))) for example in examples]


def weighted(examples: Sequence[Example], threshold: float) -> list[Example]:
    """`examples` with their target turns weighted; only those learned from."""
    learned = [example for example in examples if example.split == "train"]
    weights = iter(target_weights(learned, threshold))
    return [_weighted(example, next(weights)) if example.split == "train" else example for example in examples]


def _weighted(example: Example, weights: Sequence[float]) -> Example:
    left = iter(weights)
    return replace(example, turns=tuple(replace(turn, weight=next(left)) if turn.target else turn for turn in example.turns))
