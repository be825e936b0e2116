"""The blind test is fair, goes on where it stopped, and says no more than it knows."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.evaluation import blind
from homespun.evaluation.blind import Answer, Trial
from homespun.types import Reply, Turn

CONTEXT = (Turn("system", "You are Anna."), Turn("user", "When are you back? "), Turn("assistant", "Soon"), Turn("user", "When?"))


def pairs(count: int, per_conversation: int = 1) -> tuple[list[Reply], list[str]]:
    return (
        [Reply(f"c{number // per_conversation}", CONTEXT, f"real {number}") for number in range(count)],
        [f"made {number}" for number in range(count)],
    )


def trials(count: int, seed: int = 0) -> list[Trial]:
    return blind.make_trials(*pairs(count), seed)


def test_both_replies_are_there_and_the_real_one_is_named() -> None:
    for number, trial in enumerate(trials(50)):
        assert {trial.a, trial.b} == {f"real {number}", f"made {number}"}
        assert (trial.a if trial.real == "a" else trial.b) == f"real {number}"
        assert [turn.role for turn in trial.context] == ["user", "assistant", "user"]


def test_the_order_is_a_coin_that_falls_alike_for_the_same_seed() -> None:
    first = [trial.real == "a" for trial in trials(1000)]
    assert 450 < sum(first) < 550
    assert abs(float(np.corrcoef(first[:-1], first[1:])[0, 1])) < 0.1
    assert trials(1000) == trials(1000)
    assert [trial.real for trial in trials(1000, seed=1)] != [trial.real for trial in trials(1000)]
    assert [trial.id for trial in trials(1000, seed=1)] == [trial.id for trial in trials(1000)]


def test_typing_does_not_give_it_away() -> None:
    real = [Reply("c", CONTEXT, "Cafe\u0301  au lait \n\n\nplease"), Reply("c", CONTEXT, "yes ")]
    (trial,) = blind.make_trials(real, ["  Café au lait\r\nplease!\n ", "yes"])
    assert {trial.a, trial.b} == {"Café au lait\nplease", "Café au lait\nplease!"}, "and where both are the same nothing is asked"


def test_questions_come_from_as_many_conversations_as_there_are() -> None:
    replies, _ = pairs(100, per_conversation=10)
    chosen = blind.choose(replies, 15)
    assert len({reply.conversation for reply in chosen[:10]}) == 10 and len(chosen) == 15
    assert chosen == blind.choose(replies, 15) != blind.choose(replies, 15, seed=1)
    assert sorted(reply.text for reply in blind.choose(replies, 1000)) == sorted(reply.text for reply in replies)


@given(st.lists(st.sampled_from(blind.ANSWERS), min_size=1, max_size=60))
def test_the_rate_lies_in_its_interval_and_unsure_counts_half(answers: list[Answer]) -> None:
    asked = trials(60)
    given_ones = {trial.id: answer for trial, answer in zip(asked, answers, strict=False)}
    result = blind.score(asked, given_ones)
    assert result is not None and result.answered == len(answers)
    assert result.rate == (result.right + result.unsure / 2) / len(answers)
    assert 0 <= result.low <= result.rate <= result.high <= 1
    assert result.more >= 0


def judge(asked: list[Trial], skill: float, seed: int) -> blind.Result:
    """Knows the answer in `skill` of the trials, and guesses in the rest."""
    luck = random.Random(seed)
    answers = {trial.id: trial.real if luck.random() < skill else luck.choice(("a", "b")) for trial in asked}
    result = blind.score(asked, dict(answers))
    assert result is not None
    return result


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    asked = trials(40)
    for skill in (0.0, 0.5, 0.9):
        held = sum(result.low <= 0.5 + skill / 2 <= result.high for result in (judge(asked, skill, seed) for seed in range(300)))
        assert held / 300 >= 0.93


def test_a_guesser_is_not_told_that_it_knows_and_a_knower_is() -> None:
    asked = trials(60)
    assert sum(judge(asked, 0.0, seed).low > 0.5 for seed in range(300)) / 300 <= 0.04
    assert all(judge(asked, 0.9, seed).low > 0.5 for seed in range(300))


@pytest.mark.parametrize(
    ("right", "wrong", "unsure", "words"),
    [
        (18, 2, 0, "can be told from"),
        (2, 18, 0, "passes for the person more often"),
        (10, 9, 1, "not decided: 84 more"),
        (60, 60, 0, "cannot be told from"),
        (0, 0, 20, "not decided"),
    ],
)
def test_what_it_means_in_words(right: int, wrong: int, unsure: int, words: str) -> None:
    asked = trials(right + wrong + unsure)
    other: dict[str, Answer] = {"a": "b", "b": "a"}
    answers: dict[str, Answer] = {trial.id: trial.real for trial in asked[:right]}
    answers |= {trial.id: other[trial.real] for trial in asked[right : right + wrong]}
    answers |= {trial.id: "?" for trial in asked[right + wrong :]}
    result = blind.score(asked, answers)
    assert result is not None and words in blind.in_words(result)
    assert blind.in_words(result).startswith(f"right in {right + unsure / 2:g} of {len(asked)}: ")


def test_an_interrupted_test_goes_on(tmp_path: Path) -> None:
    asked = trials(5)
    blind.write_trials(asked, tmp_path)
    assert blind.read_trials(tmp_path) == asked and blind.read_answers(tmp_path) == {}
    assert blind.score(asked, {}) is None
    blind.write_answers(tmp_path, {asked[0].id: "b", asked[1].id: "?"})
    assert blind.read_answers(tmp_path) == {asked[0].id: "b", asked[1].id: "?"}
    assert json.loads(json.dumps(blind.as_json(asked[0])))["context"][0] == {"role": "user", "text": "When are you back?"}
