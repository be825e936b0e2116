from __future__ import annotations

import numpy as np
import pytest

from homespun.evaluation.relevance import hits_at_1, sample_candidates


def test_distractors_never_read_like_the_true_reply() -> None:
    replies = [*["Roger.", "roger.", " ROGER. "] * 5, *(f"reply {i}" for i in range(30))]
    candidates = sample_candidates(replies, k=20, seed=1)
    assert candidates.shape == (45, 20)
    for index, row in enumerate(candidates):
        assert row[0] == index and len(set(row)) == 20
        assert replies[index].strip().casefold() not in {replies[other].strip().casefold() for other in row[1:]}
    assert (candidates == sample_candidates(replies, k=20, seed=1)).all()
    with pytest.raises(ValueError, match=r"'b' has 2"):
        sample_candidates(["a", "b", "b", "b", "c"], k=4)


def test_a_model_that_knows_hits_and_one_that_cannot_tell_is_at_chance() -> None:
    clusters = [f"c{i // 10}" for i in range(400)]
    noise = np.random.default_rng(0).normal(size=(400, 20))
    assert hits_at_1(np.zeros((400, 20)), clusters).value == pytest.approx(0.05)
    blind = hits_at_1(noise, clusters)
    assert blind.low < 0.05 < blind.high
    noise[:, 0] += 10
    assert hits_at_1(noise, clusters).value == 1
    noise[3, 5] = np.nan
    with pytest.raises(ValueError, match="not a number"):
        hits_at_1(noise, clusters)
