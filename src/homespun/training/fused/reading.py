"""Reading with the fused step: a prompt once, then whatever is added to it, with a cache of keys and values.

Sequences side by side are rows of the cache. Their prompts begin in its first column and end where they end; what is added later stands
in the same columns in every row, beyond the longest prompt. The columns in between are hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from homespun.training.batches import ROUND
from homespun.training.fused.attention import Arena, Attention, Heads, stacked
from homespun.training.fused.buckets import LENGTH, Bucket, bucket
from homespun.training.fused.step import FusedStep

PART = 4096
"""Tokens read at a time, about: the step's buffers are as long."""
COLUMNS = 64
"""The cache grows by so many: attention meets all of them, since a product of a part of it would copy that part first."""
TOKENS = 32
"""What is added is rounded up to a multiple: CPU kernels are compiled for every new number of rows."""


class Reading:
    """Sequences under way.

    Args:
        step: with its adapter taken over (`refresh`).
        prompts: ids of at least one token each, the longest first.
    """

    def __init__(self, step: FusedStep, prompts: Sequence[Sequence[int]]) -> None:
        self.step, shape = step, step.base.shape
        self.lengths = torch.tensor([len(prompt) for prompt in prompts])
        self.prompt = self.end = _rounded(len(prompts[0]), LENGTH)
        size = len(prompts), shape.kv_heads, self.prompt, shape.head_dim
        self.keys, self.values = ([torch.zeros(size, dtype=step.dtype) for _ in step.layers] for _ in range(2))
        step.attention.reach(self.prompt)
        self.logits = torch.cat([self._begin(prompts[rows], rows) for rows in _parts(self.lengths.tolist())])
        """(rows, vocabulary), of the token after each prompt."""

    def add(self, ids: Tensor) -> Tensor:
        """(rows, m) ids, which follow what was read -> (rows, m, vocabulary) logits of the token after each."""
        rows, count = ids.shape
        self._grow(count)
        places = self.lengths[:, None] + (self.end - self.prompt) + torch.arange(count)
        flat, positions = _padded(ids.flatten(), TOKENS), _padded(places.flatten(), TOKENS)
        found = bucket([(row * count, (row + 1) * count) for row in range(rows)], positions, positions.to(torch.int32), to=1)
        hidden = (torch.arange(self.prompt) >= self.lengths[:, None]).repeat_interleave(self.step.base.shape.kv_heads, 0)[:, None]
        attention = self.step.attention
        layers = [_Adding(attention, keys, values, hidden, self.end) for keys, values in zip(self.keys, self.values, strict=True)]
        logits = self.step.logits(flat, [found], layers, torch.arange(rows * count))
        self.end += count
        return logits.view(rows, count, -1)

    def drop(self, gone: Sequence[int]) -> list[int]:
        """Go on without these rows; the last ones take their places. Returns the rows as they were numbered, in their new order."""
        order = list(range(len(self.lengths)))
        for row in sorted(gone, reverse=True):
            last = order.pop()
            if row < len(order):
                order[row] = last
        self.lengths = self.lengths[order]
        for caches in (self.keys, self.values):
            for cache in caches:
                for place, row in enumerate(order):
                    if place != row:
                        cache[place] = cache[row]
            caches[:] = [cache[: len(order)] for cache in caches]
        return order

    def repeat(self, count: int) -> None:
        """Every row so many times, one after the other."""
        self.lengths = self.lengths.repeat_interleave(count)
        for caches in (self.keys, self.values):
            caches[:] = [cache.repeat_interleave(count, 0) for cache in caches]

    def _grow(self, count: int) -> None:
        missing = self.end + count - self.keys[0].shape[2]
        if missing > 0:
            # Zeros, since what nobody sees is multiplied with a weight of zero.
            more = 0, 0, 0, _rounded(missing, COLUMNS)
            for caches in (self.keys, self.values):
                caches[:] = [torch.nn.functional.pad(cache, more) for cache in caches]
            self.step.attention.reach(self.keys[0].shape[2])

    def _begin(self, prompts: Sequence[Sequence[int]], rows: slice) -> Tensor:
        ends = torch.tensor([len(prompt) for prompt in prompts]).cumsum(0)
        ids = torch.tensor([token for prompt in prompts for token in prompt])
        positions = torch.cat([torch.arange(len(prompt)) for prompt in prompts])
        ids, positions = _padded(ids, ROUND), _padded(positions, ROUND)
        found = bucket(list(pairwise([0, *ends.tolist()])), positions, positions.to(torch.int32))
        attention = self.step.attention
        layers = [_Beginning(attention, keys[rows], values[rows]) for keys, values in zip(self.keys, self.values, strict=True)]
        return self.step.logits(ids, [found], layers, ends - 1)


@dataclass(slots=True)
class _Beginning:
    """Attention of prompts, which leaves their keys and values in the cache."""

    attention: Attention
    keys: Tensor
    values: Tensor

    def forward(self, qkv: Tensor, found: Sequence[Bucket], out: Tensor, arena: Arena) -> list[Heads]:
        made = self.attention.forward(qkv, found, out, arena)
        for heads in made:
            length = heads.k.shape[2]
            self.keys[:, :, :length], self.values[:, :, :length] = heads.k, heads.v
        return made


@dataclass(slots=True)
class _Adding:
    """Attention of what is added, to what the cache holds and to itself. `hidden`: (rows · kv_heads, 1, prompt columns) bool."""

    attention: Attention
    keys: Tensor
    values: Tensor
    hidden: Tensor
    start: int

    def forward(self, qkv: Tensor, found: Sequence[Bucket], out: Tensor, arena: Arena) -> list[Heads]:
        at, (new,) = self.attention, found
        arena.clear(at.size(new))
        q, k, v = at.heads(new, arena)
        at.kernels.gather(qkv, new, at.cos, at.sin, q, k, v)
        columns = slice(self.start, self.start + new.length)
        self.keys[:, :, columns], self.values[:, :, columns] = k, v
        scores = torch.bmm(stacked(q), stacked(self.keys).transpose(1, 2))
        scores[:, :, : self.hidden.shape[2]].masked_fill_(self.hidden, -torch.inf)
        at.kernels.softmax(scores, self.start, at.group, at.scale)
        at.kernels.put(out, new, torch.bmm(scores, stacked(self.values)).view_as(q))
        return []


def _parts(lengths: Sequence[int]) -> Iterator[slice]:
    """Neighbouring rows of about PART tokens together."""
    start = held = 0
    for row, length in enumerate(lengths):
        if row > start and held + length > PART:
            yield slice(start, row)
            start, held = row, 0
        held += length
    yield slice(start, len(lengths))


def _padded(values: Tensor, to: int) -> Tensor:
    """(T,) -> the next multiple, filled with zeros."""
    return torch.nn.functional.pad(values, (0, -values.numel() % to))


def _rounded(number: int, to: int) -> int:
    """Up."""
    return -(-number // to) * to
