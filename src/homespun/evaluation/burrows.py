"""Whose word habits are these? Burrows's Delta (Burrows 2002, Literary and Linguistic Computing 17:267), over the most frequent words.

The most frequent words carry manner rather than matter, and nobody watches himself using them. Delta needs a thousand words
to see them: it judges many replies together, never one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from homespun.evaluation.bootstrap import Floats, Interval, bounds, cluster_sums, resample
from homespun.evaluation.diversity import words

FREQUENT = 150
"""Words compared."""
ENOUGH = 1000
"""Words in a chunk; with fewer, shares are mostly chance."""
MANY = 5
"""Other speakers from which being the nearest says something."""

# Thai, Lao, Burmese and Khmer have no blanks between words, so that `words` finds whole phrases.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")


@dataclass(frozen=True, slots=True)
class Profiles:
    """How often each candidate speaker uses the frequent words."""

    frequent: tuple[str, ...]
    shares: Mapping[str, Floats]
    """Speaker -> each frequent word's share of all the speaker's words."""
    deviations: Floats
    """Of each word's share over chunks of all candidates."""
    note: str
    """What the reader should know; empty when all is well."""


@dataclass(frozen=True, slots=True)
class Delta:
    """How far a set of texts is from each candidate. Empty where it is too little to measure."""

    distances: Mapping[str, float]
    """Speaker -> mean difference over the frequent words, in standard deviations; nearest first."""
    rank: int | None
    """Of the person among the candidates: 1 is the nearest."""
    margin: Interval | None
    """By how much the person is nearer than the nearest other speaker; negative where another is nearer."""
    words: int
    note: str


def profiles(candidates: Mapping[str, Sequence[str]], frequent: int = FREQUENT, enough: int = ENOUGH) -> Profiles:
    """What texts are compared with: real text of the person and of other speakers, from one corpus.

    The frequent words are those with the highest share averaged over the candidates, so that the most talkative does not
    choose them. They are words of `diversity.words`: characters, in scripts without blanks.

    Raises:
        ValueError: fewer than two candidates have `enough` words, or words cannot be told apart in their script.
    """
    said = {name: _joined(texts) for name, texts in sorted(candidates.items())}
    able = {name: tokens for name, tokens in said.items() if len(tokens) >= enough}
    if len(able) < 2:
        raise ValueError(f"two speakers with {enough} words each are needed")
    if any(sum(bool(_UNSPACED.search(token)) for token in tokens) > len(tokens) / 2 for tokens in able.values()):
        raise ValueError("words cannot be counted in a script that has no blanks between them")
    means: Counter[str] = Counter()
    for tokens in able.values():
        means.update({word: count / len(tokens) for word, count in Counter(tokens).items()})
    chosen = sorted(means, key=lambda word: (-means[word], word))[:frequent]
    chunks = [tokens[start : start + enough] for tokens in able.values() for start in range(0, len(tokens) - enough + 1, enough)]
    deviations = _counts(chunks, chosen).std(axis=0, ddof=1) / enough
    varying = deviations > 0
    shares = {name: counts[varying] / len(able[name]) for name, counts in zip(able, _counts(list(able.values()), chosen), strict=True)}
    kept = tuple(word for word, varies in zip(chosen, varying, strict=True) if varies)
    note = "" if len(able) > MANY else f"compared with {len(able) - 1} other speakers only"
    return Profiles(kept, shares, deviations[varying], note)


def delta(texts: Sequence[str], conversations: Sequence[str], among: Profiles, person: str, enough: int = ENOUGH, seed: int = 0) -> Delta:
    """The distance of the texts, taken together, to each candidate.

    Conversations are redrawn for the margin. Its bounds lean low: a redraw repeats some replies and misses others, which
    makes it a little less like anybody.

    Raises:
        ValueError: the person is not among the candidates.
    """
    if person not in among.shares:
        raise ValueError(f"fewer than {enough} words by {person} to compare with")
    tokens = [words(text) for text in texts]
    total = sum(map(len, tokens))
    if total < enough:
        return Delta({}, None, None, total, f"{total} words: at least {enough} are needed")
    counts = np.column_stack([_counts(tokens, among.frequent), [len(row) for row in tokens]])
    sums = cluster_sums(counts, conversations)
    everybody = np.array(list(among.shares.values()))
    own = list(among.shares).index(person)

    def distances(totals: Floats) -> Floats:
        """(rows, candidates)."""
        shares = totals[:, :-1] / totals[:, -1:]
        return np.stack([(np.abs(shares - candidate) / among.deviations).mean(axis=1) for candidate in everybody], axis=1)

    def margins(distances: Floats) -> Floats:
        nearest: Floats = np.delete(distances, own, axis=1).min(axis=1) - distances[:, own]
        return nearest

    found = distances(sums.sum(axis=0, keepdims=True))
    low, high = -np.inf, np.inf
    if len(sums) > 1:
        drawn = resample(sums, draws=2000, seed=seed)
        low, high = bounds(margins(distances(drawn[drawn[:, -1] > 0])), level=0.95)
    by_name = dict(zip(among.shares, found[0].tolist(), strict=True))
    return Delta(
        distances=dict(sorted(by_name.items(), key=lambda row: row[1])),
        rank=1 + sum(distance < by_name[person] for distance in by_name.values()),
        margin=Interval(float(margins(found)[0]), low, high, n=len(texts), clusters=len(sums)),
        words=total,
        note=among.note,
    )


def _joined(texts: Sequence[str]) -> list[str]:
    return [word for text in texts for word in words(text)]


def _counts(rows: Sequence[Sequence[str]], chosen: Sequence[str]) -> Floats:
    """(rows, chosen): how often each row of words has each chosen word."""
    counted = [Counter(row) for row in rows]
    return np.array([[row[word] for word in chosen] for row in counted], dtype=np.float64)
