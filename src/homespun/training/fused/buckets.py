"""Sequences laid end to end -> buckets of similar length, padded for attention alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

LENGTH = 64
"""A bucket's length is a multiple: few different shapes (CPU kernels are compiled for each), little padding."""
QUERIES = 128
"""Queries are multiplied with the keys up to their own block's end: with long sequences that saves nearly half of attention."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """n sequences of at most `length` tokens.

    rows: (n · length,) int32, the token in each padded place, or -1; positions: (T,) int32 of every token of the batch.
    sources, padding, tokens, places: the same as indices of ATen (padding points at token 0).
    """

    count: int
    length: int
    rows: Tensor
    positions: Tensor
    sources: Tensor
    padding: Tensor
    tokens: Tensor
    places: Tensor

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """(first, end) of every block of queries; the keys of a block are those before its end."""
        return [(start, min(start + QUERIES, self.length)) for start in range(0, self.length, QUERIES)]


def buckets(lengths: Sequence[int], positions: Tensor) -> list[Bucket]:
    """Args:
    lengths: of sequences laid end to end; positions: (T,), starting at 0 in each.
    """
    by_length: dict[int, list[Tensor]] = defaultdict(list)
    start = 0
    for length in lengths:
        row = torch.full((-(-length // LENGTH) * LENGTH,), -1, dtype=torch.int32)
        row[:length] = torch.arange(start, start + length, dtype=torch.int32)
        by_length[row.numel()].append(row)
        start += length
    low = positions.to(torch.int32)
    made = []
    for length, found in sorted(by_length.items()):
        rows = torch.cat(found)
        sources = rows.clamp(min=0).long()
        padding = rows < 0
        made.append(Bucket(len(found), length, rows, low, sources, padding, sources[~padding], positions[sources]))
    return made
