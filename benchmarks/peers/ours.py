"""python ours.py VARIANT BASE ROWS THREADS: homespun's own training loop, one step a turn."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from homespun.bases.adapter import LoRALinear
from homespun.bases.hub import DEFAULT_TARGETS
from homespun.bases.template import Rendered, Template
from homespun.config import Recipe, settings
from homespun.engines.torch import TorchEngine
from homespun.machine.hardware import fastest_dtype
from homespun.training.loop import Event, train
from homespun.training.plan import make_plan
from homespun.training.step import AutogradStep
from homespun.types import Turn
from turns import Turns

ENDLESS = 10**6


def main(variant: str, base: Path, file: Path, threads: int) -> None:
    turns = Turns()
    if variant != "autograd":
        raise SystemExit(f"there is no step called {variant!r}")
    recipe = Recipe()
    dtype = fastest_dtype(settings().cache)
    engine = TorchEngine(base, DEFAULT_TARGETS, recipe.adapter.rank, recipe.adapter.alpha, dtype, threads)
    step = AutogradStep(engine.model, engine.parameters)
    rows = rendered(file, Template(base))
    lengths = [len(row) for row in rows]
    # A checkpoint is written three times a minute at most: left out, it would only blur the steps it falls on.
    plan = replace(make_plan(lengths, recipe.training, dtype, threads), steps=ENDLESS, checkpoint_every=math.inf)

    def on_event(event: Event) -> None:
        turns.answer(tokens=int(event["tokens"] or 0))

    supervised = sum(bool(number) for row in rows for number in row.target)
    flop = flop_per_token(engine, supervised / sum(lengths))
    turns.answer(tokens=sum(lengths), supervised=supervised, dtype=dtype, flop_per_token=flop)
    with tempfile.TemporaryDirectory() as folder:
        train(step, rows, [1.0] * len(rows), [], plan, Path(folder), on_event)


def rendered(file: Path, template: Template) -> list[Rendered]:
    """Every reply is a target, as it is for the peers."""
    chats = [json.loads(line)["messages"] for line in file.read_text(encoding="utf-8").splitlines()]
    return [template.render([Turn(m["role"], m["content"], target=m["role"] == "assistant") for m in messages]) for messages in chats]


def flop_per_token(engine: TorchEngine, supervised: float) -> float:
    """What a frozen base costs per useful token: see train_speed.py."""
    body = sum(layer.weight.numel() for layer in engine.model.modules() if isinstance(layer, LoRALinear))
    head: int = engine.model.get_output_embeddings().weight.numel()
    return 4.0 * (body + supervised * head)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
