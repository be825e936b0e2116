"""What counts as a statement about oneself: the sure ones in five languages, and the traps beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.corpus.fact_rules import Stated, find
from homespun.corpus.relations import KINDS, LANGUAGES
from homespun.corpus.statements import statement
from homespun.evaluation.fact_questions import values_of

SAID = {
    "I live in Bergen": ("home", "Bergen"),
    "honestly i live in hull, it's fine": ("home", "hull"),
    "@ben: I'm living in New York now": ("home", "New York"),
    "I still live in the Netherlands": ("home", "the Netherlands"),
    "I live in Stratford upon Avon and love it": ("home", "Stratford upon Avon"),
    "I'm originally from St. Louis": ("origin", "St Louis"),
    "my birthday is on the 3rd of May": ("birthday", "3 May"),
    "I was born on May 3rd, 1983": ("birthday", "3 May"),
    "I was born in 1983. In Cork": ("birth year", "1983"),
    "I work as a nurse in Cork": ("job", "nurse"),
    "I'm a jazz musician, I think abstractly": ("job", "jazz musician"),
    "I work at Nokia these days": None,
    "I work for Nokia.": ("employer", "Nokia"),
    "is my sister Anna with you?": ("sister", "Anna"),
    "my little brother’s name is tom!": ("brother", "tom"),
    "our dog is called Rex": ("dog", "Rex"),
    "I'm allergic to cat hair, sadly": ("allergy", "cat hair"),
    "My favourite colour is green": ("favourite colour", "green"),
    "Ich wohne seit 2010 in München": ("home", "München"),
    "Am 3. Mai! Mein Geburtstag ist am 3. Mai": ("birthday", "3. Mai"),
    "Ich bin Lehrerin": ("job", "Lehrerin"),
    "Mein Hund heißt Rex": ("dog", "Rex"),
    "Ma sœur Anna arrive": ("sister", "Anna"),
    "Moi j'habite à Lyon": ("home", "Lyon"),
    "je suis né le 3 mai 1983": ("birthday", "3 mai"),
    "Vivo en Sevilla desde 2010": ("home", "Sevilla"),
    "mi cumpleaños es el 3 de mayo": ("birthday", "3 de mayo"),
    "Mi hermana Ana viene": ("sister", "Ana"),
    "Abito a Torino": ("home", "Torino"),
    "sono allergico alle arachidi": ("allergy", "arachidi"),
}
NOT_SAID = (
    "Do I live in Bergen?",
    "if I live in Bergen I need a coat",
    "I don't live in Bergen",
    "I used to live in Bergen",
    "he said I live in Bergen",
    '"I live in Bergen" is a song',
    "> I live in Bergen",
    "i live in fear",
    "I live in a small town",
    "I live in constant Hope of rain",
    "I'm from the future",
    "I'm a bit tired",
    "I'm a Windows user",
    "I'm a bad cook",
    "my name is in there",
    "MY NAME IS IN THIS LIST",
    "my sister Monday at nine",
    "my mother God bless her",
    "my wife and I",
    "my birthday is in May",
    "my birthday is on Saturday",
    "I work at home",
    "I speak Linux",
    "I'm allergic to it",
    "my favourite is green",
    "ich wohne in einer WG",
    "wenn ich in Bergen wohne",
    "Wohne ich in Bergen?",
    "Meine Schwester Samstag gesehen",
    "je suis né fatigué",
    "J'habite avec Anna",
    "soy de los que duermen",
    "vivo en paz",
    "sono di fretta",
)


@pytest.mark.parametrize("text", SAID)
def test_what_is_said_is_found(text: str) -> None:
    wanted = SAID[text]
    assert find(text) == ([Stated(*wanted)] if wanted else [])


@pytest.mark.parametrize("text", NOT_SAID)
def test_what_is_asked_supposed_quoted_or_no_value_is_not(text: str) -> None:
    assert find(text) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_relation_is_found_as_its_person_would_say_it(language: str) -> None:
    """But for a band with an article in its name and, in Romance languages, allergies, which people say with one."""
    missed = []
    for relation, kind in KINDS.items():
        listed = values_of(kind, language)
        for value in listed[:4] if (relation, language) != ("friend", "de") else ():
            text = statement(relation, value, language)
            if Stated(relation, value) not in find(text):
                missed.append(text)
    assert len(missed) <= 5, missed


@given(st.text())
def test_any_text_is_read_and_a_value_is_its_words(text: str) -> None:
    for said in find(f"I live in {text}"):
        assert said.value and said.value in f"I live in {text}"


def test_real_talk_holds_few_facts_and_most_finds_are_right(data_dir: Path) -> None:
    """64,000 lines of a support channel. What they state was read by hand."""
    found = set()
    with (data_dir / "dev-ubuntu-irc" / "messages.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            message = json.loads(line)
            found |= {(message["speaker"], said.relation, said.value) for said in find(message["text"])}
    right = {
        ("Anthaas", "job", "post-grad researcher"),
        ("Bella_16", "origin", "Poland"),
        ("chaochao", "job", "student"),
        ("dekr4ken", "job", "cleaner"),
        ("johnibanez", "job", "freelance web developer"),
        ("marlo_", "job", "programmer"),
        ("maru123", "name", "mariana"),
        ("nit-wit", "job", "jazz musician"),
        ("paulina", "name", "Paulina"),
        ("piet", "language", "dutch"),
    }
    assert len(found & right) >= 0.9 * len(found) and len(found & right) >= 10
