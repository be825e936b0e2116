"""Causal attention over buckets, forward and backward: products by blocks of queries, so that little is computed above the diagonal.

Grouped query heads that share a key head are stacked as rows of one product: q is (n · kv_heads, L · group, dim).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from homespun.bases.dense import Shape
from homespun.training.fused.buckets import Bucket
from homespun.training.fused.kernels import Kernels


@dataclass(slots=True)
class Heads:
    """One bucket's queries, keys and values, and the attention weights of every block."""

    q: Tensor
    k: Tensor
    v: Tensor
    weights: list[Tensor]


class Arena:
    """One allocation that is carved anew for every batch, and grows to the largest."""

    def __init__(self, dtype: torch.dtype) -> None:
        self._held = torch.empty(0, dtype=dtype)
        self._used = 0

    def clear(self, needed: int) -> None:
        if needed > self._held.numel():
            self._held = torch.empty(needed, dtype=self._held.dtype)
        self._used = 0

    def take(self, *size: int) -> Tensor:
        """Uninitialised, contiguous."""
        start = self._used
        self._used += torch.Size(size).numel()
        return self._held[start : self._used].view(size)


class Attention:
    def __init__(self, shape: Shape, kernels: Kernels, dtype: torch.dtype) -> None:
        self.shape, self.kernels = shape, kernels
        self.scale = shape.head_dim**-0.5
        self.group = shape.heads // shape.kv_heads
        self.scratch = Arena(dtype)
        # As transformers computes it, so that positions agree to the last bit.
        frequencies = 1.0 / shape.theta ** (torch.arange(0, shape.head_dim, 2).float() / shape.head_dim)
        self._frequencies = frequencies
        self.cos = self.sin = torch.empty(0, shape.head_dim // 2)

    def reach(self, longest: int) -> None:
        """Rotary tables as long as the longest sequence so far."""
        if longest > self.cos.shape[0]:
            angles = torch.arange(longest).float()[:, None] * self._frequencies
            self.cos, self.sin = angles.cos(), angles.sin()

    def size(self, bucket: Bucket) -> int:
        """Numbers that a layer keeps of a bucket."""
        shape = self.shape
        heads = bucket.count * bucket.length * (shape.q_width + 2 * shape.kv_width)
        return heads + shape.heads * sum((end - start) * end * count for start, end, count in bucket.blocks)

    def heads(self, bucket: Bucket, arena: Arena) -> tuple[Tensor, Tensor, Tensor]:
        """Room for its queries, keys and values."""
        n, length, dim, kv_heads = bucket.count, bucket.length, self.shape.head_dim, self.shape.kv_heads
        key, value = (arena.take(n, kv_heads, length, dim) for _ in range(2))
        return arena.take(n, kv_heads, length, self.group, dim), key, value

    def forward(self, qkv: Tensor, found: Sequence[Bucket], out: Tensor, arena: Arena) -> list[Heads]:
        """qkv (T, q + 2 kv widths) -> out (T, q width), written in place."""
        arena.clear(sum(self.size(bucket) for bucket in found))
        made = []
        for bucket in found:
            heads = Heads(*self.heads(bucket, arena), [])
            self.kernels.gather(qkv, bucket, self.cos, self.sin, heads.q, heads.k, heads.v)
            self.scratch.clear(heads.q.numel())
            mixed = self.scratch.take(*heads.q.shape)
            q, k, v, o = (stacked(tensor) for tensor in (heads.q, heads.k, heads.v, mixed))
            for start, end, count in bucket.blocks:
                some, rows = slice(count * self.shape.kv_heads), slice(start * self.group, end * self.group)
                weights = arena.take(some.stop, rows.stop - rows.start, end)
                torch.bmm(q[some, rows], k[some, :end].transpose(1, 2), out=weights)
                self.kernels.softmax(weights, start, self.group, self.scale)
                torch.bmm(weights, v[some, :end], out=o[some, rows])
                heads.weights.append(weights)
            self.kernels.put(out, bucket, mixed)
            made.append(heads)
        return made

    def backward(self, grad: Tensor, found: Sequence[Bucket], made: Sequence[Heads], grad_qkv: Tensor) -> None:
        """grad (T, q width) of the output -> grad_qkv (T, q + 2 kv widths), written in place."""
        for bucket, heads in zip(found, made, strict=True):
            widest = max(weights.numel() for weights in heads.weights)
            self.scratch.clear(2 * heads.q.numel() + 2 * heads.k.numel() + widest)
            grad_q, grad_k, grad_v = self.heads(bucket, self.scratch)
            grad_o, room = self.scratch.take(*heads.q.shape), self.scratch.take(widest)
            self.kernels.take(grad, bucket, grad_o)
            q, k, v, go = (stacked(tensor) for tensor in (heads.q, heads.k, heads.v, grad_o))
            gq, gk, gv = (stacked(tensor) for tensor in (grad_q, grad_k, grad_v))
            grad_k.zero_()
            grad_v.zero_()
            for (start, end, count), weights in zip(bucket.blocks, heads.weights, strict=True):
                some, rows = slice(count * self.shape.kv_heads), slice(start * self.group, end * self.group)
                gv[some, :end].baddbmm_(weights.transpose(1, 2), go[some, rows])
                scores = torch.bmm(go[some, rows], v[some, :end].transpose(1, 2), out=room[: weights.numel()].view_as(weights))
                self.kernels.softmax_back(weights, scores, self.scale)
                torch.bmm(scores, k[some, :end], out=gq[some, rows])
                gk[some, :end].baddbmm_(scores.transpose(1, 2), q[some, rows])
            self.kernels.scatter(grad_qkv, bucket, self.cos, self.sin, grad_q, grad_k, grad_v)


def stacked(heads: Tensor) -> Tensor:
    """(n, kv_heads, ...) -> (n · kv_heads, rows, dim)"""
    return heads.view(heads.shape[0] * heads.shape[1], -1, heads.shape[-1])
