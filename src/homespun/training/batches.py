"""Examples -> batches: sequences laid end to end, about equally many tokens in each.

The order is a pure function of seed and epoch, so that the number of a step says all about where the data stand.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from homespun.bases.template import Rendered

ROUND = 64
"""CPU kernels are compiled for every new number of rows, and kept: few different numbers save time and memory."""


@dataclass(frozen=True, slots=True)
class Batch:
    """T tokens of several sequences end to end, of which S are scored. T is rounded up to a multiple of ROUND with padding nobody sees.

    ids, positions: (T,) int64; positions start at 0 in every sequence. lengths: of the sequences, the padding being the last.
    supervised: (S,) int64, rows of the hidden states that predict a target token; labels: (S,) int64, those tokens.
    reply: (S,) int64, which reply of the batch each belongs to; weight: (S,) float32.
    """

    ids: Tensor
    positions: Tensor
    lengths: list[int]
    supervised: Tensor
    labels: Tensor
    reply: Tensor
    weight: Tensor
    replies: int
    tokens: int
    """Useful ones: without the padding."""

    @property
    def total_weight(self) -> float:
        return float(self.weight.sum())


def collate(sequences: Sequence[Rendered]) -> Batch:
    ids: list[int] = []
    positions: list[int] = []
    supervised: list[int] = []
    reply: list[int] = []
    weight: list[float] = []
    replies = 0
    for sequence in sequences:
        start = len(ids)
        ids += sequence.ids
        positions += range(len(sequence))
        for place in range(1, len(sequence)):
            if number := sequence.target[place]:
                supervised.append(start + place - 1)
                reply.append(replies + number - 1)
                weight.append(sequence.weights[number - 1] if sequence.weights else 1.0)
        replies += max(sequence.target, default=0)
    tokens = len(ids)
    lengths = [len(sequence) for sequence in sequences]
    if padding := -tokens % ROUND:
        ids += [0] * padding
        positions += range(padding)
        lengths.append(padding)
    flat = torch.tensor(ids)
    rows = torch.tensor(supervised, dtype=torch.long)
    return Batch(
        ids=flat,
        positions=torch.tensor(positions),
        lengths=lengths,
        supervised=rows,
        labels=flat[rows + 1],
        reply=torch.tensor(reply, dtype=torch.long),
        weight=torch.tensor(weight),
        replies=replies,
        tokens=tokens,
    )


def rounded(values: Tensor) -> Tensor:
    """(S,) -> the next multiple of ROUND, at least one, filled with zeros: a padding row has weight 0."""
    return torch.nn.functional.pad(values, (0, -values.numel() % ROUND or (0 if values.numel() else ROUND)))


def in_steps(lengths: Sequence[int], tokens: int, seed: int, epoch: int) -> list[list[int]]:
    """One epoch: shuffled indices, cut into steps of about `tokens` tokens. Every index appears exactly once.

    The last step of an epoch may be small; gradients are normalised by a step's own supervised tokens.
    """
    order = list(range(len(lengths)))
    random.Random(f"{seed}/{epoch}").shuffle(order)
    return list(_cut(order, lengths, tokens))


def in_order(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """For scoring: similar lengths together, so that little is padded inside attention."""
    return list(_cut(sorted(range(len(lengths)), key=lambda index: lengths[index]), lengths, tokens))


def micro_batches(step: Sequence[int], lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """A step's indices in parts that fit the memory; accumulating them gives the step's gradient exactly."""
    return list(_cut(step, lengths, tokens))


def _cut(order: Sequence[int], lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    part: list[int] = []
    held = 0
    for index in order:
        if part and held + lengths[index] > tokens:
            yield part
            part, held = [], 0
        part.append(index)
        held += lengths[index]
    if part:
        yield part
