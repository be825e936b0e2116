"""python sft.py VARIANT JOB: TRL's SFTTrainer, one step a turn. Runs in an environment of its own (sft.txt)."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer  # type: ignore[import-not-found]

from job import Job, read_rows
from trainer_turns import SEQUENTIAL, TakeTurns, endless
from turns import Turns

ROWS = {"default": 8, "best": 2}
"""In a forward pass. 8 is TRL's own; with "best", which recomputes nothing, 8 take more than 8 GB."""
VARIANTS: dict[str, dict[str, object]] = {
    "default": {},
    # No recomputation, half the bytes, an attention with a fast backward, and no padding.
    "best": {
        "gradient_checkpointing": False,
        "model_init_kwargs": {"dtype": "bfloat16", "attn_implementation": "eager"},
        "train_sampling_strategy": SEQUENTIAL,
    },
}


def main(variant: str, job: Job) -> None:
    turns = Turns()
    torch.set_num_threads(job.threads)
    watcher = TakeTurns(turns, job)
    watcher.watch(SFTTrainer)
    with tempfile.TemporaryDirectory() as folder:
        trainer = sft_trainer(job, endless(job, ROWS[variant], folder) | VARIANTS[variant])
        trainer.add_callback(watcher)
        trainer.train()


def sft_trainer(job: Job, options: dict[str, Any]) -> Any:
    """TRL's defaults but for `options`. It renders and masks the messages itself."""
    tokenizer = AutoTokenizer.from_pretrained(job.base)
    # assistant_only_loss needs a template that marks the replies; this one renders the same text as the base's own.
    tokenizer.chat_template = (Path(__file__).parent / "smollm2.jinja").read_text(encoding="utf-8")
    rows = Dataset.from_list([{"messages": row["messages"]} for row in read_rows(job.train)])
    config = SFTConfig(assistant_only_loss=True, **options)
    lora = LoraConfig(r=job.rank, lora_alpha=job.alpha, target_modules="all-linear", task_type="CAUSAL_LM")
    return SFTTrainer(model=job.base, args=config, train_dataset=rows, processing_class=tokenizer, peft_config=lora)


if __name__ == "__main__":
    main(sys.argv[1], Job.read(sys.argv[2]))
