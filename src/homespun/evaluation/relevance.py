"""Does the reply answer what was said? Hits@1 as in ConvAI2 (Dinan et al. 2019), against other replies by the same person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from homespun.evaluation.bootstrap import Floats, Interval, mean


def hits_at_1(scores: Floats, clusters: Sequence[str]) -> Interval:
    """Share of contexts whose true reply scores highest. `scores`: (contexts, candidates), higher is better, column 0 the true reply.

    A true reply that ties with m others for the highest place counts 1/(m + 1), what breaking ties at random would give;
    a model that scores everything alike is thus at chance, 1/candidates.
    """
    if np.isnan(scores).any():
        raise ValueError("a score that is not a number: the model is broken")
    best = scores == scores.max(axis=1, keepdims=True)
    return mean(best[:, 0] / best.sum(axis=1), clusters)


def sample_candidates(replies: Sequence[str], k: int = 20, seed: int = 0) -> NDArray[np.int64]:
    """For each reply the indices (replies, k) of its candidates: itself first, then k - 1 other replies by the same person.

    Distractors by the same person, so that style cannot solve it; none reads like the true reply (letter case and outer
    blanks aside). Raises ValueError when some reply has fewer than k - 1 others that differ from it.
    """
    rng = np.random.default_rng(seed)
    _, kinds = np.unique(np.array([reply.strip().casefold() for reply in replies]), return_inverse=True)
    candidates = np.empty((len(replies), k), dtype=np.int64)
    for index, kind in enumerate(kinds):
        different = np.flatnonzero(kinds != kind)
        if len(different) < k - 1:
            raise ValueError(f"{k} candidates need {k - 1} replies that differ from each reply; {replies[index]!r} has {len(different)}")
        candidates[index] = index, *rng.choice(different, size=k - 1, replace=False)
    return candidates
