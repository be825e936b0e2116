"""Minimal pairs: two sentences that differ in one thing, of which only one is English.

A model that knows the language finds the acceptable one likelier; the share of pairs where it does is a measure of grammar that needs no
prompt and no generation (Warstadt et al. 2020, BLiMP, arXiv 1912.00582). These pairs are our own: a small grammar fills templates with
words (probes/minimal_pairs.toml), the same ones every time.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import count, islice

Words = Mapping[str, Sequence[Sequence[str]]]

_SLOT = re.compile(r"\{([a-z]+)(\d?)(?:\.(\d))?\}")
_CHOICE = re.compile(r"\[([^|\]]*)\|([^|\]]*)\]")


@dataclass(frozen=True, slots=True)
class MinimalPair:
    paradigm: str
    good: str
    bad: str


def minimal_pairs(each: int, seed: int = 0) -> tuple[MinimalPair, ...]:
    """`each` different pairs of every paradigm, its templates taken in turn.

    More of them with the same seed begin with the same ones. A paradigm whose words are used up has fewer.
    """
    grammar = tomllib.loads((resources.files("homespun") / "evaluation/probes/minimal_pairs.toml").read_text(encoding="utf-8"))
    words = {
        name: [[form.strip() for form in entry.split("/")] for entry in listed.split(",")] for name, listed in grammar["words"].items()
    }
    return tuple(
        pair for paradigm, templates in grammar["paradigms"].items() for pair in islice(_pairs(paradigm, templates, words, seed), each)
    )


def _pairs(paradigm: str, templates: Sequence[str], words: Words, seed: int) -> Iterator[MinimalPair]:
    rng = random.Random(f"{seed}/{paradigm}")
    seen: set[MinimalPair] = set()
    for number in count():
        drawn = (_pair(paradigm, templates[number % len(templates)], words, rng) for _ in range(_TRIES))
        pair = next((pair for pair in drawn if pair not in seen), None)
        if pair is None:
            return
        seen.add(pair)
        yield pair


_TRIES = 100
"""Draws without a new pair after which a template counts as used up."""


def _pair(paradigm: str, template: str, words: Words, rng: random.Random) -> MinimalPair:
    chosen: dict[str, list[Sequence[str]]] = {}

    def fill(slot: re.Match[str]) -> str:
        name, place, form = slot[1], int(slot[2] or 1) - 1, int(slot[3] or 0)
        if name not in chosen:
            chosen[name] = rng.sample(words[name], min(2, len(words[name])))
        return chosen[name][place][form]

    filled = _SLOT.sub(fill, template)
    good, bad = (_CHOICE.sub(rf"\{side}", filled) for side in (1, 2))
    return MinimalPair(paradigm, good[0].upper() + good[1:], bad[0].upper() + bad[1:])
