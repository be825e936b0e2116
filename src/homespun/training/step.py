"""One step's loss and gradients. The loop, the checkpoints and the evaluation know only the protocol."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from homespun.bases.adapter import FlatAdapter
from homespun.bases.attention import Layout
from homespun.bases.load import flat_attention
from homespun.training.batches import Batch, rounded

HEAD_ROWS = 256
"""Rows of the vocabulary projection at a time: their logits stay in the cache and never exist all at once."""


class Step(Protocol):
    """What training needs of a model."""

    @property
    def adapter(self) -> FlatAdapter:
        """What learns."""
        ...

    def loss_and_gradients(self, batch: Batch, denominator: float) -> float:
        """Adds d(loss)/d(adapter) to the adapter's gradient, loss being sum(weight · nll) / denominator. Returns the loss."""
        ...

    def score(self, batch: Batch) -> Tensor:
        """(S,) float32: the negative log-likelihood in nats of every supervised token."""
        ...


class AutogradStep:
    """Any `transformers` causal language model, on any device; the reference for every faster step."""

    def __init__(self, model: Any, adapter: FlatAdapter) -> None:
        self.model, self.adapter = model, adapter

    def loss_and_gradients(self, batch: Batch, denominator: float) -> float:
        with flat_attention(self.model):
            hidden = self._hidden(batch)
            labels, weight = rounded(batch.labels), rounded(batch.weight / denominator)
            loss: Tensor = _HeadLoss.apply(hidden, self._head(), labels, weight)  # type: ignore[no-untyped-call]
            loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    @torch.no_grad()
    def score(self, batch: Batch) -> Tensor:
        with flat_attention(self.model):
            hidden, labels = self._hidden(batch), rounded(batch.labels)
        nll = [
            torch.nn.functional.cross_entropy((rows @ self._head().t()).float(), chosen, reduction="none")
            for rows, chosen in zip(torch.split(hidden, HEAD_ROWS), torch.split(labels, HEAD_ROWS), strict=True)
        ]
        return torch.cat(nll)[: batch.labels.numel()]

    def _hidden(self, batch: Batch) -> Tensor:
        """Last hidden states at supervised positions only, (S rounded up, hidden); the rest never meets the vocabulary."""
        out = self.model.base_model(
            input_ids=batch.ids.unsqueeze(0),
            position_ids=batch.positions.unsqueeze(0),
            attention_mask=_NO_MASK,
            use_cache=False,
            layout=Layout(batch.lengths),
        )
        hidden: Tensor = out.last_hidden_state[0]
        return hidden.index_select(0, rounded(batch.supervised))

    def _head(self) -> Tensor:
        weight: Tensor = self.model.get_output_embeddings().weight
        return weight


_NO_MASK = torch.zeros(1, 1, 1, 1)
"""transformers passes a four-dimensional mask through untouched, and ours is never read: the layout says who sees whom."""


class _HeadLoss(torch.autograd.Function):
    """Weighted cross entropy of a frozen vocabulary projection.

    The gradient for the hidden states is made in the forward pass, chunk by chunk, while the logits are there: nothing is recomputed and
    no (S, vocabulary) tensor is kept. Softmax and loss in float32.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Tensor, labels: Tensor, weight: Tensor) -> Tensor:
        total = torch.zeros((), dtype=torch.float32)
        grad = torch.empty_like(hidden)
        for start in range(0, hidden.shape[0], HEAD_ROWS):
            rows = slice(start, start + HEAD_ROWS)
            logits = (hidden[rows] @ head.t()).float()
            log_z = torch.logsumexp(logits, -1)
            picked = logits.gather(1, labels[rows, None])[:, 0]
            total += ((log_z - picked) * weight[rows]).sum()
            # d(nll)/d(logits) = softmax - onehot, written over the logits.
            logits.sub_(log_z[:, None]).exp_()
            logits.scatter_add_(1, labels[rows, None], -torch.ones_like(picked)[:, None])
            logits.mul_(weight[rows, None])
            torch.mm(logits.to(hidden.dtype), head, out=grad[rows])
        ctx.save_for_backward(grad)
        return total

    @staticmethod
    def backward(ctx: Any, grad_loss: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = ctx.saved_tensors
        return grad * grad_loss.to(grad.dtype), None, None, None
