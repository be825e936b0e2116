"""What can be said of a reply's quality: how long it is, in which language, whether it answers, whether it sounds like the person.

Nothing here is loaded before it is asked for.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homespun.bases.embedding import shared
from homespun.errors import UsageError
from homespun.types import Conversation

Floats = NDArray[np.float64]

WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
TELLING, ENOUGH = 40, 2_000
"""Letters from which a language is told, and of which it is told; more do not make it surer."""
GRAMS = (2, 4)
NEIGHBOURS = 100
"""Replies of about one length that are compared with each other: a short one is always further from the average."""
CHUNK = 10_000


def words(text: str) -> int:
    """Blanks divide words; where a script writes none (Chinese, Japanese) every sign counts."""
    return sum(1 for _ in WORD.finditer(text))


def languages(conversations: Iterable[Conversation], person: str) -> dict[str, str | None]:
    """Chat -> the ISO 639-1 code of the language in which the person writes there; None if that cannot be told.

    Told of a chat, not of a message: "ok" is written in every language.

    Raises:
        UsageError: the detector is not installed.
    """
    said: dict[str, list[str]] = defaultdict(list)
    letters: dict[str, int] = defaultdict(int)
    for conversation in conversations:
        for message in conversation.messages:
            if message.speaker == person and letters[conversation.chat] < ENOUGH:
                said[conversation.chat].append(message.text)
                letters[conversation.chat] += len(message.text)
    return {chat: language("\n".join(texts)) for chat, texts in said.items()}


def language(text: str) -> str | None:
    """ISO 639-1 code, or None for a text too short to tell.

    Raises:
        UsageError: the detector is not installed.
    """
    if sum(map(str.isalpha, text)) < TELLING:
        return None
    found = _detector().detect_language_of(text[:ENOUGH])
    return None if found is None else str(found.iso_code_639_1.name).lower()


@functools.cache
def _detector() -> Any:
    try:
        from lingua import LanguageDetectorBuilder
    except ImportError:
        raise UsageError("telling languages apart needs one more package: pip install lingua-language-detector") from None
    # The accurate mode takes a gigabyte and matters for single words only.
    return LanguageDetectorBuilder.from_all_spoken_languages().with_low_accuracy_mode().build()


def coherence(contexts: Sequence[str], replies: Sequence[str]) -> Floats:
    """(replies,): the cosine of the sentence embeddings of a reply and of what it answers; not a number where that is empty.

    About 0.5 is on the topic and 0 is not. The embedding knows English; of other languages it sees little more than common words.

    Raises:
        UsageError: the embedding is not installed.
    """
    texts = sorted({*contexts, *replies})
    place = {text: number for number, text in enumerate(texts)}
    vectors = shared()(texts)
    left, right = (vectors[[place[text] for text in side]] for side in (contexts, replies))
    cosines: Floats = (left * right).sum(axis=1, dtype=np.float64)
    cosines[[not (context.strip() and reply.strip()) for context, reply in zip(contexts, replies, strict=True)]] = np.nan
    return cosines


def tone(texts: Sequence[str]) -> Floats:
    """(texts,): for every text of one person, the share of their texts of about its length that sound less like them than it does.

    How it sounds is its profile of letter n-grams (Stamatatos 2009); how they sound, the mean over all their other texts.
    """
    total = sum((profiles.sum(axis=0) for profiles in _profiles(texts)), start=np.zeros(1))
    total = np.asarray(total).ravel()
    inner = np.concatenate([profiles @ total for profiles in _profiles(texts)]) if texts else np.zeros(0)
    norms = np.concatenate([np.asarray(profiles.multiply(profiles).sum(axis=1)).ravel() for profiles in _profiles(texts)] or [inner])
    others = np.sqrt(np.maximum(total @ total - 2 * inner + norms, 1e-12))
    cosines = (inner - norms) / others
    ranks = np.zeros(len(texts))
    by_length = np.argsort([len(text) for text in texts], kind="stable")
    for alike in np.array_split(by_length, max(1, len(texts) // NEIGHBOURS)):
        ranks[alike] = np.searchsorted(np.sort(cosines[alike]), cosines[alike]) / max(1, len(alike))
    return ranks


def _profiles(texts: Sequence[str]) -> Iterator[Any]:
    """(some texts, n-grams), sparse rows of length one."""
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(analyzer="char", ngram_range=GRAMS, n_features=1 << 16, alternate_sign=False, lowercase=False)
    for start in range(0, len(texts), CHUNK):
        yield vectorizer.transform(texts[start : start + CHUNK])
