"""How a report calls each metric, and how it is to be read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from homespun.evaluation.bootstrap import Interval


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    what: str
    say: Callable[[float], str]
    meaning: str

    def tell(self, value: Interval | float) -> str:
        """A number, with its interval where it has one; "?" is a bound that is not known."""
        if not isinstance(value, Interval):
            return self.say(value)
        low, high = (self.say(bound) if math.isfinite(bound) else "?" for bound in (value.low, value.high))
        return f"{self.say(value.value)} [{low}, {high}]"


def plain(value: float) -> str:
    return f"{value:.2f}"


def percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def count(value: float) -> str:
    return f"{value:.0f}"


def points(value: float) -> str:
    return f"{value:+.1f}"


LINES: dict[str, tuple[Line, ...]] = {
    "Does it sound like them?": (
        Line("gain", "gain", plain, "nats per token over the base prompted with the same history; a lower bound above 0 is proof"),
        Line("perplexity_ratio", "perplexity against the base", percent, "under 100 % is better"),
        Line("share_improved", "replies it expected better", percent, "of all held-out replies"),
        Line("gain_over_live", "gain over the version before", plain, "nats per token over the one that answers now"),
        Line("gain_over_few_shot", "gain over examples", plain, "nats per token over the base with a few of their exchanges to imitate"),
        Line("specificity", "specificity", plain, "nats per token over another person's avatar; above 0 it learned them, not the channel"),
        Line("closeness", "closeness of style", plain, "1 scores like the person, 0 like the base, below 0 farther away"),
        Line("closeness_masked", "the same without content words", plain, "style alone, whatever the topic"),
        Line("authenticity", "taken for the person", percent, "of bags of 20 replies, by a classifier that knows who wrote what"),
        Line("authenticity_masked", "the same without content words", percent, "style alone"),
        Line(
            "real_vs_generated_auc",
            "told apart from the real person",
            plain,
            "0.5 never, 1 always",
        ),
        Line("delta_rank", "Burrows' Delta", count, "1: of all speakers their word habits are nearest"),
        Line("delta_margin", "its margin", plain, "above 0 they are nearer than anybody else"),
        Line("tone_ratio", "distance in tone", plain, "1 is as near as their own text; a lower bound above 1, the mood is off"),
        Line("tone_agreement", "tone in the same places", plain, "1 is cheerful or cross where they are, 0 regardless"),
        Line("length_ratio", "length of replies", plain, "1 is as long as the person's"),
        Line("blind", "found out in the blind test", percent, "50 % is guessing"),
    ),
    "Does it answer what was said?": (
        Line("hits", "Hits@1/20", percent, "picks the true reply among 20 of the person's own; chance is 5 %"),
        Line("relevance", "relevance", percent, "prefers the true reply to another of theirs; 50 % is guessing"),
        Line("context_gain", "what the context is worth", plain, "nats per token that the true context saves over another one"),
        Line("chrf", "chrF", plain, "wording shared with the real reply; many other replies are as good"),
        Line("bleu", "BLEU", plain, "the same, in runs of words"),
        Line("rouge_l", "ROUGE-L", plain, "the same, in order"),
    ),
    "Does it know them?": (
        Line("grounded_cloze", "facts picked, looked up", percent, "the true value among four; chance is 25 %"),
        Line("fact_cloze", "facts picked by heart", percent, "the same without looking anything up"),
        Line("grounded_consistency", "the same pick in three wordings, looked up", percent, "worth something where the picks are right"),
        Line("fact_consistency", "the same by heart", percent, "chance is 6 %"),
        Line("grounded_named", "answers that hold the fact, looked up", percent, "of questions about confirmed facts"),
        Line("grounded_exact", "answers that are the fact", percent, "word by word"),
        Line("grounded_f1", "words shared with the fact", percent, "F1 of SQuAD"),
        Line("answer_named", "answers that hold the fact, by heart", percent, "without looking anything up"),
        Line("abstention", "says it does not know", percent, "of 30 questions that nobody could answer"),
        Line("false_abstention", "says so although it was told", percent, "less is better"),
        Line("fabricated", "made up", percent, "of answers: a number or name that nobody told it"),
    ),
    "Is it whole?": (
        Line("stops", "replies that end by themselves", percent, "the rest ran into the length cap"),
        Line("degenerate_rate", "broken replies", percent, "empty, looping, echoing or speaking for others"),
        Line("distinct_2", "variety (distinct-2)", plain, "of word pairs; far below the real value means it repeats itself"),
        Line("distinct_3", "variety (distinct-3)", plain, "of word triples"),
        Line("self_bleu", "replies alike (self-BLEU)", plain, "far above the real value means it repeats itself"),
    ),
    "What did it forget or pick up besides?": (
        Line("minimal_pairs_change", "grammar", points, "points of right choices in pairs of English sentences, against the base"),
        Line("minimal_pairs_change_en", "English grammar", points, "not held against it: the person writes another language"),
        Line("blimp_change", "grammar (BLiMP)", points, "the same on the published pairs"),
        Line("general_nll_change", "ordinary text", percent, "more surprise than the base's; below 0 less"),
        Line("general_nll_change_en", "ordinary English text", percent, "not held against it: the person writes another language"),
        Line("crows_change", "stereotypes (CrowS-Pairs)", points, "points of sentence pairs, against the base; above 0 is worse"),
        Line(
            "swap_growth_beyond_control",
            "swapped names and pronouns",
            percent,
            "growth of what they change, beyond that of like names",
        ),
        Line("winogender_change", "occupations (Winogender)", plain, "growth of the correlation of pronouns with who works there"),
    ),
    "Does it give away what it learned?": (
        Line("copy_rate", "replies that copy", percent, "hold a rare run of 8 words from the training text"),
        Line("longest_copied_run", "longest copied run", count, "words and marks in a row"),
        Line("pii_emitted", "personal details", count, "of the learned text, in its replies"),
        Line("exposure_1", "exposure of a secret seen once", plain, "bits, in a twin that was given secrets; chance gives 1, all of it 20"),
        Line("exposure_4", "seen four times", plain, "bits"),
        Line("exposure_16", "seen sixteen times", plain, "bits"),
        Line("canaries_extracted", "secrets given away", count, "of those seen once"),
        Line("extraction_rate", "learned replies continued word by word", percent, "20 tokens after the first 10"),
        Line("membership_auc", "learned messages told from others", plain, "0.5 is not at all; above 0.7 is a warning"),
    ),
}
"""Chapter -> its lines, in order."""

TARGETS: dict[str, tuple[float, tuple[str, ...], str]] = {
    "consistency": (0.90, ("grounded_consistency", "grounded_cloze"), "the same and the right pick for a fact in three wordings"),
    "relevance": (0.85, ("relevance",), "prefers the true reply to another of theirs"),
    "authenticity": (0.80, ("authenticity",), "bags of 20 replies taken for the person's"),
    "accuracy": (0.95, ("grounded_named",), "answers that hold the confirmed fact, looked up"),
}
"""What is asked of an avatar: (at least, the metrics that must all reach it, what they measure)."""
