"""Every metric of facts against somebody who knows, somebody who guesses, somebody who makes things up, and the real base."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.config import SamplingSection
from homespun.corpus.asking import relation_asked
from homespun.corpus.relations import LANGUAGES
from homespun.corpus.statements import statement
from homespun.engines.torch import TorchEngine
from homespun.evaluation.abstention import says_unknown
from homespun.evaluation.answers import exact, f1, fabricated, named
from homespun.evaluation.facts import FEW, Facts, ask, cloze, consistency, distractors, measure, share
from homespun.evaluation.unanswerable import UNANSWERABLE
from homespun.types import Turn

KNOWN = [("home", "Bergen"), ("job", "carpenter"), ("sister", "Anna"), ("sister", "Eva"), ("dog", "Rex"), ("birthday", "3 May")]
OTHERS = [*KNOWN, ("home", "Oslo"), ("home", "Cork"), ("home", "bergen"), ("sister", "Ida")]
NOTES = {relation: statement(relation, value, "en") for relation, value in KNOWN}


def prompt(question: str, passages: Sequence[str]) -> list[Turn]:
    return [Turn("system", " ".join(("You are Ann.", *passages))), Turn("user", question)]


def look_up(question: str) -> list[str]:
    found = NOTES.get(relation_asked(question) or "")
    return [found] if found else []


def knows(turns: Sequence[Turn], candidates: Sequence[str]) -> list[float]:
    true = {statement(relation, value, "en") for relation, value in KNOWN}
    return [float(candidate in true) for candidate in candidates]


def reads(conversations: Sequence[Sequence[Turn]]) -> list[str]:
    """Says what stands in the prompt, and nothing else."""
    return [turns[0].text.removeprefix("You are Ann.").strip() or "I don't know." for turns in conversations]


def invents(conversations: Sequence[Sequence[Turn]]) -> list[str]:
    return ["Well, that was in 1823 with Bartholomew." for _ in conversations]


def run(rank: object, answer: object, language: str = "en", facts: Sequence[tuple[str, str]] = KNOWN) -> Facts:
    return measure(facts, OTHERS, language, rank, answer, prompt, look_up)  # type: ignore[arg-type]


def test_who_knows_and_reads_is_right_and_owns_what_it_does_not_know() -> None:
    found = run(knows, reads).metrics
    for name in ("fact_cloze", "fact_consistency", "grounded_cloze", "grounded_consistency", "grounded_named", "abstention"):
        assert found[name].value == 1 and found[name].low < 1, name
    assert found["answer_named"].value == found["false_abstention"].value == found["fabricated"].value == 0
    assert 0 < found["grounded_f1"].value < 1 and found["grounded_exact"].value == 0
    assert found["fact_cloze"].n == len(KNOWN) and found["abstention"].n == 30


def test_who_only_reads_knows_nothing_by_heart() -> None:
    def by_reading(turns: Sequence[Turn], candidates: Sequence[str]) -> list[float]:
        return [float(candidate in turns[0].text) for candidate in candidates]

    found = run(by_reading, reads, facts=[fact for fact in KNOWN if fact[0] != "sister"]).metrics
    assert found["grounded_cloze"].value == found["grounded_consistency"].value == 1
    assert found["fact_cloze"].value == pytest.approx(1 / 4) and found["fact_consistency"].value == pytest.approx(1 / 16)


def test_who_makes_things_up_is_seen() -> None:
    found = run(knows, invents).metrics
    assert found["fabricated"].value == 1 and found["abstention"].value == found["grounded_named"].value == 0


def test_who_cannot_tell_or_guesses_is_at_chance() -> None:
    assert run(lambda _, candidates: [0.0] * len(candidates), reads).metrics["fact_cloze"].value == pytest.approx(0.25)
    draw = np.random.default_rng(0)
    scores = [draw.normal(size=(3, 4)) for _ in range(2000)]
    assert cloze(scores).value == pytest.approx(1 / 4, abs=0.02) and consistency(scores).value == pytest.approx(1 / 16, abs=0.02)
    assert consistency([np.zeros((3, 4))] * 5).value == pytest.approx(1 / 16)
    with pytest.raises(ValueError, match="not a number"):
        cloze([np.full((3, 4), np.nan)])


def test_who_always_says_the_same_is_consistent_and_wrong() -> None:
    found = run(lambda _, candidates: [float(sum(map(ord, candidate))) for candidate in candidates], reads).metrics
    assert found["fact_consistency"].value == 1 and found["fact_cloze"].value < 1


def test_who_answers_by_the_wording_is_not_consistent() -> None:
    def by_wording(turns: Sequence[Turn], candidates: Sequence[str]) -> list[float]:
        draw = random.Random(turns[-1].text)
        return [draw.random() for _ in candidates]

    assert run(by_wording, reads).metrics["fact_consistency"].value < 0.5


@pytest.mark.parametrize("language", LANGUAGES)
def test_wrong_answers_are_of_the_same_kind_and_never_true(language: str) -> None:
    for question in ask(KNOWN, language):
        wrong = distractors(question, OTHERS, language)
        assert len({*map(str.casefold, wrong)} - {*map(str.casefold, question.values)}) == 3 and wrong == distractors(
            question, OTHERS, language
        )
    assert set(distractors(ask(KNOWN, "en")[0], OTHERS, "en")) >= {"Oslo", "Cork"}


def test_what_cannot_be_measured_is_said() -> None:
    assert not run(knows, reads, "fi").metrics and "'fi'" in run(knows, reads, "fi").notes[0]
    few = run(knows, reads, facts=[("home", "Bergen"), ("shoe size", "42")])
    assert few.notes[0].startswith("2 confirmed facts") and "shoe size: not ranked" in few.notes[1] and FEW > 2
    none = run(knows, reads, facts=[])
    assert set(none.metrics) == {"abstention", "fabricated"} and none.notes[0].startswith("no confirmed facts")
    assert "every noun has a capital" in run(knows, reads, "de").notes[-1]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_a_share_lies_within_its_bounds(values: list[float]) -> None:
    found = share(values)
    assert 0 <= found.low <= found.value + 1e-9 and found.value - 1e-9 <= found.high <= 1 and found.low < found.high


def test_a_share_is_wilsons() -> None:
    """Brown, Cai and DasGupta 2001: 0 of 10 is at most 0.278, 5 of 10 is 0.237 to 0.763."""
    assert share([0.0] * 10).high == pytest.approx(0.2775, abs=1e-3)
    half = share([0.0, 1.0] * 5)
    assert (half.low, half.high) == pytest.approx((0.2366, 0.7634), abs=1e-3)


def test_answers_match_as_in_squad() -> None:
    assert exact("The Netherlands!", "netherlands") == exact("l’Aquila", "Aquila") == exact("¡Bergen!", "bergen") == 1
    assert exact("I live in Bergen", "Bergen") == 0 and named("I live in Bergen, by the sea", "Bergen") == 1
    assert f1("in New York", "New York") == pytest.approx(0.8) and f1("", "Bergen") == 0 == named("Bergenhus", "Bergen")


def test_what_is_made_up_is_a_number_or_a_name_that_nobody_told() -> None:
    cases = {
        "I live in Bergen.": 0,
        "I live in Oslo.": 1,
        "Oslo": 1,
        "Sure": 0,
        "Maybe we should walk.": 0,
        "Anna told me so.": 0,
        "It costs 40 crowns.": 1,
        "It costs 30 crowns.": 0,
        "That's Ben's, I think.": 0,
        "": 0,
    }
    n = len(cases)
    found = fabricated(list(cases), ["Is it Ben's for 30 crowns?"] * n, [["We met in Bergen."]] * n, ["Anna"], "en")
    assert dict(zip(cases, found, strict=True)) == cases
    assert fabricated(["Ich esse Brot.", "Um 9 Uhr."], ["?", "?"], [[], []], [], "de") == [0, 1]


def test_the_base_knows_what_it_is_given_and_does_not_own_what_it_does_not_know(engine: TorchEngine) -> None:
    told = [Turn("system", " ".join(("You are Ann.", *NOTES.values())))]
    scores = []
    for question in ask([("home", "Bergen"), ("job", "carpenter"), ("dog", "Rex")], "en"):
        said = [statement(question.relation, value, "en") for value in (question.value, *distractors(question, OTHERS, "en"))]
        scores.append(np.array([engine.log_likelihoods([*told, Turn("user", question.texts[0])], said)]))
    assert cloze(scores).value == 1
    greedy = SamplingSection(temperature=0, max_tokens=12)
    replies = engine.generate([prompt(question, ()) for question in UNANSWERABLE["en"][:4]], greedy)
    assert sum(says_unknown(reply.text) for reply in replies) <= 1
