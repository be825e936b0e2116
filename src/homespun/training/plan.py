"""What a run will do, fixed before its first step and kept for resume: steps, schedule, number format, threads."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from homespun.bases.load import Size
from homespun.bases.template import Rendered
from homespun.config import StepKind, TrainingSection
from homespun.errors import BudgetTooShort
from homespun.home import write_json
from homespun.training.batches import collate, in_order, in_steps
from homespun.training.kinds import Machine
from homespun.training.step import Step

MICRO_TOKENS: dict[StepKind, int] = {"fused": 2048, "aten": 2048, "autograd": 1024}
"""Tokens per forward pass. On a CPU more is hardly faster and costs memory (benchmarks/LOG.md, 2026-11-21)."""
KEPT: dict[StepKind, tuple[int, int]] = {"fused": (14, 3), "aten": (14, 3), "autograd": (16, 6)}
"""How many rows of its width, and of its feed-forward width, a layer keeps of every token: so chosen that the whole covers the peak of a
training of SmolLM2-135M (2.6 GB with the fused step, 2.2 GB with autograd)."""
MEASURED_STEPS = 3
RESERVE = 0.03
"""Share of a budget kept for checkpoints and for what the measurement did not see."""


@dataclass(frozen=True, slots=True)
class Plan:
    steps: int
    epochs: float
    tokens_per_step: int
    micro_tokens: int
    learning_rate: float
    warmup_steps: int
    final_rate: float
    average: float
    evaluate_every: int
    patience: int
    clip: float
    weight_decay: float
    checkpoint_every: float
    seed: int
    dtype: str
    threads: int
    kind: StepKind

    def learning_rate_at(self, step: int) -> float:
        """Linear warm-up, then a cosine to `final_rate` of it at the end of the run (Loshchilov & Hutter 2017). `step` counts from 0."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        through = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return self.learning_rate * (self.final_rate + (1 - self.final_rate) * 0.5 * (1 + math.cos(math.pi * through)))

    def share_at(self, step: int) -> float:
        """What the weights after `step` (from 0) count in the average so far: polynomial-decay averaging (Shamir & Zhang 2013, section 4).

        However long a run is, the steps in its average lie 1 / (average + 2) of it back in the mean.
        """
        return (self.average + 1) / (self.average + 1 + step)

    def write(self, file: Path) -> None:
        write_json(file, asdict(self))

    @classmethod
    def read(cls, file: Path) -> Plan:
        return cls(**json.loads(file.read_text(encoding="utf-8")))


def make_plan(
    lengths: Sequence[int],
    options: TrainingSection,
    machine: Machine,
    fit: float | None = None,
    cost: Cost | None = None,
    spent: float = 0.0,
    first: bool = True,
) -> Plan:
    """Args:
    lengths: tokens of every training sequence.
    fit: seconds the training may take; needs `cost`.
    spent: seconds of them that are gone already.
    first: whether nothing was trained before. A later stage takes one step whatever it costs: else all before it was in vain.

    Raises:
        BudgetTooShort: not even one step fits.
    """
    per_epoch = len(in_steps(lengths, options.tokens_per_step, options.seed, 0))
    steps = max(1, round(per_epoch * options.epochs))
    evaluations = options.evaluations_per_epoch
    if fit is not None and cost is not None:
        steps, evaluations = _fit(steps, per_epoch, evaluations, fit * (1 - RESERVE) - spent, cost, spent, first)
    return Plan(
        steps=steps,
        epochs=steps / per_epoch,
        tokens_per_step=options.tokens_per_step,
        micro_tokens=min(MICRO_TOKENS[machine.kind], options.tokens_per_step),
        learning_rate=options.learning_rate,
        warmup_steps=min(round(steps * options.warmup), steps - 1),
        final_rate=options.final_rate,
        average=options.average,
        evaluate_every=math.ceil(per_epoch / evaluations),
        patience=options.patience,
        clip=options.clip,
        weight_decay=options.weight_decay,
        checkpoint_every=options.checkpoint_every,
        seed=options.seed,
        dtype=machine.dtype,
        threads=machine.threads,
        kind=machine.kind,
    )


def _fit(most: int, per_epoch: int, evaluations: int, seconds: float, cost: Cost, spent: float, first: bool) -> tuple[int, int]:
    """As many steps as fit, giving up validations before steps."""
    for rarer in (evaluations, max(1, evaluations // 2), 1):
        per_step = cost.step + cost.validation * rarer / per_epoch
        if (steps := int((seconds - cost.validation) / per_step)) >= min(most, per_epoch):
            return min(steps, most), rarer
    if steps < 1 and first:
        raise BudgetTooShort((per_step + cost.validation + spent) / (1 - RESERVE))
    return max(1, min(steps, most)), 1


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, measured on this machine with this data."""

    step: float
    validation: float


def measure(step: Step, train: Sequence[Rendered], validation: Sequence[Rendered], options: TrainingSection, micro: int) -> Cost:
    """Time a few real steps, without learning from them. The first is left out: it pays for allocations."""
    lengths = [len(sequence) for sequence in train]
    parts = in_order(lengths, micro)
    sample = [parts[len(parts) // 2], *parts[:: max(1, len(parts) // MEASURED_STEPS)]][: MEASURED_STEPS + 1]
    batches = [collate([train[index] for index in part]) for part in sample]
    seconds = [_timed(partial(step.loss_and_gradients, batch, 1.0)) for batch in batches]
    step.adapter.clear()
    tokens = sum(batch.tokens for batch in batches[1:]) or batches[0].tokens
    per_token = (sum(seconds[1:]) or seconds[0]) / tokens
    forward = _timed(lambda: step.score(batches[0])) / batches[0].tokens
    whole = sum(lengths) / len(in_steps(lengths, options.tokens_per_step, options.seed, 0))
    return Cost(step=per_token * whole, validation=forward * sum(len(sequence) for sequence in validation))


def memory_needed(size: Size, adapter: int, machine: Machine) -> int:
    """Bytes a training takes, from above: frozen weights, adapter with two moments and gradient, and a micro-batch's activations."""
    number = 2 if machine.dtype == "bfloat16" else 4
    narrow, wide = KEPT[machine.kind]
    activations = MICRO_TOKENS[machine.kind] * size.layers * (narrow * size.hidden + wide * size.intermediate) * number
    interpreter = 700 * 2**20
    return size.parameters * number + adapter * 4 * 5 + activations + interpreter


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
