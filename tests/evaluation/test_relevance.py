from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.diversity import word_tokens
from homespun.evaluation.likelihood import ScoredReply
from homespun.evaluation.relevance import bleu, chrf, context_gain, hits_at_1, rouge_l, sample_candidates, win_rate


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


def test_a_model_that_knows_hits_and_wins_and_one_that_cannot_tell_is_at_chance() -> None:
    clusters = [f"c{i // 10}" for i in range(400)]
    noise = np.random.default_rng(0).normal(size=(400, 20))
    for measure, chance in ((hits_at_1, 0.05), (win_rate, 0.5)):
        assert measure(np.zeros((400, 20)), clusters).value == pytest.approx(chance)
        blind = measure(noise, clusters)
        assert blind.low < chance < blind.high
    noise[:, 0] += 2
    assert 0.5 < hits_at_1(noise, clusters).value < win_rate(noise, clusters).value < 1
    noise[:, 0] += 10
    assert hits_at_1(noise, clusters).value == win_rate(noise, clusters).value == 1
    noise[3, 5] = np.nan
    for measure in (hits_at_1, win_rate):
        with pytest.raises(ValueError, match="not a number"):
            measure(noise, clusters)


def test_context_gain_is_what_the_true_context_saves() -> None:
    true = [ScoredReply(f"c{i // 5}", 2.0 * n, n) for i, n in enumerate(range(1, 101))]
    found = context_gain(true, [replace(reply, nll=reply.nll + 0.3 * reply.tokens) for reply in true])
    assert found.value == pytest.approx(0.3) and (found.n, found.clusters) == (100, 20)
    assert context_gain(true, true).value == 0


@pytest.fixture(scope="module")
def lovell(data_dir: Path) -> list[str]:
    lines = (data_dir / "dev-apollo" / "messages.a13.jsonl").read_text(encoding="utf-8").splitlines()
    return [row["text"] for row in map(json.loads, lines) if row["speaker"] == "Jim Lovell"][-300:]


@pytest.mark.parametrize("measure", [chrf, bleu, rouge_l])
def test_wording_is_one_for_the_reply_itself_and_falls_with_every_word_changed(measure: Callable[..., Interval], lovell: list[str]) -> None:
    clusters = [f"c{i // 10}" for i in range(300)]

    def spoilt(share: float) -> list[str]:
        chance = random.Random(0)
        return [" ".join("zq" if chance.random() < share else word for word in text.split()) for text in lovell]

    levels = [measure(spoilt(share), lovell, clusters) for share in (0, 0.2, 0.6, 1)]
    assert levels[0].value == levels[0].low == levels[0].high == pytest.approx(1)
    assert all(one.value > other.value and one.low <= one.value <= one.high for one, other in pairwise(levels))
    other = measure(lovell[150:] + lovell[:150], lovell, clusters)
    assert 0 < other.low <= other.value < 0.3
    assert measure(["さようなら"], ["さようなら"], ["a"]).value == pytest.approx(1)
    assert measure([""], ["hi"], ["a"]).value == 0


def test_bleu_is_sacrebleus_and_of_the_whole(lovell: list[str]) -> None:
    from sacrebleu.metrics.bleu import BLEU

    said, true = ([" ".join(word_tokens(text)) for text in texts] for texts in (lovell[1:], lovell[:-1]))
    expected = BLEU(tokenize="none", force=True).corpus_score(said, [true]).score / 100
    assert bleu(lovell[1:], lovell[:-1], ["a"] * 299).value == pytest.approx(expected)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abcd")))
def test_rouge_l_counts_the_longest_common_subsequence(one: list[str], other: list[str]) -> None:
    lengths = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, first in enumerate(one):
        for j, second in enumerate(other):
            lengths[i + 1][j + 1] = lengths[i][j] + 1 if first == second else max(lengths[i][j + 1], lengths[i + 1][j])
    expected = 2 * lengths[-1][-1] / max(1, len(one) + len(other))
    assert rouge_l([" ".join(one)], [" ".join(other)], ["c"]).value == pytest.approx(expected)
