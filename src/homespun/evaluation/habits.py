"""Habits of writing in words a user understands: "you end 41 % of messages without a full stop, the avatar 3 %".

Surface habits anyone may have, and the words and phrases that mark this person off from the others they talk with.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Literal

import numpy as np

from homespun.evaluation.bootstrap import Floats
from homespun.evaluation.diversity import word_tokens, words

SURE = 3.0
"""Standard errors a gap must span. About 60 habits are compared at once; three errors let chance pass one in seven reports."""
MARKED = 1.96
"""Standard errors of log-odds from which a word is the person's own."""
FAVOURITES = 20
"""Words, and as many phrases, at most."""
OFTEN = 0.02
"""Share of replies a favourite must be in: nobody knows himself by a word used once a month."""

_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf\U0001f1e6-\U0001f1ff]")
_SMILEY = re.compile(r"(?<!\w)[:;=]['-]?[()DPp/|](?!\w)")
_TWO_DOTS = re.compile(r"(?<!\.)\.\.(?!\.)")
_DOTS = re.compile(r"\.{3,}|…")
_AMPERSAND = re.compile(r"(?<!\S)&(?!\S)")
_DROPPED = re.compile(
    r"\b(?:im|ive|dont|didnt|doesnt|cant|couldnt|wont|wouldnt|shouldnt|isnt|arent|wasnt|werent|havent|hasnt|thats|whats|youre|theyre)\b",
    re.IGNORECASE,
)
_KISS = re.compile(r"(?<!\w)(?:x+|(?:xo)+x?)\W*$", re.IGNORECASE | re.MULTILINE)
_CLOSING = "\"'”’)]} "


@dataclass(frozen=True, slots=True)
class Habit:
    """Something a reply does or not (its share of replies counts), or a number of a reply (its mean counts)."""

    key: str
    sentence: str
    """A template with {real} and {model}."""
    measure: Callable[[str], float]
    family: frozenset[str]
    """What the habit is about; of habits that share a subject a report names the most telling one only."""
    share: bool = True


@dataclass(frozen=True, slots=True)
class Gap:
    """A habit the model misses (does too little) or overdoes."""

    key: str
    sentence: str
    kind: Literal["missed", "overdone"]
    real: float
    model: float
    size: float
    """Standardised difference, model minus real: Cohen's h of shares, Cohen's d of means (Cohen 1988)."""
    sure: bool
    """Larger than chance makes it, at this many replies."""
    examples: tuple[str, ...]
    """Real replies where the habit is missed, generated ones where it is overdone."""


def _share(key: str, does: str, measure: Callable[[str], bool], family: str = "") -> Habit:
    return Habit(key, f"you {does.format('{real} of messages')}, the avatar {{model}}", measure, frozenset({family or key}))


def _open_end(text: str) -> bool:
    return bool(text.strip()) and not text.rstrip(_CLOSING + "\n").endswith((".", "!", "?", "…"))


def _uncapitalised(text: str) -> bool:
    return any(map(str.islower, text)) and not any(map(str.isupper, text))


def _shouts(text: str) -> bool:
    return any(len(word) > 1 and word.isupper() for word in re.findall(r"[^\W\d_]+", text))


HABITS: tuple[Habit, ...] = (
    _share("small_start", "start {} with a small letter", lambda text: text.lstrip()[:1].islower(), "capitals"),
    _share("no_capitals", "write {} without any capital letter", _uncapitalised, "capitals"),
    _share("open_end", "end {} without a full stop", _open_end),
    _share("question", "ask something in {}", lambda text: "?" in text),
    _share("exclamation", "put an exclamation mark in {}", lambda text: "!" in text),
    _share("burst", "write {} over several lines", lambda text: "\n" in text.strip()),
    _share("emoji", "put an emoji in {}", lambda text: bool(_EMOJI.search(text))),
    _share("smiley", "put a smiley such as :) in {}", lambda text: bool(_SMILEY.search(text))),
    _share("two_dots", 'write ".." in {}', lambda text: bool(_TWO_DOTS.search(text))),
    _share("dots", 'write "..." in {}', lambda text: bool(_DOTS.search(text))),
    _share("ampersand", 'write "&" for "and" in {}', lambda text: bool(_AMPERSAND.search(text))),
    _share("comma", "use commas in {}", lambda text: "," in text),
    _share("no_apostrophe", "drop apostrophes (dont, im) in {}", lambda text: bool(_DROPPED.search(text))),
    _share("digits", "write numbers as digits in {}", lambda text: any(map(str.isdigit, text))),
    _share("kiss", 'sign off with a kiss ("x") in {}', lambda text: bool(_KISS.search(text))),
    _share("shouting", "write words all in CAPITALS in {}", _shouts),
    _share("one_word", "send {} with a single word", lambda text: len(words(text)) == 1, "length"),
    _share("long", "send {} with more than 30 words", lambda text: len(words(text)) > 30, "length"),
    Habit(
        "words",
        "you write {real} words a message, the avatar {model}",
        lambda text: float(len(words(text))),
        frozenset({"length"}),
        share=False,
    ),
)


def profile(texts: Sequence[str], habits: Sequence[Habit] = HABITS) -> dict[str, float]:
    """Each habit's share of the texts (or mean over them), by key; empty without texts."""
    return {habit.key: float(_measured(habit, texts).mean()) for habit in habits} if texts else {}


def favourites(real: Sequence[str], others: Sequence[str], most: int = FAVOURITES, min_count: int = 5) -> tuple[Habit, ...]:
    """The person's own words and two-word phrases, most telling first, each as a habit; none without others to differ from.

    Log-odds with an informative Dirichlet prior, in standard errors (Monroe, Colaresi & Quinn 2008, equations 16, 20 and 22);
    the prior is the pooled text. A word counts once per reply and must come up in three quarters of `real`, which is in the
    order it was written: a long rant or a passing topic makes no habit.
    """
    if not others:
        return ()
    least = max(min_count, OFTEN * len(real))
    return tuple(_says(said) for parts in (_single, _pairs) for said in islice(_marked(real, others, parts, least), most))


