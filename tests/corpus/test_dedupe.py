"""Repeated texts are found: word for word, nearly, and not by chance."""

from __future__ import annotations

import random
import time

from hypothesis import given
from hypothesis import strategies as st

from homespun.corpus.dedupe import PIECE, SHORTEST, duplicates

WORDS = [
    f"{first}{second}{third}"
    for first in ("ba", "ko", "ti", "lu")
    for second in ("ren", "mi", "so", "dal")
    for third in ("", "x", "na", "p")
]


def sentence(rng: random.Random, words: int = 14) -> str:
    return " ".join(rng.choices(WORDS, k=words))


def jaccard(one: str, other: str) -> float:
    left, right = ({text[at : at + PIECE] for at in range(len(text) - PIECE + 1)} for text in (one, other))
    return len(left & right) / len(left | right)


@given(st.lists(st.text(max_size=SHORTEST - 1) | st.text(min_size=SHORTEST, max_size=60) | st.just("Roger."), max_size=30))
def test_what_is_said_again_is_found_and_first_is_first(texts: list[str]) -> None:
    found = duplicates(iter(texts))
    folded = [" ".join(text.casefold().split()) for text in texts]
    assert found.same.tolist() == [folded.index(text) for text in folded]
    assert all(first <= number for number, first in enumerate(found.alike.tolist()))
    assert [found.alike[first] for first in found.alike] == found.alike.tolist()
    assert found.exact == len(texts) - len(set(folded)) and found.counts.sum() >= len(texts)


def test_near_copies_are_found_and_others_are_not() -> None:
    rng = random.Random(1)
    texts = [sentence(rng) for _ in range(2000)]
    copies = [text.replace(" ", " oh ", 1) for text in texts[:200]]
    assert min(map(jaccard, texts, copies)) > 0.8
    found = duplicates([*texts, *copies]).alike.tolist()
    assert sum(copy == original for original, copy in enumerate(found[2000:])) >= 198
    assert sum(first != number for number, first in enumerate(found[:2000])) <= 2


def test_it_counts_pieces_of_letters_so_that_no_spaces_are_needed() -> None:
    texts = [
        "今日はとても暑いので駅前の喫茶店で冷たい珈琲を飲みながら本を読んでいました",
        "x",
        "今日はとても暑いので駅前の喫茶店で冷たい珈琲を飲みながら本を読んでいました。",
    ]
    assert duplicates(texts).alike.tolist() == [0, 1, 0]


def test_short_texts_are_only_compared_word_for_word() -> None:
    found = duplicates(["See you at ten", "see you  at ten", "See you at six", "ok", "OK", "ok."])
    assert found.alike.tolist() == [0, 0, 2, 3, 3, 5]
    assert (found.exact, found.near, found.counts.tolist()) == (2, 0, [2, 2, 1, 2, 2, 1])


def test_a_corpus_of_one_stock_reply_in_many_versions_is_no_harder() -> None:
    """Comparing all pairs of these would take minutes."""
    start = time.perf_counter()
    found = duplicates(f"Thank you for your message, I will answer as soon as I can. Your number is {number}." for number in range(20_000))
    assert found.counts.max() > 19_000 and time.perf_counter() - start < 20


def test_nothing_and_a_single_text() -> None:
    assert duplicates([]).counts.tolist() == []
    assert duplicates(["word " * 20]).counts.tolist() == [1]
