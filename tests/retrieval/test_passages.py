"""What one person wrote, in passages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.dataset.scores import words
from homespun.retrieval.passages import LONGEST, SHORTEST, passages_of
from homespun.types import Conversation, Message

MAY = 1_620_820_800.0
"""2021-05-12, noon."""


def chat(*lines: tuple[str, str], time: float | None = MAY, group: bool = False) -> Conversation:
    return Conversation("c", "The chat", group, tuple(Message(who, text, time, f"m{at}") for at, (who, text) in enumerate(lines)))


def test_a_burst_is_one_passage_with_what_it_answers() -> None:
    said = [
        ("Ben", "hello"),
        ("Ben", "and the dentist?"),
        ("Anna", "yes, on Friday"),
        ("Anna", "at nine, I think"),
        ("Ben", "good"),
        ("Anna", "ok"),
    ]
    (found,) = passages_of([chat(*said)], "Anna")
    assert (found.text, found.to, found.date, found.messages) == ("yes, on Friday\nat nine, I think", "Ben", "2021-05-12", ("m2", "m3"))
    assert (found.asked, found.asked_id) == ("and the dentist?", "m1")


@pytest.mark.parametrize(
    ("time", "date"), [(None, ""), (-10.0, ""), (450_000.0, ""), (MAY, "2021-05-12"), (-9_780_000_000.0, "1660-01-31")]
)
def test_a_date_is_shown_where_there_is_one(time: float | None, date: str) -> None:
    (found,) = passages_of([chat(("Anna", "a few words here"), time=time, group=True)], "Anna")
    assert (found.date, found.to, found.asked) == (date, "The chat", "")


@given(st.lists(st.text(st.sampled_from("ab .\n。日!😀"), max_size=400), min_size=1, max_size=6))
def test_long_ones_are_cut_and_nothing_is_lost(texts: list[str]) -> None:
    found = list(passages_of([chat(*(("Anna", text) for text in texts))], "Anna"))
    assert all(words(passage.text) <= LONGEST for passage in found)
    enough = sum(map(words, texts)) >= SHORTEST
    assert "".join("".join(passage.text for passage in found).split()) == "".join("".join(texts).split()) * enough
    assert not enough or {address for passage in found for address in passage.messages} == {f"m{at}" for at in range(len(texts))}


def test_a_long_message_keeps_its_sentences_together() -> None:
    sentences = [f"This is sentence number {number} of a long story about one cat." for number in range(30)]
    found = list(passages_of([chat(("Anna", " ".join(sentences)))], "Anna"))
    assert len(found) > 4 and " ".join(passage.text for passage in found) == " ".join(sentences)
    assert all(passage.text.endswith("cat.") and passage.messages == ("m0",) for passage in found)
