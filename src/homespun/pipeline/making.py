"""Corpus -> dataset -> adapter -> report -> gate -> version."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from homespun.bases.identity import identity
from homespun.bases.load import size
from homespun.config import Recipe
from homespun.dataset import build
from homespun.dataset.build import Dataset
from homespun.errors import EmptyCorpus
from homespun.evaluation import evidence as proving
from homespun.evaluation import fitting
from homespun.evaluation import report as reporting
from homespun.evaluation.bench import Adapters
from homespun.evaluation.evaluate import evaluate
from homespun.evaluation.result import Report
from homespun.home import Manifest, digest, write_text
from homespun.machine.hardware import available_memory
from homespun.pipeline import gating
from homespun.pipeline.workshop import Workshop, in_own_names
from homespun.registry import card, consent, gate, versions
from homespun.registry.gate import Decision
from homespun.registry.versions import Version
from homespun.retrieval import index as retrieval
from homespun.retrieval.index import Index
from homespun.training import plan as planning
from homespun.training import run as running
from homespun.training.run import Run
from homespun.types import Conversation


@dataclass(frozen=True, slots=True)
class Outcome:
    version: Version
    report: Report
    decision: Decision | None
    """Of a new version; None where nothing was new since the last one."""


def train(shop: Workshop, model: str, person: str, budget: float | None = None, resume: bool = False) -> Outcome:
    """Corpus -> dataset -> adapter -> quick report -> version, live if the gate passes it.

    Raises:
        EmptyCorpus: the person wrote too little.
        UsageError: the model is somebody else's, the person did not agree to one, or the home's gate.toml is wrong.
    """
    home = shop.home
    versions.check_owner(home, model, person)
    consent.check_consent(home, person)
    gating.rules(home)  # a mistake in them is told before an hour of training, not after
    conversations = shop.conversations()
    if not conversations:
        raise EmptyCorpus("the corpus is empty: add an export first with `homespun add EXPORT --me NAME`")
    dataset = shop.dataset(conversations, shop.view.name(person))
    shop.say(build.expectation(int(dataset.counts.get("train replies", 0))))
    versions.put_model(home, model, person, shop.recipe)
    run = shop.learn(dataset, budget, resume=resume)
    artefact = digest(model, run.id)
    if home.manifest("version", artefact) is None:
        _make(shop, model, person, run, dataset, conversations, artefact)
    report = reporting.read(home.folder("version", artefact))
    is_new = artefact not in {version.artefact for version in versions.list_versions(home, model)}
    held_out = gating.fingerprint(dataset)
    decision = gating.decide(home, model, report, held_out) if is_new else None
    version = versions.add_version(home, model, artefact, decision, held_out, shop.recipe.review)
    return Outcome(version, report, decision)


@dataclass(frozen=True, slots=True)
class Considered:
    recipe: Recipe
    """With what is fitted to the adapter."""
    report: Report
    decision: Decision


def consider(shop: Workshop, model: str, person: str, run: Run, dataset: Dataset, conversations: Sequence[Conversation]) -> Considered:
    """Judge an adapter by a quick report, against the version of the model that is live."""
    recipe = _fitted(shop, run, dataset)
    evidence = proving.from_dataset(conversations, dataset)
    report = evaluate(shop.bench(recipe), Adapters(run.weights, gating.live_scores(shop, model)), evidence)
    in_own_names(report, person, shop.view)
    return Considered(recipe, report, gating.decide(shop.home, model, report, gating.fingerprint(dataset)))


def _make(
    shop: Workshop, model: str, person: str, run: Run, dataset: Dataset, conversations: Sequence[Conversation], artefact: str
) -> None:
    """Put an adapter into an artefact with its report and all that answering depends on."""
    judged = consider(shop, model, person, run, dataset, conversations)
    recipe, base, index = judged.recipe, identity(shop.folder), None
    if recipe.retrieval.enabled:
        shop.say("indexing what can be looked up")
        index = retrieval.build(shop.home, conversations, dataset, recipe.retrieval.embedded)
        with closing(Index(shop.home.folder("retrieval", index))) as opened:
            judged.report.notes.append(opened.note)
    known = card.facts(shop.home, model, person, recipe, run.id, base, dataset.of("train", "validation"), index)
    parents = (f"run:{run.id}", f"base:{base}", *([f"retrieval:{index}"] if index else []))
    with shop.home.artefact(Manifest("version", artefact, parents, recipe.hash, counts=run_counts(run))) as scratch:
        for name in (running.ADAPTER, running.CONFIG, "metrics.jsonl"):
            shutil.copyfile(run.folder / name, scratch / name)
        write_text(scratch / "recipe.toml", recipe.toml())
        write_text(scratch / card.FILE, card.card(known, judged.report, judged.decision))
        reporting.write(judged.report, scratch, model, gate.table(judged.decision))


def _fitted(shop: Workshop, run: Run, dataset: Dataset) -> Recipe:
    """The recipe with what is fitted to the trained adapter, on replies kept back from training: how replies are drawn."""
    shop.say("fitting length and variety of replies")
    engine = shop.engine()
    engine.use(run.weights)
    kept_back = proving.replies_of(dataset.of("validation"))
    return shop.recipe.model_copy(update={"sampling": fitting.fit_sampling(engine, kept_back, shop.recipe)})


def forecast(shop: Workshop, person: str, budget: float | None) -> dict[str, float | int | str]:
    """What `train` would take, measured on the person's own data. Nothing is learned."""
    dataset = shop.dataset(shop.conversations(), shop.view.name(person))
    machine = shop.machine()
    step = shop.new_step(machine)
    epochs = sum(stage.share * stage.epochs for stage in shop.recipe.stages) or shop.recipe.training.epochs
    options = shop.recipe.with_training(epochs=epochs).training
    rows, validation = (running.rendered(dataset.of(side), shop.template) for side in ("train", "validation"))
    cost = planning.measure(step, rows, validation, options, planning.MICRO_TOKENS[machine.kind])
    plan = planning.make_plan([len(row) for row in rows], options, machine, budget, cost)
    adapter = step.adapter.flat.numel()
    memory = planning.memory_needed(size(shop.folder), adapter, machine)
    minutes = (plan.steps * cost.step + plan.steps / plan.evaluate_every * cost.validation) / 60
    return {
        "person": person,
        "replies_to_learn": int(dataset.counts.get("train replies", 0)),
        "steps": plan.steps,
        "epochs": round(plan.epochs, 2),
        "minutes": round(minutes, 1),
        "tokens_per_second": round(sum(len(row) for row in rows) / (plan.steps / plan.epochs * cost.step)),
        "memory_gb": round(memory / 2**30, 1),
        "memory_free_gb": round(available_memory() / 2**30, 1),
        "disk_gb": round(adapter * 4 * 7 / 2**30, 1),
        "number_format": machine.dtype,
        "step": machine.kind,
        "threads": machine.threads,
        "expect": build.expectation(int(dataset.counts.get("train replies", 0))),
    }


def run_counts(run: Run) -> Mapping[str, float]:
    return {name: float(value) for name, value in run.summary.items() if value is not None}
