"""The step against transformers' own loss, and against itself however the sequences are laid out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from helpers import gradients, own_loss, random_adapter, random_sequence, relative_error, sequences, set_adapter, step_of, weighted
from homespun.bases.template import Rendered, Template
from homespun.engines.torch import TorchEngine
from homespun.training.batches import collate, micro_batches
from homespun.training.step import AutogradStep
from homespun.types import Turn

TALK = (
    Turn("system", "You are Anna. You are talking with Ben."),
    Turn("user", "Are you coming on Friday?\nWe could take the early train 🚂"),
    Turn("assistant", "Yes!! I'd love to.\nWhat time exactly?", target=True),
    Turn("user", "7:12, platform 3"),
    Turn("assistant", "ok, see you there", target=True),
)


def learned(step: AutogradStep, batches: Sequence[Sequence[Rendered]], total: float) -> tuple[float, dict[str, Tensor]]:
    loss = sum(step.loss_and_gradients(collate(some), total) for some in batches)
    return loss, gradients(step.adapter)


def supervised(one: Rendered) -> int:
    return sum(map(bool, one.target[1:]))


@settings(max_examples=40)
@given(found=sequences())
def test_packed_scores_are_each_sequences_own(toy_step: AutogradStep, found: list[Rendered]) -> None:
    """Sequences end to end do not see each other: the loss of each is what transformers says of it alone."""
    batch = collate(found)
    own = torch.stack([own_loss(toy_step.model, one).detach() for one in found])
    counts = [supervised(one) for one in found]
    assert [len(part) for part in torch.split(toy_step.score(batch), counts)] == counts
    ours = torch.stack([part.mean() for part in torch.split(toy_step.score(batch), counts)])
    torch.testing.assert_close(ours, own, rtol=1e-5, atol=1e-5)


@settings(max_examples=25)
@given(found=sequences(), data=st.data())
def test_gradients_do_not_depend_on_how_a_step_is_cut(toy_step: AutogradStep, found: list[Rendered], data: st.DataObject) -> None:
    """All at once, one by one, or in micro-batches of any size; examples may weigh differently."""
    weights = data.draw(st.lists(st.floats(0.1, 3), min_size=len(found), max_size=len(found)))
    total = sum(weight * supervised(one) for weight, one in zip(weights, found, strict=True))
    found = [weighted(one, weight) for one, weight in zip(found, weights, strict=True)]
    together = learned(toy_step, [found], total)
    cut = micro_batches(range(len(found)), [len(one) for one in found], data.draw(st.integers(1, 200)))
    for parts in (cut, [[index] for index in range(len(found))]):
        apart = learned(toy_step, [[found[index] for index in part] for part in parts], total)
        assert apart[0] == pytest.approx(together[0], rel=1e-5)
        assert relative_error(apart[1], together[1]) <= 1e-5


def against_transformers(step: Any, one: Rendered) -> None:
    """Loss and gradients by the model's own attention, head and loss."""
    loss = own_loss(step.model, one)
    loss.backward()  # type: ignore[no-untyped-call]
    expected = gradients(step.adapter)
    ours, found = learned(step, [[one]], supervised(one))
    assert ours == pytest.approx(loss.item(), rel=1e-5)
    assert relative_error(found, expected) <= 1e-4


@pytest.mark.parametrize("length", [2, 31, 32, 33, 600])
def test_loss_and_gradients_are_transformers_own(toy_step: AutogradStep, length: int) -> None:
    """600 tokens make more supervised rows than one chunk of the head."""
    against_transformers(toy_step, random_sequence(length, seed=length) if length < 600 else dense(length))


def dense(length: int) -> Rendered:
    return dataclasses.replace(random_sequence(length, seed=length), target=[0] + [1] * (length - 1))


def test_loss_and_gradients_are_transformers_own_on_the_real_base(engine: TorchEngine, template: Template) -> None:
    engine.adapter.set(random_adapter(engine.adapter.tensors))
    against_transformers(AutogradStep(engine.model, engine.adapter), template.render(TALK))


def test_bfloat16_gradients_are_as_near_to_float32_as_transformers_own(engine: TorchEngine, template: Template, base_folder: Path) -> None:
    one = template.render(TALK)
    exact = learned(set_adapter(AutogradStep(engine.model, engine.adapter)), [[one]], 1.0)[1]
    rough = set_adapter(step_of(base_folder, "bfloat16"))
    ours = learned(rough, [[one]], 1.0)[1]
    (own_loss(rough.model, one) * supervised(one)).backward()  # type: ignore[no-untyped-call]
    theirs = gradients(rough.adapter)
    assert relative_error(ours, exact) <= 1.2 * relative_error(theirs, exact)
    assert min(float(torch.cosine_similarity(ours[name].flatten(), exact[name].flatten(), dim=0)) for name in exact) >= 0.98
