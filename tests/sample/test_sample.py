"""The bundled sample must be fit for what it is for: enough of one person, in a style that can be told from the others'."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from datasketch import MinHash, MinHashLSH
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import homespun
from homespun import sources
from homespun.corpus.imports import sessions_of
from homespun.sources.reflections import ANSWERER
from homespun.types import Conversation, Message

FOLDER = Path(homespun.__file__).parent / "sample"
CHATS = ("WhatsApp Chat with Tuuli.txt", "result.json")
WREN = "Wren Kallio"


@pytest.fixture(scope="module")
def sessions() -> list[Conversation]:
    """The conversations of both exports, the oldest first."""
    chats = [chat for name in CHATS for chat in sources.load(FOLDER / name)[0]]
    found = [session for chat in chats for session in sessions_of(chat, "sample", 1800)]
    return sorted(found, key=lambda session: session.start or 0.0)


@pytest.fixture(scope="module")
def messages(sessions: list[Conversation]) -> list[Message]:
    return [message for session in sessions for message in session.messages]


@pytest.mark.parametrize("name", CHATS)
def test_each_export_says_whose_it_is_and_loses_nothing_but_notices_and_media(name: str) -> None:
    _, report = sources.load(FOLDER / name)
    assert (report.me, report.notes) == (WREN, [])
    assert set(report.skipped) <= {"WhatsApp notice", "service message", "media without text"}


def test_there_is_enough_of_wren_with_enough_people(sessions: list[Conversation], messages: list[Message]) -> None:
    with_wren = [session for session in sessions if any(message.speaker == WREN for message in session.messages)]
    words: Counter[str] = Counter()
    for message in messages:
        words[message.speaker] += len(message.text.split())
    impostors = [name for name, count in words.items() if name != WREN and count >= 2500]
    assert len(_said(messages, by_wren=True)) >= 900
    assert len(with_wren) >= 60
    assert len(words) - 1 >= 4
    assert len(impostors) >= 2


def test_wren_hardly_ever_says_the_same_thing_twice(messages: list[Message]) -> None:
    mine = _said(messages, by_wren=True)
    index = MinHashLSH(threshold=0.7, num_perm=128)
    repeated = 0
    for number, text in enumerate(mine):
        words = re.findall(r"\w+", text.lower())
        if len(words) < 5:
            continue
        shingles = MinHash(num_perm=128)
        shingles.update_batch([" ".join(words[at : at + 3]).encode() for at in range(len(words) - 2)])
        repeated += bool(index.query(shingles))
        index.insert(str(number), shingles)
    assert repeated / len(mine) <= 0.02


def test_a_bag_of_twenty_messages_tells_wren_from_the_others(sessions: list[Conversation]) -> None:
    """Learned from the earlier conversations, tested on the later ones: the style holds across the years and the people.

    A bag is judged as in homespun.evaluation.closeness: by the mean of what its messages score.
    """
    split = len(sessions) * 4 // 5
    earlier, later = ([message for session in part for message in session.messages] for part in (sessions[:split], sessions[split:]))
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), lowercase=False)
    model = make_pipeline(vectorizer, LogisticRegression(C=4, max_iter=1000))
    model.fit([message.text for message in earlier], [message.speaker == WREN for message in earlier])
    right: list[bool] = []
    for by_wren in (True, False):
        scores = model.decision_function(_said(later, by_wren))
        bags = scores[: len(scores) // 20 * 20].reshape(-1, 20).mean(axis=1)
        assert len(bags) >= 10
        right += [(mean > 0) == by_wren for mean in bags]
    assert sum(right) / len(right) >= 0.95


def test_wren_writes_to_margaret_in_another_register(sessions: list[Conversation]) -> None:
    def capitals(to_margaret: bool) -> float:
        found = [session.messages for session in sessions if (session.chat == "Margaret Pargeter") == to_margaret]
        mine = [text for held in found for text in _said(held, by_wren=True)]
        return sum(text[0].isupper() for text in mine) / len(mine)

    assert capitals(to_margaret=True) > 0.98
    # Short of none at all: the shouted word to Dev.
    assert capitals(to_margaret=False) < 0.01


def test_forty_reflections_each_a_conversation_of_its_own() -> None:
    path = FOLDER / "reflections.jsonl"
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(records) == 40
    assert all(record.keys() == {"question", "answer", "category", "date"} and all(record.values()) for record in records)
    [chat], report = sources.load(path)
    assert report.me == ANSWERER
    assert len(sessions_of(chat, "sample", 1800)) == 40


def _said(messages: Sequence[Message], by_wren: bool) -> list[str]:
    return [message.text for message in messages if (message.speaker == WREN) == by_wren]
