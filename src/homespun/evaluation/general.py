"""Has the version forgotten what its base could do? Grammar by minimal pairs, and surprise by ordinary text.

Both are of plain text, without a chat around it, since they ask what is left of the base in the weights. Inside the chat the version is
meant to change: a person of few words must find every long explanation surprising there, and that is no forgetting. Always against the
base and on the same items, so that small losses of one version after another add up where they can be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources

from homespun.evaluation.bootstrap import Interval, ratio_of_sums
from homespun.evaluation.closeness import ENGLISH_ENOUGH, english_share
from homespun.evaluation.minimal_pairs import MinimalPair, minimal_pairs
from homespun.evaluation.paired import Paired, paired

Scores = Sequence[tuple[float, int]]
"""(negative log-likelihood in nats, tokens) of each text."""

ScoreBoth = Callable[[Sequence[str]], tuple[Scores, Scores]]
"""Texts to their scores under the base and under the version (`scoring.score_texts`). The base's never change, so they may be kept."""

QUICK_EACH = 12
"""Pairs of each paradigm: some 500 in all."""
FULL_EACH = 48

LANGUAGES = ("en", "de", "fr", "es")
IN_ENGLISH = "minimal pairs are of English; German, French and Spanish are measured by the surprise at a few passages, other languages not"
NOT_ENGLISH = "the person does not write English: this version may lose some of it (minimal pairs, general text) without harm to them"


JUDGED = ("minimal_pairs_change", "general_nll_change")


@dataclass(slots=True)
class Measured:
    """Ready for a report. Names are explained where they are made."""

    metrics: dict[str, Interval | float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def measure(score: ScoreBoth, full: bool, learned: Sequence[str] = (), blimp: Sequence[MinimalPair] = ()) -> Measured:
    """All of general ability.

    Args:
        full: four times as many minimal pairs, and BLiMP where there is some.
        learned: what the version was trained on, to say whose English it is.

    Returns, for `minimal_pairs` (and `blimp`), with intervals over paradigms:
        minimal_pairs_base, minimal_pairs: share of pairs in which the acceptable sentence is the likelier;
        minimal_pairs_change: in points, negative where something was forgotten; minimal_pairs_p: of McNemar's test.
    For general text, with intervals over passages:
        general_nll_base: nats per token under the base;
        general_nll_change: relative change of that mean, 0.03 being 3 % more surprised; general_nll_change_de and so on for others.
    Of a person who does not write English, what is held against a version (JUDGED) has `_en` at its end, and is not.
    """
    found = Measured(notes=[IN_ENGLISH])
    sets = {"minimal_pairs": minimal_pairs(FULL_EACH if full else QUICK_EACH)}
    if full and blimp:
        sets["blimp"] = tuple(blimp)
    for name, pairs in sets.items():
        grammar = judge_pairs(pairs, *score(sentences(pairs)))
        found.metrics |= {
            f"{name}_base": grammar.before,
            name: grammar.after,
            f"{name}_change": grammar.change,
            f"{name}_p": grammar.p,
        }
    texts = {language: passages(language) for language in LANGUAGES}
    before, after = score([text for written in texts.values() for text in written])
    start = 0
    for language, written in texts.items():
        part = slice(start, start := start + len(written))
        change = surprise(before[part], after[part])
        found.metrics["general_nll_change" if language == "en" else f"general_nll_change_{language}"] = change
    english = slice(len(texts["en"]))
    found.metrics["general_nll_base"] = sum(nll for nll, _ in before[english]) / sum(tokens for _, tokens in before[english])
    if learned and english_share(learned) < ENGLISH_ENOUGH:
        found.notes.append(NOT_ENGLISH)
        for name in JUDGED:
            found.metrics[f"{name}_en"] = found.metrics.pop(name)
    return found


def sentences(pairs: Sequence[MinimalPair]) -> list[str]:
    """The acceptable and the unacceptable sentence of each pair in turn."""
    return [sentence for pair in pairs for sentence in (pair.good, pair.bad)]


def judge_pairs(pairs: Sequence[MinimalPair], before: Scores, after: Scores) -> Paired:
    """Share of pairs in which the acceptable sentence is strictly the likelier; scores as of `sentences(pairs)`."""
    paradigms = [pair.paradigm for pair in pairs]
    return paired(preferred(before), preferred(after), paradigms)


def by_paradigm(pairs: Sequence[MinimalPair], scores: Scores) -> Mapping[str, float]:
    """Paradigm -> share of its pairs judged rightly."""
    right: dict[str, list[bool]] = {}
    for pair, is_right in zip(pairs, preferred(scores), strict=True):
        right.setdefault(pair.paradigm, []).append(is_right)
    return {name: sum(judged) / len(judged) for name, judged in right.items()}


def preferred(scores: Scores) -> list[bool]:
    """Of texts in pairs: whether the first of each is strictly the likelier."""
    return [first[0] < second[0] for first, second in zip(scores[::2], scores[1::2], strict=True)]


def passages(language: str) -> list[str]:
    """Short plain texts that tell, explain or instruct, written for this purpose."""
    text = (resources.files("homespun") / f"evaluation/probes/passages.{language}.txt").read_text(encoding="utf-8")
    return [passage.strip() for passage in text.split("\n\n")]


def surprise(before: Scores, after: Scores) -> Interval:
    """Relative change of nats per token over all passages. Raises ValueError when the two are not of the same texts."""
    if [tokens for _, tokens in before] != [tokens for _, tokens in after]:
        raise ValueError("the scores of base and version are not of the same texts")
    base = [nll for nll, _ in before]
    changes = [new - old for (new, _), old in zip(after, base, strict=True)]
    return ratio_of_sums(changes, base, [str(index) for index in range(len(base))])
