"""What the peers on transformers' Trainer have in common: how it is made to take turns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from transformers import TrainerCallback

from job import ENDLESS, IGNORED, Job, read_rows
from scoring import nats_per_token
from turns import Turns

SEQUENTIAL = "sequential"
"""The sampler that takes rows as they stand in the file: steps of equal tokens, pairs of equal length (workload.py)."""


class TakeTurns(TrainerCallback):  # type: ignore[misc]
    """Answers when training begins and after every step, and counts what a step learns from."""

    def __init__(self, turns: Turns, job: Job) -> None:
        self.turns = turns
        self.job = job
        self.tokens = 0

    def watch(self, trainer: type) -> None:
        """Count in front of the trainer's own step: a callback never sees the batch."""
        training_step = trainer.training_step  # type: ignore[attr-defined]

        def counted(trainer: Any, model: Any, inputs: dict[str, Any], *rest: Any, **options: Any) -> Any:
            self.tokens += int(inputs["attention_mask"].sum())
            return training_step(trainer, model, inputs, *rest, **options)

        trainer.training_step = counted  # type: ignore[attr-defined]

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any, train_dataloader: Any, **rest: Any) -> None:
        self.turns.loss = lambda: held_out_loss(model, self.job)
        self.turns.answer(**label_sizes(row["labels"] for row in train_dataloader.dataset))

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        tokens, self.tokens = self.tokens, 0
        self.turns.answer(tokens=tokens)


def label_sizes(rows: Iterable[list[int]]) -> dict[str, int]:
    tokens = supervised = 0
    for row in rows:
        tokens += len(row)
        supervised += sum(label != IGNORED for label in row)
    return {"tokens": tokens, "supervised": supervised}


def held_out_loss(model: Any, job: Job) -> float:
    model.eval()
    loss = nats_per_token(lambda ids: model(input_ids=ids).logits, read_rows(job.held_out))
    model.train()
    return loss


def endless(job: Job, rows: int, folder: str) -> dict[str, Any]:
    """Arguments that a Trainer needs to run here until nobody asks for more. `rows`: in a forward pass."""
    at_once, parts = job.parts(rows)
    return {
        "output_dir": folder,
        "use_cpu": True,
        "learning_rate": job.learning_rate,
        "per_device_train_batch_size": at_once,
        "gradient_accumulation_steps": parts,
        "max_steps": ENDLESS,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "seed": 0,
    }
