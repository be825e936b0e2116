"""python peft_trainer.py VARIANT JOB: transformers' Trainer with a PEFT adapter, one step a turn. Runs in TRL's environment (sft.txt)."""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

from job import Job, labels, read_rows
from trainer_turns import SEQUENTIAL, TakeTurns, endless
from turns import Turns

ROWS = 2
"""In a forward pass: the Trainer's own 8 take more than 8 GB."""
VARIANTS: dict[str, dict[str, str]] = {
    "fp32": {"dtype": "float32", "attn_implementation": "sdpa"},
    "bf16": {"dtype": "bfloat16", "attn_implementation": "eager"},
}


def main(variant: str, job: Job) -> None:
    turns = Turns()
    torch.set_num_threads(job.threads)
    watcher = TakeTurns(turns, job)
    watcher.watch(Trainer)
    model = AutoModelForCausalLM.from_pretrained(job.base, **VARIANTS[variant])
    lora = LoraConfig(r=job.rank, lora_alpha=job.alpha, target_modules="all-linear", task_type="CAUSAL_LM")
    tokenizer = AutoTokenizer.from_pretrained(job.base)
    rows: list[dict[str, Any]] = [{"input_ids": row["ids"], "labels": labels(row)} for row in read_rows(job.train)]
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(train_sampling_strategy=SEQUENTIAL, **endless(job, ROWS, folder))
        collate = DataCollatorForSeq2Seq(tokenizer)
        Trainer(get_peft_model(model, lora), arguments, collate, train_dataset=rows, callbacks=[watcher]).train()


if __name__ == "__main__":
    main(sys.argv[1], Job.read(sys.argv[2]))
