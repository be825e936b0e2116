"""Fitting how replies are drawn."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from homespun.config import Recipe, SamplingSection
from homespun.engines.base import Generation
from homespun.evaluation.diversity import distinct_n
from homespun.evaluation.fitting import FEWEST, MOST, fit_sampling
from homespun.types import Reply, Turn


class Geometric:
    """Writes replies that stop after each word with fixed odds, moved by the bias, as sampling moves them."""

    def __init__(self, stop: float) -> None:
        self.logit = math.log(stop / (1 - stop))

    def generate(self, conversations: Sequence[Sequence[Turn]], sampling: SamplingSection) -> list[Generation]:
        stop = 1 / (1 + math.exp(-self.logit - sampling.stop_bias))
        draws = [random.Random(f"{sampling.seed}/{index}").random() for index in range(len(conversations))]
        return [Generation("word " * min(sampling.max_tokens, 1 + int(math.log(draw) / math.log(1 - stop))), True) for draw in draws]

    def count(self, text: str) -> int:
        return len(text.split())


def real(number: int, mean: int) -> list[Reply]:
    return [Reply(f"c{index}", (Turn("user", "and?"),), "so " * (mean // 2 if index % 2 else mean + mean // 2)) for index in range(number)]


@pytest.mark.parametrize("stop", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("mean", [4, 12, 30])
def test_replies_become_as_long_as_the_persons(stop: float, mean: int) -> None:
    """Five times too short, five times too long or just right: within three tenths on other replies, fitted on 48."""
    engine = Geometric(stop)
    fitted = fit_sampling(engine, real(96, mean), Recipe())
    written = engine.generate([()] * 2000, fitted.model_copy(update={"seed": 99}))
    assert sum(len(one.text.split()) for one in written) / 2000 == pytest.approx(mean, rel=0.3)


def test_a_handful_of_replies_fits_nothing() -> None:
    assert fit_sampling(Geometric(0.5), real(FEWEST - 1, 40), Recipe()) == Recipe().sampling


def test_the_bias_stays_within_what_a_model_was_taught() -> None:
    assert fit_sampling(Geometric(0.999999), real(40, 40), Recipe()).stop_bias >= -MOST


class Parrot:
    """Draws each word from the first of its words, as many as min-p leaves."""

    def generate(self, conversations: Sequence[Sequence[Turn]], sampling: SamplingSection) -> list[Generation]:
        words = 2 + int(0.4 / (sampling.min_p + 1e-3))
        chance = random.Random(sampling.seed)
        return [Generation(" ".join(f"w{chance.randrange(words)}" for _ in range(20)), True) for _ in conversations]

    count = Geometric.count


def test_replies_become_as_varied_as_the_persons() -> None:
    """And no more than that: what is unlikely is mostly nonsense."""
    chance = random.Random(1)
    texts = [" ".join(f"w{chance.randrange(60)}" for _ in range(20)) for _ in range(60)]
    said = [Reply(f"c{index}", (Turn("user", "and?"),), text) for index, text in enumerate(texts)]
    asked = Recipe().with_sampling(min_p=0.05)
    fitted = fit_sampling(Parrot(), said, asked)
    written = [one.text for one in Parrot().generate([()] * 60, fitted)]
    assert 0 < fitted.min_p < 0.05
    assert distinct_n(written, 2, 900).value == pytest.approx(distinct_n(texts, 2, 900).value, rel=0.15)
