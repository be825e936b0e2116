"""The training loop, in execution order."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from homespun.bases.template import Rendered
from homespun.errors import TrainingError
from homespun.home import disk_errors
from homespun.training import checkpoint
from homespun.training.batches import collate, in_order, in_steps, micro_batches
from homespun.training.checkpoint import State
from homespun.training.plan import Plan
from homespun.training.step import Step

MOMENTS = ("exp_avg", "exp_avg_sq")
"""AdamW's, by its own names."""

Event = Mapping[str, float | int | str | None]
"""A line of metrics.jsonl: the one feed of the progress bar, the web page and the plots."""


@dataclass(frozen=True, slots=True)
class Trained:
    """The averaged adapter that was best on validation (the last one where there is nothing to validate on)."""

    weights: dict[str, Tensor]
    state: State
    stopped_early: bool


def train(
    step: Step,
    examples: Sequence[Rendered],
    validation: Sequence[Rendered],
    plan: Plan,
    folder: Path,
    on_event: Callable[[Event], None] = lambda _: None,
) -> Trained:
    """Run `plan`, going on from the checkpoint in `folder` if there is one. Bit-exact: a killed and resumed run ends like any other.

    Args:
        examples: rendered training sequences.
        validation: sequences that choose which adapter is kept, and when to stop.
        folder: gets `checkpoint.safetensors` and `metrics.jsonl`.

    Raises:
        TrainingError: the loss is not finite.
    """
    flat = step.adapter.flat
    optimizer = torch.optim.AdamW([flat], lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True)
    checkpoints = _Checkpoints(folder, flat, optimizer, plan.checkpoint_every)
    state, average, best = checkpoints.resume()
    metrics = _Metrics(folder / "metrics.jsonl", state.metrics, on_event)
    lengths = [len(sequence) for sequence in examples]
    started = time.monotonic() - state.seconds

    for number, chosen in _from(state.step, plan, lengths):
        # ---- one step -------------------------------------------------------------------------------------------
        parts = micro_batches(chosen, lengths, plan.micro_tokens)
        batches = [collate([examples[index] for index in part]) for part in parts]
        total = sum(batch.total_weight for batch in batches)
        step.adapter.clear()
        loss = sum(step.loss_and_gradients(batch, total) for batch in batches)
        if not math.isfinite(loss):
            raise TrainingError(f"the loss became {loss} at step {number + 1}: lower training.learning_rate in the recipe")
        norm = torch.nn.utils.clip_grad_norm_(flat, plan.clip)
        optimizer.param_groups[0]["lr"] = plan.learning_rate_at(number)
        optimizer.step()
        average.lerp_(flat.detach(), plan.share_at(number))
        # ---------------------------------------------------------------------------------------------------------
        state.step = number + 1
        state.tokens += sum(batch.labels.numel() for batch in batches)
        state.seconds = time.monotonic() - started
        metrics.step(state, plan, loss, float(norm), sum(batch.tokens for batch in batches))
        if validation and (state.step % plan.evaluate_every == 0 or state.step == plan.steps):
            best = _validate(step, average, validation, plan, state, best, metrics)
            if state.misses >= plan.patience:
                break
        checkpoints.save_if_due(state, average, best, metrics.size)

    metrics.close()
    with torch.no_grad():
        flat.copy_(average if best is None else best)
    return Trained(step.adapter.copy(), state, stopped_early=state.step < plan.steps)


def _from(done: int, plan: Plan, lengths: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """(step number, the indices it learns from), for every step not done yet."""
    number = 0
    epoch = 0
    while number < plan.steps:
        for chosen in in_steps(lengths, plan.tokens_per_step, plan.seed, epoch):
            if done <= number < plan.steps:
                yield number, chosen
            number += 1
        epoch += 1


def _validate(
    step: Step, average: Tensor, rows: Sequence[Rendered], plan: Plan, state: State, best: Tensor | None, metrics: _Metrics
) -> Tensor | None:
    """The best average so far, flat."""
    with _holding(step, average):
        loss = mean_loss(step, rows, plan.micro_tokens)
    if state.best_loss is None or loss < state.best_loss:
        state.best_loss, state.best_step, state.misses = loss, state.step, 0
        best = average.clone()
    else:
        state.misses += 1
    metrics.write(event="validation", step=state.step, steps=plan.steps, loss=loss, best=state.best_loss, best_step=state.best_step)
    return best


@contextmanager
def _holding(step: Step, weights: Tensor) -> Iterator[None]:
    """The step computes with these weights, until it goes on learning from its own."""
    flat = step.adapter.flat
    own = flat.detach().clone()
    with torch.no_grad():
        flat.copy_(weights)
        yield
        flat.copy_(own)


def mean_loss(step: Step, sequences: Sequence[Rendered], micro_tokens: int) -> float:
    """Nats per supervised token."""
    total, tokens = 0.0, 0
    for part in in_order([len(sequence) for sequence in sequences], micro_tokens):
        nll = step.score(collate([sequences[index] for index in part]))
        total += float(nll.double().sum())
        tokens += nll.numel()
    return total / max(1, tokens)


class _Checkpoints:
    """The run's checkpoint file: adapter, its two moments, its average and the best average so far, each flat."""

    def __init__(self, folder: Path, flat: torch.nn.Parameter, optimizer: torch.optim.AdamW, every: float) -> None:
        self.folder, self.flat, self.optimizer, self.every = folder, flat, optimizer, every
        self.saved_at = time.monotonic()

    def resume(self) -> tuple[State, Tensor, Tensor | None]:
        found = checkpoint.load(self.folder / "checkpoint.safetensors")
        if found is None:
            return State(), self.flat.detach().clone(), None
        state, tensors = found
        with torch.no_grad():
            self.flat.copy_(tensors["adapter"])
        moments = {name: tensors[name].to(self.flat.device) for name in MOMENTS}
        self.optimizer.state[self.flat] = {"step": torch.tensor(float(state.step)), **moments}
        return state, tensors["average"].to(self.flat.device), tensors.get("best")

    def save_if_due(self, state: State, average: Tensor, best: Tensor | None, metrics: int) -> None:
        if time.monotonic() - self.saved_at < self.every:
            return
        state.metrics = metrics
        moments = self.optimizer.state[self.flat]
        tensors = {"adapter": self.flat.detach(), "average": average} | {name: moments[name] for name in MOMENTS}
        tensors |= {} if best is None else {"best": best}
        with disk_errors(self.folder):
            checkpoint.save(self.folder / "checkpoint.safetensors", state, tensors)
        self.saved_at = time.monotonic()


class _Metrics:
    """metrics.jsonl, cut back on resume to what the checkpoint knows, so that no step stands there twice."""

    def __init__(self, file: Path, size: int, on_event: Callable[[Event], None]) -> None:
        self.file = file
        with disk_errors(file):
            file.touch()
            os.truncate(file, min(size, file.stat().st_size))
            self.handle = file.open("a", encoding="utf-8")
        self.on_event = on_event

    def write(self, **event: float | int | str | None) -> None:
        with disk_errors(self.file):
            self.handle.write(json.dumps(event) + "\n")
            self.handle.flush()
        self.on_event(event)

    def step(self, state: State, plan: Plan, loss: float, norm: float, tokens: int) -> None:
        rate = plan.learning_rate_at(state.step - 1)
        self.write(
            event="step",
            step=state.step,
            steps=plan.steps,
            loss=loss,
            norm=norm,
            learning_rate=rate,
            tokens=tokens,
            seconds=state.seconds,
        )

    @property
    def size(self) -> int:
        return self.file.stat().st_size

    def close(self) -> None:
        self.handle.close()
