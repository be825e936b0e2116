"""Stock replies count less, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from helpers import conversation
from homespun.dataset.weights import FLOOR, target_weights, weight, weighted
from homespun.types import Example, Split


def example(number: int, *replies: str, split: Split = "train") -> Example:
    texts = [text for reply in replies for text in ("And?", reply)]
    return Example(f"e-{number}", f"c{number}", split, conversation(*texts))


@given(st.integers(1, 10**6))
def test_said_more_often_each_counts_less_and_all_together_more(count: int) -> None:
    assert FLOOR <= weight(count + 1) <= weight(count) <= weight(1) == 1
    assert (count + 1) * weight(count + 1) > count * weight(count)


def test_every_target_has_a_weight_of_its_own() -> None:
    examples = [example(1, "Roger.", "The river is high today, and the mill stands still."), example(2, "roger."), example(3, "Roger.")]
    examples.append(example(4, "The river is high today, and the mill stands  still!", "Roger."))
    assert target_weights(examples, 0.7) == [(0.5, weight(2)), (0.5,), (0.5,), (weight(2), 0.5)]


def test_only_what_is_learned_is_weighted() -> None:
    found = weighted(
        [example(1, "ok", "Once."), *(example(number, "ok") for number in range(2, 101)), example(101, "ok", split="gate")], 0.7
    )
    assert [[turn.weight for turn in one.targets] for one in (found[0], found[1], found[-1])] == [[FLOOR, 1.0], [FLOOR], [1.0]]
    assert [replace(turn, weight=1.0) for turn in found[0].turns] == list(example(1, "ok", "Once.").turns)
