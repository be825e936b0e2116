"""How long replies become: fitted, because sampling that leaves out unlikely tokens ends replies sooner than the person does.

A bias b on the stop token's logit multiplies its odds by e^b at every token, so that with rare stops the mean length goes with e^-b: each
round corrects b by the log of the ratio that is left.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from homespun.config import Recipe
from homespun.engines.base import Engine
from homespun.types import Reply

REPLIES = 48
FEWEST = 20
"""Fewer replies say too little about their mean length: then nothing is fitted."""
LONGEST = 96
"""Tokens: longer replies, written and real, count as this long. The last few of a batch would take most of the time."""
ROUNDS = 3
NEAR = 0.15
"""A log ratio that is near enough: so few replies cannot tell it from none."""
MOST = 4.0
"""Largest bias: beyond, the model was never taught to stop there or to go on there."""


def fit_stop_bias(engine: Engine, replies: Sequence[Reply], recipe: Recipe) -> float:
    """The bias with which the engine's replies have the mean length of the person's own to the same contexts, in tokens.

    Args:
        engine: with the adapter in it; every round it writes with the same random numbers.
        replies: real ones with their contexts, which the adapter did not learn from and is not judged on.
    """
    if len(replies) < FEWEST:
        return recipe.sampling.stop_bias
    chosen = random.Random(0).sample(list(replies), min(REPLIES, len(replies)))
    wanted = sum(min(LONGEST, engine.count(reply.text)) for reply in chosen)
    best, bias = (math.inf, recipe.sampling.stop_bias), recipe.sampling.stop_bias
    for _ in range(ROUNDS):
        most = min(LONGEST, recipe.sampling.max_tokens)
        sampling = recipe.with_sampling(stop_bias=bias, seed=recipe.evaluation.seed, max_tokens=most).sampling
        written = engine.generate([reply.context for reply in chosen], sampling)
        left = math.log(max(1, sum(engine.count(generation.text) for generation in written)) / max(1, wanted))
        best = min(best, (abs(left), bias))
        if abs(left) <= NEAR:
            break
        bias = max(-MOST, min(MOST, bias + left))
    return round(best[1], 3)
