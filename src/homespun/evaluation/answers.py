"""Does a reply give the answer, and does it say what nobody told it? On the words alone."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

NOUNS_HAVE_CAPITALS = ("de",)
"""Languages in which a name cannot be told by its capital."""

_ARTICLES_LISTED = """
    a an the l der die das den dem des ein eine einen einem einer eines le la les un une des el los las unos unas lo il gli i uno una
"""
_ARTICLES = frozenset(_ARTICLES_LISTED.split())
_MARKS = frozenset(string.punctuation)


def normalised(text: str) -> list[str]:
    """Words in small letters without marks and articles: SQuAD's normalisation (Rajpurkar et al. 2016), articles of all five languages.

    Every mark of Unicode goes, not ASCII's alone, as in MLQA (Lewis et al. 2020).
    """
    kept = "".join(
        " " if character in "'’" else "" if character in _MARKS or unicodedata.category(character)[0] == "P" else character
        for character in text.casefold()
    )
    return [word for word in kept.split() if word not in _ARTICLES]


def exact(reply: str, value: str) -> float:
    """1 where they are the same but for case, marks and articles."""
    return float(normalised(reply) == normalised(value))


def f1(reply: str, value: str) -> float:
    """Harmonic mean of the precision and recall of words (Rajpurkar et al. 2016)."""
    one, other = normalised(reply), normalised(value)
    common = sum((Counter(one) & Counter(other)).values())
    return 2 * common / (len(one) + len(other)) if common else float(not one and not other)


def named(reply: str, value: str) -> float:
    """1 where the reply has the value's words in a row: "I live in Bergen, by the sea" names Bergen. Chat is not a quiz."""
    one, other = normalised(reply), normalised(value)
    return float(bool(other) and any(one[at : at + len(other)] == other for at in range(len(one) - len(other) + 1)))


_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(r"(?:(?<=[.!?…:\n])|(?<=\A))[\s\"'“‘«¿¡(*-]*([^\W\d_]+)|([^\W\d_]+)")
_OPENERS_LISTED = """
    yes no yeah yep nope ok okay well oh hi hey hello thanks thank sorry sure maybe not none nothing never i im it its is my me we you he
    she they the a an this that there here in on at and but so what when where who why how mr mrs sí si ja nein oui non no bueno hola
    ciao je tu il elle c est un une le la les mon ma yo el mi io sono è ho
"""
_OPENERS = frozenset(_OPENERS_LISTED.split())
SHORT = 3
"""Words: in a reply as short as that, the first word is the answer."""


def fabricated(
    replies: Sequence[str], questions: Sequence[str], passages: Sequence[Sequence[str]], values: Iterable[str], language: str
) -> list[float]:
    """1 for each reply with a number or a name that is in none of its passages, the facts' values and its question.

    A name is a word with a capital that begins no sentence, or the beginning of a reply of three words or fewer; words that somewhere
    in these texts are written small are none. Where nouns have capitals (German), and where people write without, only numbers show.
    """
    table = list(values)
    texts = (*replies, *questions, *(passage for held in passages for passage in held))
    small = {word for text in texts for word in re.findall(r"[^\W\d_]+", text) if word.islower()}
    rows = zip(replies, questions, passages, strict=True)
    return [float(bool(_claims(reply, language, small) - _told([question, *held, *table]))) for reply, question, held in rows]


def _claims(reply: str, language: str, small: set[str]) -> set[str]:
    claims = set(_NUMBER.findall(reply))
    if language not in NOUNS_HAVE_CAPITALS:
        short = len(reply.split()) <= SHORT
        for match in _NAME.finditer(reply):
            word = match[2] or (match[1] if short else "")
            if word[:1].isupper() and len(word) > 1 and word.casefold() not in small | _OPENERS:
                claims.add(word.casefold())
    return claims


def _told(texts: Iterable[str]) -> set[str]:
    joined = "\n".join(texts)
    return {*_NUMBER.findall(joined), *(word.casefold() for word in re.findall(r"[^\W\d_]+", joined))}
