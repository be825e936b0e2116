"""The model card."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

import pytest
import yaml

from homespun.bases.template import Template
from homespun.config import Recipe
from homespun.corpus import imports, sessions
from homespun.dataset import build
from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.habits import Gap
from homespun.evaluation.result import Report, Sample
from homespun.home import Home, Manifest, write_json
from homespun.registry import consent
from homespun.registry.card import Facts, Learned, Stage, card, facts
from registry.conftest import decision

SECRET = "the spare key is under the blue flowerpot"
RIVAL = "Ben (work)"
FACTS = Facts(
    model="diary",
    person="Samuel Pepys",
    consent="public domain diary",
    recipe=Recipe(),
    base="HuggingFaceTB/SmolLM2-135M-Instruct",
    licence="Apache-2.0",
    identity="0123456789abcdef",
    learned=Learned(3210, 412, ("jsonl",), "1660-01-01", "1669-05-31"),
    stages=(Stage(1.0, 90, 60.0), Stage(1.5, 100, 80.5)),
    others=frozenset({"Ben", RIVAL}),
    languages=("en",),
)


@pytest.fixture
def report() -> Report:
    found = Report("Samuel Pepys", "gate+vault", full=True)
    found.metrics = {
        "gain": Interval(0.312, 0.221, 0.402, 480, 96),
        f"specificity against {RIVAL}": Interval(0.1, 0.05, 0.2, 480, 96),
        "copy_rate": 0.025,
        "exposure_1": 1.5,
    }
    found.sides = {"base": {"nll": 3.9}, "avatar": {"nll": 3.6, "words": 8.0}}
    found.samples = [Sample(SECRET, SECRET, SECRET, SECRET)]
    found.gaps = [Gap("words", "says “flowerpot” too often", "overdone", 0.1, 0.4, 0.7, True, (SECRET,))]
    found.notes = [f"closeness: not distinguishing here from {RIVAL}, nor from Ben"]
    return found


def test_it_says_whose_avatar_it_is_what_was_measured_and_what_was_not(report: Report) -> None:
    _, head, text = card(FACTS, report, decision("fail", "G5 copied: 2.1 %")).split("---\n", 2)
    front = yaml.safe_load(head)
    assert (front["base_model"], front["license"], front["language"]) == (FACTS.base, "apache-2.0", ["en"])
    assert front["library_name"] == "peft" and "avatar" in front["tags"]
    for said in (
        "**This is an avatar, not a person.**",
        "Recorded consent: public domain diary",
        "3,210 replies of Samuel Pepys in 412 conversations, written from 1660-01-01 to 1669-05-31",
        "Sources: jsonl.",
        f"Recipe {Recipe().hash}, seed 0",
        "Epochs: 1.00 + 1.50; 190 steps in 140 seconds",
        "| gain | 0.312 [0.221, 0.402] | 480 | 96 |",
        "| specificity against speaker 1 | 0.100 [0.050, 0.200] | 480 | 96 |",
        "| avatar | 3.600 | 8.000 |",
        "not distinguishing here from another person, nor from another person",
        "**fail**: G5 copied: 2.1 %",
        "homespun forget --person NAME --retrain",
    ):
        assert said in text
    privacy = text.partition("## Privacy")[2].partition("##")[0]
    assert "| copy rate | 0.025 |" in privacy and "| exposure 1 | 1.500 |" in privacy
    assert "Not audited" not in privacy


def test_it_quotes_nobody_and_names_nobody_else(report: Report) -> None:
    text = card(FACTS, report, None)
    assert "flowerpot" not in text and "Ben" not in text
    assert "It was not judged." in text


def test_an_owners_quick_card_says_what_is_missing() -> None:
    own = replace(FACTS, consent=None, person="Anna", licence=None, languages=(), learned=Learned(20, 3, (), None, None))
    text = card(own, Report("Anna", "gate", full=False), decision())
    assert "Anna is the owner of the home it was made in." in text and "consent" not in text.lower()
    assert "not dated" in text and "Sources: unknown." in text
    assert "`homespun eval diary --full` measures more" in text and "Not audited for what can be drawn out of it" in text
    assert set(yaml.safe_load(text.split("---\n")[1])) == {"base_model", "library_name", "pipeline_tag", "tags"}


def test_the_facts_of_a_model_of_somebody_else(home: Home, template: Template) -> None:
    """Tuuli, as the bundled sample has her: from the messages to the card."""
    with resources.as_file(resources.files("homespun") / "sample" / "WhatsApp Chat with Tuuli.txt") as file:
        imports.add_export(home, file, "Wren Kallio")
    consent.record(home, "Tuuli", "invented")
    recipe = Recipe()
    examples, _ = build.make(sessions.conversations(home), "Tuuli", recipe, template)
    learned = [example for example in examples if example.split in ("train", "validation")]
    for name, parents, epochs in (("r0", ("dataset:d",), 2.0), ("r1", ("dataset:d", "run:r0"), 1.0)):
        with home.artefact(Manifest("run", name, parents)) as folder:
            write_json(folder / "plan.json", {"epochs": epochs, "steps": 10})
            write_json(folder / "summary.json", {"steps": 5, "seconds": 30.0})
    found = facts(home, "tuuli", "Tuuli", recipe, "r1", "identity", learned)
    assert (found.consent, found.base, found.licence) == ("invented", "HuggingFaceTB/SmolLM2-135M-Instruct", "Apache-2.0")
    assert found.stages == (Stage(1.0, 5, 30.0), Stage(0.5, 5, 30.0))
    assert found.learned.replies == sum(1 for example in learned for _ in example.targets) > 100
    assert (found.learned.formats, found.others) == (("whatsapp",), frozenset({"Wren Kallio"}))
    first, last = found.learned.first, found.learned.last
    assert first and last and "2019" < first < last < "2030"
    text = card(found, Report("Tuuli", "gate", full=False), None)
    said = {turn.text for example in examples for turn in example.targets if len(turn.text) > 30}
    assert said and not any(words in text for words in said)
