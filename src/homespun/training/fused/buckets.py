"""Sequences laid end to end -> buckets of similar length, padded for attention alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

LENGTH = 64
"""A bucket's length is a multiple: few different shapes (CPU kernels are compiled for each)."""
SHORTEST = 0.6
"""Of a bucket's length: shorter sequences go to the next one. Those between sit out the later blocks, so that only memory is padded."""
QUERIES = 128
"""Queries are multiplied with the keys up to their own block's end: with long sequences that saves nearly half of attention."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Sequences padded to `length`, the longest first.

    lengths: theirs. rows: (n · length,) int32, the token in each padded place, or -1; positions: (T,) int32 of every token of the batch.
    sources, padding, tokens, places: the same as indices of ATen (padding points at token 0).
    """

    length: int
    lengths: list[int]
    rows: Tensor
    positions: Tensor
    sources: Tensor
    padding: Tensor
    tokens: Tensor
    places: Tensor

    @property
    def count(self) -> int:
        return len(self.lengths)

    @property
    def blocks(self) -> list[tuple[int, int, int]]:
        """(first query, end, how many of the sequences reach it) of every block; its keys are those before the end."""
        starts = range(0, self.length, QUERIES)
        return [(start, min(start + QUERIES, self.length), sum(length > start for length in self.lengths)) for start in starts]


def buckets(lengths: Sequence[int], positions: Tensor) -> list[Bucket]:
    """Args:
    lengths: of sequences laid end to end; positions: (T,), starting at 0 in each.
    """
    ends = torch.tensor(lengths).cumsum(0).tolist()
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    groups: list[list[int]] = []
    for index in order:
        if not groups or lengths[index] < SHORTEST * lengths[groups[-1][0]]:
            groups.append([])
        groups[-1].append(index)
    low = positions.to(torch.int32)
    return [bucket([(ends[index] - lengths[index], ends[index]) for index in group], positions, low) for group in groups]


def bucket(spans: Sequence[tuple[int, int]], positions: Tensor, low: Tensor, to: int = LENGTH) -> Bucket:
    """Args:
    spans: (first token, end) of its sequences, the longest first.
    low: `positions` as int32.
    to: its length is a multiple of this.
    """
    lengths = [end - start for start, end in spans]
    length = -(-lengths[0] // to) * to
    rows = torch.full((len(spans), length), -1, dtype=torch.int32)
    for row, (start, end) in zip(rows, spans, strict=True):
        row[: end - start] = torch.arange(start, end, dtype=torch.int32)
    rows = rows.flatten()
    sources, padding = rows.clamp(min=0).long(), rows < 0
    return Bucket(length, lengths, rows, low, sources, padding, sources[~padding], positions[sources])
