from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.bases.hub import DEFAULT_TARGETS
from homespun.bases.template import Template
from homespun.config import AdapterSection
from homespun.evaluation import general
from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.minimal_pairs import minimal_pairs
from homespun.evaluation.scoring import score_texts
from homespun.training import kinds

PAIRS = minimal_pairs(general.QUICK_EACH)
GOOD = {pair.good for pair in PAIRS}
FORGOTTEN = {sentence for pair in PAIRS if pair.paradigm.startswith("agreement") for sentence in (pair.good, pair.bad)}


def knows(texts: Sequence[str]) -> list[tuple[float, int]]:
    """A scorer that finds what is not acceptable a little less likely, and otherwise counts letters."""
    return [(100.0 - (text in GOOD) + len(text) / 1e3, len(text.split())) for text in texts]


def forgot_agreement(texts: Sequence[str]) -> list[tuple[float, int]]:
    """The same one, with every judgement of agreement turned around."""
    return [(2 * 100.0 - nll if text in FORGOTTEN else nll, tokens) for text, (nll, tokens) in zip(texts, knows(texts), strict=True)]


def test_a_version_that_is_its_base_has_lost_exactly_nothing() -> None:
    found = general.measure(lambda texts: (knows(texts), knows(texts)), full=False)
    changes = [value for name, value in found.metrics.items() if "_change" in name]
    assert len(changes) == 5
    assert all(isinstance(change, Interval) and (change.value, change.low, change.high) == (0, 0, 0) for change in changes)
    assert found.metrics["minimal_pairs_p"] == 1


def test_lost_agreement_is_caught_and_found_where_it_was_lost() -> None:
    found = general.measure(lambda texts: (knows(texts), forgot_agreement(texts)), full=False)
    change = found.metrics["minimal_pairs_change"]
    assert isinstance(change, Interval) and change.value < -10 and change.high < 0
    assert found.metrics["minimal_pairs_p"] < 1e-9  # type: ignore[operator]
    texts = general.sentences(PAIRS)
    before, after = (general.by_paradigm(PAIRS, scorer(texts)) for scorer in (knows, forgot_agreement))
    assert {name for name in before if after[name] < before[name]} == {name for name in before if name.startswith("agreement")}


@settings(max_examples=20)
@given(st.floats(-0.5, 3.0))
def test_general_text_that_is_so_much_more_surprising_is_said_to_be(share: float) -> None:
    before = knows([f"passage {'x' * index}" for index in range(20)])
    after = [(nll * (1 + share), tokens) for nll, tokens in before]
    change = general.surprise(before, after)
    assert change.value == pytest.approx(share, abs=1e-9)
    assert change.low == pytest.approx(share, abs=1e-9) == change.high


def test_scores_of_other_texts_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same texts"):
        general.surprise([(1.0, 3)], [(1.0, 4)])


def test_there_is_general_text_in_four_languages() -> None:
    written = {language: general.passages(language) for language in general.LANGUAGES}
    assert len(written["en"]) >= 60
    for passages in written.values():
        assert len(set(passages)) == len(passages) >= 8
        assert all(25 <= len(passage.split()) <= 90 for passage in passages)


def test_who_writes_no_english_is_told_what_a_loss_of_it_means() -> None:
    german = ["Ich bin gleich da, warte kurz auf mich.", "Das haben wir doch gestern schon besprochen."] * 5
    english = ["I am almost there, wait for me.", "We talked about it yesterday, did we not?"] * 5
    same = lambda texts: (knows(texts), knows(texts))  # noqa: E731
    assert general.NOT_ENGLISH in general.measure(same, full=False, learned=german).notes
    assert general.NOT_ENGLISH not in general.measure(same, full=False, learned=english).notes


def test_the_real_base_knows_english(base_folder: Path, template: Template) -> None:
    pairs = minimal_pairs(2)
    machine = kinds.Machine(kinds.fastest(base_folder, DEFAULT_TARGETS, 512)[0], "bfloat16", threads=1)
    step = kinds.make_step(base_folder, DEFAULT_TARGETS, AdapterSection(), machine)
    scores = score_texts(step, template, None, general.sentences(pairs))
    assert general.judge_pairs(pairs, scores, scores).before.value > 0.75
