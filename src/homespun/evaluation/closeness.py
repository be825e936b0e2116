"""Does it sound like the person? A who-wrote-this classifier, trained on real text only, scores the generated replies.

Single short messages are weak evidence even of real text, so bags of 20 are judged, the classifier must first tell the person
from other speakers of the same corpus (`yardstick`), and a model's score is read between the base's and the person's own
(`closeness`). Character n-grams of this kind are the standard of authorship attribution (Stamatatos 2009); hiding the
content words follows text distortion (Stamatatos 2017).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from homespun.evaluation.bootstrap import Floats, Interval, bounds, cluster_sums, resample

Scorer = Callable[[Sequence[str]], Floats]
"""Texts to decision values: the higher, the more a text reads like the person's."""

BAG = 20
SEPARATES = 0.9
"""Bag AUC from which a classifier counts as telling two people apart."""
ENGLISH_ENOUGH = 0.2
"""Share of English function words below which content cannot be masked."""
LITTLE = 60
"""Texts below which an n-gram need not occur in three of them."""

_LISTED = """
a about above across after again against ain all almost along already also although always am among an and another any anybody anyone
anything are aren around as at away back be because been before behind being below between both but by can cannot cant could couldn d did
didn didnt do does doesn doesnt doing don dont down during each either else enough ever every everybody everyone everything except few for
from had hadn has hasn have haven having he her here hers herself him himself his how however i if im in instead into is isn it its itself
ive just least less ll m many may maybe me might mine more most much must my myself near neither never no nobody none nor not nothing now
of off often oh ok okay on once one only onto or other others our ours ourselves out over own per perhaps please quite rather re really s
same several shall she should shouldn since so some somebody someone something sometimes somewhere still such t than that thats the their
theirs them themselves then there these they this those though through till to too toward towards under unless until up upon us ve very
was wasn we well were weren what whatever when where whether which while who whoever whom whose why will with within without won wont
would wouldn yeah yes yet you your yours yourself yourselves
"""
FUNCTION_WORDS = frozenset(_LISTED.split())
"""English words that carry style rather than topic; the parts that an apostrophe splits ("don't") are listed by themselves."""

_LISTED_SHARED = """
a also am an as at d do dont for has have he her i if in is it ll m may me no of oh ok okay on once or over per s so such t till to under us
was we well were will
"""
_SHARED = frozenset(_LISTED_SHARED.split())
"""Function words that are words of neighbouring languages too, or pieces of theirs; they say nothing about the language."""

_RUN = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Bags:
    """Mean decision value of each bag of `size` texts."""

    means: Floats
    size: int
    short: bool
    """Too few texts for a bag: the one bag holds them all."""


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Whether the classifier can tell the person from others at all."""

    auc: Mapping[str, float]
    """Per other speaker: chance that a bag of the person's scores above a bag of theirs."""
    counts: bool
    note: str
    """What the reader should know; empty when all is well."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Decision values of replies, with the conversation of each."""

    values: Floats
    conversations: Sequence[str]


@dataclass(frozen=True, slots=True)
class Closeness:
    """How near the model's replies come to the person's: 1 scores alike, 0 is no nearer than the base, negative is farther."""

    interval: Interval | None
    """None where base and person score too nearly alike to measure between them."""
    position: Interval | None
    """Where the model stands on the way from the base (0) to the person (1); above 1 it overdoes the manner."""
    s_model: float
    s_real: float
    s_base: float
    note: str


def mask_content(text: str) -> str:
    """The text with each word that is not an English function word as `x`, or `X` where it began with a capital.

    Punctuation, blanks, newlines and emoji stay: style without topic.
    """

    def mask(match: re.Match[str]) -> str:
        word = match.group()
        if word.casefold() in FUNCTION_WORDS:
            return word
        return "X" if word[0].isupper() else "x"

    return _RUN.sub(mask, text)


def english_share(texts: Sequence[str]) -> float:
    """Share of English function words among the words, those left out that other languages have too; 0 without words.

    English talk is at 0.25 to 0.5, other languages near 0.
    """
    telling = [word for text in texts for word in _RUN.findall(text.casefold()) if word not in _SHARED]
    return sum(word in FUNCTION_WORDS for word in telling) / len(telling) if telling else 0.0


