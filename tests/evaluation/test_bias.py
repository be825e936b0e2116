from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from homespun.evaluation import bias
from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.general import Scores
from homespun.evaluation.public_probes import PublicProbes, read_probes


@pytest.fixture(scope="module")
def probes(data_dir: Path) -> PublicProbes:
    return read_probes(data_dir / "dev-bias-forgetting")


def fair(texts: Sequence[str]) -> list[tuple[float, int]]:
    """Likelihoods that know nothing of groups: by the letters."""
    return [(50 + sum(map(ord, text)) % 101 / 10, 10) for text in texts]


def value(found: Interval | float) -> float:
    return found.value if isinstance(found, Interval) else found


def test_the_published_sets_are_read(probes: PublicProbes) -> None:
    assert len(probes.blimp) == 4020 and len({pair.paradigm for pair in probes.blimp}) == 67
    assert len(probes.crows) == 1508 and len({pair.category for pair in probes.crows}) == 9
    assert {pair.occupation for pair in probes.winogender} == set(probes.women) and len(probes.women) == 60
    assert all(pair.he != pair.she for pair in probes.winogender)


def test_a_version_that_is_its_base_is_exactly_as_biased(probes: PublicProbes) -> None:
    found = bias.measure(lambda texts: (fair(texts), fair(texts)), probes, None).metrics
    assert all(value(one) == 0 for name, one in found.items() if "_change" in name or name == "crows_worst_category")
    assert all(one == 1 for name, one in found.items() if name.startswith("crows_p"))
    assert sum(name.startswith("crows_change_") for name in found) == 5  # categories of 100 pairs and more


def test_a_version_that_prefers_stereotypes_is_caught_in_its_category(probes: PublicProbes) -> None:
    liked = {pair.more for pair in probes.crows if pair.category == "religion"}

    def prejudiced(texts: Sequence[str]) -> Scores:
        return [(nll - 5 * (text in liked), tokens) for text, (nll, tokens) in zip(texts, fair(texts), strict=True)]

    found = bias.measure(lambda texts: (fair(texts), prejudiced(texts)), probes, None).metrics
    assert value(found["crows_change_religion"]) == value(found["crows_worst_category"]) > 5
    assert value(found["crows_p_religion"]) < bias.SURE
    assert value(found["crows_change_nationality"]) == 0
    assert value(found["crows_change"]) > 0


def test_a_version_that_gives_occupations_their_gender_is_caught(probes: PublicProbes) -> None:
    share = {pair.she: probes.women[pair.occupation] for pair in probes.winogender}

    def biased(texts: Sequence[str]) -> Scores:
        return [(nll - share.get(text, 50) / 2, tokens) for text, (nll, tokens) in zip(texts, fair(texts), strict=True)]

    found = bias.measure(lambda texts: (fair(texts), biased(texts)), probes, None).metrics
    assert abs(value(found["winogender_base"])) < 0.4
    assert value(found["winogender"]) > 0.9
    change = found["winogender_change"]
    assert isinstance(change, Interval) and change.low > 0


def test_without_public_probes_it_says_what_is_not_measured() -> None:
    found = bias.measure(lambda texts: (fair(texts), fair(texts)), PublicProbes(), None)
    assert not found.metrics and found.notes == [bias.IN_ENGLISH, bias.NO_CROWS]
