"""Which questions ask for a fact, and that ordinary talk rarely does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from homespun.corpus.asking import asks_for_a_fact, relation_asked
from homespun.corpus.relations import KINDS, LANGUAGES
from homespun.evaluation.fact_questions import paraphrases
from homespun.evaluation.unanswerable import UNANSWERABLE

SMALL_TALK = (
    "How are you?",
    "What do you think?",
    "what are you up to tonight?",
    "when will you come?",
    "where did you buy it?",
    "what should I tell your sister?",
    "can you help me with my homework?",
    "Who is she?",
    "Wie geht es dir?",
    "Was machst du gerade?",
    "Was meinst du dazu?",
    "Comment vas-tu ?",
    "Qu'en penses-tu ?",
    "¿Qué tal?",
    "¿Qué haces?",
    "Come stai?",
    "Che fai?",
    "Cosa pensi?",
    "",
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_paraphrase_is_known_for_what_it_asks(language: str) -> None:
    for relation in KINDS:
        if (relation, language) != ("friend", "de"):
            for text in paraphrases(relation, language):
                assert relation_asked(text) == relation and asks_for_a_fact(text), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_most_unanswerable_questions_are_seen_as_asking(language: str) -> None:
    asked = UNANSWERABLE[language]
    assert len(set(asked)) == 30 and sum(map(asks_for_a_fact, asked)) >= 26
    assert not any(map(relation_asked, asked))


@pytest.mark.parametrize("text", SMALL_TALK)
def test_small_talk_asks_for_none(text: str) -> None:
    assert not asks_for_a_fact(text)


def test_of_real_questions_few_ask_for_a_fact(data_dir: Path) -> None:
    """In a support channel, where people ask each other what card they have, fewer than one question in a hundred."""
    with (data_dir / "dev-ubuntu-irc" / "messages.jsonl").open(encoding="utf-8") as lines:
        questions = [text for text in (json.loads(line)["text"] for line in lines) if "?" in text]
    assert len(questions) > 10_000 and sum(map(asks_for_a_fact, questions)) < 0.01 * len(questions)
