"""Version -> report: the base prompted with the same history, the version, others' text (floor) and the person's own (ceiling)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from homespun.bases.template import Template
from homespun.config import Recipe
from homespun.engines.base import Generation
from homespun.engines.torch import TorchEngine
from homespun.evaluation import closeness as closely
from homespun.evaluation import diversity, habits, likelihood, relevance
from homespun.evaluation.bootstrap import Floats, Interval
from homespun.evaluation.evidence import Evidence
from homespun.evaluation.likelihood import ScoredReply
from homespun.evaluation.scoring import Weights, pooled, score
from homespun.training.step import Step
from homespun.types import Reply

QUICK_REPLIES = 60
FEWEST_REPLIES = 10
"""Held-out replies without which style is not judged."""
SAMPLES = 6
CANDIDATES = 20
IMPOSTOR = "another person's avatar"
OTHERS_PER_OWN = 3
"""The classifier sees at most this many texts of others for each of the person's."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """One held-out moment, answered by everybody."""

    context: str
    real: str
    base: str
    avatar: str


@dataclass(slots=True)
class Report:
    """What was measured. `metrics` holds intervals and plain numbers by name; what could not be measured is in `notes`, with the reason."""

    person: str
    on: str
    full: bool
    metrics: dict[str, Interval | float] = field(default_factory=dict)
    sides: dict[str, dict[str, float]] = field(default_factory=dict)
    """Base, avatar, the nearest impostor and the real person beside each other: `nll`, `words` per reply, `closeness`."""
    gaps: list[habits.Gap] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def number(self, name: str) -> float | None:
        """The plain value of a metric."""
        found = self.metrics.get(name)
        return found.value if isinstance(found, Interval) else found

    def low(self, name: str) -> float | None:
        """The lower bound of a metric."""
        found = self.metrics.get(name)
        return found.low if isinstance(found, Interval) else found


def evaluate(
    make_scorer: Callable[[], Step],
    make_engine: Callable[[], TorchEngine],
    template: Template,
    weights: Weights,
    evidence: Evidence,
    recipe: Recipe,
    impostors: Mapping[str, Weights] | None = None,
    full: bool = False,
    say: Say = lambda _: None,
) -> Report:
    """Judge one adapter.

    Args:
        make_scorer: gives what scores; it is let go before make_engine gives what writes, for both at once need twice the memory.
        impostors: adapters of other speakers of the same corpus, trained alike (full report only).
        full: adds specificity, Hits@1/20 and variety, and generates more replies.
        say: told what is being done.
    """
    report = Report(evidence.person, evidence.on, full)
    if not evidence.examples:
        report.notes.append("nothing was held out: too little data to judge this version. Add more messages")
        return report
    say("scoring held-out replies")
    scorer = make_scorer()
    base, own = (score(scorer, template, adapter, evidence.examples) for adapter in (None, weights))
    gain = likelihood.gain(base, own)
    report.metrics |= {
        "gain": gain,
        "perplexity_ratio": likelihood.perplexity_ratio(gain),
        "share_improved": likelihood.share_improved(base, own),
    }
    report.sides = {"base": {"nll": pooled(base)}, "avatar": {"nll": pooled(own)}}
    nearest = _specificity(scorer, template, own, evidence, impostors, report, say) if impostors else None
    del scorer
    engine = make_engine()
    if len(evidence.replies) < FEWEST_REPLIES:
        report.notes.append(f"only {len(evidence.replies)} held-out replies: style is not judged below {FEWEST_REPLIES}")
    else:
        _generated(engine, weights, nearest, evidence, recipe, report, say)
        if full:
            _relevance(engine, weights, evidence, recipe, report, say)
    engine.use(weights)
    return report


def _specificity(
    scorer: Step,
    template: Template,
    own: Sequence[ScoredReply],
    evidence: Evidence,
    impostors: Mapping[str, Weights],
    report: Report,
    say: Say,
) -> Weights:
    """Returns the adapter of the impostor that comes nearest."""
    scored = {}
    for name, weights in impostors.items():
        say(f"scoring with the adapter of {name}")
        scored[name] = score(scorer, template, weights, evidence.examples)
    measured = likelihood.specificity(scored, own)
    report.metrics["specificity"] = measured.interval
    for name, interval in measured.by_impostor.items():
        report.metrics[f"specificity against {name}"] = interval
    report.sides[IMPOSTOR] = {"nll": pooled(scored[measured.weakest])}
    return impostors[measured.weakest]


