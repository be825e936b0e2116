"""What the model is told of what the person wrote."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homespun.config import SamplingSection
from homespun.engines.torch import TorchEngine
from homespun.retrieval.grounding import SAYS, fits, grounded
from homespun.retrieval.passages import Passage
from homespun.types import Turn

TURNS = [Turn("system", "You are Anna."), Turn("user", "Where do you live?")]
FITTING = Passage("in Tromsø,\nby the harbour", "Anna", "Ben", 1_620_820_800.0, "c", ("m",), cosine=0.7, words=2.0)


def count(text: str) -> int:
    return len(text.split())


def test_what_fits_stands_under_the_system_line_with_its_date() -> None:
    turns, told = grounded(TURNS, [FITTING], count)
    assert turns[0].text == f"You are Anna.\n{SAYS}\n(2021-05-12, to Ben) in Tromsø, by the harbour"
    assert turns[1:] == TURNS[1:] and told == [FITTING]
    bare, _ = grounded(TURNS[1:], [replace(FITTING, when=None, to="")], count)
    assert [turn.role for turn in bare] == ["system", "user"] and bare[0].text == f"{SAYS}\nin Tromsø, by the harbour"


@pytest.mark.parametrize(
    ("cosine", "words", "fit"),
    [(0.6, 0.0, True), (0.4, 2.0, True), (0.4, 0.5, False), (0.1, 5.0, False), (None, 2.0, True), (None, 1.2, False)],
)
def test_what_does_not_fit_is_not_told(cosine: float | None, words: float, fit: bool) -> None:
    passage = replace(FITTING, cosine=cosine, words=words)
    assert fits(passage) is fit
    turns, told = grounded(TURNS, [passage], count)
    assert (turns != TURNS) is fit and told == [passage] * fit


def test_it_stays_in_its_budget() -> None:
    long, other = replace(FITTING, text="word " * 50), replace(FITTING, text="another one")
    turns, told = grounded(TURNS, [long, FITTING, other, other], count, budget=20)
    assert told == [FITTING, other] and count(turns[0].text) <= 20 + count(TURNS[0].text)
    assert grounded(TURNS, [FITTING], count, budget=5) == (TURNS, [])


def test_the_real_base_answers_from_what_it_is_told(engine: TorchEngine) -> None:
    facts = {
        "we're moving to Tromsø in march, signed the lease yesterday": ("Which city are you moving to?", "Tromsø"),
        "my sister's called Maud, she's the vet": ("What is your sister's name?", "Maud"),
        "took the night train to Vienna, slept like a stone": ("How did you travel to Vienna?", "train"),
        "I wrote my thesis about peat bogs, nobody read it": ("What was your thesis about?", "peat bog"),
        "Priya taught me to make dosa last sunday": ("Who showed you how to cook dosas?", "Priya"),
        "my landlord is mr Abernathy, he never fixes the boiler": ("Who owns the apartment you rent?", "Abernathy"),
    }
    alone = [[TURNS[0], Turn("user", question)] for question, _ in facts.values()]
    told = [grounded(turns, [replace(FITTING, text=fact)], engine.count)[0] for turns, fact in zip(alone, facts, strict=True)]
    right = []
    for prompts in (alone, told):
        replies = engine.generate(prompts, SamplingSection(temperature=0.0, min_p=0.0, max_tokens=16))
        right.append(sum(answer in reply.text for (_, answer), reply in zip(facts.values(), replies, strict=True)))
    assert right[1] >= right[0] + 3
