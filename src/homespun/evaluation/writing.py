"""What needs replies in the model's own words: style, length, copying, relevance, tone."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from homespun.config import Recipe
from homespun.engines.base import Generation
from homespun.engines.torch import TorchEngine
from homespun.evaluation import burrows, diversity, habits, privacy, relevance, tone, untrained
from homespun.evaluation import closeness as closely
from homespun.evaluation.bench import Bench
from homespun.evaluation.bootstrap import Floats
from homespun.evaluation.evidence import Evidence
from homespun.evaluation.result import Report, Sample
from homespun.evaluation.scoring import Weights
from homespun.types import Reply

QUICK_REPLIES = 60
SAMPLES = 6
COMPARED = 100
"""Replies compared with each other, at most."""
CANDIDATES = 20
IMPOSTOR = "another person's avatar"
FEW_SHOT = "base with examples"
LOOKED_UP = "looked up, no model"
OTHERS = "other people"
AUTHENTICITY = {"closeness": "authenticity", "closeness_masked": "authenticity_masked"}
OTHERS_PER_OWN = 3
"""The classifier sees at most this many texts of others for each of the person's."""

Say = Callable[[str], None]


def measure(engine: TorchEngine, bench: Bench, avatar: Weights, nearest: Weights | None, evidence: Evidence, report: Report) -> None:
    """Let every side answer the same held-out contexts, and compare what they say with what the person said.

    Args:
        nearest: the adapter of the impostor that comes nearest.
    """
    recipe, say = bench.recipe, bench.say
    options = recipe.evaluation
    wanted = options.replies if report.full else min(QUICK_REPLIES, options.replies)
    picked = sorted(random.Random(options.seed).sample(range(len(evidence.replies)), min(wanted, len(evidence.replies))))
    real = [evidence.replies[index] for index in picked]
    adapters: dict[str, Weights | None] = {"base": None, "avatar": avatar} | ({IMPOSTOR: nearest} if nearest else {})
    written: dict[str, list[Generation]] = {}
    for side, adapter in adapters.items():
        say(f"writing {len(real)} replies as the {side}")
        written[side] = generate(engine, adapter, real, recipe)
    texts = {side: [generation.text for generation in generations] for side, generations in written.items()}
    if report.full and evidence.taught:
        texts |= _untrained(engine, real, evidence, recipe, say)
    _broken(written["avatar"], real, evidence, report)
    _closeness(texts, [reply.conversation for reply in real], evidence, report)
    for side, said in {**texts, "real": [reply.text for reply in real]}.items():
        report.sides.setdefault(side, {})["words"] = sum(len(diversity.words(text)) for text in said) / len(said)
    others = [text for said in evidence.others.values() for text in said] or list(evidence.others_known)
    report.gaps = habits.largest_gaps([reply.text for reply in evidence.replies], texts["avatar"], others)
    report.samples = list(_samples(real, texts["base"], texts["avatar"]))
    _variety(texts["avatar"], evidence, report)
    report.metrics["pii_emitted"] = float(len(bench.in_corpus(privacy.personal_values(texts["avatar"]))))
    if report.full:
        _manner(texts, real, evidence, report)


def generate(engine: TorchEngine, weights: Weights | None, replies: Sequence[Reply], recipe: Recipe) -> list[Generation]:
    """A reply to each context, drawn as the recipe samples, from a fixed seed."""
    engine.use(weights)
    fitted = recipe if weights is not None else recipe.with_sampling(stop_bias=0.0)  # the base gets no help from the adapter
    sampling = fitted.with_sampling(seed=recipe.evaluation.seed).sampling
    return engine.generate([reply.context for reply in replies], sampling)


