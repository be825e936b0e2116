"""Which examples a step learns from, and what of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from helpers import sequences, weighted
from homespun.bases.template import Rendered
from homespun.training.batches import collate, in_order, in_steps, micro_batches

LENGTHS = st.lists(st.integers(1, 900), max_size=60)


@given(lengths=LENGTHS, tokens=st.integers(1, 2048), seed=st.integers(), epoch=st.integers(0, 50))
def test_an_epoch_shows_every_example_once_in_steps_of_the_size_asked(lengths: list[int], tokens: int, seed: int, epoch: int) -> None:
    steps = in_steps(lengths, tokens, seed, epoch)
    assert sorted(index for step in steps for index in step) == list(range(len(lengths)))
    assert all(sum(lengths[index] for index in step) <= tokens or len(step) == 1 for step in steps)
    assert [index for part in micro_batches(steps[0], lengths, 64) for index in part] == steps[0] if steps else not lengths


@given(lengths=st.lists(st.integers(1, 900), min_size=20, max_size=40), seed=st.integers(0, 1000), epoch=st.integers(0, 50))
def test_the_order_follows_from_seed_and_epoch_alone(lengths: list[int], seed: int, epoch: int) -> None:
    order = in_steps(lengths, 512, seed, epoch)
    assert order == in_steps(lengths, 512, seed, epoch)
    assert order not in (in_steps(lengths, 512, seed, epoch + 1), in_steps(lengths, 512, seed + 1, epoch))


@given(lengths=LENGTHS, tokens=st.integers(1, 2048))
def test_scoring_takes_every_sequence_once_shortest_first(lengths: list[int], tokens: int) -> None:
    order = [index for part in in_order(lengths, tokens) for index in part]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[index] for index in order] == sorted(lengths)


@given(found=sequences())
def test_a_batch_predicts_every_target_token_from_the_one_before_it(found: list[Rendered]) -> None:
    batch = collate([weighted(one, index + 1.0) for index, one in enumerate(found)])
    wanted = []
    for index, one in enumerate(found):
        before = sum(max(other.target) for other in found[:index])
        places = [place for place in range(1, len(one)) if one.target[place]]
        wanted += [(one.ids[place - 1], place - 1, one.ids[place], before + one.target[place] - 1, index + 1.0) for place in places]
    rows = (batch.ids[batch.supervised], batch.positions[batch.supervised], batch.labels, batch.reply, batch.weight)
    assert list(zip(*(row.tolist() for row in rows), strict=True)) == wanted
    assert (batch.replies, batch.tokens) == (sum(max(one.target) for one in found), sum(map(len, found)))
