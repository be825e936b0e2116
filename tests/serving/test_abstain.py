"""What is said where nobody told it, and that it is said nowhere else."""

from __future__ import annotations

import pytest

from homespun.corpus.relations import KINDS, LANGUAGES
from homespun.evaluation.abstention import says_unknown
from homespun.evaluation.fact_questions import paraphrases
from homespun.evaluation.unanswerable import UNANSWERABLE
from homespun.serving.abstain import UNKNOWN, unknown

UNSEEN = {
    "en": (
        "How much did your first car cost?",
        "Who was your landlord in 1998?",
        "What is your tax number?",
        "When did you break your arm?",
    ),
    "de": (
        "Was kostete dein erstes Auto?",
        "Wer war 1998 dein Vermieter?",
        "Wie lautet deine Steuernummer?",
        "Wann hast du dir den Arm gebrochen?",
    ),
    "fr": ("Combien a coûté ta première voiture ?", "Qui était ton propriétaire en 1998 ?", "Quel est ton numéro fiscal ?"),
    "es": (
        "¿Cuánto costó tu primer coche?",
        "¿Quién era tu casero en 1998?",
        "¿Cuál es tu número fiscal?",
        "¿Cuándo te rompiste el brazo?",
    ),
    "it": ("Quanto costava la tua prima macchina?", "Chi era il tuo padrone di casa nel 1998?", "Qual è il tuo codice fiscale?"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_said_in_the_language_of_the_question_or_of_the_person(language: str) -> None:
    said = [unknown(text, (), ()) for text in (*UNANSWERABLE[language], *UNSEEN[language])]
    assert sum(reply == UNKNOWN[language] for reply in said) >= 0.85 * len(said)
    assert set(said) <= {UNKNOWN[language], None}
    assert unknown(UNANSWERABLE[language][14], (), (), "de") == UNKNOWN["de"]
    assert unknown(UNANSWERABLE[language][14], (), (), "fi") == UNKNOWN[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_confirmed_or_found_is_left_to_the_model(language: str) -> None:
    for relation in KINDS:
        if (relation, language) != ("friend", "de"):
            for text in paraphrases(relation, language):
                assert unknown(text, (), ()) == UNKNOWN[language], text
                assert unknown(text, {relation}, ()) is None
                assert unknown(text, (), ["something was found"]) is None


def test_a_relation_of_the_users_own_is_known_by_its_name() -> None:
    assert unknown("What is your shoe size?", {"shoe size"}, ()) is None
    assert unknown("What is your shoe size?", {"home"}, ()) == UNKNOWN["en"]
    assert unknown("How are you?", (), ()) is None


def test_what_is_said_counts_as_abstention() -> None:
    assert all(map(says_unknown, UNKNOWN.values()))
