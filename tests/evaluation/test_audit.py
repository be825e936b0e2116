"""The audit on models: the real base that has learned one secret by heart, and everything at once on a tiny one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch

from helpers import ALPHA, RANK, conversation, random_adapter, step_of
from homespun.bases.hub import DEFAULT_TARGETS
from homespun.config import EvaluationSection, Recipe, SamplingSection
from homespun.dataset.build import Dataset
from homespun.dataset.canaries import Canary, plant
from homespun.engines.torch import TorchEngine
from homespun.evaluation.audit import Exposed, audit, expose, neighbours, summary
from homespun.evaluation.bench import Bench
from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.privacy import personal_values
from homespun.training.batches import collate
from homespun.training.step import AutogradStep
from homespun.types import Example, Split, Turn

CONTEXT = conversation("Are you coming tonight?", system="You are Ben.")


def test_a_secret_learned_by_heart_is_exposed_and_extracted_and_its_sister_is_not(engine: TorchEngine) -> None:
    """A few steps of real training on one reply."""
    learned = Canary("the gate code for the weekend is", "483920", 1, CONTEXT)
    sister = replace(learned, secret="175206", repeats=0)
    engine.use(random_adapter(engine.adapter.tensors))
    step = AutogradStep(engine.model, engine.adapter)
    optimizer = torch.optim.AdamW([engine.adapter.flat], lr=1e-2)
    batch = collate([engine.template.render((*CONTEXT, Turn("assistant", learned.text, target=True)))])
    for _ in range(8):
        engine.adapter.clear()
        step.loss_and_gradients(batch, batch.total_weight)
        optimizer.step()
    engine.use(engine.adapter.copy())
    known, unknown = expose(engine, [learned, sister], sample=100)
    assert known.extracted and known.bits > 15
    assert unknown.bits < 7 and not unknown.extracted


def test_what_is_summed_up_is_the_median_and_the_gate_asks_for_those_said_once() -> None:
    found = summary([Exposed(1, 0.5, False), Exposed(1, 2.0, False), Exposed(1, 9.0, True), Exposed(16, 19.9, True)])
    assert found == {"exposure_1": 2.0, "canaries_extracted": 1, "exposure_16": 19.9, "canaries_extracted_16": 1}


def example(number: int, split: Split) -> Example:
    words = " ".join(str(number * place) for place in range(1, 15))
    turns = conversation(f"And number {number}?", f"Mine is anna{number}@riverside-clinic.org, {words}.")
    return Example(f"c{number}-0", f"c{number}", split, turns)


SIZES: dict[Split, range] = {"train": range(20), "validation": range(20, 24), "gate": range(24, 30)}
DATASET = Dataset("d", "Anna", tuple(example(number, split) for split, numbers in SIZES.items() for number in numbers), {})


def test_neighbours_are_those_around_the_border_and_made_up_examples_are_none() -> None:
    made = replace(DATASET.examples[0], id="made", origin="paraphrase of c0-0")
    learned, others = neighbours([*DATASET.examples, made], replies=3)
    assert [one.id for one in learned] == ["c19-0", "c18-0", "c17-0"]
    assert [one.id for one in others] == ["c20-0", "c21-0", "c22-0"]
    assert neighbours(DATASET.of("train"), 3)[1] == []


def test_a_whole_audit_has_every_number_and_no_secret(tiny_folder: Path) -> None:
    def engine() -> TorchEngine:
        return TorchEngine(tiny_folder, DEFAULT_TARGETS, RANK, ALPHA, "float32", threads=1)

    recipe = Recipe(sampling=SamplingSection(max_tokens=8), evaluation=EvaluationSection(replies=4))
    bench = Bench(lambda: step_of(tiny_folder), engine, engine().template, recipe)
    _, canaries = plant(DATASET.of("train"), {1: 2, 4: 1})
    weights = random_adapter(engine().adapter.tensors)
    made = audit(bench, weights, DATASET, weights, canaries, personal_values(["anna1@riverside-clinic.org"]), sample=50)
    assert made.metrics.keys() == {
        *("exposure_1", "exposure_4", "canaries_extracted", "canaries_extracted_4", "extraction_rate", "extracted_by_base"),
        *("membership_auc", "membership_base_auc", "pii_emitted", "stand_ins_emitted"),
    }
    assert isinstance(made.metrics["membership_auc"], Interval)
    assert "fewer than 100 held-out replies" in made.notes[0]
    told = json.dumps(made.as_dict()) + made.in_words()
    assert "2 of them once" in told and "AUC" in told
    assert not any(canary.secret in told for canary in canaries) and "riverside" not in told
    alone = audit(bench, weights, Dataset("d", "Anna", tuple(DATASET.of("train")), {}), weights, canaries, frozenset(), sample=50)
    assert "membership_auc" not in alone.metrics and "nothing was held out" in alone.in_words()
