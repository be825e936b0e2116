"""Who takes part in train_speed.py, with which options, and who cannot."""

from __future__ import annotations

from dataclasses import dataclass

OURS: tuple[str, ...] = ("fused", "aten", "autograd")

DEFAULT = "trl_default"


@dataclass(frozen=True, slots=True)
class Entrant:
    title: str
    script: str
    """In peers/."""
    variant: str
    environment: str = ""
    """Its requirements, in peers/; none: the environment that runs the benchmark."""
    without: tuple[str, ...] = ()
    """Packages of its environment that are taken away again."""
    usual: bool = True
    """False: slower than another configuration of the same library; runs only when named."""


_OUR_TITLES = {
    "fused": "homespun, fused step, C kernels",
    "aten": "homespun, fused step, ATen only",
    "autograd": "homespun, autograd step",
}

_NO_PICTURES = ("torchvision", "torchaudio")
"""LLaMA-Factory requires them for pictures and sounds, and their wheels for Linux do not load beside a torch without CUDA."""

ENTRANTS: dict[str, Entrant] = {
    **{name: Entrant(_OUR_TITLES[name], "ours.py", name) for name in OURS},
    DEFAULT: Entrant("TRL, defaults", "sft.py", "default", "sft.txt"),
    "trl_best": Entrant("TRL, bf16, eager, 2 rows", "sft.py", "best", "sft.txt"),
    "peft_bf16": Entrant("Trainer + PEFT, bf16, eager", "peft_trainer.py", "bf16", "sft.txt"),
    "peft_fp32": Entrant("Trainer + PEFT, fp32", "peft_trainer.py", "fp32", "sft.txt", usual=False),
    "llamafactory_best": Entrant("LLaMA-Factory, bf16, eager", "llama_factory.py", "best", "llamafactory.txt", _NO_PICTURES),
    "llamafactory_examples": Entrant(
        "LLaMA-Factory, its examples", "llama_factory.py", "examples", "llamafactory.txt", _NO_PICTURES, usual=False
    ),
    "litgpt_bf16": Entrant("LitGPT, bf16-true", "lit_gpt.py", "bf16-true", "litgpt.txt"),
    "litgpt_mixed": Entrant("LitGPT, bf16-mixed (default)", "lit_gpt.py", "bf16-mixed", "litgpt.txt", usual=False),
    "litgpt_fp32": Entrant("LitGPT, 32-true", "lit_gpt.py", "32-true", "litgpt.txt", usual=False),
    "mlx_fp32": Entrant("mlx-lm, fp32", "mlx_lora.py", "float32", "mlx.txt"),
    "mlx_bf16": Entrant("mlx-lm, bf16", "mlx_lora.py", "bfloat16", "mlx.txt", usual=False),
}

ABSENT = {
    "llama.cpp": "the wheel of xllamacpp 2026.10.11549 has no training function, and llama-cpp-python 0.3.36 has no wheel",
}
"""Who was tried and cannot take part, and why."""