def train_classifier(person: Sequence[str], others: Sequence[str], masked: bool = False) -> Scorer:
    """A classifier of the person's real text against others' from the same conversations and time.

    Character 2- to 4-grams within words (case kept, sublinear TF-IDF) and a logistic regression. `masked` learns and scores
    the texts with their content masked. Raises ValueError without text on both sides, and where masking does not apply
    because the texts are not English (`english_share` below ENGLISH_ENOUGH).
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    if not (any(map(str.strip, person)) and any(map(str.strip, others))):
        raise ValueError("a classifier needs text by the person and by others")
    texts = [*person, *others]
    if masked and english_share(texts) < ENGLISH_ENOUGH:
        raise ValueError("content can be masked in English text only")
    vectorizer = TfidfVectorizer(
        preprocessor=mask_content if masked else str,
        analyzer="char_wb",
        ngram_range=(2, 4),
        min_df=3 if len(texts) >= LITTLE else 1,
        sublinear_tf=True,
    )
    model = LogisticRegression(C=4, solver="liblinear")
    model.fit(vectorizer.fit_transform(texts), [True] * len(person) + [False] * len(others))

    def score(texts: Sequence[str]) -> Floats:
        values: Floats = np.asarray(model.decision_function(vectorizer.transform(texts)) if texts else [], dtype=np.float64)
        return values

    return score


def bag_scores(scores: Floats, size: int = BAG, seed: int = 0) -> Bags:
    """Mean scores of random bags of `size` texts, no text in two bags; texts left over are left out."""
    if len(scores) == 0:
        raise ValueError("no scores to put in bags")
    if len(scores) < size:
        return Bags(np.array([scores.mean()]), len(scores), short=True)
    count = len(scores) // size
    shuffled = np.random.default_rng(seed).permutation(scores)[: count * size]
    return Bags(shuffled.reshape(count, size).mean(axis=1), size, short=False)


def yardstick(
    person: Floats, others: Mapping[str, Floats], size: int = BAG, bags: int = 2000, seed: int = 0, needed: float = SEPARATES
) -> Yardstick:
    """Does the classifier separate the person's held-out texts from each other speaker's, bag by bag?

    It counts with a bag AUC of `needed` against two speakers at least, or against the only one there is. Bags are drawn at
    random with replacement; a speaker with fewer than `size` held-out texts is left out.
    """
    from sklearn.metrics import roc_auc_score

    able = {name: scores for name, scores in sorted(others.items()) if len(scores) >= size}
    if len(person) < size or not able:
        return Yardstick({}, False, f"needs {size} held-out texts of the person and of one other speaker")
    rng = np.random.default_rng(seed)

    def drawn(scores: Floats) -> Floats:
        means: Floats = scores[rng.integers(len(scores), size=(bags, size))].mean(axis=1)
        return means

    mine = drawn(person)
    labels = np.repeat([True, False], bags)
    auc = {name: float(roc_auc_score(labels, np.concatenate([mine, drawn(scores)]))) for name, scores in able.items()}
    counts = sum(area >= needed for area in auc.values()) >= min(2, len(auc))
    if not counts:
        return Yardstick(auc, False, "not distinguishing here")
    return Yardstick(auc, True, "judged against only one other speaker" if len(auc) == 1 else "")


def authenticity(model: Floats, person: Floats, others: Mapping[str, Floats], size: int = BAG, bags: int = 2000, seed: int = 0) -> float:
    """Share of the model's bags that score on the person's side of the middle between the person and the nearest other speaker.

    Bags are drawn with replacement. Raises ValueError without a speaker of `size` texts to draw the line against.
    """
    able = [float(scores.mean()) for scores in others.values() if len(scores) >= size]
    if not able or len(model) < size:
        raise ValueError(f"needs {size} texts of the model and of one other speaker")
    middle = (float(person.mean()) + max(able)) / 2
    drawn = model[np.random.default_rng(seed).integers(len(model), size=(bags, size))].mean(axis=1)
    return float((drawn > middle).mean())


def closeness(model: Scored, real: Scored, base: Scored, draws: int = 10_000, seed: int = 0, level: float = 0.95) -> Closeness:
    """closeness = 1 - |s_model - s_real| / |s_base - s_real|, s the mean decision value over replies to the same contexts.

    The interval is the image of the bootstrap interval of `position` (s_model - s_base) / (s_real - s_base), so that it holds
    the value even at the top, where closeness cannot exceed 1. There is no score where the interval of s_real - s_base
    spans zero: dividing by it would measure noise. Conversations are redrawn jointly for all three.
    """
    sides = (model, real, base)
    items = np.concatenate([_columns(side, index) for index, side in enumerate(sides)])
    sums = cluster_sums(items, [name for side in sides for name in side.conversations])
    s_model, s_real, s_base = (float(side.values.mean()) for side in sides)
    if len(sums) < 2:
        return Closeness(None, None, s_model, s_real, s_base, "one conversation is too little to measure")
    drawn = resample(sums, draws, seed)
    drawn = drawn[(drawn[:, 3:] > 0).all(axis=1)]
    to_model, to_real, to_base = (drawn[:, :3] / drawn[:, 3:]).T
    low, high = bounds(to_real - to_base, level)
    if low <= 0 <= high:
        return Closeness(None, None, s_model, s_real, s_base, "the base scores too much like the person to measure")
    position = Interval(
        (s_model - s_base) / (s_real - s_base),
        *bounds((to_model - to_base) / (to_real - to_base), level),
        n=len(model.values),
        clusters=len(sums),
    )
    return Closeness(_around_one(position), position, s_model, s_real, s_base, "")


def real_vs_generated_auc(real: Sequence[str], generated: Sequence[str], seed: int = 0) -> float | None:
    """Classifier two-sample test (Lopez-Paz & Oquab 2017): how well a fresh classifier tells real from generated replies.

    Mean AUC of five stratified folds: 0.5 cannot be told apart, 1 always. None with fewer than 20 texts on a side.
    """
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    if min(len(real), len(generated)) < BAG:
        return None
    texts = np.array([*real, *generated], dtype=object)
    labels = np.repeat([True, False], [len(real), len(generated)])
    areas = []
    for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(texts, labels):
        score = train_classifier(texts[train][labels[train]].tolist(), texts[train][~labels[train]].tolist())
        areas.append(float(roc_auc_score(labels[test], score(texts[test].tolist()))))
    return float(np.mean(areas))


def _columns(side: Scored, index: int) -> Floats:
    """(items, 6): the values in column `index`, their count three columns on, so that one redraw serves all three sides."""
    columns = np.zeros((len(side.values), 6))
    columns[:, index] = side.values
    columns[:, index + 3] = 1
    return columns


def _around_one(position: Interval) -> Interval:
    """The interval of 1 - |1 - position|."""
    ends = sorted(1 - abs(1 - end) for end in (position.low, position.high))
    top = 1.0 if position.low <= 1 <= position.high else ends[1]
    return Interval(1 - abs(1 - position.value), ends[0], top, position.n, position.clusters)
