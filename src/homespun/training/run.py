"""A run: dataset + recipe -> adapter, as an artefact that is resumable while it is made and cached once it is."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from homespun.bases import adapter
from homespun.bases.template import Rendered, Template
from homespun.config import Recipe
from homespun.dataset.build import Dataset
from homespun.home import Home, Manifest, digest, disk_errors, write_json
from homespun.training.kinds import Machine
from homespun.training.loop import Event, Trained, train
from homespun.training.plan import MICRO_TOKENS, Plan, make_plan, measure
from homespun.training.step import Step
from homespun.types import Example

ADAPTER, CONFIG = "adapter_model.safetensors", "adapter_config.json"


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run."""

    id: str
    folder: Path
    weights: dict[str, Tensor]
    summary: dict[str, float | bool | None]

    @property
    def supervised_tokens(self) -> int:
        return int(self.summary["supervised_tokens"] or 0)


def run_id(dataset: Dataset, recipe: Recipe, base: str, budget: float | None, supervised: int | None, stage: object = None) -> str:
    return digest(dataset.id, base, recipe.adapter.model_dump(), recipe.training.model_dump(), budget, supervised, stage)


def learn(
    home: Home,
    dataset: Dataset,
    recipe: Recipe,
    template: Template,
    base: str,
    make_step: Callable[[Machine], Step],
    machine: Machine,
    budget: float | None = None,
    supervised: int | None = None,
    resume: bool = False,
    on_event: Callable[[Event], None] = lambda _: None,
    examples: Sequence[Example] | None = None,
    start: Run | None = None,
) -> Run:
    """Train the adapter of a dataset, or return the one that was trained before.

    Args:
        base: the identity of the base (bases/identity.py); another one is another run.
        examples: what is learned from; by default all that the dataset has for it.
        start: a run whose adapter is the beginning of this one's.
        make_step: gives a step with a fresh adapter; called when the plan is known.
        budget: seconds for the training itself.
        supervised: stop after about this many supervised tokens instead of the recipe's epochs (impostors see as many as the person's).
        resume: go on with what an interrupted run left; otherwise that is thrown away.
    """
    learned = dataset.of("train") if examples is None else list(examples)
    stage = None if examples is None else [start.id if start else None, [example.id for example in learned]]
    name = run_id(dataset, recipe, base, budget, supervised, stage)
    final = home.folder("run", name)
    if home.manifest("run", name):
        return load(final)
    work = final.with_name(f"{name}.unfinished")
    if not resume:
        shutil.rmtree(work, ignore_errors=True)
    with disk_errors(home.path):
        work.mkdir(parents=True, exist_ok=True)
    train_rows = rendered(learned, template)
    validation = rendered(dataset.of("validation"), template)

    def begin(machine: Machine) -> Step:
        step = make_step(machine)
        if start is not None:
            step.adapter.set(start.weights)
        return step

    plan, step = _plan(work, train_rows, validation, recipe, begin, machine, budget, supervised, first=start is None)
    with disk_errors(home.path):
        done = train(step, train_rows, validation, plan, work, on_event)
        _keep(home, name, dataset, recipe, plan, done, work, start)
    shutil.rmtree(work, ignore_errors=True)
    return load(final)


def load(folder: Path) -> Run:
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return Run(folder.name, folder, load_weights(folder), summary)


def rendered(examples: Sequence[Example], template: Template) -> list[Rendered]:
    return [template.render(example.turns) for example in examples]


def _plan(
    work: Path,
    train_rows: Sequence[Rendered],
    validation: Sequence[Rendered],
    recipe: Recipe,
    make_step: Callable[[Machine], Step],
    machine: Machine,
    budget: float | None,
    supervised: int | None,
    first: bool,
) -> tuple[Plan, Step]:
    """The plan of this run: the one it began with, if it was interrupted."""
    file = work / "plan.json"
    if file.is_file():
        plan = Plan.read(file)
        return plan, make_step(Machine(plan.kind, plan.dtype, plan.threads))
    began = time.monotonic()
    step = make_step(machine)
    cost = measure(step, train_rows, validation, recipe.training, MICRO_TOKENS[machine.kind]) if budget is not None else None
    lengths = [len(row) for row in train_rows]
    # Loading the base and measuring it are part of the time that was given.
    plan = make_plan(lengths, recipe.training, machine, budget, cost, time.monotonic() - began, first)
    if supervised is not None:
        per_epoch = sum(bool(number) for row in train_rows for number in row.target)
        steps = max(1, round(plan.steps / plan.epochs * supervised / per_epoch))
        plan = replace(plan, steps=steps, epochs=supervised / per_epoch, warmup_steps=min(plan.warmup_steps, steps - 1))
    plan.write(file)
    return plan, step


def _keep(home: Home, name: str, dataset: Dataset, recipe: Recipe, plan: Plan, done: Trained, work: Path, start: Run | None) -> None:
    summary = {
        "steps": done.state.step,
        "planned_steps": plan.steps,
        "stopped_early": done.stopped_early,
        "best_step": done.state.best_step or done.state.step,
        "validation_loss": done.state.best_loss,
        "supervised_tokens": done.state.tokens + (start.supervised_tokens if start else 0),
        "seconds": round(done.state.seconds, 1),
    }
    parents = (f"dataset:{dataset.id}", f"base:{recipe.base}", *([f"run:{start.id}"] if start else []))
    counts = {key: float(value) for key, value in summary.items() if isinstance(value, int | float)}
    manifest = Manifest("run", name, parents, recipe.hash, plan.seed, counts)
    with home.artefact(manifest) as folder:
        names = {key.rsplit(".", 3)[1] for key in done.weights}
        save_file(done.weights, folder / ADAPTER, metadata={"format": "pt"})
        write_json(folder / CONFIG, adapter.config(recipe.base, names, recipe.adapter.rank, recipe.adapter.alpha))
        write_json(folder / "summary.json", summary)
        write_json(folder / "plan.json", asdict(plan))
        shutil.copyfile(work / "metrics.jsonl", folder / "metrics.jsonl")


def load_weights(folder: Path) -> dict[str, Tensor]:
    """The adapter of a run or a version."""
    return adapter.read(folder)[1]
