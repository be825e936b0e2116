"""python sft.py VARIANT BASE ROWS THREADS: TRL's SFTTrainer, one step a turn. Runs in an environment of its own (sft.txt)."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset  # type: ignore[import-not-found]
from peft import LoraConfig
from transformers import AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer  # type: ignore[import-not-found]

from turns import Turns

ENDLESS = 10**6
IGNORED = -100
"""The label of a token that nothing is learned from."""
VARIANTS: dict[str, dict[str, object]] = {
    "default": {},
    # The fastest that we found, on shorter chats: no recomputation, half the bytes, an attention with a fast backward, little padding.
    "best": {
        "gradient_checkpointing": False,
        "model_init_kwargs": {"dtype": "bfloat16", "attn_implementation": "eager"},
        # 16 rows a step, in parts: at once, windows of 500 tokens take more than 22 GB.
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 4,
        "train_sampling_strategy": "group_by_length",
    },
}


class TakeTurns(TrainerCallback):  # type: ignore[misc]
    """Counts what a step learns from, and waits after it."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.tokens = 0

    def watch(self, trainer: Any) -> None:
        """Count in front of the trainer's own step: a callback never sees the batch."""
        training_step = trainer.training_step

        def counted(model: Any, inputs: dict[str, Any], *rest: Any, **options: Any) -> Any:
            self.tokens += int(inputs["attention_mask"].sum())
            return training_step(model, inputs, *rest, **options)

        trainer.training_step = counted
        trainer.add_callback(self)

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        tokens, self.tokens = self.tokens, 0
        self.turns.answer(tokens=tokens)


def main(variant: str, base: str, file: Path, threads: int) -> None:
    turns = Turns()
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        trainer = sft_trainer(base, file, folder, VARIANTS[variant])
        TakeTurns(turns).watch(trainer)
        labels = trainer.train_dataset["labels"]
        turns.answer(tokens=sum(len(row) for row in labels), supervised=sum(label != IGNORED for row in labels for label in row))
        trainer.train()


def sft_trainer(base: str, file: Path, folder: str, options: dict[str, object]) -> Any:
    """TRL's defaults but for `options`, what a CPU needs, and what keeps it from stopping, saving and reporting."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    # assistant_only_loss needs a template that marks the replies; this one renders the same text as the base's own.
    tokenizer.chat_template = (Path(__file__).parent / "smollm2.jinja").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    config = SFTConfig(
        output_dir=folder,
        use_cpu=True,
        assistant_only_loss=True,
        max_steps=ENDLESS,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=0,
        **options,
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    return SFTTrainer(model=base, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer, peft_config=lora)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