def _untrained(engine: TorchEngine, real: Sequence[Reply], evidence: Evidence, recipe: Recipe, say: Say) -> dict[str, list[str]]:
    shots = untrained.choose_shots(evidence.taught, seed=recipe.evaluation.seed)
    shown = [Reply(reply.conversation, untrained.with_shots(reply.context, shots), reply.text) for reply in real]
    say(f"writing {len(real)} replies as the {FEW_SHOT}")
    return {
        FEW_SHOT: [generation.text for generation in generate(engine, None, shown, recipe)],
        LOOKED_UP: untrained.looked_up([reply.context for reply in real], evidence.taught),
    }


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
        rivals = {speaker: judge(said) for speaker, said in evidence.others.items()}
        check = closely.yardstick(judge(real), rivals)
        if check.auc:
            report.metrics[f"{name}_yardstick_auc"] = min(check.auc.values())
        if check.note:
            report.notes.append(f"{name}: {check.note}")
        if check.counts:
            truth = closely.Scored(judge(real), where)
            scored = {side: closely.Scored(judge(said), conversations) for side, said in texts.items()}
            others = np.concatenate(list(rivals.values()))
            scored[OTHERS] = closely.Scored(others, [f"other {index}" for index in range(len(others))])
            _place(name, scored, truth, report)
            if len(conversations) >= closely.BAG:
                report.metrics[AUTHENTICITY[name]] = closely.authenticity(scored["avatar"].values, truth.values, rivals)
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
    """Over as many words, and as many replies, of the avatar's as of the person's: variety falls with length."""
    real = [reply.text for reply in evidence.replies]
    tokens = min(diversity.distinct_n(said, 1).tokens for said in (texts, real))
    for n in (2, 3):
        for side, said in (("", texts), ("natural_", real)):
            found = diversity.distinct_n(said, n, tokens)
            if found.value is not None:
                report.metrics[f"{side}distinct_{n}"] = found.value
    replies = min(COMPARED, len(texts), len(real))
    for side, said in (("", texts), ("natural_", real)):
        alike = diversity.self_bleu(said, replies)
        if alike.value is not None:
            report.metrics[f"{side}self_bleu"] = alike.value
    report.metrics["longest_copied_run"] = diversity.longest_copied_run(texts, evidence.learned).tokens


def _manner(texts: Mapping[str, Sequence[str]], real: Sequence[Reply], evidence: Evidence, report: Report) -> None:
    """Word habits, tone, and words in common with the real reply."""
    truth, conversations = [reply.text for reply in real], [reply.conversation for reply in real]
    try:
        among = burrows.profiles({evidence.person: evidence.known, **evidence.others_earlier})
        delta = burrows.delta(texts["avatar"], conversations, among, evidence.person)
    except ValueError as error:
        report.notes.append(f"Burrows' Delta: {error}")
    else:
        if delta.rank is not None and delta.margin is not None:
            report.metrics |= {"delta_rank": float(delta.rank), "delta_margin": delta.margin}
        report.notes += [f"Burrows' Delta: {note}" for note in (among.note, delta.note) if note]
    others = [text for said in evidence.others.values() for text in said]
    found = tone.tone(texts, truth, conversations, evidence.known, [reply.text for reply in evidence.replies], others)
    if found.note:
        report.notes.append(f"tone: {found.note}")
    for side, sounds in found.sides.items():
        report.sides.setdefault(side, {})["tone"] = sounds.ratio.value
    if "avatar" in found.sides and found.distinctive:
        report.metrics["tone_ratio"] = found.sides["avatar"].ratio
    if "avatar" in found.sides and (agreement := found.sides["avatar"].agreement):
        report.metrics["tone_agreement"] = agreement
    for name, overlap in (("chrf", relevance.chrf), ("bleu", relevance.bleu), ("rouge_l", relevance.rouge_l)):
        report.metrics[name] = overlap(texts["avatar"], truth, conversations)


def choose(engine: TorchEngine, bench: Bench, weights: Weights, evidence: Evidence, report: Report) -> None:
    """Can it tell what the person answered from what else they answer?"""
    options = bench.recipe.evaluation
    amount = min(options.hits_contexts, len(evidence.replies))
    chosen = random.Random(options.seed + 1).sample(evidence.replies, amount)
    try:
        candidates = relevance.sample_candidates([reply.text for reply in chosen], CANDIDATES, options.seed)
    except ValueError:
        report.notes.append(f"Hits@1/{CANDIDATES} needs {CANDIDATES} different held-out replies")
        return
    bench.say(f"choosing among {CANDIDATES} replies, {amount} times")
    clusters = [reply.conversation for reply in chosen]
    for name, adapter in (("base_", None), ("", weights)):
        engine.use(adapter)
        told = _information(engine, chosen, candidates)
        report.metrics[f"{name}hits"] = relevance.hits_at_1(told, clusters)
        report.metrics[f"{name}relevance"] = relevance.win_rate(told, clusters)


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
