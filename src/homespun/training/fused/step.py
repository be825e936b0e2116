"""The fused step: loss and gradients of a dense Llama-type base with LoRA, forward and backward written out.

What it does that a graph of operations does not: layers that read the same input are one product, LoRA rides in spare columns of the
frozen weights (projection.py), buffers live from step to step, attention meets no padding to speak of and little above the diagonal
(attention.py), and what lies between two products is one pass over memory (kernels.c).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from homespun.bases.adapter import FlatAdapter
from homespun.bases.dense import Dense
from homespun.training.batches import Batch, rounded
from homespun.training.fused.attention import Arena, Attention
from homespun.training.fused.buckets import Bucket, buckets
from homespun.training.fused.kernels import Kernels
from homespun.training.fused.layer import Attends, FusedLayer, Kept, Room, cut
from homespun.training.fused.projection import Member, Projection

HEAD_ROWS = 256
"""Rows of the vocabulary projection at a time: their logits stay in the cache."""


class FusedStep:
    """A `training.step.Step` for CPUs."""

    def __init__(self, base: Dense, rank: int, alpha: float, seed: int, kernels: Kernels) -> None:
        self.kernels = kernels
        self.dtype = base.embedding.dtype
        self.attention = Attention(base.shape, kernels, self.dtype)
        self._add_adapter(base, rank, alpha, seed)
        self.base = replace(base, layers=[])  # the projections hold their weights
        self._logits = torch.empty(HEAD_ROWS, base.shape.vocabulary, dtype=self.dtype)
        self._room = self._make_room(0)
        self._kept: list[Kept] = []

    def loss_and_gradients(self, batch: Batch, denominator: float) -> float:
        self.refresh()
        found = self._found(batch)
        room, kept = self._buffers(batch.ids.numel(), len(self.layers))
        self._forward(batch.ids, room, kept, found, [self.attention] * len(self.layers))
        weight = rounded(batch.weight / denominator)
        nll = self._head(batch, room, weight)
        for layer, own in zip(reversed(self.layers), reversed(kept), strict=True):
            layer.backward(room, own, found, self.attention, self.kernels)
        return float(nll @ weight)

    def score(self, batch: Batch) -> Tensor:
        self.refresh()
        room = self._read(batch.ids, self._found(batch), [self.attention] * len(self.layers))
        return self._head(batch, room, None)[: batch.labels.numel()]

    def refresh(self) -> None:
        """Take over the adapter as it is now."""
        for layer in self.layers:
            for projection in layer.projections:
                projection.refresh()

    def logits(self, ids: Tensor, found: Sequence[Bucket], attentions: Sequence[Attends], rows: Tensor) -> Tensor:
        """(rows, vocabulary): what follows some of the tokens (T,), whose layers attend as they are told to (reading.py)."""
        x = self._read(ids, found, attentions).x.index_select(0, rows)
        h, xhat = (torch.empty(x.shape, dtype=self.dtype) for _ in range(2))
        self.kernels.norm(x, None, self.base.norm, h, xhat, torch.empty(len(x)), self.base.shape.eps)
        return torch.mm(h, self.base.head.t())

    # ---- in the order of execution ----------------------------------------------------------------------------------

    def _read(self, ids: Tensor, found: Sequence[Bucket], attentions: Sequence[Attends]) -> Room:
        """Forward alone: the layers share what they keep."""
        room, kept = self._buffers(ids.numel(), 1)
        self._forward(ids, room, kept * len(self.layers), found, attentions)
        return room

    def _found(self, batch: Batch) -> list[Bucket]:
        found = buckets(batch.lengths, batch.positions)
        self.attention.reach(max(bucket.length for bucket in found))
        return found

    def _buffers(self, tokens: int, layers: int) -> tuple[Room, list[Kept]]:
        if tokens > self._room.x.shape[0]:
            self._room, self._kept = self._make_room(tokens), []
        self._kept += [self._make_kept(self._room.x.shape[0]) for _ in range(layers - len(self._kept))]
        return cut(self._room, tokens), [cut(kept, tokens) for kept in self._kept[:layers]]

    def _forward(self, ids: Tensor, room: Room, kept: Sequence[Kept], found: Sequence[Bucket], attentions: Sequence[Attends]) -> None:
        """room.x becomes the last residual stream."""
        room.x.copy_(self.base.embedding.index_select(0, ids))
        added = None
        for layer, own, attention in zip(self.layers, kept, attentions, strict=True):
            added = layer.forward(added, room, own, found, attention, self.kernels)
        room.x.add_(room.y)

    def _head(self, batch: Batch, room: Room, weight: Tensor | None) -> Tensor:
        """Negative log-likelihoods of the supervised tokens, (S rounded up,) float32; with `weight`, room.grad is begun."""
        base, eps = self.base, self.base.shape.eps
        rows, labels = rounded(batch.supervised), rounded(batch.labels)
        x = room.x.index_select(0, rows)
        h, xhat = (torch.empty(x.shape, dtype=self.dtype) for _ in range(2))
        rstd, nll = torch.empty(len(rows)), torch.empty(len(rows))
        self.kernels.norm(x, None, base.norm, h, xhat, rstd, eps)
        shares = torch.ones_like(nll) if weight is None else weight
        for start in range(0, len(rows), HEAD_ROWS):
            part = slice(start, min(start + HEAD_ROWS, len(rows)))
            logits = torch.mm(h[part], base.head.t(), out=self._logits[: part.stop - start])
            self.kernels.cross_entropy(logits, labels[part], shares[part], nll[part], weight is not None)
            if weight is not None:
                torch.mm(logits, base.head, out=h[part])  # nobody needs these rows of h any more
        if weight is not None:
            grad = torch.zeros_like(x)
            self.kernels.norm_back(grad, h, base.norm, xhat, rstd, torch.empty_like(h))
            # Rows that only round up stand at token 0, and their gradient is zero: they are added, not written.
            room.grad_low.copy_(room.grad.zero_().index_add_(0, rows, grad))
        return nll

    # ---- what is made once ------------------------------------------------------------------------------------------

    def _add_adapter(self, base: Dense, rank: int, alpha: float, seed: int) -> None:
        stacked = [pair for row in base.layers for pair in ((row.qkv, 3), (row.out, 1), (row.gate_up, 2), (row.down, 1))]
        size = sum(Projection.size(weight, members, rank) for weight, members in stacked)
        flat, grad = torch.zeros(size), torch.zeros(size)
        used = 0

        def make(weight: Tensor, members: Sequence[Member]) -> Projection:
            nonlocal used
            own = slice(used, used + Projection.size(weight, len(members), rank))
            used = own.stop
            return Projection(weight, members, rank, alpha / rank, flat[own], grad[own])

        self.layers = [FusedLayer(number, layer, base.shape, make) for number, layer in enumerate(base.layers)]
        generator = torch.Generator().manual_seed(seed)
        projections = [projection for layer in self.layers for projection in layer.projections]
        for projection in projections:
            projection.initialise(generator)
        self.adapter = FlatAdapter(flat, grad, (named for projection in projections for named in projection.named()))

    def _make_room(self, tokens: int) -> Room:
        layer, shape = self.layers[0], self.base.shape

        def empty(width: int) -> Tensor:
            return torch.empty(tokens, width, dtype=self.dtype)

        return Room(
            x=torch.empty(tokens, shape.hidden),
            h=empty(shape.hidden + layer.qkv.low),
            qkv=empty(shape.q_width + 2 * shape.kv_width),
            y=empty(shape.hidden),
            h_2=empty(shape.hidden + layer.gate_up.low),
            a=empty(shape.intermediate + layer.down.low),
            a_again=empty(shape.intermediate),
            grad=torch.empty(tokens, shape.hidden),
            grad_low=empty(shape.hidden),
            grad_mixed=empty(shape.q_width + layer.out.low),
        )

    def _make_kept(self, tokens: int) -> Kept:
        layer, shape = self.layers[0], self.base.shape

        def empty(width: int) -> Tensor:
            return torch.empty(tokens, width, dtype=self.dtype)

        return Kept(
            xhat=empty(shape.hidden),
            rstd=torch.empty(tokens),
            low=empty(layer.qkv.low),
            mixed=empty(shape.q_width + layer.out.low),
            xhat_2=empty(shape.hidden),
            rstd_2=torch.empty(tokens),
            low_2=empty(layer.gate_up.low),
            gate_up=empty(2 * shape.intermediate),
            low_3=empty(layer.down.low),
            arena=Arena(self.dtype),
        )
