"""Is it as cheerful or as cross as the person, and in the right places? VADER's score of each reply, from -1 to 1.

Replies are compared with the person's own as distributions, and in pairs, reply by reply. VADER (Hutto & Gilbert 2014) is a
list of English words with rules. Nothing alike that is kept up covers other languages, so for them there is a note and no number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from homespun.evaluation.bootstrap import Floats, Interval, bounds
from homespun.evaluation.closeness import ENGLISH_ENOUGH, english_share

FEWEST = 20
"""Texts on a side below which a distribution of tone says nothing."""
DISTINCTIVE = 2.0
"""How much farther others' tone must be than the person's own drifts, for a likeness in tone to mean anything."""
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class SideTone:
    """The tone of one side's replies."""

    distance: float
    """Wasserstein-1 distance of its scores to the person's later ones: how far a score must be moved on average, 0 to 2."""
    ratio: Interval
    """The distance over that of as many of the person's own earlier texts, drawn at random: at 1 it is as near as they are.

    The bounds set it against the 2.5 and 97.5 % of such draws: with the lower one above 1 the tone is not the person's."""
    agreement: Interval | None
    """Spearman correlation with the scores of the real replies to the same contexts; None where all scores of a side are alike."""


@dataclass(frozen=True, slots=True)
class Tone:
    """How the person sounds, and how near each side comes. `sides` is empty where that cannot be measured."""

    drift: float | None
    """Distance between the person's earlier and later texts."""
    others: float | None
    """Distance between the person's texts and other speakers'; None without any."""
    sides: Mapping[str, SideTone]
    note: str

    @property
    def distinctive(self) -> bool:
        """Whether others differ from the person by twice the person's own drift. If not, a near tone proves nothing."""
        return self.drift is not None and self.others is not None and self.others >= DISTINCTIVE * self.drift


def tone(
    written: Mapping[str, Sequence[str]],
    answered: Sequence[str],
    conversations: Sequence[str],
    earlier: Sequence[str],
    later: Sequence[str],
    others: Sequence[str],
    seed: int = 0,
) -> Tone:
    """How near the tone of each side's replies is to the person's.

    Small samples lie far apart by chance alone, so the ratio sets each side beside equally many of the person's own texts.

    Args:
        written: side -> its replies, each to the same contexts as `answered`.
        answered: the person's real replies to those contexts, with the conversation of each in `conversations`.
        earlier, later: the person's real texts before and in the time of the contexts.
        others: real texts of other speakers.
    """
    from scipy.stats import wasserstein_distance

    if (share := english_share([*earlier, *later])) < ENGLISH_ENOUGH:
        return Tone(
            None, None, {}, f"tone is not measured: it can be in English text only, and {share:.0%} of the telling words are English"
        )
    if min(len(earlier), len(later), len(answered)) < FEWEST:
        return Tone(None, None, {}, f"tone is not measured with fewer than {FEWEST} texts")
    before, after, beside, real = map(compound, (earlier, later, others, answered))
    drift = float(wasserstein_distance(before, after))
    apart = float(wasserstein_distance(np.concatenate([before, after]), beside)) if len(beside) else None
    rng = np.random.default_rng(seed)
    natural = np.array([wasserstein_distance(rng.choice(before, len(real)), after) for _ in range(DRAWS)])
    near, far = bounds(natural, level=0.95)
    if near == 0:
        return Tone(drift, apart, {}, "tone is not measured: the person hardly ever writes with any")
    sides = {}
    for side, texts in written.items():
        scores = compound(texts)
        distance = float(wasserstein_distance(scores, after))
        ratio = Interval(
            distance / float(np.median(natural)), distance / far, distance / near, n=len(texts), clusters=len(set(conversations))
        )
        sides[side] = SideTone(distance, ratio, _agreement(scores, real, conversations, seed))
    found = Tone(drift, apart, sides, "")
    return found if found.distinctive else Tone(drift, apart, sides, "the person's tone is not distinctive: others are about as near")


def compound(texts: Sequence[str]) -> Floats:
    """VADER's compound score of each text, -1 (worst) to 1 (best); 0 where no word of it carries any feeling."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    return np.array([analyzer.polarity_scores(text)["compound"] for text in texts], dtype=np.float64)


def _agreement(one: Floats, other: Floats, conversations: Sequence[str], seed: int) -> Interval | None:
    """Spearman's rank correlation, conversations redrawn; draws in which a side does not vary are left out."""
    if len(one) != len(other) or len(one) != len(conversations):
        raise ValueError(f"{len(one)} replies, {len(other)} real ones and {len(conversations)} conversations do not pair up")
    value = _spearman(one, other)
    if value is None:
        return None
    names, codes = np.unique(conversations, return_inverse=True)
    members = [np.flatnonzero(codes == code) for code in range(len(names))]
    rng = np.random.default_rng(seed)
    low, high = -np.inf, np.inf
    if len(names) > 1:
        draws = (np.concatenate([members[code] for code in rng.integers(len(names), size=len(names))]) for _ in range(DRAWS))
        drawn = [found for rows in draws if (found := _spearman(one[rows], other[rows])) is not None]
        low, high = bounds(np.array(drawn), level=0.95) if drawn else (low, high)
    return Interval(value, low, high, n=len(one), clusters=len(names))


def _spearman(one: Floats, other: Floats) -> float | None:
    from scipy.stats import rankdata

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])
