"""The recipes from source to report, on one page. Rooms never call back up: what they need from here is passed to them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from homespun import sources
from homespun.bases import hub
from homespun.bases.load import size
from homespun.bases.template import Template
from homespun.config import Recipe, Settings
from homespun.corpus import delete, imports, people, sessions
from homespun.corpus.delete import Forgotten
from homespun.corpus.view import View
from homespun.dataset import build
from homespun.dataset.build import Dataset
from homespun.dataset.stages import staged
from homespun.dataset.turns import speakers
from homespun.engines import torch as torch_engine
from homespun.engines.torch import TorchEngine
from homespun.errors import BudgetTooShort, CheckFailed, EmptyCorpus
from homespun.evaluation import evidence as proving
from homespun.evaluation import length
from homespun.evaluation import report as reporting
from homespun.evaluation.evaluate import Report, Sample, evaluate
from homespun.evaluation.scoring import Weights
from homespun.home import Home, Manifest, digest, write_text
from homespun.machine.hardware import available_memory, fastest_dtype, usable_cores
from homespun.registry import lineage, versions
from homespun.registry.lineage import Stale
from homespun.registry.versions import Version
from homespun.training import kinds
from homespun.training import plan as planning
from homespun.training import run as running
from homespun.training.kinds import Machine
from homespun.training.loop import Event
from homespun.training.run import Run
from homespun.training.step import Step
from homespun.types import Conversation

Say = Callable[[str], None]


@dataclass
class Workshop:
    """A home with a base ready: what every stage below needs. The model itself is loaded when the first stage asks for it."""

    home: Home
    recipe: Recipe
    settings: Settings
    say: Say = lambda _: None
    on_event: Callable[[Event], None] = lambda _: None
    """Told after every step and validation. It may take its time: that is where training is paused."""
    threads: int | None = None
    """Cores to compute with; all by default."""
    _engine: TorchEngine | None = None

    def __post_init__(self) -> None:
        self.view = View(self.home, self.recipe.privacy)
        self.folder = hub.resolve(self.recipe.base, self.settings, self.say)
        self.template = Template(self.folder)

    def machine(self) -> Machine:
        wanted = self.recipe.training
        kind = wanted.step
        if kind == "auto":
            kind = kinds.fastest(self.folder, hub.targets(self.recipe.base), self.recipe.dataset.max_tokens)[0]
        dtype = fastest_dtype(self.settings.cache) if wanted.dtype == "auto" else wanted.dtype
        return Machine(kind, dtype, self.threads or usable_cores())

    def engine(self) -> TorchEngine:
        """What writes."""
        if self._engine is None:
            self.say(f"loading {self.recipe.base}")
            self._engine = torch_engine.load(self.recipe, self.settings, self.threads)
        return self._engine

    def new_step(self, machine: Machine) -> Step:
        """What learns, with a fresh adapter."""
        self.say(f"loading {self.recipe.base}")
        recipe = self.recipe
        return kinds.make_step(self.folder, hub.targets(recipe.base), recipe.adapter, machine, recipe.training.seed)

    def scorer(self) -> Step:
        """What scores; whoever asks for it holds it, so that it goes when they are done."""
        return kinds.make_step(self.folder, hub.targets(self.recipe.base), self.recipe.adapter, self.machine())

    def conversations(self) -> list[Conversation]:
        """The corpus as the model may see it."""
        return self.view.conversations(sessions.conversations(self.home))

    def dataset(self, conversations: Sequence[Conversation], person: str) -> Dataset:
        """Args:
        person: by the name that the model knows.
        """
        owner = people.owner(self.home)
        if owner and person == self.view.name(owner):
            known = {self.view.name(name): relation for name, relation in people.relations(self.home).items()}
            self.recipe = self.recipe.model_copy(update={"relations": known})
        return build.build(self.home, conversations, person, self.recipe, self.template)

    def learn(self, dataset: Dataset, budget: float | None = None, supervised: int | None = None, resume: bool = False) -> Run:
        run = None
        for recipe, examples, part in staged(dataset, self.recipe):
            try:
                run = running.learn(
                    self.home,
                    dataset,
                    recipe,
                    self.template,
                    self.new_step,
                    self.machine(),
                    budget=None if budget is None else budget * part,
                    supervised=None if supervised is None else max(1, round(supervised * part)),
                    resume=resume,
                    on_event=self.on_event,
                    examples=examples if recipe.stages else None,
                    start=run,
                )
            except BudgetTooShort as short:
                # Said of the whole: a user gives no budget to a stage.
                raise BudgetTooShort(short.needed / part) from None
        assert run is not None
        return run


@dataclass(frozen=True, slots=True)
class Outcome:
    version: Version
    report: Report
    is_new: bool


def train(shop: Workshop, model: str, person: str, budget: float | None = None, resume: bool = False) -> Outcome:
    """Corpus -> dataset -> adapter -> quick report -> version, live if it is shown to have learned.

    Raises:
        EmptyCorpus: the person wrote too little.
    """
    home = shop.home
    versions.check_owner(home, model, person)
    conversations = shop.conversations()
    if not conversations:
        raise EmptyCorpus("the corpus is empty: add an export first with `homespun add EXPORT --me NAME`")
    dataset = shop.dataset(conversations, shop.view.name(person))
    shop.say(build.expectation(int(dataset.counts.get("train replies", 0))))
    versions.put_model(home, model, person, shop.recipe)
    run = shop.learn(dataset, budget, resume=resume)
    artefact = digest(model, run.id)
    if home.manifest("version", artefact) is None:
        recipe = _fitted(shop, run, dataset)
        evidence = proving.from_dataset(conversations, dataset)
        report = evaluate(shop.scorer, shop.engine, shop.template, run.weights, evidence, recipe, say=shop.say)
        _in_own_names(report, person, shop.view)
        manifest = Manifest("version", artefact, (f"run:{run.id}",), shop.recipe.hash, counts=run_counts(run))
        with home.artefact(manifest) as scratch:
            for name in (running.ADAPTER, running.CONFIG, "metrics.jsonl"):
                shutil.copyfile(run.folder / name, scratch / name)
            write_text(scratch / "recipe.toml", recipe.toml())
            reporting.write(report, scratch, model)
    report = reporting.read(home.folder("version", artefact))
    before = len(versions.list_versions(home, model))
    version = versions.add_version(home, model, artefact, "better than the base on held-out words" if _learned(report) else None)
    return Outcome(version, report, is_new=version.number > before)


def _in_own_names(report: Report, person: str, view: View) -> None:
    """A report is read by people: nobody in it has another name."""
    report.person = person
    report.samples = [Sample(**{field: view.restore(text) for field, text in asdict(sample).items()}) for sample in report.samples]
    report.gaps = [replace(gap, examples=tuple(view.restore(text) for text in gap.examples)) for gap in report.gaps]


def _fitted(shop: Workshop, run: Run, dataset: Dataset) -> Recipe:
    """The recipe with what is fitted to the trained adapter, on replies kept back from training: how long replies become."""
    shop.say("fitting the length of replies")
    engine = shop.engine()
    engine.use(run.weights)
    kept_back = proving.replies_of(dataset.of("validation"))
    return shop.recipe.with_sampling(stop_bias=length.fit_stop_bias(engine, kept_back, shop.recipe))


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


def _learned(report: Report) -> bool:
    """Until the gate compares versions, a version goes live when it surely beats the base; with nothing held out there is no proof."""
    low = report.low("gain")
    return low is not None and low > 0


def run_counts(run: Run) -> Mapping[str, float]:
    return {name: float(value) for name, value in run.summary.items() if value is not None}


def judge(
    shop: Workshop,
    version: Version,
    person: str,
    on: Path | None = None,
    format: str | None = None,
    gap: float = 1800.0,
    full: bool = False,
    against: Sequence[str] | None = None,
) -> tuple[Report, Path]:
    """Report on a version, on its held-out part or on a file that never enters the corpus. Returns it with the folder it was written to.

    Args:
        against: the impostors of a full report; by default the most talkative others.
    """
    home = shop.home
    conversations = shop.conversations()
    weights = running.load_weights(versions.version_folder(home, version))
    dataset = trained_on(home, version)
    if on is None:
        evidence = proving.from_dataset(conversations, dataset)
    else:
        unseen = shop.view.conversations(read_conversations(on, format, gap))
        learned = proving.learned_replies(dataset)
        evidence = proving.from_conversations(unseen, on.name, shop.view.name(person), shop.recipe, shop.template, learned)
    rivals = None if against is None else [shop.view.name(name) for name in against]
    impostors = impostor_adapters(shop, conversations, dataset, version, rivals) if full else {}
    report = evaluate(shop.scorer, shop.engine, shop.template, weights, evidence, shop.recipe, impostors, full, shop.say)
    _in_own_names(report, person, shop.view)
    if full and not impostors:
        report.notes.append("specificity: nobody else in this corpus wrote enough to train an impostor on")
    name = digest(version.artefact, evidence.on, [example.id for example in evidence.examples], full)
    with home.artefact(Manifest("evaluation", name, (f"version:{version.artefact}",), shop.recipe.hash)) as folder:
        reporting.write(report, folder, version.title)
    return report, home.folder("evaluation", name)


def forget(home: Home, chosen: Forgotten, may_return: bool = False) -> Stale:
    """Remove words from the corpus, and mark what learned from them."""
    found = lineage.learned_from(home, chosen.messages)
    # Marked first: a command that is killed in between leaves too many marks and no hidden words.
    stale = lineage.make_stale(home, found, f"it learned from {chosen.what}, which was forgotten")
    delete.forget(home, chosen, may_return)
    return stale


def trained_on(home: Home, version: Version) -> Dataset:
    """The dataset a version was trained on, by its lineage."""
    manifest = home.manifest("version", version.artefact)
    run = home.manifest("run", manifest.parents[0].partition(":")[2]) if manifest else None
    dataset = run.parents[0].partition(":")[2] if run else ""
    if home.manifest("dataset", dataset) is None:
        raise CheckFailed(f"the dataset of {version.title} is gone from {home.path}: train it again to judge it")
    return build.load(home.folder("dataset", dataset))


def impostor_adapters(
    shop: Workshop, conversations: Sequence[Conversation], dataset: Dataset, version: Version, against: Sequence[str] | None = None
) -> dict[str, Weights]:
    """Adapters of other people of the corpus, trained alike on as many supervised tokens. Cached as runs, never served."""
    learned = {example.conversation for example in dataset.of("train", "validation")}
    present = speakers(conversation for conversation in conversations if conversation.id in learned)
    manifest = shop.home.manifest("version", version.artefact)
    tokens = int(manifest.counts["supervised_tokens"]) if manifest else None
    adapters: dict[str, Weights] = {}
    for name in against if against is not None else [name for name in present if name != dataset.person]:
        if len(adapters) == shop.recipe.evaluation.impostors:
            break
        try:
            theirs = shop.dataset(conversations, name)
        except EmptyCorpus:
            break
        shop.say(f"training the impostor {name}")
        adapters[name] = shop.learn(theirs, supervised=tokens, resume=True).weights
    return adapters


def read_conversations(path: Path, format: str | None, gap: float) -> list[Conversation]:
    """A file's conversations, without touching the corpus. Ids are made from places, since nothing is stored."""
    found, _ = sources.load(path, format)
    return [session for chat in found for session in imports.sessions_of(chat, path.name, gap)]
