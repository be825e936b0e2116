"""Small makers of values that several tests need."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from homespun.bases import adapter
from homespun.bases.adapter import FlatAdapter
from homespun.bases.hub import DEFAULT_TARGETS
from homespun.bases.load import load_model
from homespun.bases.template import Rendered
from homespun.training.step import AutogradStep
from homespun.types import Turn

RANK, ALPHA = 4, 8.0


def random_adapter(parameters: Mapping[str, Tensor], seed: int = 0, size: float = 0.02) -> dict[str, Tensor]:
    """An adapter that changes the model: both halves are filled."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(tensor.shape, generator=generator) * size for name, tensor in parameters.items()}


def step_of(folder: Path, dtype: str = "float32", seed: int = 0) -> AutogradStep:
    """A step on a model read from `folder`, with a fresh adapter. One thread: where cores are shared, waiting for a second costs more."""
    torch.set_num_threads(1)
    model = load_model(folder, dtype)
    return AutogradStep(model, adapter.add(model, DEFAULT_TARGETS, RANK, ALPHA, seed))


def set_adapter(step: AutogradStep, size: float = 0.02) -> AutogradStep:
    step.adapter.set(random_adapter(step.adapter.tensors, size=size))
    return step


def gradients(adapter: FlatAdapter) -> dict[str, Tensor]:
    """The gradients that stand there, taken away."""
    taken = {name: gradient.clone() for name, gradient in adapter.gradients.items()}
    adapter.clear()
    return taken


def relative_error(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """|one - other| / |other| over all tensors."""
    difference = sum(float((one[name] - other[name]).double().square().sum()) for name in other)
    return float((difference / sum(float(tensor.double().square().sum()) for tensor in other.values())) ** 0.5)


def sequence(mask: Sequence[bool], seed: int, vocabulary: int = 1000) -> Rendered:
    """Random ids; every run of True in `mask` is one reply."""
    ids = random.Random(seed).choices(range(3, vocabulary), k=len(mask))
    target: list[int] = []
    number = 0
    for is_target, run in groupby(mask):
        number += is_target
        target += [number if is_target else 0] * len(list(run))
    return Rendered(ids, target)


def random_sequence(length: int, seed: int, vocabulary: int = 1000) -> Rendered:
    """Two replies, of a third and of the last sixth."""
    half = length // 2
    return sequence([length // 6 <= place < half or place >= length - max(1, length // 6) for place in range(length)], seed, vocabulary)


def weighted(one: Rendered, weight: float) -> Rendered:
    """The same with every target weighing as much."""
    return replace(one, weights=[weight] * max(one.target, default=0))


@st.composite
def sequences(draw: st.DrawFn) -> list[Rendered]:
    """One to five sequences of 2 to 70 tokens, with any mask that has a target; lengths around the attention's buckets are frequent."""
    lengths = st.one_of(st.integers(2, 70), st.sampled_from([31, 32, 33, 63, 64, 65]))
    made = []
    for length in draw(st.lists(lengths, min_size=1, max_size=5)):
        made.append(sequence([draw(st.booleans()) for _ in range(length - 1)] + [True], draw(st.integers(0, 10**6))))
    return made


def own_loss(model: Any, one: Rendered) -> Tensor:
    """The loss as transformers computes it."""
    labels = [token if number else -100 for token, number in zip(one.ids, one.target, strict=True)]
    loss: Tensor = model(input_ids=torch.tensor([one.ids]), labels=torch.tensor([labels]), use_cache=False).loss
    return loss


def conversation(*texts: str, system: str = "You are Anna.", target: bool = True) -> tuple[Turn, ...]:
    """A system line, then user and assistant in turn; the assistant's are targets."""
    spoken = (Turn("assistant", text, target) if place % 2 else Turn("user", text) for place, text in enumerate(texts))
    return (Turn("system", system), *spoken)


def random_base(folder: Path, family: str, **sizes: Any) -> Path:
    """A base of one of the families with random weights; its biases and norms are not what a fresh model has."""
    import transformers

    config = getattr(transformers, f"{family}Config")(vocab_size=320, max_position_embeddings=4096, initializer_range=0.2, **sizes)
    model = getattr(transformers, f"{family}ForCausalLM")(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "norm" in name:
                parameter.add_(torch.randn_like(parameter) * 0.3)
    model.save_pretrained(folder)
    return folder
