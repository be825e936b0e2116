"""One transformer layer, forward and backward, in the order of execution.

The residual stream and its gradient are float32 and updated in place; everything else is in the working type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from homespun.bases.dense import Layer, Shape
from homespun.training.fused.attention import Arena, Attention, Heads
from homespun.training.fused.buckets import Bucket
from homespun.training.fused.kernels import Kernels
from homespun.training.fused.projection import Member, Projection

Make = Callable[[Tensor, Sequence[Member]], Projection]
Buffers = TypeVar("Buffers", "Kept", "Room")


class Attends(Protocol):
    def forward(self, qkv: Tensor, found: Sequence[Bucket], out: Tensor, arena: Arena) -> list[Heads]:
        """qkv (T, q + 2 kv widths) -> out (T, q width), written in place. Returns what its backward pass needs."""
        ...


@dataclass(slots=True)
class Kept:
    """What the backward pass needs of a layer's forward pass. First dimension: tokens."""

    xhat: Tensor
    rstd: Tensor
    low: Tensor
    mixed: Tensor
    """What attention made, and its low in the spare columns."""
    xhat_2: Tensor
    rstd_2: Tensor
    low_2: Tensor
    gate_up: Tensor
    low_3: Tensor
    arena: Arena
    heads: list[Heads] = field(default_factory=list)
    unnormed: Tensor | None = None
    """q and k before their norm, in the families that have one."""


@dataclass(slots=True)
class Room:
    """Buffers that all layers share: inputs with spare columns, outputs, and the same for gradients. First dimension: tokens."""

    x: Tensor
    h: Tensor
    qkv: Tensor
    y: Tensor
    h_2: Tensor
    a: Tensor
    a_again: Tensor
    grad: Tensor
    grad_low: Tensor
    """`grad` in the working type."""
    grad_mixed: Tensor


def cut(buffers: Buffers, tokens: int) -> Buffers:
    """The first `tokens` rows of every buffer."""
    values = {entry.name: getattr(buffers, entry.name) for entry in fields(buffers)}
    shorter: dict[str, Any] = {name: value[:tokens] for name, value in values.items() if isinstance(value, Tensor)}
    return replace(buffers, **shorter)


class FusedLayer:
    def __init__(self, number: int, layer: Layer, shape: Shape, make: Make) -> None:
        at, q, kv = f"model.layers.{number}.", shape.q_width, shape.kv_width
        self.shape = shape
        self.widths = shape.hidden, shape.intermediate, q
        self.norm, self.norm_2 = layer.norm, layer.norm_2
        self.bias, self.q_norm, self.k_norm = layer.qkv_bias, layer.q_norm, layer.k_norm
        self.qkv = make(layer.qkv, [Member(f"{at}self_attn.{name}_proj", rows) for name, rows in (("q", q), ("k", kv), ("v", kv))])
        self.out = make(layer.out, [Member(f"{at}self_attn.o_proj", shape.hidden)])
        self.gate_up = make(layer.gate_up, [Member(f"{at}mlp.{name}_proj", shape.intermediate) for name in ("gate", "up")])
        self.down = make(layer.down, [Member(f"{at}mlp.down_proj", shape.hidden)])

    @property
    def projections(self) -> tuple[Projection, ...]:
        return self.qkv, self.out, self.gate_up, self.down

    def forward(
        self, added: Tensor | None, room: Room, kept: Kept, found: Sequence[Bucket], attention: Attends, kernels: Kernels
    ) -> Tensor:
        """room.x += added, then this layer. Returns what is to be added next."""
        hidden, wide, q = self.widths
        # ---- attention ----------------------------------------------------------------------------------------------
        kernels.norm(room.x, added, self.norm, room.h[:, :hidden], kept.xhat, kept.rstd, self.shape.eps)
        self.qkv.forward(room.h, kept.low, room.qkv)
        self._adjust(room.qkv, kept)
        kept.heads = attention.forward(room.qkv, found, kept.mixed[:, :q], kept.arena)
        self.out.forward(kept.mixed, None, room.y)
        # ---- feed-forward -------------------------------------------------------------------------------------------
        kernels.norm(room.x, room.y, self.norm_2, room.h_2[:, :hidden], kept.xhat_2, kept.rstd_2, self.shape.eps)
        self.gate_up.forward(room.h_2, kept.low_2, kept.gate_up)
        kernels.swiglu(kept.gate_up, room.a[:, :wide])
        self.down.forward(room.a, kept.low_3, room.y)
        return room.y

    def backward(self, room: Room, kept: Kept, found: Sequence[Bucket], attention: Attention, kernels: Kernels) -> None:
        """room.grad, and room.grad_low, go from this layer's output to its input; gradients of the adapter are added."""
        hidden, wide, q = self.widths
        # ---- feed-forward -------------------------------------------------------------------------------------------
        grad_a = self.down.backward(room.grad_low, room.a)
        kernels.swiglu_back(kept.gate_up, grad_a[:, :wide], room.a_again)
        self.down.accumulate(room.grad_low, grad_a[:, wide:], kept.low_3, room.a_again)
        grad_h = self.gate_up.backward(kept.gate_up, room.h_2)
        self.gate_up.accumulate(kept.gate_up, grad_h[:, hidden:], kept.low_2, kept.xhat_2, self.norm_2)
        kernels.norm_back(room.grad, grad_h[:, :hidden], self.norm_2, kept.xhat_2, kept.rstd_2, room.grad_low)
        # ---- attention ----------------------------------------------------------------------------------------------
        grad_mixed = self.out.backward(room.grad_low, room.grad_mixed)
        self.out.accumulate(room.grad_low, grad_mixed[:, q:], kept.mixed[:, q:], kept.mixed[:, :q])
        attention.backward(grad_mixed[:, :q], found, kept.heads, room.qkv)
        self._adjust_back(room.qkv, kept)
        grad_h = self.qkv.backward(room.qkv, room.h)
        self.qkv.accumulate(room.qkv, grad_h[:, hidden:], kept.low, kept.xhat, self.norm)
        kernels.norm_back(room.grad, grad_h[:, :hidden], self.norm, kept.xhat, kept.rstd, room.grad_low)

    def _adjust(self, qkv: Tensor, kept: Kept) -> None:
        """What only some families do between the projection and the rotation."""
        if self.bias is not None:
            qkv.add_(self.bias)
        if self.q_norm is not None and self.k_norm is not None:
            heads, weight = self._heads_and_norms(qkv)
            kept.unnormed = heads.clone()
            heads.copy_(_unit(heads, self.shape.eps)[0] * weight)

    def _adjust_back(self, grad: Tensor, kept: Kept) -> None:
        if kept.unnormed is not None:
            heads, weight = self._heads_and_norms(grad)
            xhat, rstd = _unit(kept.unnormed, self.shape.eps)
            scaled = heads * weight
            heads.copy_(rstd * (scaled - xhat * (scaled * xhat).mean(-1, keepdim=True)))

    def _heads_and_norms(self, qkv: Tensor) -> tuple[Tensor, Tensor]:
        """The q and k heads, (T, heads + kv_heads, dim), and the weight of each one's norm."""
        assert self.q_norm is not None and self.k_norm is not None
        shape = self.shape
        heads = qkv.view(qkv.shape[0], -1, shape.head_dim)[:, : shape.heads + shape.kv_heads]
        return heads, torch.cat([self.q_norm.expand(shape.heads, -1), self.k_norm.expand(shape.kv_heads, -1)])


def _unit(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """x / rms(x) over the last dimension in float32, and 1 / rms(x)."""
    wide = x.float()
    rstd = torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)
    return wide * rstd, rstd
