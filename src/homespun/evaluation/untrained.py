"""What needs no training: the base with a few of the person's exchanges to imitate, and the person's own words looked up.

A version that is no better than these was not worth its training.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from homespun.evaluation.diversity import words
from homespun.types import Reply, Turn

SHOTS = 4
LONGEST_SHOT = 60
"""Words of an exchange: more would crowd the history out."""


def choose_shots(taught: Sequence[Reply], count: int = SHOTS, seed: int = 0) -> list[Turn]:
    """Exchanges of the person (what was said, what they replied), as turns to put before a history."""
    fit = [reply for reply in taught if len(words(reply.context[-1].text)) + len(words(reply.text)) <= LONGEST_SHOT]
    chosen = random.Random(seed).sample(fit, min(count, len(fit)))
    return [turn for reply in chosen for turn in (Turn("user", reply.context[-1].text), Turn("assistant", reply.text))]


def with_shots(turns: Sequence[Turn], shots: Sequence[Turn]) -> tuple[Turn, ...]:
    """The turns with `shots` between the system line and the history."""
    first = 1 if turns and turns[0].role == "system" else 0
    return (*turns[:first], *shots, *turns[first:])


def looked_up(contexts: Sequence[Sequence[Turn]], taught: Sequence[Reply]) -> list[str]:
    """For each context the reply the person gave when something most like its last turn was said to them.

    Likeness is the cosine of character 2- to 4-gram TF-IDF vectors, which needs no language.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    known = vectorizer.fit_transform(reply.context[-1].text for reply in taught)
    asked = vectorizer.transform(context[-1].text for context in contexts)
    nearest = (asked @ known.T).toarray().argmax(axis=1)
    return [taught[index].text for index in nearest]
