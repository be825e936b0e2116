"""python ours.py STEP JOB: homespun's own training loop, one step a turn."""

from __future__ import annotations

import math
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import cast

from homespun.bases import dense
from homespun.bases.hub import DEFAULT_TARGETS
from homespun.bases.template import Rendered
from homespun.config import AdapterSection, Recipe, StepKind, settings
from homespun.machine.hardware import fastest_dtype
from homespun.training.fused.kernels import library
from homespun.training.kinds import Machine, make_step
from homespun.training.loop import Event, mean_loss, train
from homespun.training.plan import make_plan
from job import ENDLESS, Job, read_rows, sizes
from turns import Turns


def main(kind: StepKind, job: Job) -> None:
    turns = Turns()
    if kind == "fused" and library() is None:
        raise SystemExit("homespun was installed without its C kernels")
    # Steps are cut before the row that would not fit: with half a row more they hold as much as the peers' do.
    tokens = job.step_tokens + job.step_tokens // job.step_rows // 2
    options = Recipe().with_training(tokens_per_step=tokens, learning_rate=job.learning_rate, weight_decay=0.0).training
    machine = Machine(kind, fastest_dtype(settings().cache), job.threads)
    step = make_step(Path(job.base), DEFAULT_TARGETS, AdapterSection(rank=job.rank, alpha=job.alpha), machine)
    rows, held_out = rendered(job.train), rendered(job.held_out)
    # A checkpoint is written three times a minute at most: left out, it would only blur the steps it falls on.
    plan = replace(make_plan([len(row) for row in rows], options, machine), steps=ENDLESS, checkpoint_every=math.inf)

    def on_event(event: Event) -> None:
        turns.answer(tokens=int(event["tokens"] or 0))

    facts = sizes(read_rows(job.train))
    flop = flop_per_token(dense.shape(Path(job.base)), facts["supervised"] / facts["tokens"])
    turns.loss = lambda: mean_loss(step, held_out, plan.micro_tokens)
    turns.answer(**facts, dtype=machine.dtype, flop_per_token=flop)
    with tempfile.TemporaryDirectory() as folder:
        train(step, rows, [], plan, Path(folder), on_event)


def rendered(file: str) -> list[Rendered]:
    return [Rendered(row["ids"], row["target"]) for row in read_rows(file)]


def flop_per_token(shape: dense.Shape, supervised: float) -> float:
    """What a frozen base costs per useful token: see train_speed.py."""
    body = shape.layers * shape.hidden * (2 * shape.q_width + 2 * shape.kv_width + 3 * shape.intermediate)
    return 4.0 * (body + supervised * shape.vocabulary * shape.hidden)


if __name__ == "__main__":
    main(cast(StepKind, sys.argv[1]), Job.read(sys.argv[2]))
