"""The loop: what it keeps, when it stops, and that being killed makes no difference."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from helpers import random_sequence, step_of, weighted
from homespun.errors import TrainingError
from homespun.home import read_jsonl
from homespun.training.batches import collate, in_steps
from homespun.training.loop import Event, Trained, mean_loss, train
from homespun.training.plan import Plan
from homespun.training.step import AutogradStep

EXAMPLES = [weighted(random_sequence(length, seed=length), 1.0 + length // 3 % 3) for length in range(12, 60, 3)]
VALIDATION = [random_sequence(length, seed=length) for length in range(100, 140, 10)]
PLAN = Plan(
    steps=24,
    epochs=3.0,
    tokens_per_step=96,
    micro_tokens=64,
    learning_rate=3e-3,
    warmup_steps=2,
    final_rate=0.5,
    average=1.0,
    evaluate_every=5,
    patience=99,
    clip=1.0,
    weight_decay=0.01,
    checkpoint_every=0.0,
    seed=1,
    dtype="float32",
    threads=1,
    kind="autograd",
)


class Killed(Exception): ...


def kill_at(step: int) -> Callable[[Event], None]:
    """Raises as soon as the loop has reported `step`, before its checkpoint is written."""

    def follow(event: Event) -> None:
        if event["event"] == "step" and event["step"] == step:
            raise Killed

    return follow


def metrics(folder: Path) -> list[dict[str, object]]:
    """Every line but for what the clock says."""
    return [{key: value for key, value in row.items() if key != "seconds"} for row in read_jsonl(folder / "metrics.jsonl")]


def run(base: Path, folder: Path, plan: Plan = PLAN, on_event: Callable[[Event], None] = lambda _: None) -> tuple[AutogradStep, Trained]:
    """A process of its own, as far as the loop can tell: the model is read again."""
    folder.mkdir(exist_ok=True)
    step = step_of(base)
    return step, train(step, EXAMPLES, VALIDATION, plan, folder, on_event)


@pytest.fixture(scope="module")
def straight(toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AutogradStep, Trained]:
    folder = tmp_path_factory.mktemp("straight")
    return folder, *run(toy_folder, folder)


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_run_ends_bit_for_bit_like_any_other(
    toy_folder: Path, straight: tuple[Path, AutogradStep, Trained], tmp_path: Path, seed: int
) -> None:
    """Killed twice at random steps, with a checkpoint at every step or only now and then."""
    plan = dataclasses.replace(PLAN, checkpoint_every=0.0 if seed % 2 else 0.1)
    for stop in sorted(random.Random(seed).sample(range(1, PLAN.steps + 1), 2)):
        with pytest.raises(Killed):
            run(toy_folder, tmp_path, plan, kill_at(stop))
    step, done = run(toy_folder, tmp_path, plan)
    folder, whole_step, whole = straight
    assert all(torch.equal(done.weights[name], tensor) for name, tensor in whole.weights.items())
    assert all(torch.equal(step.adapter.tensors[name], tensor) for name, tensor in whole_step.adapter.tensors.items())
    assert dataclasses.replace(done.state, seconds=0, metrics=0) == dataclasses.replace(whole.state, seconds=0, metrics=0)
    assert metrics(tmp_path) == metrics(folder)


def test_every_step_is_reported_once(straight: tuple[Path, AutogradStep, Trained]) -> None:
    rows = metrics(straight[0])
    assert [row["step"] for row in rows if row["event"] == "step"] == list(range(1, PLAN.steps + 1))
    assert [row["step"] for row in rows if row["event"] == "validation"] == [5, 10, 15, 20, 24]


def test_the_reported_loss_is_the_weighted_mean_per_token(straight: tuple[Path, AutogradStep, Trained], toy_folder: Path) -> None:
    (chosen, *_) = in_steps([len(one) for one in EXAMPLES], PLAN.tokens_per_step, PLAN.seed, 0)
    batch = collate([EXAMPLES[index] for index in chosen])
    expected = (step_of(toy_folder).score(batch) * batch.weight).sum() / batch.weight.sum()
    assert metrics(straight[0])[0]["loss"] == pytest.approx(expected.item(), rel=1e-5)


def test_the_loop_learns(straight: tuple[Path, AutogradStep, Trained], toy_folder: Path) -> None:
    before = mean_loss(step_of(toy_folder), EXAMPLES, 512)
    assert mean_loss(straight[1], EXAMPLES, 512) < before - 0.1


def test_the_best_on_validation_is_kept_and_the_run_stops_when_it_worsens(toy_folder: Path, tmp_path: Path) -> None:
    """Validated on random words, some of which are learned by heart: it gets better with setbacks, and worse in the end."""
    plan = dataclasses.replace(PLAN, steps=400, learning_rate=2e-2, average=1e9, evaluate_every=1, patience=3)
    step, judges = step_of(toy_folder), [*VALIDATION, *EXAMPLES[:8]]
    done = train(step, EXAMPLES, judges, plan, tmp_path)
    losses = [float(str(row["loss"])) for row in metrics(tmp_path) if row["event"] == "validation"]
    assert any(later > earlier for earlier, later in itertools.pairwise(losses[: done.state.best_step]))
    assert done.state.best_loss == min(losses) == losses[done.state.best_step - 1]
    assert done.stopped_early and done.state.step == len(losses) == done.state.best_step + plan.patience
    step.adapter.set(done.weights)
    assert mean_loss(step, judges, 512) == pytest.approx(done.state.best_loss)


@pytest.mark.parametrize(("average", "counts"), [(0.0, lambda step: 1), (2.0, lambda step: step * (step + 1))])
def test_what_is_kept_is_the_mean_of_the_weights_over_the_run(
    toy_folder: Path, tmp_path: Path, average: float, counts: Callable[[int], int]
) -> None:
    step = step_of(toy_folder)
    seen: list[torch.Tensor] = []
    plan = dataclasses.replace(PLAN, steps=7, average=average)
    done = train(step, EXAMPLES, [], plan, tmp_path, lambda _: seen.append(step.adapter.flat.detach().clone()))
    weights = torch.tensor([float(counts(number)) for number in range(1, 8)])
    expected = (torch.stack(seen) * weights[:, None]).sum(0) / weights.sum()
    assert not done.stopped_early and done.state.best_loss is None
    torch.testing.assert_close(step.adapter.flat.detach(), expected, rtol=1e-5, atol=1e-7)
    assert all(torch.equal(done.weights[name], parameter) for name, parameter in step.adapter.tensors.items())


def test_a_loss_that_is_no_number_ends_the_run(toy_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"the loss became nan at step \d+: lower training\.learning_rate"):
        run(toy_folder, tmp_path, dataclasses.replace(PLAN, learning_rate=1e30))


def test_a_broken_checkpoint_is_refused(toy_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(toy_folder, tmp_path, on_event=kill_at(3))
    file = tmp_path / "checkpoint.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(TrainingError, match=r"cannot be read .*: run again without --resume"):
        run(toy_folder, tmp_path)
    assert [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == [1, 2, 3]
