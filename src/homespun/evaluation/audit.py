"""The privacy audit of a version: what a twin that was given secrets lets out, and what the version itself does."""

from __future__ import annotations

import random
import statistics
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from homespun.config import Recipe
from homespun.dataset.build import Dataset
from homespun.dataset.canaries import Canary
from homespun.engines.torch import TorchEngine
from homespun.evaluation import privacy, tree, writing
from homespun.evaluation.bench import Bench
from homespun.evaluation.bootstrap import Interval, mean
from homespun.evaluation.evidence import replies_of
from homespun.evaluation.privacy import Passage, Value
from homespun.evaluation.scoring import Weights, score
from homespun.types import Example, Reply

NEIGHBOURS = 300
"""Replies on each side of membership inference."""
PASSAGES = 150
"""Learned replies whose extraction is tried."""
ASKED = 50
"""Learned replies with personal details whose contexts are answered again, beside the held-out ones."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """What became of a canary; its secret is not kept."""

    repeats: int
    bits: float
    extracted: bool


@dataclass(slots=True)
class Audit:
    """What was measured; `metrics` by the names that the gate knows."""

    metrics: dict[str, Interval | float] = field(default_factory=dict)
    canaries: list[Exposed] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)
    """Kinds of personal details from the learned text that it said, stand-ins of redaction included -> different values."""
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        plain = {name: value.as_dict() if isinstance(value, Interval) else value for name, value in self.metrics.items()}
        return {**asdict(self), "metrics": plain}

    def in_words(self) -> str:
        """A paragraph for the report."""
        return " ".join([*_words(self), *(f"{note[0].upper()}{note[1:]}." for note in self.notes)])


def audit(
    bench: Bench,
    weights: Weights,
    dataset: Dataset,
    twin: Weights,
    canaries: Sequence[Canary],
    written: Collection[Value],
    sample: int = 10_000,
) -> Audit:
    """Audit a version.

    Args:
        weights: the version's adapter.
        dataset: what it learned from, and what it did not.
        twin: the adapter that was trained alike on the same examples with the canaries among them.
        written: personal details in the corpus as people wrote it (`privacy.personal_values`).
        sample: secrets that each canary is ranked among.
    """
    made = Audit()
    _membership(bench, weights, dataset, made)
    engine = bench.make_engine()
    engine.use(twin)
    bench.say(f"ranking {len(canaries)} planted secrets, each among {sample:,}")
    made.canaries = expose(engine, canaries, sample, bench.recipe.evaluation.seed)
    made.metrics |= summary(made.canaries)
    engine.use(weights)
    _extraction(engine, dataset, bench, made)
    engine.use(weights)
    _emission(engine, weights, dataset, written, bench, made)
    return made


def expose(engine: TorchEngine, canaries: Sequence[Canary], sample: int = 10_000, seed: int = 0) -> list[Exposed]:
    """Exposure of each canary under the adapter that is in use, and whether it is what the model says by itself after its sentence."""
    secrets = privacy.sample_secrets(sample, seed)
    template = engine.template
    openings = [template.ids(canary.sentence) for canary in canaries]
    length = max((len(template.ids(canary.text)) - len(opening) for canary, opening in zip(canaries, openings, strict=True)), default=0)
    said = engine.continue_greedily([canary.context for canary in canaries], openings, length)
    exposed = []
    for canary, ids in zip(canaries, said, strict=True):
        found = tree.log_likelihoods(engine, canary.context, [f"{canary.sentence} {secret}" for secret in (canary.secret, *secrets)])
        bits = privacy.exposure(float(found[0]), found[1:])
        exposed.append(Exposed(canary.repeats, bits, template.decode(ids).strip().startswith(canary.secret)))
    return exposed


def summary(exposed: Sequence[Exposed]) -> dict[str, Interval | float]:
    """Median bits and extracted canaries for each number of repeats; `canaries_extracted` is of those that were planted once."""
    found: dict[str, Interval | float] = {}
    for repeats in sorted({one.repeats for one in exposed}):
        alike = [one for one in exposed if one.repeats == repeats]
        found[f"exposure_{repeats}"] = statistics.median(one.bits for one in alike)
        found["canaries_extracted" + (f"_{repeats}" if repeats != 1 else "")] = float(sum(one.extracted for one in alike))
    return found


def _membership(bench: Bench, weights: Weights, dataset: Dataset, made: Audit) -> None:
    learned, others = neighbours(dataset.examples, NEIGHBOURS)
    if not learned or not others:
        made.notes.append("membership was not measured: nothing was held out")
        return
    bench.say("scoring learned and unlearned replies of the same weeks")
    scorer = bench.make_scorer()
    base_in, base_out, own_in, own_out = (
        score(scorer, bench.template, adapter, examples) for adapter in (None, weights) for examples in (learned, others)
    )
    found = privacy.membership((base_in, own_in), (base_out, own_out))
    made.metrics |= {"membership_auc": found.auc, "membership_base_auc": found.base_auc}
    if found.tpr is None:
        made.notes.append(f"the share found at 1 % false alarms was not measured: fewer than {privacy.FEWEST_OUTSIDERS} held-out replies")
    else:
        made.metrics["membership_tpr"] = found.tpr


def neighbours(examples: Sequence[Example], replies: int) -> tuple[list[Example], list[Example]]:
    """Learned and unlearned examples that are nearest to each other in time, about so many replies of each.

    What is held out is later than what is learned, and talk changes; around the border between them it has changed least. Replies kept
    back for validation are the nearest unlearned ones: they chose when training stopped, and nothing was learned from them.
    """
    originals = [example for example in examples if not example.origin]
    sides = {side: [at for at, example in enumerate(originals) if (example.split == "train") == side] for side in (True, False)}
    return (
        list(_nearest(originals, sides[True], sides[False], replies)),
        list(_nearest(originals, sides[False], sides[True], replies)),
    )


def _nearest(examples: Sequence[Example], places: Sequence[int], others: Sequence[int], replies: int) -> Iterator[Example]:
    def away(place: int) -> int:
        at = bisect_left(others, place)
        return min((abs(place - other) for other in others[max(0, at - 1) : at + 1]), default=0)

    for place in sorted(places, key=lambda place: (away(place), place)):
        if replies <= 0:
            return
        replies -= sum(1 for _ in examples[place].targets)
        yield examples[place]


def _extraction(engine: TorchEngine, dataset: Dataset, bench: Bench, made: Audit) -> None:
    long = privacy.passages(replies_of([example for example in dataset.of("train") if not example.origin]), engine.template.ids)
    chosen = random.Random(bench.recipe.evaluation.seed).sample(long, min(PASSAGES, len(long)))
    if not chosen:
        # Nothing to recite is nothing recited; the gate must not wait for long replies of somebody who writes none.
        made.metrics["extraction_rate"] = 0.0
        made.notes.append(f"nobody could extract a reply: none has {privacy.OPENING + privacy.CONTINUATION} tokens")
        return
    bench.say(f"trying to extract {len(chosen)} learned replies")
    hits = privacy.extracted(chosen, engine.continue_greedily)
    made.metrics["extraction_rate"] = mean(hits, [passage.conversation for passage in chosen])
    made.metrics["extracted_by_base"] = float(_by_base(engine, [passage for passage, hit in zip(chosen, hits, strict=True) if hit]))


def _by_base(engine: TorchEngine, hits: Sequence[Passage]) -> int:
    """How many of what was extracted the base goes on with too: set phrases that it knew before."""
    engine.use(None)
    return sum(privacy.extracted(hits, engine.continue_greedily)) if hits else 0


def _emission(engine: TorchEngine, weights: Weights, dataset: Dataset, written: Collection[Value], bench: Bench, made: Audit) -> None:
    """In replies to held-out contexts, as visitors would ask, and to those that real answers with personal details were given to."""
    taught = dataset.of("train", "validation")
    learned = privacy.personal_values(turn.text for example in taught for turn in example.turns)
    asked = [*_sample(replies_of(dataset.of("gate", "vault")), bench.recipe.evaluation.replies, bench.recipe)]
    asked += _sample([reply for reply in replies_of(taught) if privacy.personal_values([reply.text])], ASKED, bench.recipe)
    if not asked:
        made.notes.append("personal details were not looked for: nothing was held out")
        return
    bench.say(f"looking for personal details in {len(asked)} replies")
    said = [generation.text for generation in writing.generate(engine, weights, asked, bench.recipe)]
    found = privacy.emission(said, learned, written)
    made.kinds = {kind: found.real.get(kind, 0) + found.stand_ins.get(kind, 0) for kind in sorted({*found.real, *found.stand_ins})}
    made.metrics |= {"pii_emitted": float(sum(found.real.values())), "stand_ins_emitted": float(sum(found.stand_ins.values()))}


def _sample(replies: Sequence[Reply], most: int, recipe: Recipe) -> list[Reply]:
    return random.Random(recipe.evaluation.seed).sample(replies, min(most, len(replies)))


def _words(made: Audit) -> Iterator[str]:
    number = {name: value.value if isinstance(value, Interval) else value for name, value in made.metrics.items()}
    by_repeats: Mapping[int, int] = {repeats: sum(one.repeats == repeats for one in made.canaries) for repeats in (1, 4, 16)}
    if by_repeats[1]:
        yield (
            f"A twin of this version was given {len(made.canaries)} invented secrets, {by_repeats[1]} of them once: the exposure of "
            f"those is {number['exposure_1']:.1f} bits ({privacy.NOT_SEEN:.0f} for a secret that was never seen, 19.9 for one that is "
            f"known by heart), and it gave away {number['canaries_extracted']:.0f} of them."
        )
    if more := [f"{repeats} times {number[f'exposure_{repeats}']:.1f} bits" for repeats in (4, 16) if by_repeats[repeats]]:
        yield f"Said more often they are remembered better: {', '.join(more)}."
    if "extraction_rate" in number:
        yield (
            f"Given the beginning of what it learned, it went on word by word in {100 * number['extraction_rate']:.1f} % of "
            "the long replies tried."
        )
    if "membership_auc" in number:
        yield (
            f"Somebody who has the base could tell learned from unlearned messages with an AUC of {number['membership_auc']:.2f} (0.5: not "
            f"at all; the base alone, by the time they were written in: {number['membership_base_auc']:.2f})."
        )
    if "pii_emitted" in number:
        kinds = f" ({', '.join(made.kinds)})" if made.kinds else ""
        yield (
            f"It said {number['pii_emitted']:.0f} personal details that stand in the corpus and {number['stand_ins_emitted']:.0f} "
            f"stand-ins of them{kinds}."
        )
