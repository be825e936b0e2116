"""python lit_gpt.py PRECISION JOB: LitGPT's LoRA finetuning, one step a turn. Runs in an environment of its own (litgpt.txt)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from litgpt.args import EvalArgs, TrainArgs  # type: ignore[import-not-found]
from litgpt.data import DataModule, get_sft_collate_fn  # type: ignore[import-not-found]
from litgpt.finetune import lora  # type: ignore[import-not-found]
from torch.utils.data import DataLoader

from job import ENDLESS, Job, Row, labels, read_rows, sizes
from scoring import nats_per_token
from turns import Turns

ROWS = 1
"""In a forward pass: LitGPT's own."""
ARCHITECTURE = "SmolLM2-135M-Instruct"
"""LitGPT's name of the base."""
CONVERT = (
    "import sys, pathlib; from litgpt.scripts.convert_hf_checkpoint import convert_hf_checkpoint as convert; "
    "convert(pathlib.Path(sys.argv[1]), model_name=sys.argv[2])"
)


class Rows(DataModule):  # type: ignore[misc]
    """Our rows in the form that LitGPT's loop asks for; it takes a turn before every step's first batch."""

    def __init__(self, turns: Turns, job: Job) -> None:
        super().__init__()
        self.turns = turns
        self.job = job
        self.rows = read_rows(job.train)
        self.parts = job.parts(ROWS)[1]
        self.facts = sizes(self.rows)
        self.batches = 0
        self.batch_size = 1

    def connect(self, tokenizer: Any = None, batch_size: int = 1, max_seq_length: int | None = None, **rest: Any) -> None:
        self.batch_size = batch_size

    def train_dataloader(self) -> DataLoader[Any]:
        collate = get_sft_collate_fn()

        def counted(samples: list[dict[str, Any]]) -> Any:
            if self.batches % self.parts == 0:
                self.turns.answer(**self.facts)  # the first time, what there is to learn; then, what the last step learned
                self.facts = {"tokens": 0}
            self.batches += 1
            self.facts["tokens"] += sum(len(sample["input_ids"]) for sample in samples)
            return collate(samples)

        return DataLoader(samples(self.rows), batch_size=self.batch_size, shuffle=True, collate_fn=counted)

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(samples(read_rows(self.job.held_out)), batch_size=self.batch_size, collate_fn=get_sft_collate_fn())


def samples(rows: list[Row]) -> Any:
    counts = [{"raw": len(row["ids"]), "raw_plus_prompt_template": len(row["ids"])} for row in rows]
    return [
        {"input_ids": torch.tensor(row["ids"]), "labels": torch.tensor(labels(row)), "token_counts": count}
        for row, count in zip(rows, counts, strict=True)
    ]


def main(precision: str, job: Job) -> None:
    turns = Turns()
    torch.set_num_threads(job.threads)
    fit = lora.fit

    def watched(*given: Any, model: Any, **rest: Any) -> Any:
        turns.loss = lambda: held_out_loss(model, job)
        return fit(*given, model=model, **rest)

    lora.fit = watched
    with tempfile.TemporaryDirectory() as folder:
        lora.setup(
            checkpoint_dir=converted(Path(job.base), Path(job.cache)),
            out_dir=Path(folder),
            precision=precision,
            lora_r=job.rank,
            lora_alpha=round(job.alpha),
            lora_dropout=0.0,
            **dict.fromkeys(("lora_query", "lora_key", "lora_value", "lora_projection", "lora_mlp"), True),
            data=Rows(turns, job),
            train=TrainArgs(save_interval=None, global_batch_size=job.step_rows, micro_batch_size=ROWS, lr_warmup_steps=1, epochs=ENDLESS),
            eval=EvalArgs(interval=ENDLESS, max_new_tokens=1),
            optimizer={"class_path": "torch.optim.AdamW", "init_args": {"lr": job.learning_rate, "weight_decay": 0.0}},
        )


def held_out_loss(model: Any, job: Job) -> float:
    model.eval()
    loss = nats_per_token(model, read_rows(job.held_out))
    model.train()
    return loss


def converted(base: Path, cache: Path) -> Path:
    """The base as LitGPT wants it, made once. In a process of its own: its memory is not the trainer's."""
    folder = cache / f"litgpt-{base.name}"
    if not (folder / "lit_model.pth").is_file():
        shutil.copytree(base, folder, dirs_exist_ok=True)
        subprocess.run([sys.executable, "-c", CONVERT, str(folder), ARCHITECTURE], check=True)
    return folder


if __name__ == "__main__":
    main(sys.argv[1], Job.read(sys.argv[2]))
