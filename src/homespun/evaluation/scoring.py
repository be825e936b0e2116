"""Likelihoods by forward passes: of a person's replies after their true history, and of plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from homespun.bases.template import Rendered, Template
from homespun.evaluation.likelihood import ScoredReply
from homespun.training.batches import collate, in_order
from homespun.training.step import Step
from homespun.types import Example

SCORED_TOKENS = 2048
"""Tokens per forward pass."""

Weights = Mapping[str, Tensor]


def score(scorer: Step, template: Template, weights: Weights | None, examples: Sequence[Example]) -> list[ScoredReply]:
    """Every target reply's likelihood, in the order of the examples. `weights`: an adapter's, or None for the base."""
    scorer.adapter.set(weights)
    rows = score_rows(scorer, [template.render(example.turns) for example in examples])
    return [ScoredReply(example.conversation, *values) for example, row in zip(examples, rows, strict=True) for values in row]


def score_texts(scorer: Step, template: Template, weights: Weights | None, texts: Sequence[str]) -> list[tuple[float, int]]:
    """(negative log-likelihood in nats, tokens) of each text by itself, without any chat around it. Empty texts have no tokens."""
    scorer.adapter.set(weights)
    found = score_rows(scorer, [_plain(template, text) for text in texts])
    return [row[0] if row else (0.0, 0) for row in found]


def score_rows(scorer: Step, rows: Sequence[Rendered]) -> list[list[tuple[float, int]]]:
    """(negative log-likelihood in nats, tokens) of every target of every row, with the adapter that is set."""
    scored: dict[int, list[tuple[float, int]]] = {}
    for part in in_order([len(row) for row in rows], SCORED_TOKENS):
        batch = collate([rows[index] for index in part])
        nll = scorer.score(batch).double()
        sums = torch.zeros(batch.replies, dtype=torch.float64).index_add_(0, batch.reply, nll)
        tokens = torch.bincount(batch.reply, minlength=batch.replies)
        values = zip(sums.tolist(), tokens.tolist(), strict=True)
        for index in part:
            scored[index] = [next(values) for _ in range(max(rows[index].target, default=0))]
    return [scored[index] for index in range(len(rows))]


def pooled(scored: Sequence[ScoredReply]) -> float:
    """Nats per token over all tokens."""
    return sum(reply.nll for reply in scored) / sum(reply.tokens for reply in scored)


def _plain(template: Template, text: str) -> Rendered:
    """A stop token comes first, so that the text's own first token has something to be predicted from."""
    ids = template.ids(text)
    return Rendered([template.stop_id, *ids], [0] + [1] * len(ids))
