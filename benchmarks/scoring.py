"""The held-out loss of a peer on torch, the same arithmetic for each."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from job import IGNORED, Row, labels


@torch.no_grad()
def nats_per_token(logits: Callable[[Tensor], Tensor], rows: list[Row]) -> float:
    """Over all supervised tokens of `rows`. `logits` maps ids (1, T) to (1, T, vocabulary); one row at a time, so nothing is padded."""
    total, count = 0.0, 0
    for row in rows:
        wanted = torch.tensor(labels(row)[1:])
        kept = wanted != IGNORED
        found = logits(torch.tensor([row["ids"]]))[0, :-1][kept].float()
        total += float(torch.nn.functional.cross_entropy(found, wanted[kept], reduction="sum"))
        count += int(kept.sum())
    return total / max(1, count)
