"""How long replies become: fitted, because sampling that leaves out unlikely tokens ends replies sooner than the person does.

A bias b on the stop token's logit divides its odds by e^-b at every token, so that with rare stops the mean length goes with e^-b: each
round corrects b by the log of the ratio that is left.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from homespun.config import Recipe
from homespun.engines.base import Engine
from homespun.evaluation.diversity import words
from homespun.types import Reply

REPLIES = 96
FEWEST = 20
"""Fewer replies say too little about their mean length: then nothing is fitted."""
ROUNDS = 4
NEAR = 0.08
"""A log ratio that is near enough, well inside what so many replies can tell."""
MOST = 4.0
"""Largest bias: beyond, the model was never taught to stop there or to go on there."""


def fit_stop_bias(engine: Engine, replies: Sequence[Reply], recipe: Recipe) -> float:
    """The bias with which the engine's replies have the mean length of the person's own to the same contexts, in words.

    Args:
        engine: with the adapter in it; every round it writes with the same random numbers.
        replies: real ones with their contexts, which the adapter did not learn from and is not judged on.
    """
    if len(replies) < FEWEST:
        return recipe.sampling.stop_bias
    chosen = random.Random(0).sample(list(replies), min(REPLIES, len(replies)))
    wanted = sum(len(words(reply.text)) for reply in chosen)
    best, bias = (math.inf, recipe.sampling.stop_bias), recipe.sampling.stop_bias
    for _ in range(ROUNDS):
        sampling = recipe.with_sampling(stop_bias=bias, seed=recipe.evaluation.seed).sampling
        written = engine.generate([reply.context for reply in chosen], sampling)
        left = math.log(max(1, sum(len(words(generation.text)) for generation in written)) / max(1, wanted))
        best = min(best, (abs(left), bias))
        if abs(left) <= NEAR:
            break
        bias = max(-MOST, min(MOST, bias + left))
    return round(best[1], 3)
