"""A home with a base ready: what every stage needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from homespun.bases import hub
from homespun.bases.identity import identity
from homespun.bases.template import Template
from homespun.config import Recipe, Settings
from homespun.corpus import people, sessions
from homespun.corpus.view import View
from homespun.dataset import build
from homespun.dataset.build import Dataset
from homespun.dataset.stages import staged
from homespun.engines import torch as torch_engine
from homespun.engines.torch import TorchEngine
from homespun.errors import BudgetTooShort
from homespun.evaluation.bench import Bench
from homespun.evaluation.general import Scores
from homespun.evaluation.privacy import Value, personal_values
from homespun.evaluation.public_probes import PublicProbes, read_probes
from homespun.evaluation.result import Report, Sample
from homespun.home import Home, digest, write_json
from homespun.machine.hardware import fastest_dtype, usable_cores
from homespun.training import kinds
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
        self.probes = read_probes(self.settings.probes) if self.settings.probes else PublicProbes()
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

    def bench(self, recipe: Recipe | None = None) -> Bench:
        """What measures, with what is fitted to an adapter in `recipe`."""
        return Bench(self.scorer, self.engine, self.template, recipe or self.recipe, self._remember, self._in_corpus, self.probes, self.say)

    def _remember(self, texts: Sequence[str], compute: Callable[[], Scores]) -> Scores:
        """The base never changes, and every version is compared with it on the same texts."""
        machine = self.machine()
        name = digest(identity(self.folder), machine.kind, machine.dtype, texts)
        file = self.settings.cache / "scores" / f"{name}.json"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_json(file, compute())
        return [(nll, tokens) for nll, tokens in json.loads(file.read_text(encoding="utf-8"))]

    def _in_corpus(self, found: frozenset[Value]) -> frozenset[Value]:
        # Reading everything again is worth it only where there is something to look for.
        return found & personal_values(self.raw_texts()) if found else found

    def raw_texts(self) -> Iterator[str]:
        """Every message as it was written."""
        return (message.text for conversation in sessions.conversations(self.home) for message in conversation.messages)

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
        steps: dict[Machine, Step] = {}

        def step(machine: Machine) -> Step:
            # One for all stages: loading takes seconds of a budget.
            if machine not in steps:
                steps[machine] = self.new_step(machine)
            return steps[machine]

        for recipe, examples, part in staged(dataset, self.recipe):
            try:
                run = running.learn(
                    self.home,
                    dataset,
                    recipe,
                    self.template,
                    identity(self.folder),
                    step,
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


def in_own_names(report: Report, person: str, view: View) -> None:
    """A report is read by people: nobody in it has another name."""
    report.person = person
    report.metrics = {view.restore(name): value for name, value in report.metrics.items()}
    report.samples = [Sample(**{field: view.restore(text) for field, text in asdict(sample).items()}) for sample in report.samples]
    report.gaps = [replace(gap, examples=tuple(view.restore(text) for text in gap.examples)) for gap in report.gaps]
