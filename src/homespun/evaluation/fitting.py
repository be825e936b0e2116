"""How replies are drawn, fitted so that they become as long and as varied as the person's.

Sampling that leaves out unlikely tokens ends replies sooner than the person does, and says the same things again. A bias b on the stop
token's logit multiplies its odds by e^b at every token, so that with rare stops the mean length goes with e^-b: each round corrects b by
the log of the ratio that is left. What min-p leaves out (Nguyen et al. 2024, arXiv 2407.01082) is narrowed until distinct-2 comes near.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from homespun.config import Recipe, SamplingSection
from homespun.engines.base import Writer
from homespun.evaluation.diversity import distinct_n
from homespun.types import Reply

REPLIES = 48
FEWEST = 20
"""Fewer replies say too little about their mean length: then nothing is fitted."""
LONGEST = 96
"""Tokens: longer replies, written and real, count as this long. The last few of a batch would take most of the time."""
ROUNDS = 3
NEAR = 0.15
"""A log ratio of lengths that is near enough: so few replies cannot tell it from none."""
VARIED = 0.95
"""Share of the person's distinct-2 that is asked for. From small models all of it would be nonsense. The gate asks for 0.90 of other
words: an avatar that was fitted to 0.92 had 0.89 there (benchmarks/LOG.md)."""
NARROWED = 0.4
"""What min-p is multiplied with where replies are not varied enough."""
MOST = 4.0
"""Largest bias: beyond, the model was never taught to stop there or to go on there."""


def fit_sampling(engine: Writer, replies: Sequence[Reply], recipe: Recipe) -> SamplingSection:
    """The recipe's sampling with the `stop_bias` and `min_p` at which replies to the same contexts are most like the person's.

    Args:
        engine: with the adapter in it; every round it writes with the same random numbers.
        replies: real ones with their contexts, which the adapter did not learn from and is not judged on.
    """
    tried = recipe.sampling
    if len(replies) < FEWEST:
        return tried
    chosen = random.Random(0).sample(list(replies), min(REPLIES, len(replies)))
    real = [reply.text for reply in chosen]
    best = (math.inf, tried)
    for _ in range(ROUNDS):
        drawn = tried.model_copy(update={"seed": recipe.evaluation.seed, "max_tokens": min(LONGEST, tried.max_tokens)})
        written = [generation.text for generation in engine.generate([reply.context for reply in chosen], drawn)]
        left = math.log(max(1, _tokens(engine, written)) / max(1, _tokens(engine, real)))
        missing = max(0.0, math.log(VARIED / max(0.01, _variety(written, real))))
        best = min(best, (abs(left) + missing, tried), key=lambda one: one[0])
        if abs(left) <= NEAR and not missing:
            break
        bias = max(-MOST, min(MOST, tried.stop_bias + left))
        narrower = round(tried.min_p * (NARROWED if missing else 1), 4)
        tried = tried.model_copy(update={"stop_bias": round(bias, 3), "min_p": narrower})
    return best[1]


def _tokens(engine: Writer, texts: Sequence[str]) -> int:
    return sum(min(LONGEST, engine.count(text)) for text in texts)


def _variety(written: Sequence[str], real: Sequence[str]) -> float:
    """Distinct-2 over that of the real replies, in as many words; 1 where there are none to compare."""
    tokens = min(distinct_n(texts, 1).tokens for texts in (written, real))
    one, other = (distinct_n(texts, 2, tokens).value for texts in (written, real))
    return one / other if one is not None and other else 1.0
