"""python mlx_lora.py DTYPE JOB: mlx-lm's LoRA training on MLX's CPU build, one step a turn. Runs in an environment of its own (mlx.txt).

It can mask everything before the last reply or nothing; here it learns from every token. The work is the same: it scores them all anyhow.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlx.core as mx  # type: ignore[import-not-found]
import mlx.nn as nn  # type: ignore[import-not-found]
import mlx.optimizers as optim  # type: ignore[import-not-found]
from mlx_lm import load  # type: ignore[import-not-found]
from mlx_lm.tuner.trainer import TrainingArgs, iterate_batches, train  # type: ignore[import-not-found]
from mlx_lm.tuner.utils import linear_to_lora_layers  # type: ignore[import-not-found]

from job import ENDLESS, Job, Row, read_rows
from turns import Turns

ROWS = 4
"""In a forward pass: mlx-lm's own."""


def main(dtype: str, job: Job) -> None:
    turns = Turns()
    model, _ = load(job.base)
    model.set_dtype(getattr(mx, dtype))
    model.freeze()
    linear_to_lora_layers(model, len(model.layers), {"rank": job.rank, "scale": job.alpha / job.rank, "dropout": 0.0})
    turns.loss = lambda: held_out_loss(model, job)
    at_once, parts = job.parts(ROWS)
    rows = [(row["ids"], 0) for row in read_rows(job.train)]  # 0: the first token that is learned

    def counted(**given: Any) -> Iterator[Any]:
        facts = {"tokens": sum(len(ids) for ids, _ in rows)}
        for number, batch in enumerate(iterate_batches(**given)):
            if number % parts == 0:
                turns.answer(**facts)
                facts = {"tokens": 0}
            facts["tokens"] += int(batch[1][:, 1].sum())
            yield batch

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArgs(
            batch_size=at_once,
            grad_accumulation_steps=parts,
            iters=ENDLESS,
            steps_per_save=ENDLESS,
            adapter_file=str(Path(folder) / "adapters.safetensors"),
        )
        train(model, optim.Adam(learning_rate=job.learning_rate), rows, args=arguments, iterate_batches=counted)


def held_out_loss(model: Any, job: Job) -> float:
    model.eval()
    found = [row_loss(model, row) for row in read_rows(job.held_out)]
    model.train()
    return sum(total for total, _ in found) / max(1, sum(count for _, count in found))


def row_loss(model: Any, row: Row) -> tuple[float, int]:
    """The sum over a row's supervised tokens, and how many they are."""
    ids = mx.array([row["ids"]])
    kept = mx.array([bool(reply) for reply in row["target"][1:]])
    losses = nn.losses.cross_entropy(model(ids[:, :-1])[0].astype(mx.float32), ids[0, 1:])
    return float((losses * kept).sum()), int(kept.sum())


if __name__ == "__main__":
    main(sys.argv[1], Job.read(sys.argv[2]))
