"""Logits -> the next token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from homespun.config import SamplingSection


def next_token(
    logits: Tensor, sampling: SamplingSection, generator: torch.Generator, said: Sequence[int] = (), stop: int | None = None
) -> int:
    """Draw a token from (vocabulary,) logits. Temperature 0 takes the likeliest.

    The order is stop bias, repetition penalty (Keskar et al. 2019), temperature, top-k, min-p (Nguyen et al. 2024), top-p (Holtzman
    et al. 2020).

    Args:
        said: tokens of this reply so far; only they are penalised.
        stop: the stop token.
    """
    logits = logits.float()
    if sampling.stop_bias and stop is not None:
        logits = logits.clone()
        logits[stop] += sampling.stop_bias
    if sampling.repetition_penalty != 1.0 and said:
        seen = torch.tensor(sorted(set(said)))
        values = logits[seen]
        logits = logits.clone()
        logits[seen] = torch.where(values > 0, values / sampling.repetition_penalty, values * sampling.repetition_penalty)
    if sampling.temperature == 0:
        return int(logits.argmax())
    probabilities = torch.softmax(logits / sampling.temperature, -1)
    kept = _candidates(probabilities, sampling)
    chosen = torch.multinomial(probabilities[kept], 1, generator=generator)
    return int(kept[chosen])


def _candidates(probabilities: Tensor, sampling: SamplingSection) -> Tensor:
    """Ids of the tokens that may be drawn, likeliest first."""
    kept = torch.nonzero(probabilities >= sampling.min_p * probabilities.max())[:, 0]
    kept = kept[torch.argsort(probabilities[kept], descending=True, stable=True)]
    if sampling.top_k:
        kept = kept[: sampling.top_k]
    if sampling.top_p < 1:
        reached = torch.cumsum(probabilities[kept], -1)
        # The token that crosses the border is still in.
        kept = kept[: int((reached < sampling.top_p).sum()) + 1]
    return kept