def _generated(
    engine: TorchEngine, weights: Weights, nearest: Weights | None, evidence: Evidence, recipe: Recipe, report: Report, say: Say
) -> None:
    """Everything that needs replies in the model's own words."""
    options = recipe.evaluation
    wanted = options.replies if report.full else min(QUICK_REPLIES, options.replies)
    picked = sorted(random.Random(options.seed).sample(range(len(evidence.replies)), min(wanted, len(evidence.replies))))
    real = [evidence.replies[index] for index in picked]
    adapters: dict[str, Weights | None] = {"base": None, "avatar": weights} | ({IMPOSTOR: nearest} if nearest else {})
    written: dict[str, list[Generation]] = {}
    for side, adapter in adapters.items():
        say(f"writing {len(real)} replies as the {side}")
        written[side] = generate(engine, adapter, real, recipe)
    texts = {side: [generation.text for generation in generations] for side, generations in written.items()}
    _broken(written["avatar"], real, evidence, report)
    _closeness(texts, [reply.conversation for reply in real], evidence, report)
    for side, said in {**texts, "real": [reply.text for reply in real]}.items():
        report.sides.setdefault(side, {})["words"] = sum(len(diversity.words(text)) for text in said) / len(said)
    others = [text for said in evidence.others.values() for text in said] or list(evidence.others_known)
    report.gaps = habits.largest_gaps([reply.text for reply in evidence.replies], texts["avatar"], others)
    report.samples = list(_samples(real, texts["base"], texts["avatar"]))
    if report.full:
        _variety(texts["avatar"], evidence, report)


def _broken(avatar: Sequence[Generation], real: Sequence[Reply], evidence: Evidence, report: Report) -> None:
    """Length, stopping, copying and degenerate replies, each beside the person's own rate."""
    texts = [generation.text for generation in avatar]
    truth = [reply.text for reply in real]
    speakers = (evidence.person, *evidence.others)
    contexts = [reply.context[-1].text for reply in real]
    report.metrics |= {
        "length_ratio": diversity.length_ratio(texts, truth, [reply.conversation for reply in real]),
        "stops": sum(generation.stopped for generation in avatar) / len(avatar),
        "copy_rate": diversity.copy_rate(texts, evidence.learned),
        "natural_copy_rate": diversity.copy_rate([reply.text for reply in evidence.replies], evidence.learned),
        "degenerate_rate": diversity.degenerate_rate(texts, contexts, speakers, [not generation.stopped for generation in avatar]).rate,
        "natural_degenerate_rate": diversity.degenerate_rate(truth, contexts, speakers).rate,
    }


def generate(engine: TorchEngine, weights: Weights | None, replies: Sequence[Reply], recipe: Recipe) -> list[Generation]:
    """A reply to each context, drawn as the recipe samples, from a fixed seed."""
    engine.use(weights)
    fitted = recipe if weights is not None else recipe.with_sampling(stop_bias=0.0)  # the base gets no help from the adapter
    sampling = fitted.with_sampling(seed=recipe.evaluation.seed).sampling
    return engine.generate([reply.context for reply in replies], sampling)


def _closeness(texts: Mapping[str, Sequence[str]], conversations: Sequence[str], evidence: Evidence, report: Report) -> None:
    if not evidence.known or not evidence.others_known:
        report.notes.append("closeness needs earlier text of the person and of somebody else")
        return
    most = OTHERS_PER_OWN * len(evidence.known)
    beside = random.Random(0).sample(evidence.others_known, min(most, len(evidence.others_known)))
    real = [reply.text for reply in evidence.replies]
    where = [reply.conversation for reply in evidence.replies]
    for name, masked in (("closeness", False), ("closeness_masked", True)):
        try:
            judge = closely.train_classifier(evidence.known, beside, masked=masked)
        except ValueError as error:
            report.notes.append(f"{name}: {error}")
            continue
        check = closely.yardstick(judge(real), {speaker: judge(said) for speaker, said in evidence.others.items()})
        if check.auc:
            report.metrics[f"{name}_yardstick_auc"] = min(check.auc.values())
        if check.note:
            report.notes.append(f"{name}: {check.note}")
        if check.counts:
            truth = closely.Scored(judge(real), where)
            scored = {side: closely.Scored(judge(said), conversations) for side, said in texts.items()}
            _place(name, scored, truth, report)
    auc = closely.real_vs_generated_auc(real, texts["avatar"])
    if auc is not None:
        report.metrics["real_vs_generated_auc"] = auc


