"""Version -> report: the base prompted with the same history, the version, others' text (floor) and the person's own (ceiling).

What needs only forward passes is here; what needs replies in the model's own words is in writing.py.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from unicodedata import normalize

from homespun.bases.template import Template
from homespun.dataset.turns import system_turn
from homespun.evaluation import bias, counterfactual, general, likelihood, relevance, untrained, writing
from homespun.evaluation.bench import Adapters, Bench
from homespun.evaluation.evidence import Evidence
from homespun.evaluation.general import Scores
from homespun.evaluation.likelihood import ScoredReply
from homespun.evaluation.result import Report
from homespun.evaluation.scoring import Weights, pooled, score, score_texts
from homespun.training.step import Step
from homespun.types import Example, Reply, Turn

FEWEST_REPLIES = 10
"""Held-out replies without which style is not judged."""


def evaluate(bench: Bench, adapters: Adapters, evidence: Evidence, full: bool = False) -> Report:
    """Judge one adapter.

    Args:
        full: adds specificity, the sides that need no training, relevance and tone, and writes more replies.
    """
    report = Report(evidence.person, evidence.on, full)
    if not evidence.examples:
        report.notes.append("nothing was held out: too little data to judge this version. Add more messages")
        return report
    nearest = _likelihoods(bench, adapters, evidence, report)
    if not report.metrics["finite"]:
        report.notes.append("its likelihoods are not finite numbers: the adapter is broken, nothing else was measured")
        return report
    engine = bench.make_engine()
    if len(evidence.replies) < FEWEST_REPLIES:
        report.notes.append(f"only {len(evidence.replies)} held-out replies: style is not judged below {FEWEST_REPLIES}")
    else:
        writing.measure(engine, bench, adapters.avatar, nearest, evidence, report)
        if full:
            writing.choose(engine, bench, adapters.avatar, evidence, report)
    engine.use(adapters.avatar)
    return report


def _likelihoods(bench: Bench, adapters: Adapters, evidence: Evidence, report: Report) -> Weights | None:
    """Everything that needs forward passes only. Returns the adapter of the impostor that comes nearest."""
    bench.say("scoring held-out replies")
    scorer = bench.make_scorer()
    sides = {"base": None, "avatar": adapters.avatar}
    scores = {side: score(scorer, bench.template, weights, evidence.examples) for side, weights in sides.items()}
    report.metrics |= {
        "finite": float(all(math.isfinite(reply.nll) for reply in scores["avatar"])),
        "template_round_trip": float(_round_trips(bench.template, evidence.replies)),
    }
    if not report.metrics["finite"]:
        return None
    report.scores = scores
    report.sides = {side: {"nll": pooled(scored)} for side, scored in scores.items()}
    gain = likelihood.gain(scores["base"], scores["avatar"])
    report.metrics |= {
        "gain": gain,
        "perplexity_ratio": likelihood.perplexity_ratio(gain),
        "share_improved": likelihood.share_improved(scores["base"], scores["avatar"]),
    }
    nearest = None
    _harm(scorer, bench, adapters.avatar, evidence, report)
    if report.full:
        _few_shot(scorer, bench, evidence, report)
        _context_gain(scorer, bench, adapters.avatar, evidence, report)
        nearest = _specificity(scorer, bench, adapters, evidence, report) if adapters.impostors else None
    del scorer
    if adapters.live:
        _against_live(adapters.live, evidence, report)
    return nearest


def _harm(scorer: Step, bench: Bench, weights: Weights, evidence: Evidence, report: Report) -> None:
    """What training did beside teaching: grammar and general text forgotten, prejudice learned."""
    bench.say("scoring grammar and general text")

    def both(texts: Sequence[str]) -> tuple[Scores, Scores]:
        base = bench.remember(texts, lambda: score_texts(scorer, bench.template, None, texts))
        return base, score_texts(scorer, bench.template, weights, texts)

    found = [general.measure(both, report.full, evidence.learned, bench.probes.blimp)]
    if report.full:
        asked = counterfactual.examples(system_turn(bench.recipe, evidence.person, None).text)
        swapped = (score(scorer, bench.template, None, asked), score(scorer, bench.template, weights, asked))
        found.append(bias.measure(both, bench.probes, swapped))
    for measured in found:
        report.metrics |= measured.metrics
        report.notes += measured.notes


def _round_trips(template: Template, replies: Sequence[Reply], most: int = 50) -> bool:
    """Whether what the template makes of replies reads back as those replies: what is scored is what would be said.

    Some tokenizers compose accents (NFC), which reads alike.
    """
    texts = [normalize("NFC", reply.text) for reply in replies[:most]]
    return all(normalize("NFC", template.decode(template.ids(text))) == text for text in texts)


def _against_live(live: Callable[[Sequence[Example]], list[ScoredReply]], evidence: Evidence, report: Report) -> None:
    own = report.scores["avatar"]
    # Another base cuts the same words into other tokens: nats are counted per token of the candidate's.
    scored = [replace(reply, tokens=mine.tokens) for reply, mine in zip(live(evidence.examples), own, strict=True)]
    report.scores["live"] = scored
    report.sides["live"] = {"nll": pooled(scored)}
    report.metrics["gain_over_live"] = likelihood.gain(scored, own)


def _specificity(scorer: Step, bench: Bench, adapters: Adapters, evidence: Evidence, report: Report) -> Weights:
    own, scored = report.scores["avatar"], {}
    for name, weights in adapters.impostors.items():
        bench.say(f"scoring with the adapter of {name}")
        scored[name] = score(scorer, bench.template, weights, evidence.examples)
    measured = likelihood.specificity(scored, own)
    report.metrics["specificity"] = measured.interval
    for name, interval in measured.by_impostor.items():
        report.metrics[f"specificity against {name}"] = interval
    report.sides[writing.IMPOSTOR] = {"nll": pooled(scored[measured.weakest])}
    return adapters.impostors[measured.weakest]


def _few_shot(scorer: Step, bench: Bench, evidence: Evidence, report: Report) -> None:
    """How well the base does with examples before it, instead of training."""
    if not (shots := untrained.choose_shots(evidence.taught, seed=bench.recipe.evaluation.seed)):
        return
    bench.say("scoring the base with examples")
    shown = [replace(example, turns=untrained.with_shots(example.turns, shots)) for example in evidence.examples]
    scored = score(scorer, bench.template, None, shown)
    report.sides[writing.FEW_SHOT] = {"nll": pooled(scored)}
    report.metrics["gain_over_few_shot"] = likelihood.gain(scored, report.scores["avatar"])


def _context_gain(scorer: Step, bench: Bench, weights: Weights, evidence: Evidence, report: Report) -> None:
    """Do replies hang on what was said? Their likelihood after the true context against that after one of another conversation."""
    options = bench.recipe.evaluation
    chance = random.Random(options.seed + 2)
    chosen = chance.sample(evidence.replies, min(options.hits_contexts, len(evidence.replies)))
    if len(chosen) < FEWEST_REPLIES or len({reply.conversation for reply in chosen}) < 2:
        return
    bench.say("scoring replies after other contexts")
    others = [chance.choice([other for other in chosen if other.conversation != reply.conversation]) for reply in chosen]
    true = [_asked(reply, reply.context) for reply in chosen]
    wrong = [_asked(reply, other.context) for reply, other in zip(chosen, others, strict=True)]
    for name, adapter in (("base_context_gain", None), ("context_gain", weights)):
        after = [score(scorer, bench.template, adapter, examples) for examples in (true, wrong)]
        report.metrics[name] = relevance.context_gain(*after)


def _asked(reply: Reply, context: Sequence[Turn]) -> Example:
    """A reply after a context, only the reply scored."""
    before = (replace(turn, target=False) for turn in context)
    return Example("", reply.conversation, "gate", (*before, Turn("assistant", reply.text, target=True)))
