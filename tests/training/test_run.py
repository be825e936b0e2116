"""A run as an artefact: cached, resumable, and in PEFT's format."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel

from helpers import ALPHA, RANK, conversation, step_of
from homespun.bases.load import load_model
from homespun.bases.template import Template
from homespun.config import AdapterSection, Recipe, TrainingSection
from homespun.dataset.build import Dataset
from homespun.errors import BaseError
from homespun.home import Home
from homespun.training.kinds import Machine
from homespun.training.loop import Event
from homespun.training.run import Run, learn, load_weights
from homespun.training.step import AutogradStep
from homespun.types import Example, Split

TRAINING = TrainingSection(epochs=2, tokens_per_step=128, learning_rate=3e-3, checkpoint_every=1e-9)
RECIPE = Recipe(adapter=AdapterSection(rank=RANK, alpha=ALPHA), training=TRAINING)


def example(number: int, side: Split) -> Example:
    turns = conversation(f"question {number}?", f"answer {number * 7}!", "and then?", f"nothing more, {number}")
    return Example(f"e{number}", f"c{number}", side, turns)


DATASET = Dataset("d", "Anna", tuple(example(number, "validation" if number % 6 == 5 else "train") for number in range(18)), {})


@pytest.fixture
def trained(home: Home, tiny_folder: Path) -> Callable[..., Run]:
    """Learn with the tiny base in a home that all calls share."""
    template = Template(tiny_folder)

    def make_step(machine: Machine) -> AutogradStep:
        return step_of(tiny_folder, machine.dtype)

    def call(**options: object) -> Run:
        return learn(home, DATASET, RECIPE, template, "base", make_step, Machine("autograd", "float32", 1), **options)  # type: ignore[arg-type]

    return call


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_peft_reads_what_homespun_learned(trained: Callable[..., Run], tiny_folder: Path) -> None:
    run = trained()
    ids = torch.arange(500, 540)[None]
    step = step_of(tiny_folder)
    bare = step.model(input_ids=ids).logits
    step.adapter.set(load_weights(run.folder))
    ours = step.model(input_ids=ids).logits
    theirs = PeftModel.from_pretrained(load_model(tiny_folder), str(run.folder))(input_ids=ids).logits
    assert (ours - theirs).abs().max().item() <= 1e-4
    assert (bare - theirs).abs().max().item() > 0.1


def test_the_same_run_is_not_made_twice(trained: Callable[..., Run]) -> None:
    events: list[Event] = []
    first = trained()
    again = trained(on_event=events.append)
    assert not events and (again.id, again.summary) == (first.id, first.summary)
    assert trained(supervised=60).id != first.id


def test_an_interrupted_run_goes_on_and_leaves_nothing_behind(trained: Callable[..., Run], home: Home) -> None:
    steps: list[object] = []

    def stop(event: Event) -> None:
        if event["event"] == "step":
            steps.append(event["step"])
        if event["event"] == "step" and event["step"] == 4:
            raise KeyboardInterrupt

    for resume in (False, True, False):
        with pytest.raises(KeyboardInterrupt):
            trained(resume=resume, on_event=stop)
    assert steps == [1, 2, 3, 4, 4, 1, 2, 3, 4]
    done = trained(resume=True)
    manifest = home.manifest("run", done.id)
    assert manifest is not None and manifest.parents == ("dataset:d", "base:smollm2-135m-instruct")
    assert {name: hashlib.sha256((done.folder / name).read_bytes()).hexdigest() for name in manifest.content} == manifest.content
    assert [folder.name for folder in (home.path / "runs").iterdir()] == [done.id]


def test_an_impostor_sees_as_many_tokens_as_the_person(trained: Callable[..., Run]) -> None:
    """To within the tokens of a step."""
    assert trained(supervised=150).supervised_tokens == pytest.approx(150, abs=128)


def test_a_damaged_adapter_is_refused(trained: Callable[..., Run]) -> None:
    run = trained()
    file = run.folder / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(BaseError, match="cannot be read"):
        load_weights(run.folder)
