"""What an avatar says where nobody told it: "I don't know", by rule, before anything is generated.

Small models do not say it by themselves: they answer every question. This is for questions about the person for which neither a
confirmed fact nor a message was found; everything else is theirs to answer. It reads English, German, French, Spanish and Italian,
addressed as a friend is (du, tu, tú).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from homespun.corpus.asking import asks_for_a_fact, relation_asked

UNKNOWN = {
    "en": "I don't know.",
    "de": "Das weiß ich nicht.",
    "fr": "Je ne sais pas.",
    "es": "No lo sé.",
    "it": "Non lo so.",
}
_MARKS = {
    "de": r"\b(?:wie|wo|wer|wann|welche\w*|woher|wogegen|dein\w*|du|hast|bist)\b",
    "fr": r"\b(?:quel\w*|qui|où|combien|comment|ton|ta|tes|tu|est-ce|quand|quoi|dis-moi)\b|\bqu['’]|-tu\b",
    "es": r"[¿]|\b(?:qué|cuál|cuándo|dónde|cuánt\w+|cómo|quién|dime|tus?)\b",
    "it": r"\b(?:che|chi|qual[ei]?|quando|dove|quant[oaie]|come|tuo|tua|tuoi|hai|sei|dimmi|ti|cosa|fai|vita)\b",
    "en": r"\b(?:what|which|who|when|where|how|your?|tell|the)\b",
}
_WORDS = {language: re.compile(pattern, re.IGNORECASE) for language, pattern in _MARKS.items()}


def unknown(question: str, confirmed: Collection[str], passages: Sequence[str], language: str | None = None) -> str | None:
    """What to say instead of generating; None where the model may answer.

    Args:
        question: the newest message.
        confirmed: relations of the person of which a confirmed fact counts (corpus/facts.py, `valid`).
        passages: what retrieval found for the question above its threshold.
        language: of the person, as ISO 639-1; by default, and where it is not one of the five, that of the question.
    """
    if passages or not asks_for_a_fact(question):
        return None
    if relation_asked(question) in confirmed or any(relation in question.casefold() for relation in confirmed):
        return None
    return UNKNOWN.get(language or "") or UNKNOWN[language_of(question)]


def language_of(question: str) -> str:
    """Whose question words are the most; only for questions that one of the five's rules has found."""
    return max(_WORDS, key=lambda language: len(_WORDS[language].findall(question)))
