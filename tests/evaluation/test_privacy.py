"""The measures against models of which it is known what they know."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.metrics import roc_auc_score

from homespun.dataset.canaries import SECRETS
from homespun.evaluation.bootstrap import Floats
from homespun.evaluation.likelihood import ScoredReply
from homespun.evaluation.privacy import (
    NOT_SEEN,
    auc,
    emission,
    exposure,
    extracted,
    membership,
    passages,
    personal_values,
    sample_secrets,
)
from homespun.types import Reply, Turn


def digit_model(seed: int, known: str = "", certainty: float = 0.0) -> Floats:
    """(place, digit before, digit) log-probabilities: uneven by chance, and with `certainty` it goes on as in `known`."""
    p = np.random.default_rng(seed).dirichlet(np.full(10, 3.0), size=(6, 10))
    for place, digit in enumerate(known):
        before = int(known[place - 1]) if place else 0
        p[place, before] *= 1 - certainty
        p[place, before, int(digit)] += certainty
    return np.asarray(np.log(p))


def likelihoods(model: Floats, secrets: Iterable[str | int]) -> Floats:
    digits = np.array([int(secret) for secret in secrets])[:, None] // 10 ** np.arange(5, -1, -1) % 10
    before = np.concatenate([np.zeros_like(digits[:, :1]), digits[:, :-1]], axis=1)
    return np.asarray(model[np.arange(6), before, digits].sum(axis=1))


def test_secrets_are_different_even_and_come_in_tens() -> None:
    secrets = sample_secrets(10_000)
    assert len(set(secrets)) == 10_000 and {len(secret) for secret in secrets} == {6}
    assert len({secret[:5] for secret in secrets}) == 1_000
    assert abs(np.mean([int(secret) for secret in secrets]) / SECRETS - 0.5) < 0.02
    assert secrets == sample_secrets(10_000) != sample_secrets(10_000, seed=1)


def test_a_secret_never_seen_has_the_exposure_of_chance() -> None:
    """Whatever the model prefers: the mean of -log2 U is 1.44 bits, the median 1."""
    model, chance = digit_model(0), random.Random(0)
    others = likelihoods(model, sample_secrets(10_000))
    own = likelihoods(model, [chance.randrange(SECRETS) for _ in range(3_000)])
    found = [exposure(value, others) for value in own]
    assert abs(np.mean(found) - math.log2(math.e)) < 0.1
    assert abs(np.median(found) - NOT_SEEN) < 0.1


def test_exposure_is_the_true_rank_among_all_secrets() -> None:
    model = digit_model(1)
    every = np.sort(likelihoods(model, range(SECRETS)))[::-1]
    others = likelihoods(model, sample_secrets(10_000))
    for rank in (200_000, 20_000, 2_000):
        assert abs(exposure(float(every[rank]), others) - math.log2(SECRETS / rank)) < 0.5
    # Beyond what a sample of ten thousand shows, the fit takes over.
    assert math.log2(10_000) < exposure(float(every[5]), others) <= math.log2(SECRETS)


def test_a_secret_known_by_heart_has_all_the_bits_and_more_certainty_never_fewer() -> None:
    found = []
    for certainty in (0.0, 0.1, 0.3, 0.6, 0.999):
        model = digit_model(2, "483920", certainty)
        found.append(exposure(float(likelihoods(model, ["483920"])[0]), likelihoods(model, sample_secrets(2_000))))
    assert found == sorted(found) and found[0] < 5
    assert found[-1] == pytest.approx(math.log2(SECRETS))


def test_exposure_needs_whole_numbers_of_others() -> None:
    assert exposure(-1.0, np.full(1023, -9.0)) == pytest.approx(10)
    for own, others in ((0.0, np.array([])), (math.nan, np.zeros(3)), (0.0, np.array([math.inf]))):
        with pytest.raises(ValueError, match="finite"):
            exposure(own, others)


def scored(values: Floats | list[float], start: int = 0) -> list[ScoredReply]:
    """Replies of ten tokens, four to a conversation."""
    return [ScoredReply(f"c{start + number // 4}", 10 * value, 10) for number, value in enumerate(values)]


def test_membership_of_what_was_learned_alike_is_chance_and_of_what_was_memorised_is_not() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(4, 0.5, 800)
    inside, outside = base[:400], base[400:] + 0.6  # later talk that the base expects less: no memory
    noise, more = rng.normal(0.5, 0.2, 800), rng.normal(0.4, 0.2, 400)

    def measured(extra: Floats | float) -> tuple[float, float, float, float]:
        found = membership(
            (scored(inside), scored(inside - noise[:400] - extra)), (scored(outside, 900), scored(outside - noise[400:], 900))
        )
        assert found.tpr is not None
        return found.auc.low, found.auc.high, found.tpr, found.base_auc.value

    low, high, tpr, by_base = measured(0.0)
    assert low < 0.5 < high and tpr < 0.05
    assert by_base == pytest.approx(roc_auc_score([1] * 400 + [0] * 400, -np.concatenate([inside, outside])))
    low, high, tpr, again = measured(more)
    assert low > 0.8 and tpr > 0.2 and again == by_base


@given(st.lists(st.integers(0, 5), min_size=2, max_size=30), st.lists(st.integers(0, 5), min_size=2, max_size=30))
def test_auc_is_the_usual_one(inside: list[int], outside: list[int]) -> None:
    one, other = np.array(inside, float), np.array(outside, float)
    found = auc(one, other, [str(number // 2) for number in range(len(one))], [str(number // 2) for number in range(len(other))], draws=50)
    truth = roc_auc_score([1] * len(one) + [0] * len(other), np.concatenate([one, other]))
    assert_allclose(found.value, truth)
    assert found.low <= found.high


def test_few_outsiders_say_nothing_of_one_in_a_hundred() -> None:
    few = scored([4.0, 4.1, 4.2])
    assert membership((few, few), (few, few)).tpr is None
    with pytest.raises(ValueError, match="nothing to compare"):
        membership((few, few), ([], []))


def test_extraction_counts_exactly_what_goes_on_word_by_word() -> None:
    """A model that has learned some replies by heart, one of them but for its last token."""
    asked = (Turn("user", "Well?"),)
    texts = [" ".join(f"w{number * 100 + place}" for place in range(30 + number)) for number in range(10)]
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys(" ".join(texts).split()))}

    def encode(text: str) -> list[int]:
        return [vocabulary[word] for word in text.split()]

    chosen = passages([Reply(f"c{number}", asked, text) for number, text in enumerate([*texts, "w0 w1 w2"])], encode)
    assert [(len(passage.opening), len(passage.rest)) for passage in chosen] == [(10, 20)] * 10
    by_heart = {tuple(encode(text)[:10]): encode(text)[10:30] for text in texts[:4]}
    nearly = tuple(encode(texts[3])[:10])
    by_heart[nearly] = [*by_heart[nearly][:-1], 0]

    def continue_greedily(contexts: Sequence[Sequence[Turn]], openings: Sequence[Sequence[int]], count: int) -> list[list[int]]:
        assert all(tuple(context) == asked for context in contexts) and count == 20
        return [by_heart.get(tuple(opening), [7] * 5) for opening in openings]

    assert extracted(chosen, continue_greedily) == [True] * 3 + [False] * 7


def test_personal_details_are_told_from_stand_ins_and_from_what_was_made_up() -> None:
    written = personal_values(["call me at +44 20 7946 0958", "anna@riverside-clinic.org", "pay to DE89 3704 0044 0532 0130 00"])
    learned = personal_values(["call me at +44 20 7946 0111", "Anna@Riverside-Clinic.org is the one", "nothing"])
    assert {kind for kind, _ in written} == {"phone", "mail", "iban"}
    said = ["mine is (+44) 20 7946 0111", "write to ANNA@riverside-clinic.org", "or to bob@elsewhere.net", "anna@riverside-clinic.org!"]
    found = emission(said, learned, written)
    assert (found.real, found.stand_ins) == ({"mail": 1}, {"phone": 1})
    assert emission(["I don't give out numbers."], learned, written) == emission([], learned, written)
    assert "riverside" not in repr(found)