def largest_gaps(real: Sequence[str], generated: Sequence[str], others: Sequence[str], top: int = 5, min_count: int = 5) -> list[Gap]:
    """The habits in which generated replies differ most from the person's real ones, largest first.

    A habit must occur in `min_count` replies of one side, and a gap span one standard error. Below SURE of them chance may have made it.
    `others`: what other people wrote in the same conversations, to find the person's own words by.
    """
    if not real or not generated:
        return []
    error = math.sqrt(1 / len(real) + 1 / len(generated))
    habits = (*HABITS, *favourites(real, others, min_count=min_count))
    compared = [(habit, *_compare(habit, real, generated, min_count)) for habit in habits]
    gaps: list[Gap] = []
    told: frozenset[str] = frozenset()
    for habit, size, on_real, on_model in sorted(compared, key=lambda row: -abs(row[1])):
        if len(gaps) < top and abs(size) >= error and told.isdisjoint(habit.family):
            told |= habit.family
            gaps.append(_gap(habit, size, on_real, on_model, real if size < 0 else generated, abs(size) >= SURE * error))
    return gaps


def _gap(habit: Habit, size: float, real: float, model: float, texts: Sequence[str], sure: bool) -> Gap:
    sentence = habit.sentence.format(real=_said(real, habit.share), model=_said(model, habit.share))
    return Gap(habit.key, sentence, "missed" if size < 0 else "overdone", real, model, size, sure, _examples(habit, texts))


def _compare(habit: Habit, real: Sequence[str], generated: Sequence[str], min_count: int) -> tuple[float, float, float]:
    """The standardised difference (0 where the habit is too rare to tell), and the level on each side."""
    on_real, on_model = _measured(habit, real), _measured(habit, generated)
    one, other = float(on_real.mean()), float(on_model.mean())
    if max(np.count_nonzero(on_real), np.count_nonzero(on_model)) < min_count:
        return 0.0, one, other
    if habit.share:
        return 2 * (math.asin(math.sqrt(other)) - math.asin(math.sqrt(one))), one, other
    squares = ((on_real - one) ** 2).sum() + ((on_model - other) ** 2).sum()
    spread = math.sqrt(squares / max(1, len(real) + len(generated) - 2))
    # A floor of one word: replies of one length would otherwise make any difference infinite.
    return (other - one) / max(spread, 1.0), one, other


def _measured(habit: Habit, texts: Sequence[str]) -> Floats:
    return np.array([habit.measure(text) for text in texts], dtype=np.float64)


def _examples(habit: Habit, texts: Sequence[str], most: int = 2) -> tuple[str, ...]:
    """The first texts that show the habit, or those nearest to the mean of a number; no text twice."""
    different = list(dict.fromkeys(texts))
    if habit.share:
        return tuple(islice((text for text in different if habit.measure(text)), most))
    middle = float(_measured(habit, texts).mean())
    return tuple(sorted(different, key=lambda text: abs(habit.measure(text) - middle))[:most])


def _said(level: float, share: bool) -> str:
    """A share as "41 %" ("0.4 %" where small), a mean as "8.9"."""
    if not share:
        return f"{level:.1f}"
    return f"{100 * level:.0f} %" if level == 0 or level >= 0.095 else f"{100 * level:.1f} %"


def _says(said: str) -> Habit:
    parts = tuple(said.split(" "))
    sentence = f'you say "{said}" in {{real}} of messages, the avatar {{model}}'
    find = _pairs if len(parts) > 1 else _single
    return Habit(f"says {said}", sentence, lambda text: said in find(text), frozenset(f"word {part}" for part in parts))


def _single(text: str) -> set[str]:
    return {word for word in words(text) if _tells(word)}


def _pairs(text: str) -> set[str]:
    """Two words in a row with no mark between them."""
    return {f"{first} {second}" for first, second in pairwise(word_tokens(text)) if _tells(first) and _tells(second)}


def _tells(token: str) -> bool:
    """A word rather than a mark or a number, and none that HABITS has an entry for."""
    return token[0].isalpha() and not (_KISS.search(token) or _DROPPED.search(token))


def _marked(real: Sequence[str], others: Sequence[str], parts: Callable[[str], set[str]], least: float) -> Iterator[str]:
    """What `parts` finds in `real` more than in `others`, by falling z-score of the log-odds."""
    quarters = [Counter(part for text in real[k * len(real) // 4 : (k + 1) * len(real) // 4] for part in parts(text)) for k in range(4)]
    mine, theirs = sum(quarters, Counter[str]()), Counter(part for text in others for part in parts(text))
    n_mine, n_theirs = mine.total(), theirs.total()

    def z(part: str) -> float:
        prior, whole = mine[part] + theirs[part], n_mine + n_theirs
        mine_and_prior, theirs_and_prior = mine[part] + prior, theirs[part] + prior
        delta = _log_odds(mine_and_prior, n_mine + whole) - _log_odds(theirs_and_prior, n_theirs + whole)
        return delta / math.sqrt(1 / mine_and_prior + 1 / theirs_and_prior)

    lasting = (part for part, count in mine.items() if count >= least and sum(part in quarter for quarter in quarters) >= 3)
    scored = sorted(((z(part), part) for part in lasting), key=lambda row: (-row[0], row[1]))
    return (part for score, part in scored if score >= MARKED)


def _log_odds(count: int, total: int) -> float:
    return math.log(count / max(1, total - count))