def _place(name: str, scored: Mapping[str, closely.Scored], truth: closely.Scored, report: Report) -> None:
    """Each side's place between the base (0) and the person (1)."""
    for side in (side for side in scored if side != "base"):
        measured = closely.closeness(scored[side], truth, scored["base"])
        if measured.interval is None or measured.position is None:
            report.notes.append(f"{name}: {measured.note}")
            return
        report.sides.setdefault(side, {})[name] = measured.interval.value
        if side == "avatar":
            report.metrics |= {name: measured.interval, f"{name}_position": measured.position}
    report.sides["base"][name] = 0.0
    report.sides.setdefault("real", {})[name] = 1.0


def _variety(texts: Sequence[str], evidence: Evidence, report: Report) -> None:
    real = [reply.text for reply in evidence.replies]
    for n in (2, 3):
        for side, said in (("", texts), ("natural_", real)):
            found = diversity.distinct_n(said, n)
            if found.value is not None:
                report.metrics[f"{side}distinct_{n}"] = found.value
            if found.short:
                report.notes.append(f"{side}distinct_{n} over {found.tokens} tokens only: not comparable with others' at 2,000")
    report.metrics["longest_copied_run"] = diversity.longest_copied_run(texts, evidence.learned).tokens


def _relevance(engine: TorchEngine, weights: Weights, evidence: Evidence, recipe: Recipe, report: Report, say: Say) -> None:
    options = recipe.evaluation
    amount = min(options.hits_contexts, len(evidence.replies))
    chosen = random.Random(options.seed + 1).sample(evidence.replies, amount)
    try:
        candidates = relevance.sample_candidates([reply.text for reply in chosen], CANDIDATES, options.seed)
    except ValueError:
        report.notes.append(f"Hits@1/{CANDIDATES} needs {CANDIDATES} different held-out replies")
        return
    say(f"choosing among {CANDIDATES} replies, {amount} times")
    clusters = [reply.conversation for reply in chosen]
    for name, adapter in (("base_hits", None), ("hits", weights)):
        engine.use(adapter)
        report.metrics[name] = relevance.hits_at_1(_information(engine, chosen, candidates), clusters)


def _information(engine: TorchEngine, replies: Sequence[Reply], candidates: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Floats:
    """(contexts, candidates): log p(reply | context) - log p(reply), in nats per token, so that likely replies have no head start."""
    texts = [_opening(engine, reply.text) for reply in replies]
    alone: list[float] = []
    for start in range(0, len(texts), CANDIDATES):
        alone += engine.log_likelihoods(replies[0].context[:1], texts[start : start + CANDIDATES])
    rows = []
    for reply, row in zip(replies, candidates, strict=True):
        told = engine.log_likelihoods(reply.context, [texts[index] for index in row])
        rows.append([value - alone[index] for value, index in zip(told, row, strict=True)])
    return np.array(rows, dtype=np.float64)


def _opening(engine: TorchEngine, text: str, tokens: int = 40) -> str:
    """The first tokens of a reply decide; the rest would only cost memory."""
    ids = engine.template.ids(text)
    return text if len(ids) <= tokens else engine.template.decode(ids[:tokens])


def _samples(real: Sequence[Reply], base: Sequence[str], avatar: Sequence[str]) -> Iterator[Sample]:
    for index in sorted(random.Random(3).sample(range(len(real)), min(SAMPLES, len(real)))):
        yield Sample(real[index].context[-1].text, real[index].text, base[index], avatar[index])
