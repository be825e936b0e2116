"""Logits -> the next token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from homespun.config import SamplingSection
from homespun.engines.base import penalised


def next_token(
    logits: Tensor,
    sampling: SamplingSection,
    generator: torch.Generator,
    said: Sequence[int] = (),
    stop: int | None = None,
    allowed: Tensor | None = None,
) -> int:
    """Draw a token from (vocabulary,) logits. Temperature 0 takes the likeliest.

    The order is stop bias, grammar, penalties for repetition (Keskar et al. 2019), frequency and presence (as in the OpenAI API),
    temperature, top-k, min-p (Nguyen et al. 2024), top-p (Holtzman et al. 2020).

    Args:
        said: tokens of this reply so far; only they are penalised.
        stop: the stop token.
        allowed: (vocabulary,) bool; the others are not drawn.
    """
    logits = logits.float()
    if sampling.stop_bias and stop is not None:
        logits = logits.clone()
        logits[stop] += sampling.stop_bias
    if allowed is not None:
        logits = logits.masked_fill(~allowed, -torch.inf)
    if said and penalised(sampling):
        logits = _penalised(logits, sampling, said)
    if sampling.temperature == 0:
        return int(logits.argmax())
    probabilities = torch.softmax(logits / sampling.temperature, -1)
    kept = _candidates(probabilities, sampling)
    chosen = torch.multinomial(probabilities[kept], 1, generator=generator)
    return int(kept[chosen])


def _penalised(logits: Tensor, sampling: SamplingSection, said: Sequence[int]) -> Tensor:
    """Repetition divides what is positive and multiplies what is negative; the others are taken off, the one for each time it was said."""
    seen, counts = torch.unique(torch.tensor(said), return_counts=True)
    values = logits[seen]
    values = torch.where(values > 0, values / sampling.repetition_penalty, values * sampling.repetition_penalty)
    return logits.index_put((seen,), values - counts * sampling.frequency_penalty - sampling.presence_penalty)


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
