from __future__ import annotations

from collections import Counter

from homespun.evaluation.general import FULL_EACH, QUICK_EACH, judge_pairs, sentences
from homespun.evaluation.minimal_pairs import minimal_pairs


def test_there_are_enough_and_no_two_are_alike() -> None:
    pairs = minimal_pairs(QUICK_EACH)
    assert len(pairs) == len(set(pairs)) >= 500
    assert len({pair.paradigm for pair in pairs}) >= 15
    assert set(Counter(pair.paradigm for pair in minimal_pairs(FULL_EACH)).values()) == {FULL_EACH}


def test_a_pair_is_two_plain_sentences_that_differ() -> None:
    for pair in minimal_pairs(FULL_EACH):
        assert pair.good != pair.bad
        for sentence in (pair.good, pair.bad):
            assert sentence[0].isupper() and sentence[-1] in ".?"
            assert not set(sentence) & set("[]{}|/"), sentence
            assert "  " not in sentence


def test_the_same_seed_gives_the_same_pairs_and_more_begin_with_fewer() -> None:
    few = minimal_pairs(3)
    assert few == minimal_pairs(3)
    assert set(few) <= set(minimal_pairs(9))
    assert few != minimal_pairs(3, seed=1)


def test_length_does_not_give_it_away() -> None:
    """What likes short sentences, or seldom words, knows no grammar."""
    pairs = minimal_pairs(FULL_EACH)
    texts = sentences(pairs)
    common = Counter(word for text in texts for word in text.split())
    by_length = [(float(len(text)), 1) for text in texts]
    by_words = [(float(-sum(common[word] for word in text.split())), 1) for text in texts]
    for scores in (by_length, by_words):
        assert judge_pairs(pairs, scores, scores).before.value < 0.62
