"""What every trainer in a benchmark learns from: one person's real conversations, written once to files that all of them read."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from homespun.bases.template import Template
from homespun.config import Recipe
from homespun.dataset.build import make
from homespun.pipeline import read_conversations
from homespun.types import Example
from job import Row

CORPUS = Path("dev-apollo/messages.a13.jsonl")
PERSON = "Jim Lovell"
GAP = 1800.0
"""Seconds of silence that end a conversation: what `homespun add` takes."""
PAIR = 2


def data_folder() -> Path:
    """The folder of real corpora: HOMESPUN_TEST_DATA, or the shared one beside the repository."""
    return Path(os.environ.get("HOMESPUN_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def write_rows(data: Path, base: Path, step_rows: int, train: Path, held_out: Path) -> int:
    """Write the windows of PERSON in `data`. Those to train on stand in steps of `step_rows` rows. Returns the mean tokens of a step.

    Raises:
        HomespunError: the corpus is not there or cannot be read.
    """
    conversations = read_conversations(data / CORPUS, None, GAP)
    template = Template(base)
    examples, _ = make(conversations, PERSON, Recipe(), template)
    rows = [_row(example, template) for example in examples if example.split == "train"]
    order = in_equal_steps([len(row["ids"]) for row in rows], step_rows)
    _write(train, [rows[index] for index in order])
    _write(held_out, [_row(example, template) for example in examples if example.split == "gate"])
    return round(sum(len(rows[index]["ids"]) for index in order) / len(order) * step_rows)


def _row(example: Example, template: Template) -> Row:
    """Every reply is a target, as it is for the peers."""
    turns = [replace(turn, target=turn.role == "assistant") for turn in example.turns]
    rendered = template.render(turns)
    return {"messages": [{"role": turn.role, "content": turn.text} for turn in turns], "ids": rendered.ids, "target": rendered.target}


def in_equal_steps(lengths: Sequence[int], step_rows: int) -> list[int]:
    """Indices in an order whose every `step_rows` have about as many tokens as any other, in pairs of nearly the same length.

    Who reads them in this order, two at a time, pads next to nothing, and steps of equal work still hold all lengths. The shortest rows
    that fill no step are left out.
    """
    size = PAIR if step_rows % PAIR == 0 else 1
    steps: list[list[int]] = [[] for _ in range(len(lengths) // step_rows)]
    order = sorted(range(len(lengths)), key=lambda index: lengths[index])[len(lengths) - len(steps) * step_rows :]
    for number, start in enumerate(range(0, len(order), size)):
        lap, place = divmod(number, len(steps))
        steps[-1 - place if lap % 2 else place] += order[start : start + size]  # dealt back and forth, so that no step is always last
    random.Random(0).shuffle(steps)
    return [index for step in steps for index in step]


def _write(file: Path, rows: Sequence[Row]) -> None:
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
