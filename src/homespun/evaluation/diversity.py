"""Is it still free speech? Variety, length, copying from the training text, and replies that are broken outright."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from homespun.evaluation.bootstrap import Interval, ratio_of_sums

Gram = tuple[str, ...]

# Han and kana are written without blanks, so there each character counts as a word.
_CHARACTER = r"[\u3040-\u30ff\u3400-\u9fff]"
# Vowel signs and accents stand after their letter as characters of their own that no regex counts as a letter.
_LETTER = rf"(?:(?!{_CHARACTER})[^\W_]|[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0e00-\u0e7f])"
_WORD = re.compile(rf"{_CHARACTER}|{_LETTER}+(?:['’]{_LETTER}+)*")
_TOKEN = re.compile(rf"{_WORD.pattern}|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Distinct:
    """Share of different n-grams among all n-grams of `tokens` tokens."""

    value: float | None
    """None where there is no n-gram at all."""
    tokens: int
    short: bool
    """Fewer tokens than asked for: variety falls with length, so this value is not comparable with one at full length."""


@dataclass(frozen=True, slots=True)
class SelfBleu:
    """How much `replies` texts repeat each other, 0 to 1."""

    value: float | None
    """None with fewer than two texts."""
    replies: int
    short: bool
    """Fewer texts than asked for: among fewer there is less to repeat, so this value is not comparable with one at full number."""


@dataclass(frozen=True, slots=True)
class CopiedRun:
    """A stretch of consecutive tokens of one reply that stands in the training text."""

    tokens: int
    text: str


@dataclass(frozen=True, slots=True)
class Degenerate:
    """Share of broken replies, and how many replies show each fault (one may show several)."""

    rate: float
    faults: Mapping[str, int]


def words(text: str) -> list[str]:
    """The words of a text, case-folded: runs of letters and digits, apostrophes within a word kept."""
    return _WORD.findall(text.casefold())


def word_tokens(text: str) -> list[str]:
    """The words and the single punctuation marks and emoji of a text: the tokens of distinct-n and of copying.

    The natural ranges these two are judged against count punctuation: people's distinct-2 at 2,000 tokens is .70 to .77 so,
    about .80 over bare words.
    """
    return _TOKEN.findall(text.casefold())


def distinct_n(texts: Sequence[str], n: int, tokens: int = 2000, seed: int = 0) -> Distinct:
    """Distinct-n (Li et al. 2016, arXiv 1510.03055) over the first `tokens` word tokens of the texts in a seeded order.

    n-grams stay within a text. The budget is fixed because the share falls as text grows.
    """
    grams: list[Gram] = []
    left = tokens
    for text in random.Random(seed).sample(texts, len(texts)):
        kept = word_tokens(text)[:left]
        left -= len(kept)
        grams += _grams(kept, n)
    return Distinct(len(set(grams)) / len(grams) if grams else None, tokens - left, short=left > 0)


def self_bleu(texts: Sequence[str], most: int = 100, seed: int = 0) -> SelfBleu:
    """Self-BLEU-4 (Zhu et al. 2018, arXiv 1802.01886): the mean BLEU of each text against all the others, over `most` drawn texts.

    BLEU by sacrebleu over word tokens; a text of fewer than four tokens is judged by the n-grams it has. Texts without any
    word token are left out. People repeat themselves too, so read it against their own replies, in the same number.
    """
    from sacrebleu.metrics.bleu import BLEU

    said = [" ".join(tokens) for text in texts if (tokens := word_tokens(text))]
    drawn = random.Random(seed).sample(said, min(most, len(said)))
    if len(drawn) < 2:
        return SelfBleu(None, len(drawn), short=True)
    metric = BLEU(tokenize="none", effective_order=True)
    scores = [metric.sentence_score(text, drawn[:index] + drawn[index + 1 :]).score for index, text in enumerate(drawn)]
    return SelfBleu(sum(scores) / len(scores) / 100, len(drawn), short=len(drawn) < most)


def length_ratio(generated: Sequence[str], real: Sequence[str], conversations: Sequence[str]) -> Interval:
    """Mean words of a generated reply over mean words of the real reply to the same context, conversations redrawn."""
    return ratio_of_sums([len(words(text)) for text in generated], [len(words(text)) for text in real], conversations)


def copy_rate(replies: Sequence[str], training: Sequence[str], n: int = 8, common: float = 0.01) -> float:
    """Share of replies that hold an n-gram of word tokens of the training text not among its `common` share of most frequent ones.

    After the verbatim matching of Carlini et al. 2021 (arXiv 2012.07805), with the person's set phrases let through. People
    repeat themselves too, so read it against the rate of their own held-out replies.
    """
    if not replies:
        raise ValueError("no replies to look for copies in")
    copied = set(_rare_places(training, n, common))
    return sum(not copied.isdisjoint(_grams(word_tokens(reply), n)) for reply in replies) / len(replies)


def longest_copied_run(replies: Sequence[str], training: Sequence[str], n: int = 8, common: float = 0.01) -> CopiedRun:
    """The longest verbatim run in any reply around an n-gram that `copy_rate` would count; 0 tokens where there is none."""
    places = _rare_places(training, n, common)
    sources = [word_tokens(text) for text in training]
    longest = CopiedRun(0, "")
    for text in replies:
        reply = word_tokens(text)
        for start, gram in enumerate(_grams(reply, n)):
            for source, at in places.get(gram, ()):
                first, last = _grow(reply, start, sources[source], at, n)
                if last - first > longest.tokens:
                    longest = CopiedRun(last - first, _cut(text, first, last))
    return longest


def degenerate_rate(
    replies: Sequence[str], contexts: Sequence[str], speakers: Sequence[str] = (), over_length: Sequence[bool] | None = None
) -> Degenerate:
    """Share of replies that are empty, echo the prompt, loop, speak for a speaker by tag, or ran over the length cap.

    `contexts`: the text each reply answers. `speakers`: names whose tag at the start of a line ("Name:") is a fault.
    `over_length`: whether the caller had to cut the reply. Read-backs and laughter look like echoes and loops, so compare
    with the same rate on the person's real replies.
    """
    if not replies:
        raise ValueError("no replies to judge")
    cut = over_length if over_length is not None else [False] * len(replies)
    tag = re.compile(rf"^[ \t]*(?:{'|'.join(map(re.escape, speakers)) or '(?!)'})[ \t]*:", re.MULTILINE)
    faults: Counter[str] = Counter()
    broken = 0
    for reply, context, too_long in zip(replies, contexts, cut, strict=True):
        found = {
            "empty": not reply.strip(),
            "echo": _echoes(words(reply), words(context)),
            "loop": max(Counter(_grams(words(reply), 4)).values(), default=0) >= 4,
            "speaker tag": bool(tag.search(reply)),
            "too long": too_long,
        }
        faults.update(fault for fault, present in found.items() if present)
        broken += any(found.values())
    return Degenerate(broken / len(replies), dict(faults))


def _echoes(reply: Sequence[str], context: Sequence[str]) -> bool:
    """Whether 60 % of a reply of four words or more are stretches of three or more words of the context, in its order.

    Shorter replies and single shared words are left alone: "Okay." answers "Okay." all the time.
    """
    blocks = SequenceMatcher(None, reply, context, autojunk=False).get_matching_blocks()
    return len(reply) >= 4 and sum(block.size for block in blocks if block.size >= 3) >= 0.6 * len(reply)


def _grams(tokens: Sequence[str], n: int) -> Iterator[Gram]:
    return (tuple(tokens[start : start + n]) for start in range(len(tokens) - n + 1))


def _rare_places(training: Sequence[str], n: int, common: float) -> dict[Gram, list[tuple[int, int]]]:
    """Where each n-gram stands (text, token) in the training text, without the most frequent share `common` of n-grams.

    Where the cut falls among equally frequent n-grams none of them counts as common: never more than the share is let through.
    """
    places: dict[Gram, list[tuple[int, int]]] = {}
    for index, text in enumerate(training):
        for start, gram in enumerate(_grams(word_tokens(text), n)):
            places.setdefault(gram, []).append((index, start))
    counts = sorted((len(found) for found in places.values()), reverse=True)
    allowed = int(common * len(counts))
    ceiling = counts[allowed] if counts else 0
    return {gram: found for gram, found in places.items() if len(found) <= ceiling}


def _grow(reply: Sequence[str], start: int, source: Sequence[str], at: int, n: int) -> tuple[int, int]:
    """First token and the one past the last, in the reply, of its longest common run with the source around n that agree."""
    back = 0
    while back < min(start, at) and reply[start - back - 1] == source[at - back - 1]:
        back += 1
    end = n
    while start + end < len(reply) and at + end < len(source) and reply[start + end] == source[at + end]:
        end += 1
    return start - back, start + end


def _cut(text: str, first: int, last: int) -> str:
    """The stretch of the (case-folded) text from token `first` to before token `last`, blanks as they stand."""
    folded = text.casefold()
    spans = [match.span() for match in _TOKEN.finditer(folded)]
    return folded[spans[first][0] : spans[last - 1][1]]
