from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from homespun.evaluation.likelihood import ScoredReply, gain, perplexity_ratio, share_improved, specificity

RNG = np.random.default_rng(0)
BASE = [ScoredReply(f"c{i % 40}", nll=3.5 * n + RNG.normal(), tokens=n) for i, n in enumerate(RNG.integers(1, 30, size=400).tolist())]


def better(by: float) -> list[ScoredReply]:
    return [replace(reply, nll=reply.nll - by * reply.tokens) for reply in BASE]


def test_gain_is_pooled_over_tokens() -> None:
    two = [ScoredReply("a", nll=30.0, tokens=10), ScoredReply("b", nll=4.0, tokens=1)]
    tuned = [ScoredReply("a", nll=20.0, tokens=10), ScoredReply("b", nll=3.0, tokens=1)]
    assert gain(two, tuned).value == pytest.approx(11 / 11)
    interval = gain(BASE, better(0.5))
    assert interval.value == interval.low == interval.high == pytest.approx(0.5)
    ratio = perplexity_ratio(gain(two, tuned))
    assert ratio.value == pytest.approx(math.exp(-1)) and ratio.low <= ratio.value <= ratio.high


def test_share_improved_counts_replies_not_tokens() -> None:
    mixed = [replace(reply, nll=reply.nll + (1 if i % 4 == 0 else -1)) for i, reply in enumerate(BASE)]
    assert share_improved(BASE, mixed).value == 0.75
    assert share_improved(BASE, BASE).value == 0


def test_specificity_is_as_good_as_against_the_nearest_impostor() -> None:
    found = specificity({"Fred": better(0.45), "Jack": better(0.2)}, better(0.5))
    assert found.weakest == "Fred"
    assert found.interval.value == pytest.approx(0.05)
    assert found.by_impostor["Jack"].value == pytest.approx(0.3)
    with pytest.raises(ValueError, match="impostor"):
        specificity({}, BASE)


def test_scores_of_other_replies_are_refused() -> None:
    with pytest.raises(ValueError, match="400 replies against 399"):
        gain(BASE, BASE[:-1])
    with pytest.raises(ValueError, match="do not line up at reply 0"):
        gain(BASE, BASE[::-1])
