"""The plan: schedule and budget."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import random_sequence, step_of
from homespun.config import TrainingSection
from homespun.errors import BudgetTooShort
from homespun.training.batches import in_steps
from homespun.training.kinds import Machine
from homespun.training.plan import Cost, Plan, make_plan, measure

LENGTHS = st.lists(st.integers(1, 600), min_size=1, max_size=80)
OPTIONS = st.builds(
    TrainingSection,
    epochs=st.floats(0.1, 20),
    tokens_per_step=st.integers(16, 4096),
    warmup=st.floats(0, 0.99),
    final_rate=st.floats(0, 1),
    evaluations_per_epoch=st.integers(1, 10),
)
MACHINE = Machine("autograd", "float32", 1)
COSTS = st.builds(Cost, step=st.floats(0.01, 30), validation=st.floats(0, 60))


def seconds_of(plan: Plan, cost: Cost) -> float:
    """What the loop will spend: its steps, its validations, and the one at the end."""
    validations = plan.steps // plan.evaluate_every + (plan.steps % plan.evaluate_every > 0)
    return plan.steps * cost.step + validations * cost.validation


@given(lengths=LENGTHS, options=OPTIONS, cost=COSTS, budget=st.floats(1, 10_000))
def test_a_plan_fits_its_budget_or_says_which_would_do(lengths: list[int], options: TrainingSection, cost: Cost, budget: float) -> None:
    try:
        plan = make_plan(lengths, options, MACHINE, budget, cost)
    except BudgetTooShort as error:
        advice = re.search(r"give --budget (\d+)s or more", str(error))
        assert advice is not None
        assert int(advice[1]) > budget
        plan, budget = make_plan(lengths, options, MACHINE, int(advice[1]), cost), int(advice[1])
    assert seconds_of(plan, cost) <= budget
    assert 1 <= plan.steps <= make_plan(lengths, options, MACHINE).steps


@given(lengths=LENGTHS, options=OPTIONS, cost=COSTS)
def test_a_later_stage_always_learns(lengths: list[int], options: TrainingSection, cost: Cost) -> None:
    """Minutes of training came before it: it does not end the run for want of seconds."""
    assert make_plan(lengths, options, MACHINE, 1e-3, cost, first=False).steps == 1


@given(lengths=LENGTHS, options=OPTIONS)
def test_a_generous_budget_changes_nothing(lengths: list[int], options: TrainingSection) -> None:
    free = make_plan(lengths, options, MACHINE)
    assert make_plan(lengths, options, MACHINE, 1e7, Cost(1.0, 1.0)) == free
    per_epoch = len(in_steps(lengths, options.tokens_per_step, options.seed, 0))
    assert free.steps == max(1, round(per_epoch * options.epochs))
    assert per_epoch / free.evaluate_every <= options.evaluations_per_epoch


@given(lengths=LENGTHS, options=OPTIONS)
def test_the_rate_warms_up_within_the_run_and_ends_where_it_is_told(lengths: list[int], options: TrainingSection) -> None:
    plan = make_plan(lengths, options, MACHINE)
    rates = [plan.learning_rate_at(step) for step in range(plan.steps)]
    assert plan.warmup_steps < plan.steps
    assert max(rates) == pytest.approx(plan.learning_rate) and min(rates) > 0
    top = plan.warmup_steps
    assert rates[:top] == sorted(rates[:top]) and rates[top:] == sorted(rates[top:], reverse=True)
    assert plan.steps - top < 20 or rates[-1] == pytest.approx(plan.final_rate * plan.learning_rate, abs=0.01 * plan.learning_rate)


def test_a_plan_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    plan = make_plan([100] * 7, TrainingSection(), Machine("fused", "bfloat16", 3))
    plan.write(tmp_path / "plan.json")
    assert Plan.read(tmp_path / "plan.json") == plan


def test_measuring_learns_nothing(toy_folder: Path) -> None:
    step = step_of(toy_folder)
    before = {name: parameter.detach().clone() for name, parameter in step.adapter.tensors.items()}
    rows = [random_sequence(length, length) for length in range(10, 90, 4)]
    cost = measure(step, rows, rows[:5], TrainingSection(tokens_per_step=256), 128)
    assert cost.step > 0 and cost.validation > 0
    assert all(tensor.equal(before[name]) for name, tensor in step.adapter.tensors.items())
    assert not any(gradient.any() for gradient in step.adapter.gradients.values())
