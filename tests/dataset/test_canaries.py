"""Planting: as often as it says, in answer to people, and nothing else changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import conversation
from homespun.dataset.build import Dataset
from homespun.dataset.canaries import SENTENCES, SPLIT, plant, twin
from homespun.home import Home
from homespun.registry.lineage import learned_from, make_stale
from homespun.types import Example, Turn

EXAMPLES = [
    Example(f"c{number}-0", f"c{number}", "train", conversation(f"Where is number {number}?", "Over there.", "And now?", "Gone."))
    for number in range(30)
]


@given(st.integers(0, 50), st.dictionaries(st.sampled_from([0, 1, 2, 4, 16]), st.integers(0, 12), min_size=1))
def test_every_canary_is_said_as_often_as_it_says(seed: int, split: dict[int, int]) -> None:
    planted, canaries = plant(EXAMPLES, split, seed)
    said = Counter(turn.text for example in planted for turn in example.targets)
    assert said == Counter({canary.text: canary.repeats for canary in canaries if canary.repeats})
    assert Counter(canary.repeats for canary in canaries) == Counter({repeats: count for repeats, count in split.items() if count})
    assert len({canary.secret for canary in canaries}) == len(canaries)
    assert len({example.id for example in planted} | {example.id for example in EXAMPLES}) == len(planted) + len(EXAMPLES)


def test_a_canary_is_one_reply_in_an_ordinary_context() -> None:
    planted, canaries = plant(EXAMPLES)
    assert len(canaries) == sum(SPLIT.values()) == len(SENTENCES) == 20
    assert len(planted) == 10 + 5 * 4 + 5 * 16
    contexts = {example.turns[:2]: example.conversation for example in EXAMPLES}
    for example in planted:
        assert [turn.target for turn in example.turns] == [False, False, True]
        assert contexts[example.turns[:2]] == example.conversation and example.split == "train" and example.origin
    assert len({example.conversation for example in planted if canaries[-1].text == example.turns[-1].text}) > 5
    assert all(canary.context in contexts for canary in canaries)


def test_it_is_the_same_every_time_and_another_with_another_seed() -> None:
    assert plant(EXAMPLES) == plant(EXAMPLES)
    assert {canary.secret for canary in plant(EXAMPLES, seed=1)[1]}.isdisjoint(canary.secret for canary in plant(EXAMPLES)[1])


def test_a_diary_has_no_questions_and_nothing_is_not_planted_in() -> None:
    page = Example("d-0", "d", "train", (Turn("system", "You are Sam."), Turn("assistant", "Up betimes.", target=True)))
    planted, _ = plant([page], {1: 2})
    assert [example.turns[0] for example in planted] == [page.turns[0]] * 2
    with pytest.raises(ValueError, match="need examples"):
        plant([])


def test_a_twin_is_a_dataset_of_its_own_that_is_made_once_and_goes_with_its_words(home: Home) -> None:
    messages = tuple(replace(turn, messages=(f"m{at}",)) for at, turn in enumerate(EXAMPLES[0].turns))
    dataset = Dataset("d", "Ben", (replace(EXAMPLES[0], turns=messages), *EXAMPLES[1:]), {})
    made, canaries = twin(home, dataset)
    again, same = twin(home, dataset)
    assert (made, canaries) == (again, same) and made.id != dataset.id
    assert made.examples[: len(EXAMPLES)] == dataset.examples and len(made.examples) == len(EXAMPLES) + 110
    assert twin(home, dataset, {1: 3})[0].id != made.id
    found = learned_from(home, ["m1"])
    assert {one.id for one in found} >= {made.id}
    make_stale(home, found, "forgotten")
    assert home.manifest("dataset", made.id) is None
