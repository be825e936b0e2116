"""What the torch engine reads with: the fused step where it knows the base, else a model of transformers.

A reading is a number of prompts side by side, and what is added to each; keys and values of all that was read are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from homespun.bases import adapter
from homespun.bases.adapter import FlatAdapter
from homespun.bases.load import load_model
from homespun.config import AdapterSection
from homespun.training import kinds
from homespun.training.fused import reading
from homespun.training.fused.step import FusedStep
from homespun.training.kinds import Machine

ROUND = 32
"""Prompts are padded to a multiple: CPU kernels are compiled for every new shape (training/batches.py)."""

Weights = Mapping[str, Tensor]
"""An adapter's tensors by their PEFT names."""


class Reading(Protocol):
    @property
    def logits(self) -> Tensor:
        """(rows, vocabulary) of the token after each prompt."""
        ...

    def add(self, ids: Tensor) -> Tensor:
        """(rows, m) ids, which follow what was read -> (rows, m, vocabulary) logits of the token after each."""
        ...

    def drop(self, gone: Sequence[int]) -> list[int]:
        """Go on without these rows. Returns the others as they were numbered, in their new order."""
        ...

    def repeat(self, count: int) -> None:
        """Every row so many times, one after the other."""
        ...


class Network(Protocol):
    adapter: FlatAdapter
    token_bytes: int
    """Of the keys and values of one token."""

    def wear(self, weights: Weights | None) -> None:
        """Read with this adapter from now on; None is the bare base."""
        ...

    def read(self, prompts: Sequence[Sequence[int]]) -> Reading:
        """Args:
        prompts: ids, the longest first.
        """
        ...


class Fused:
    def __init__(self, step: FusedStep) -> None:
        self.step, self.adapter = step, step.adapter
        step.refresh()
        shape = step.base.shape
        self.token_bytes = 2 * shape.layers * shape.kv_width * step.dtype.itemsize

    def wear(self, weights: Weights | None) -> None:
        self.adapter.set(weights)
        self.step.refresh()

    def read(self, prompts: Sequence[Sequence[int]]) -> Reading:
        return reading.Reading(self.step, prompts)


class Padded:
    """Any model of transformers."""

    def __init__(self, folder: Path, targets: Sequence[str], options: AdapterSection, dtype: str, pad: int) -> None:
        self.model: Any = load_model(folder, dtype)
        self.adapter = adapter.add(self.model, targets, options.rank, options.alpha, seed=0)
        self._pad = pad
        config = self.model.config
        heads = config.num_attention_heads
        width = config.hidden_size * (getattr(config, "num_key_value_heads", None) or heads) // heads
        self.token_bytes = 2 * config.num_hidden_layers * width * self.model.dtype.itemsize

    def wear(self, weights: Weights | None) -> None:
        self.adapter.set(weights)

    def read(self, prompts: Sequence[Sequence[int]]) -> Reading:
        return PaddedReading(self.model, prompts, self._pad)


class PaddedReading:
    """Rows padded on the left. In some bases padding is the stop token itself: the mask goes by length."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], pad: int) -> None:
        longest = -(-max(len(prompt) for prompt in prompts) // ROUND) * ROUND
        self.model = model
        self.mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        self.cache: Any = None
        self.logits = self._read(torch.tensor([[pad] * (longest - len(prompt)) + list(prompt) for prompt in prompts]), 1)[:, -1]

    def add(self, ids: Tensor) -> Tensor:
        self.mask = torch.cat([self.mask, torch.ones_like(ids)], 1)
        return self._read(ids, 0)

    def drop(self, gone: Sequence[int]) -> list[int]:
        order = [row for row in range(len(self.mask)) if row not in set(gone)]
        self.mask = self.mask[order]
        self.cache.batch_select_indices(torch.tensor(order))
        return order

    def repeat(self, count: int) -> None:
        self.mask = self.mask.repeat_interleave(count, 0)
        self.cache.batch_repeat_interleave(count)

    def _read(self, ids: Tensor, wanted: int) -> Tensor:
        """Args:
        wanted: of how many last places the logits are; 0: of all.
        """
        out = self.model(
            input_ids=ids,
            attention_mask=self.mask,
            position_ids=(self.mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :],
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=wanted,
        )
        self.cache = out.past_key_values
        logits: Tensor = out.logits
        return logits


def fused(folder: Path, targets: Sequence[str], options: AdapterSection, dtype: str, threads: int, longest: int) -> Fused | None:
    """None where the fused step does not know this base."""
    kind = kinds.fastest(folder, targets, longest)[0]
    step = None if kind == "autograd" else kinds.make_step(folder, targets, options, Machine(kind, dtype, threads))
    return Fused(step) if isinstance(step, FusedStep) else None
