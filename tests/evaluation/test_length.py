"""Fitting how long replies become."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

import pytest

from homespun.config import Recipe, SamplingSection
from homespun.engines.base import Generation
from homespun.evaluation.length import FEWEST, MOST, fit_stop_bias
from homespun.types import Reply, Turn


class Geometric:
    """Writes replies that stop after each word with fixed odds, moved by the bias, as sampling moves them."""

    def __init__(self, stop: float) -> None:
        self.logit = math.log(stop / (1 - stop))

    def generate(self, conversations: Sequence[Sequence[Turn]], sampling: SamplingSection) -> list[Generation]:
        stop = 1 / (1 + math.exp(-self.logit - sampling.stop_bias))
        draws = [random.Random(f"{sampling.seed}/{index}").random() for index in range(len(conversations))]
        return [Generation("word " * min(sampling.max_tokens, 1 + int(math.log(draw) / math.log(1 - stop))), True) for draw in draws]

    def stream(self, turns: Sequence[Turn], sampling: SamplingSection) -> Iterator[str]:
        raise AssertionError("replies are written side by side")

    def count(self, text: str) -> int:
        return len(text.split())

    def close(self) -> None: ...


def real(number: int, mean: int) -> list[Reply]:
    return [Reply(f"c{index}", (Turn("user", "and?"),), "so " * (mean // 2 if index % 2 else mean + mean // 2)) for index in range(number)]


@pytest.mark.parametrize("stop", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("mean", [4, 12, 30])
def test_replies_become_as_long_as_the_persons(stop: float, mean: int) -> None:
    """Five times too short, five times too long or just right: within three tenths on other replies, fitted on 48."""
    engine = Geometric(stop)
    bias = fit_stop_bias(engine, real(96, mean), Recipe())
    written = engine.generate([()] * 2000, SamplingSection(stop_bias=bias, seed=99))
    assert sum(len(one.text.split()) for one in written) / 2000 == pytest.approx(mean, rel=0.3)


def test_a_handful_of_replies_fits_nothing() -> None:
    assert fit_stop_bias(Geometric(0.5), real(FEWEST - 1, 40), Recipe()) == 0


def test_the_bias_stays_within_what_a_model_was_taught() -> None:
    assert fit_stop_bias(Geometric(0.999999), real(40, 40), Recipe()) >= -MOST
