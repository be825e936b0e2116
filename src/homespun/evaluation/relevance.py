"""Does the reply answer what was said?

Judged on the person's own replies: does the model prefer the true one to others (`hits_at_1`, as in ConvAI2, Dinan et al. 2019;
`win_rate`), and does the context help it (`context_gain`)? Beside that, how much of the real reply's wording a written reply
has. Many other replies would be as good, so that is reported and never a bar.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from homespun.evaluation import likelihood
from homespun.evaluation.bootstrap import Floats, Interval, bounds, cluster_sums, mean, resample
from homespun.evaluation.diversity import word_tokens, words
from homespun.evaluation.likelihood import ScoredReply


def hits_at_1(scores: Floats, clusters: Sequence[str]) -> Interval:
    """Share of contexts whose true reply scores highest. `scores`: (contexts, candidates), higher is better, column 0 the true reply.

    A true reply that ties with m others for the highest place counts 1/(m + 1), what breaking ties at random would give;
    a model that scores everything alike is thus at chance, 1/candidates.
    """
    _check(scores)
    best = scores == scores.max(axis=1, keepdims=True)
    return mean(best[:, 0] / best.sum(axis=1), clusters)


def win_rate(scores: Floats, clusters: Sequence[str]) -> Interval:
    """Chance that the true reply scores above another one by the same person, ties counting half; `scores` as in `hits_at_1`.

    It is the mean area under the ROC curve of each context; a model that scores everything alike is at 0.5.
    """
    _check(scores)
    true, others = scores[:, :1], scores[:, 1:]
    return mean(((true > others) + 0.5 * (true == others)).mean(axis=1), clusters)


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


def context_gain(true: Sequence[ScoredReply], other: Sequence[ScoredReply]) -> Interval:
    """Nats per token by which replies are likelier after their `true` context than after a random `other` one of the same talk.

    Pooled over tokens, conversations redrawn. Raises ValueError when the two do not score the same replies in the same order.
    """
    return likelihood.gain(other, true)


def chrf(generated: Sequence[str], real: Sequence[str], clusters: Sequence[str]) -> Interval:
    """Mean chrF (Popović 2015), 0 to 1: F2 of the character 1- to 6-grams that a reply shares with the real one."""
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF()
    return mean([metric.sentence_score(said, [true]).score / 100 for said, true in zip(generated, real, strict=True)], clusters)


def bleu(generated: Sequence[str], real: Sequence[str], clusters: Sequence[str], draws: int = 10_000, seed: int = 0) -> Interval:
    """BLEU-4 (Papineni et al. 2002) of all replies together, 0 to 1, over word tokens, exponentially smoothed; conversations redrawn."""
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(tokenize="none", effective_order=True)
    scored = [
        metric.sentence_score(" ".join(word_tokens(said)), [" ".join(word_tokens(true))])
        for said, true in zip(generated, real, strict=True)
    ]
    counts = [[*score.counts, *score.totals, score.sys_len, score.ref_len] for score in scored]
    sums = cluster_sums(np.array(counts, dtype=np.float64), clusters)

    def pooled(row: Floats) -> float:
        *counts, written, wanted = map(int, row)
        return BLEU.compute_bleu(counts[:4], counts[4:], written, wanted, smooth_method="exp").score / 100

    low, high = -np.inf, np.inf
    if len(sums) > 1:
        low, high = bounds(np.array([pooled(row) for row in resample(sums, draws, seed)]), level=0.95)
    return Interval(pooled(sums.sum(axis=0)), low, high, n=len(scored), clusters=len(sums))


def rouge_l(generated: Sequence[str], real: Sequence[str], clusters: Sequence[str]) -> Interval:
    """Mean ROUGE-L (Lin 2004), 0 to 1: F1 of the longest common subsequence of words of a reply and the real one."""
    pairs = [(words(said), words(true)) for said, true in zip(generated, real, strict=True)]
    return mean([2 * _common(said, true) / max(1, len(said) + len(true)) for said, true in pairs], clusters)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence, one bit for each word of `one` (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for index, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << index
    everything = (1 << len(one)) - 1
    row = everything
    for word in other:
        matches = row & places.get(word, 0)
        row = (row + matches | row - matches) & everything
    return len(one) - row.bit_count()


def _check(scores: Floats) -> None:
    if np.isnan(scores).any():
        raise ValueError("a score that is not a number: the model is broken")
