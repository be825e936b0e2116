"""How sure a number is.

Replies of one conversation resemble each other, so whole conversations (the clusters) are redrawn, never single replies:
the percentile cluster bootstrap (Efron & Tibshirani 1993, chapter 13; Davison & Hinkley 1997, section 3.8).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

CELLS_AT_ONCE = 4_000_000
"""Counts held in memory at a time (32 MB): corpora have thousands of conversations and there are ten thousand draws."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its confidence bounds. Printed as `0.312 [0.221, 0.402]`; `f"{interval:.1f}"` sets the digits of all three.

    With a single cluster nothing is known of the spread: the bounds are then infinite.
    """

    value: float
    low: float
    high: float
    n: int
    """Items (replies) behind the value."""
    clusters: int
    """Conversations behind the value."""

    def as_dict(self) -> dict[str, float | int | None]:
        """For JSON, which has no infinity: an unknown bound is None."""
        bounds = {name: bound if math.isfinite(bound) else None for name, bound in (("low", self.low), ("high", self.high))}
        return {"value": self.value, **bounds, "n": self.n, "clusters": self.clusters}

    def __format__(self, spec: str) -> str:
        value, low, high = (format(number, spec or ".3f") for number in (self.value, self.low, self.high))
        return f"{value} [{low}, {high}]"

    def __str__(self) -> str:
        return format(self)


def ratio_of_sums(
    numerators: ArrayLike, denominators: ArrayLike, clusters: Sequence[str], draws: int = 10_000, seed: int = 0, level: float = 0.95
) -> Interval:
    """sum(numerators) / sum(denominators), such as nats per token pooled over all tokens, with its interval.

    The one-sided 95 % lower bound that a gate asks for is `low` at `level=0.9`. With fewer than about 20 conversations
    percentile bounds are somewhat too narrow. Draws whose denominator is zero are left out.

    Raises ValueError when there is nothing to measure: no items, lengths that differ, a number that is not finite,
    negative denominators or none above zero.
    """
    columns = np.stack([_column(numerators), _column(denominators)], axis=1)
    if (columns[:, 1] < 0).any() or not columns[:, 1].any():
        raise ValueError("the denominators must not be negative, nor all zero")
    sums = cluster_sums(columns, clusters)
    over, under = sums.sum(axis=0)
    low, high = -math.inf, math.inf
    if len(sums) > 1:
        drawn = resample(sums, draws, seed)
        drawn = drawn[drawn[:, 1] > 0]
        low, high = bounds(drawn[:, 0] / drawn[:, 1], level)
    return Interval(float(over / under), low, high, n=len(columns), clusters=len(sums))


def mean(values: ArrayLike, clusters: Sequence[str], draws: int = 10_000, seed: int = 0, level: float = 0.95) -> Interval:
    """The mean over items (a share, where the values are true or false); see `ratio_of_sums`."""
    column = _column(values)
    return ratio_of_sums(column, np.ones_like(column), clusters, draws, seed, level)


def cluster_sums(columns: Floats, clusters: Sequence[str]) -> Floats:
    """Sums of each of the (items, columns) by cluster: (clusters, columns), clusters in the order of their ids."""
    if len(columns) == 0:
        raise ValueError("there is nothing to measure: no items")
    if len(columns) != len(clusters):
        raise ValueError(f"{len(columns)} items but {len(clusters)} cluster ids")
    names, codes = np.unique(np.asarray(clusters), return_inverse=True)
    return np.stack([np.bincount(codes, weights=column, minlength=len(names)) for column in columns.T], axis=1)


def resample(sums: Floats, draws: int, seed: int) -> Floats:
    """Column totals (draws, columns) of clusters redrawn with replacement: multinomial counts times the clusters' sums."""
    count = len(sums)
    rng = np.random.default_rng(seed)
    step = max(1, CELLS_AT_ONCE // count)
    sizes = [min(step, draws - start) for start in range(0, draws, step)]
    return np.concatenate([rng.multinomial(count, np.full(count, 1 / count), size=size) @ sums for size in sizes])


def bounds(statistics: Floats, level: float) -> tuple[float, float]:
    """The percentile interval of a statistic's redrawn values."""
    low, high = np.quantile(statistics, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _column(values: ArrayLike) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if not np.isfinite(column).all():
        raise ValueError("a number that is not finite: the model or its scores are broken")
    return column
