from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.evaluation.bootstrap import Interval, mean, ratio_of_sums

Rows = list[tuple[float, int, str]]
rows = st.lists(st.tuples(st.floats(-50, 50), st.integers(1, 40), st.sampled_from("abcdefgh")), min_size=1, max_size=40)


def measure(items: Rows) -> Interval:
    numerators, denominators, clusters = zip(*items, strict=True)
    return ratio_of_sums(numerators, denominators, clusters, draws=200)


@settings(deadline=None, max_examples=50)
@given(rows, st.randoms())
def test_the_value_is_exact_and_no_order_of_the_items_changes_anything(items: Rows, random: Random) -> None:
    interval = measure(items)
    assert interval.value == pytest.approx(sum(row[0] for row in items) / sum(row[1] for row in items), abs=1e-9)
    assert (interval.n, interval.clusters) == (len(items), len({row[2] for row in items}))
    again = measure(random.sample(items, len(items)))
    assert (again.low, again.high) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_intervals_cover_the_truth_about_95_times_in_100_where_replies_resemble_their_conversation() -> None:
    """Treating the replies as independent covers it far less often: why whole conversations are redrawn."""
    truth, covered, naive = 0.3, 0, 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        clusters = np.repeat(np.arange(50), rng.integers(1, 15, size=50))
        tokens = rng.integers(1, 20, size=len(clusters))
        per_token = truth + rng.normal(size=50)[clusters] + rng.normal(size=len(clusters))
        interval = ratio_of_sums(per_token * tokens, tokens, [str(c) for c in clusters], draws=500, seed=seed)
        alone = ratio_of_sums(per_token * tokens, tokens, [str(i) for i in range(len(tokens))], draws=500, seed=seed)
        covered += interval.low <= truth <= interval.high
        naive += alone.low <= truth <= alone.high
    assert 0.90 <= covered / 300 <= 0.98
    assert naive / 300 < 0.75


def test_one_conversation_says_nothing_of_the_spread_and_json_says_so() -> None:
    interval = mean([1.0, 0.0], ["a", "a"])
    assert (interval.value, interval.low, interval.high) == (0.5, -math.inf, math.inf)
    assert interval.as_dict() == {"value": 0.5, "low": None, "high": None, "n": 2, "clusters": 1}


def test_printed_as_people_quote_it() -> None:
    interval = Interval(0.3123, 0.2214, 0.4016, n=500, clusters=40)
    assert str(interval) == "0.312 [0.221, 0.402]"
    assert f"{interval:.1%}" == "31.2% [22.1%, 40.2%]"


@pytest.mark.parametrize(
    ("numerators", "denominators", "clusters", "complaint"),
    [
        ([], [], [], "no"),
        ([1.0], [0.0], ["a"], "denominators"),
        ([1.0, 1.0], [2.0, -1.0], ["a", "b"], "denominators"),
        ([math.nan], [1.0], ["a"], "not finite"),
        ([1.0, 2.0], [1.0, 1.0], ["a"], "2 items but 1"),
    ],
)
def test_nothing_to_measure_is_an_error(numerators: list[float], denominators: list[float], clusters: list[str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ratio_of_sums(numerators, denominators, clusters)
