"""The training loop, in execution order."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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

Event = Mapping[str, float | int | str | None]
"""A line of metrics.jsonl: the one feed of the progress bar, the web page and the plots."""


@dataclass(frozen=True, slots=True)
class Trained:
    """The adapter that was best on validation (the last one where there is nothing to validate on)."""

    weights: dict[str, Tensor]
    state: State
    stopped_early: bool


def train(
    step: Step,
    examples: Sequence[Rendered],
    weights: Sequence[float],
    validation: Sequence[Rendered],
    plan: Plan,
    folder: Path,
    on_event: Callable[[Event], None] = lambda _: None,
) -> Trained:
    """Run `plan`, going on from the checkpoint in `folder` if there is one. Bit-exact: a killed and resumed run ends like any other.

    Args:
        examples: rendered training sequences, with their `weights`.
        validation: sequences that choose which adapter is kept, and when to stop.
        folder: gets `checkpoint.safetensors` and `metrics.jsonl`.

    Raises:
        TrainingError: the loss is not finite.
    """
    names = list(step.parameters)
    parameters = list(step.parameters.values())
    optimizer = torch.optim.AdamW(parameters, lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True)
    file = folder / "checkpoint.safetensors"
    state, best = _resume(file, names, parameters, optimizer)
    metrics = _Metrics(folder / "metrics.jsonl", state.metrics, on_event)
    lengths = [len(sequence) for sequence in examples]
    saved_at = started = time.monotonic()
    before = state.seconds

    for number, chosen in _from(state.step, plan, lengths):
        # ---- one step -------------------------------------------------------------------------------------------
        for parameter in parameters:
            parameter.grad = None
        parts = micro_batches(chosen, lengths, plan.micro_tokens)
        batches = [collate([examples[index] for index in part], [weights[index] for index in part]) for part in parts]
        total = sum(batch.total_weight for batch in batches)
        loss = sum(step.loss_and_gradients(batch, total) for batch in batches)
        if not math.isfinite(loss):
            raise TrainingError(f"the loss became {loss} at step {number + 1}: lower training.learning_rate in the recipe")
        norm = torch.nn.utils.clip_grad_norm_(parameters, plan.clip, foreach=True)
        optimizer.param_groups[0]["lr"] = plan.learning_rate_at(number)
        optimizer.step()
        # ---------------------------------------------------------------------------------------------------------
        state.step = number + 1
        state.tokens += sum(batch.labels.numel() for batch in batches)
        state.seconds = before + time.monotonic() - started
        metrics.write(
            event="step",
            step=state.step,
            steps=plan.steps,
            loss=loss,
            norm=float(norm),
            learning_rate=plan.learning_rate_at(number),
            tokens=sum(batch.tokens for batch in batches),
            seconds=state.seconds,
        )
        if validation and (state.step % plan.evaluate_every == 0 or state.step == plan.steps):
            best = _validate(step, validation, plan, state, names, parameters, best, metrics)
            if state.misses >= plan.patience:
                break
        if time.monotonic() - saved_at >= plan.checkpoint_every:
            state.metrics = metrics.size()
            with disk_errors(folder):
                checkpoint.save(file, state, _everything(names, parameters, optimizer, best))
            saved_at = time.monotonic()

    metrics.close()
    return Trained(best or _copy(names, parameters), state, stopped_early=state.step < plan.steps)


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
    step: Step,
    validation: Sequence[Rendered],
    plan: Plan,
    state: State,
    names: list[str],
    parameters: list[torch.nn.Parameter],
    best: dict[str, Tensor] | None,
    metrics: _Metrics,
) -> dict[str, Tensor] | None:
    loss = mean_loss(step, validation, plan.micro_tokens)
    if state.best_loss is None or loss < state.best_loss:
        state.best_loss, state.best_step, state.misses = loss, state.step, 0
        best = _copy(names, parameters)
    else:
        state.misses += 1
    metrics.write(event="validation", step=state.step, steps=plan.steps, loss=loss, best=state.best_loss, best_step=state.best_step)
    return best


def mean_loss(step: Step, sequences: Sequence[Rendered], micro_tokens: int) -> float:
    """Nats per supervised token."""
    total, tokens = 0.0, 0
    for part in in_order([len(sequence) for sequence in sequences], micro_tokens):
        nll = step.score(collate([sequences[index] for index in part]))
        total += float(nll.double().sum())
        tokens += nll.numel()
    return total / max(1, tokens)


def _resume(
    file: Path, names: list[str], parameters: list[torch.nn.Parameter], optimizer: torch.optim.AdamW
) -> tuple[State, dict[str, Tensor] | None]:
    found = checkpoint.load(file)
    if found is None:
        return State(), None
    state, tensors = found
    with torch.no_grad():
        for name, parameter in zip(names, parameters, strict=True):
            parameter.copy_(tensors[f"adapter/{name}"])
    checkpoint.restore_optimizer(optimizer, names, tensors, state.step)
    best = {name: tensors[f"best/{name}"] for name in names} if f"best/{names[0]}" in tensors else None
    return state, best


def _everything(
    names: list[str], parameters: list[torch.nn.Parameter], optimizer: torch.optim.AdamW, best: dict[str, Tensor] | None
) -> dict[str, Tensor]:
    tensors = {f"adapter/{name}": parameter.detach() for name, parameter in zip(names, parameters, strict=True)}
    tensors |= checkpoint.optimizer_tensors(optimizer, names)
    return tensors | {f"best/{name}": tensor for name, tensor in (best or {}).items()}


def _copy(names: list[str], parameters: list[torch.nn.Parameter]) -> dict[str, Tensor]:
    return {name: parameter.detach().clone().cpu() for name, parameter in zip(names, parameters, strict=True)}


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

    def size(self) -> int:
        return self.file.stat().st_size

    def close(self) -> None:
        self.handle.close()
