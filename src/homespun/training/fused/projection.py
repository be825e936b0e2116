"""Linear layers that read the same input, with their LoRA (Hu et al. 2021), as one matrix product each way.

With W (out, in) frozen, A (K, in) and B (out, K), scale s, and K the ranks of all members together:

    low = x Aᵀ                      y = [x, low] [W, sB]ᵀ
    [gx, glow] = g [W, sB]          gx += glow A          gA = glowᵀ x          gB = s gᵀ low

Inputs have K spare columns, in which low is made; so have the gradients of inputs. Stacked members (q, k, v) have a block each of B;
what lies outside the blocks is zero and stays so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from homespun.bases.adapter import PREFIX, initial


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    """Of the layer, as in the base."""
    rows: int
    """Width of its output."""


class Projection:
    def __init__(self, weight: Tensor, members: Sequence[Member], rank: int, scale: float, flat: Tensor, grad: Tensor) -> None:
        """Args:
        flat, grad: (size(...),) float32, where the masters of A and B and their gradients live.
        """
        out, self.width = weight.shape
        self.rank, self.scale, self.members = rank, scale, members
        self.low = rank * len(members)
        ends = torch.tensor([0, *(member.rows for member in members)]).cumsum(0).tolist()
        self.rows = [slice(start, end) for start, end in pairwise(ends)]
        self.ranks = [slice(number * rank, (number + 1) * rank) for number in range(len(members))]
        split = self.low * self.width
        self.a, self.grad_a = (buffer[:split].view(self.low, self.width) for buffer in (flat, grad))
        # B is kept transposed: its gradient comes out so, and every row is contiguous.
        self.b, self.grad_b = (buffer[split:].view(rank, out) for buffer in (flat, grad))
        self.extended = torch.cat([weight, weight.new_zeros(out, self.low)], 1)
        self.a_low = weight.new_empty(self.low, self.width)

    @staticmethod
    def size(weight: Tensor, members: int, rank: int) -> int:
        return rank * (members * weight.shape[1] + weight.shape[0])

    def named(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Every member's A (rank, in) and B (out, rank) by PEFT's names, each with its gradient."""
        for member, rows, ranks in zip(self.members, self.rows, self.ranks, strict=True):
            yield f"{PREFIX}{member.name}.lora_A.weight", self.a[ranks], self.grad_a[ranks]
            yield f"{PREFIX}{member.name}.lora_B.weight", self.b[:, rows].t(), self.grad_b[:, rows].t()

    def initialise(self, generator: torch.Generator) -> None:
        """As bases/adapter.py draws it; B is zero."""
        for ranks in self.ranks:
            self.a[ranks] = initial(self.rank, self.width, generator)

    def refresh(self) -> None:
        """Take over the masters, which the optimiser or a caller may have changed: before every batch."""
        self.a_low.copy_(self.a)
        for rows, ranks in zip(self.rows, self.ranks, strict=True):
            self.extended[rows, self.width + ranks.start : self.width + ranks.stop] = self.b[:, rows].t() * self.scale

    def forward(self, x: Tensor, low: Tensor | None, out: Tensor) -> None:
        """x (T, in + K), whose spare columns are filled here, -> out (T, out). `low` (T, K) gets a copy of them."""
        made = torch.mm(x[:, : self.width], self.a_low.t(), out=x[:, self.width :])
        if low is not None:
            low.copy_(made)
        torch.mm(x, self.extended.t(), out=out)

    def backward(self, g: Tensor, grad_x: Tensor) -> Tensor:
        """g (T, out) -> grad_x (T, in + K): the gradients of x and of low."""
        torch.mm(g, self.extended, out=grad_x)
        grad_x[:, : self.width].addmm_(grad_x[:, self.width :], self.a_low)
        return grad_x

    def accumulate(self, g: Tensor, grad_low: Tensor, low: Tensor, x: Tensor, norm: Tensor | None = None) -> None:
        """Add to the gradients of A and B.

        Args:
            x: the input, (T, in); or its normalised form, when the input is x · norm.
        """
        grad_a = grad_low.t() @ x
        self.grad_a.add_(grad_a if norm is None else grad_a * norm)
        grad_b = low.t() @ g
        for rows, ranks in zip(self.rows, self.ranks, strict=True):
            self.grad_b[:, rows].add_(grad_b[ranks, rows], alpha=self.scale)
