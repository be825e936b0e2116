"""python llama_factory.py VARIANT JOB: LLaMA-Factory's SFT, one step a turn. Runs in an environment of its own (llamafactory.txt)."""

from __future__ import annotations

import sys
import tempfile
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from datasets import Dataset, DatasetDict

from job import Job, labels, read_rows
from trainer_turns import SEQUENTIAL, TakeTurns, endless
from turns import Turns

ROWS = {"examples": 1, "best": 2}
"""In a forward pass. 1, eight times a step, is what LLaMA-Factory's own examples take."""
VARIANTS: dict[str, dict[str, object]] = {
    "examples": {"bf16": True},
    "best": {
        "bf16": True,
        "disable_gradient_checkpointing": True,
        "flash_attn": "disabled",
        "train_sampling_strategy": SEQUENTIAL,
    },
}


def main(variant: str, job: Job) -> None:
    turns = Turns()
    without_sound()
    from llamafactory.train.sft.trainer import CustomSeq2SeqTrainer  # type: ignore[import-not-found]
    from llamafactory.train.tuner import run_exp  # type: ignore[import-not-found]

    torch.set_num_threads(job.threads)
    watcher = TakeTurns(turns, job)
    watcher.watch(CustomSeq2SeqTrainer)
    with tempfile.TemporaryDirectory() as folder:
        options = configuration(job, Path(folder)) | endless(job, ROWS[variant], f"{folder}/out") | VARIANTS[variant]
        run_exp(options, callbacks=[watcher])


def without_sound() -> None:
    """LLaMA-Factory imports torchaudio even to learn from text, and its wheel does not load beside a torch without CUDA (roster.py)."""
    sys.modules["torchaudio"] = ModuleType("torchaudio")
    sys.modules["torchaudio"].__spec__ = ModuleSpec("torchaudio", None)


def configuration(job: Job, folder: Path) -> dict[str, Any]:
    """LLaMA-Factory's own file of options, with rows that are tokens already, so that they are the same for everybody."""
    rows = [{"input_ids": row["ids"], "attention_mask": [1] * len(row["ids"]), "labels": labels(row)} for row in read_rows(job.train)]
    DatasetDict({"train": Dataset.from_list(rows)}).save_to_disk(folder / "tokenized")
    return {
        "model_name_or_path": job.base,
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "lora_rank": job.rank,
        "lora_alpha": round(job.alpha),
        "lora_target": "all",
        "dataset": "tokenized",
        "tokenized_path": str(folder / "tokenized"),
        "template": "smollm2",
    }


if __name__ == "__main__":
    main(sys.argv[1], Job.read(sys.argv[2]))
