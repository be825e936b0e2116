"""Every avatar says that it is one when it is asked: found by rules, before a model gets to answer.

A model could deny it, and a small one will now and then. So whether a message asks is decided here, the same way every time, by the table
in `disclosure.toml`, and the answer is a fixed sentence.

A message can ask this and something else ("are you a bot? and when is dinner?"). It gets this answer alone: whatever a model wrote beside
it could take it back or bury it, and the other question can be put again. For the same reason doubt counts as asking: a needless
disclosure costs a turn, a denied one costs trust.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

SHORTEST = 5
"""Letters of a word that may be mistyped: shorter words are too near to each other."""
_BETWEEN, _GAP, _PERSON = r"(?:\S+~ )*", r"~?[ _]", "#"
"""A clause is searched as `are you kind_of~ a~ bot ? `. What may stand anywhere is marked first: patterns would be huge with it."""
Lists = Mapping[str, list[list[str]]]
"""Name -> its alternatives, each a sequence of words and names."""


def asks_what_it_is(text: str, person: str = "") -> str | None:
    """The language (ISO 639-1) in which a message asks what or who it is talking to, or None if it does not ask.

    Args:
        person: the avatar's person, so that "are you Anna?" counts for Anna's.
    """
    name = re.findall(r"\w+", _plain(person))
    found = ((_longest(rules, text, name), language) for language, rules in _languages().items())
    length, language = max(found, key=lambda one: one[0])
    return language if length else None


def disclosure(language: str, person: str, title: str) -> str:
    """What an avatar answers then.

    Args:
        language: as `asks_what_it_is` gave it; one that is not in the table is answered in English.
        title: of the version, such as "anna@3".
    """
    table = _table()
    return str(table.get(language, table["en"])["answer"]).format(person=person, title=title)


def notice(person: str, title: str) -> str:
    """What is said unasked: at the start of a chat, and beside an answer that a program passes on."""
    return f"This is {title}, an avatar: not {person}, but a model of how {person} writes."


@dataclass(frozen=True, slots=True)
class _Rules:
    """One language, ready to be searched."""

    asks: str
    """Compiled when a message has words of the language: all together take a second."""
    between: re.Pattern[str]
    words: Set[str]
    """Every word of the table."""
    shortened: Mapping[str, str]
    """Its longer words without one letter, or without none -> the word."""


@lru_cache
def _table() -> Mapping[str, Mapping[str, object]]:
    return tomllib.loads((resources.files("homespun.serving") / "disclosure.toml").read_text(encoding="utf-8"))


@lru_cache
def _languages() -> Mapping[str, _Rules]:
    return {language: _rules(entry) for language, entry in _table().items()}


def _rules(entry: Mapping[str, object]) -> _Rules:
    words, asks = entry["words"], entry["asks"]
    assert isinstance(words, dict) and isinstance(asks, list)
    lists = {name: [alternative.split() for alternative in text.split("|")] for name, text in words.items()}
    lists["THE_PERSON"] = [[_PERSON]]
    known = {word for alternatives in lists.values() for alternative in alternatives for word in alternative} | set(" ".join(asks).split())
    written = {word for word in known if word.islower()} | {_PERSON}
    long = [word for word in sorted(written) if len(word) >= SHORTEST]
    shortened = {shorter: word for word in long for shorter in _without_one(word)} | {word: word for word in long}
    between = "|".join(sorted((" ".join(alternative) for alternative in lists["BETWEEN"]), key=len, reverse=True))
    pattern = _pattern([ask.split() for ask in asks], lists, _BETWEEN)
    return _Rules(rf"(?<!\S){pattern}", re.compile(rf"(?<!\S)(?:{between})(?= )"), written, shortened)


def _pattern(sequences: Sequence[Sequence[str]], lists: Lists, between: str = "") -> str:
    """Sequences of the table as one regular expression over words that each have a blank behind them; what begins alike is written once."""
    rests: dict[str, list[Sequence[str]]] = {}
    for first, *rest in sequences:
        rests.setdefault(first, []).append(rest)
    branches = []
    for first, following in rests.items():
        more = [rest for rest in following if rest]
        tail = f"{between}{_pattern(more, lists, between)}" if more else ""
        branches.append(_element(first, lists) + (tail if len(more) == len(following) else f"(?:{tail})?"))
    return f"(?:{'|'.join(branches)})"


def _element(element: str, lists: Lists) -> str:
    if element == "^":
        return rf"(?:^|(?<=, )){_pattern(lists['OPENING'], lists)}*"
    if element == "$":
        return r"(?=\? |$)"
    if element == ">":
        return rf"(?=[?,] |$|{_pattern(lists['AFTER'], lists)})"
    if element in "?,":
        return rf"\{element} "
    if element.endswith("?"):
        return rf"(?:{_element(element[:-1], lists)})?"
    return _pattern(lists[element], lists) if element.isupper() else f"{element}{_GAP}"


def _longest(rules: _Rules, text: str, name: Sequence[str]) -> int:
    """Words of the longest question found: of two languages that share words, the one that explains more is meant."""
    clauses = [clause for clause in _clauses(text, rules, name) if not rules.words.isdisjoint(re.findall(rf"[^\W_]+|{_PERSON}", clause))]
    return max((len(re.findall(r"[^\W_]+", found[0])) for clause in clauses for found in _compiled(rules.asks).finditer(clause)), default=0)


def compile_all() -> None:
    """For a server: takes a second now instead of with the first message of each language."""
    for rules in _languages().values():
        _compiled(rules.asks)


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _clauses(text: str, rules: _Rules, name: Sequence[str]) -> Iterator[str]:
    """The parts of a message between full stops and the like, as they are searched: every word with a blank behind it."""
    for clause in re.findall(r"[^.!?;:…\n¿¡—–]+\??", _plain(text)):
        words = re.findall(r"\w+|[?,]", clause.replace("/", " or "))
        meant = "".join(f"{_meant(word, rules)} " for word in words)
        if name:
            meant = re.sub(rf"(?<!\S){name[0]}(?: {' '.join(name[1:])})?(?= )", _PERSON, meant)
        yield rules.between.sub(lambda found: f"{found[0].replace(' ', '_')}~", meant)


def _meant(word: str, rules: _Rules) -> str:
    """The word of the table that this is with a letter missing, a letter too many, or two changed about; else the word itself."""
    if word in rules.words or len(word) < SHORTEST:
        return word
    for shorter in (word, *_without_one(word)):
        meant = rules.shortened.get(shorter, word)
        if len(meant) != len(word) or (meant != word and sorted(meant) == sorted(word)):
            return meant
    return word


def _without_one(word: str) -> list[str]:
    return [word[:place] + word[place + 1 :] for place in range(len(word))]


def _plain(text: str) -> str:
    """Small letters without accents; letters that are drawn out ("heyyy") once; no full stops inside a.b.b.r."""
    text = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l").replace("🤖", " robot "))
    text = "".join(letter for letter in text if unicodedata.category(letter) not in ("Mn", "Cf"))
    text = re.sub(r"(\w)\1{2,}", r"\1", text)
    return re.sub(r"\b(\w)\.(?=\w\b)", r"\1", text)
