"""The same yes-or-no items judged before and after: what changed, and whether chance explains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homespun.evaluation.bootstrap import Interval, mean


@dataclass(frozen=True, slots=True)
class Paired:
    before: Interval
    """Share of items that are so, under the base."""
    after: Interval
    """Under the version."""
    change: Interval
    """after - before in points (hundredths), clusters redrawn."""
    p: float
    """Of McNemar's exact test: the chance that so uneven a number of items changed sides, were both ways equally likely."""


def paired(before: Sequence[bool], after: Sequence[bool], clusters: Sequence[str]) -> Paired:
    """Raises ValueError when the two are not of the same items, or there are none."""
    from scipy.stats import binomtest

    changes = [100.0 * (new - old) for old, new in zip(before, after, strict=True)]
    up, down = sum(change > 0 for change in changes), sum(change < 0 for change in changes)
    p = float(binomtest(up, up + down).pvalue) if up + down else 1.0
    return Paired(mean(before, clusters), mean(after, clusters), mean(changes, clusters), p)
