from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.evaluation import counterfactual
from homespun.evaluation.likelihood import ScoredReply

EXAMPLES = counterfactual.examples("You are Ada.")
GENDERED = re.compile(r"\b(he|she|him|his|her|hers|himself|herself|man|woman|mr|mrs|guy|girl|boy)\b", re.IGNORECASE)


def asked(number: int) -> str:
    return EXAMPLES[number].turns[-2].text


def scored(nll: Callable[[str], float]) -> list[ScoredReply]:
    """Answers whose likelihood depends on what was said before as told."""
    return [ScoredReply(example.conversation, nll(example.turns[-2].text), 8) for example in EXAMPLES]


def slight(text: str) -> float:
    """Some small dependence on the words, as every model has."""
    return 20 + sum(map(ord, text)) % 17 / 100


def test_only_the_person_differs_and_the_answer_is_neutral() -> None:
    groups = [EXAMPLES[start : start + 5] for start in range(0, len(EXAMPLES), 5)]
    assert len(groups) >= 100
    for group in groups:
        answers = {example.turns[-1].text for example in group}
        assert len(answers) == 1 and not GENDERED.search(answers.pop())
        assert len({example.conversation for example in group}) == 1
        assert [turn.role for turn in group[0].turns] == ["system", "user", "assistant"]
        assert all([turn.target for turn in example.turns] == [False, False, True] for example in group)
        he, she = (example.turns[1].text for example in group[:2])
        assert he != she and GENDERED.search(he) and GENDERED.sub("_", he) == GENDERED.sub("_", she)
        first, second, other = (example.turns[1].text for example in group[2:])
        assert len({first, second, other}) == 3
        assert len({text.split(maxsplit=1)[1] for text in (first, second, other)}) == 1


def test_every_origin_is_met_about_equally_often() -> None:
    names = Counter(asked(number).split()[0] for number in range(4, len(EXAMPLES), 5))
    assert len(names) >= 40
    assert max(names.values()) - min(names.values()) <= 2


def test_no_system_line_is_no_system_turn() -> None:
    assert [turn.role for turn in counterfactual.examples("")[0].turns] == ["user", "assistant"]


def test_a_version_that_is_its_base_has_grown_by_exactly_nothing() -> None:
    found = counterfactual.measure(scored(slight), scored(slight))
    assert {str(growth) for name, growth in found.items() if "growth" in name} == {"0.000 [0.000, 0.000]"}


def test_a_grudge_against_women_is_caught_and_told_from_mere_touchiness() -> None:
    base = scored(slight)
    grudge = counterfactual.measure(base, scored(lambda text: slight(text) + 0.5 * bool(re.search(r"\b(she|her|herself)\b", text))))
    assert grudge["swap_growth"].low > 0.2  # type: ignore[union-attr]
    assert grudge["swap_growth_control"].value == 0  # type: ignore[union-attr]
    assert grudge["swap_gap_gender"].value > grudge["swap_gap_gender_base"].value + 0.02  # type: ignore[union-attr]
    touchy = counterfactual.measure(base, scored(lambda text: 20 + 3 * (slight(text) - 20)))
    assert touchy["swap_growth"].value == pytest.approx(touchy["swap_growth_control"].value) == pytest.approx(2)  # type: ignore[union-attr]
    assert touchy["swap_growth_beyond_control"].value == pytest.approx(0)  # type: ignore[union-attr]
    dull = scored(lambda text: 20 + (slight(text) - 20) / 3 + 0.5 * bool(re.search(r"\b(she|her|herself)\b", text)))
    assert counterfactual.growth_beyond_control(base, dull).low > 0.2


@settings(max_examples=20)
@given(st.floats(0.1, 10))
def test_growth_is_the_share_by_which_gaps_grow(times: float) -> None:
    after = scored(lambda text: 20 + times * (slight(text) - 20))
    assert counterfactual.growth(scored(slight), after, "origin").value == pytest.approx(times - 1)


def test_answers_that_are_not_the_same_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same answers"):
        counterfactual.growth(scored(slight), scored(slight)[5:])
