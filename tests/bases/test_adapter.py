"""LoRA: the formula, its gradients, and what is refused. That PEFT reads our files is tested where they are written, in training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from helpers import random_adapter, step_of
from homespun.bases import adapter
from homespun.bases.adapter import LoRALinear
from homespun.bases.load import load_model
from homespun.errors import BaseError


@given(
    sizes=st.tuples(*[st.integers(1, 9)] * 4), bias=st.booleans(), scale=st.floats(0.1, 4), seed=st.integers(0, 1000), flat=st.booleans()
)
def test_lora_gradients_are_those_of_the_plain_formula(
    sizes: tuple[int, int, int, int], bias: bool, scale: float, seed: int, flat: bool
) -> None:
    rows, inner, outer, rank = sizes
    torch.manual_seed(seed)
    layer = LoRALinear(nn.Linear(inner, outer, bias=bias), rank, scale * rank)
    nn.init.normal_(layer.a)
    nn.init.normal_(layer.b)
    x = torch.randn(*((rows,) if flat else (2, rows)), inner, requires_grad=True)
    plain = x @ layer.weight.t() + scale * (x @ layer.a.t()) @ layer.b.t() + (0 if layer.bias is None else layer.bias)
    pull = torch.randn_like(plain)
    expected = torch.autograd.grad(plain, (x, layer.a, layer.b), pull)
    out = layer(x)
    torch.testing.assert_close(out, plain, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(torch.autograd.grad(out, (x, layer.a, layer.b), pull), expected, rtol=1e-4, atol=1e-4)


def test_a_new_or_silenced_adapter_changes_nothing(tiny_folder: Path) -> None:
    ids = torch.arange(3, 40)[None]
    bare = load_model(tiny_folder)(input_ids=ids).logits
    step = step_of(tiny_folder)
    assert torch.equal(step.model(input_ids=ids).logits, bare)
    step.adapter.set(random_adapter(step.adapter.tensors))
    assert not torch.allclose(step.model(input_ids=ids).logits, bare, atol=1e-3)
    step.adapter.set(None)
    assert torch.equal(step.model(input_ids=ids).logits, bare)


def test_only_the_adapter_can_learn(tiny_folder: Path) -> None:
    step = step_of(tiny_folder)
    learning = [parameter for parameter in step.model.parameters() if parameter.requires_grad]
    assert {parameter.data_ptr() for parameter in learning} == {tensor.data_ptr() for tensor in step.adapter.tensors.values()}


def test_a_preset_for_another_base_is_refused(tiny_folder: Path) -> None:
    model = load_model(tiny_folder)
    with pytest.raises(BaseError, match=r"no layers called c_attn, c_proj: it needs a preset of its own in presets\.toml"):
        adapter.add(model, ["q_proj", "c_proj", "c_attn"], 4, 8.0, seed=0)
    assert adapter.parameters(model) == {}


@pytest.mark.parametrize("rank", [8, None])
def test_another_models_adapter_is_refused(tiny_folder: Path, rank: int | None) -> None:
    """Of another rank, or with a layer missing; nothing of it is taken over."""
    step = step_of(tiny_folder)
    before = {name: parameter.detach().clone() for name, parameter in step.adapter.tensors.items()}
    foreign = random_adapter(step.adapter.tensors)
    last = list(foreign)[-1]
    if rank:
        foreign[last] = torch.zeros(foreign[last].shape[0], rank)
    else:
        del foreign[last]
    with pytest.raises(BaseError, match="another base or rank"):
        step.adapter.set(foreign)
    assert all(torch.equal(step.adapter.tensors[name], before[name]) for name in before)
