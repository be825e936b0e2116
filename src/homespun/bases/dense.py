"""The weights of a dense Llama-type base, read without its model code: what the fused step (training/fused) computes with.

Llama, SmolLM, Mistral, Qwen2 and Qwen3 differ in these only: a bias on q, k and v, a norm on each head of q and k, a head of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from homespun.errors import BaseError

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")


class NotDense(BaseError):
    """This base has something that the fused step does not compute; the message names it."""

    def __init__(self, what: str) -> None:
        super().__init__(f'{what}; training.step = "autograd" in the recipe takes any base')


@dataclass(frozen=True, slots=True)
class Shape:
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    eps: float
    theta: float
    longest: int
    """Tokens a sequence may have before a base would compute otherwise (its positions, or its sliding window)."""

    @property
    def q_width(self) -> int:
        return self.heads * self.head_dim

    @property
    def kv_width(self) -> int:
        return self.kv_heads * self.head_dim


def shape(folder: Path) -> Shape:
    """Raises:
    NotDense: it is no such base.
    """
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NotDense(f"its config.json cannot be read ({error})") from None
    if config.get("model_type") not in FAMILIES:
        raise NotDense(f"it is of type {config.get('model_type')}")
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    plain = {
        "rotary embeddings": rope.get("rope_type", rope.get("type", "default")) == "default" and rope.get("partial_rotary_factor", 1) == 1,
        "activation": config.get("hidden_act", "silu") == "silu",
        "feed-forward bias": not config.get("mlp_bias"),
        "attention bias": config["model_type"] == "qwen2" or not config.get("attention_bias"),
    }
    for what, usual in plain.items():
        if not usual:
            raise NotDense(f"it has an unusual kind of {what}")
    heads = config["num_attention_heads"]
    slides = config.get("use_sliding_window", config["model_type"] == "mistral")
    window = config.get("sliding_window") if slides else None
    return Shape(
        layers=config["num_hidden_layers"],
        hidden=config["hidden_size"],
        intermediate=config["intermediate_size"],
        heads=heads,
        kv_heads=config.get("num_key_value_heads") or heads,
        head_dim=config.get("head_dim") or config["hidden_size"] // heads,
        vocabulary=config["vocab_size"],
        eps=config["rms_norm_eps"],
        theta=rope.get("rope_theta") or config.get("rope_theta", 10_000.0),
        longest=min(config["max_position_embeddings"], window or config["max_position_embeddings"]),
    )


@dataclass(frozen=True, slots=True)
class Layer:
    """qkv (q + 2 kv widths, H) and gate_up (2 I, H) are stacked; norms are float32; what a family does not have is None."""

    norm: Tensor
    qkv: Tensor
    qkv_bias: Tensor | None
    q_norm: Tensor | None
    k_norm: Tensor | None
    out: Tensor
    norm_2: Tensor
    gate_up: Tensor
    down: Tensor


@dataclass(frozen=True, slots=True)
class Dense:
    shape: Shape
    embedding: Tensor
    head: Tensor
    norm: Tensor
    layers: list[Layer]


def load(folder: Path, dtype: torch.dtype) -> Dense:
    """Raises:
    NotDense: it is no such base, or a tensor that it should have is missing.
    BaseError: a file is damaged.
    """
    try:
        return _load(folder, dtype)
    except (OSError, SafetensorError) as error:
        raise BaseError(f"the base in {folder} cannot be loaded ({error}); delete that folder and run the command again") from None


def _load(folder: Path, dtype: torch.dtype) -> Dense:
    found = shape(folder)
    with ExitStack() as stack:
        files = [stack.enter_context(safe_open(file, framework="pt")) for file in sorted(folder.glob("*.safetensors"))]
        place = {name: file for file in files for name in file.keys()}  # noqa: SIM118 (not a mapping)

        def tensor(name: str, kind: torch.dtype = dtype) -> Tensor:
            if name not in place:
                raise NotDense(f"it has no tensor {name}")
            read: Tensor = place[name].get_tensor(name)
            return read.to(kind)

        def maybe(name: str) -> Tensor | None:
            return tensor(name, torch.float32) if name in place else None

        def layers() -> Iterator[Layer]:
            for number in range(found.layers):
                at = f"model.layers.{number}."
                biases = [maybe(f"{at}self_attn.{name}_proj.bias") for name in "qkv"]
                yield Layer(
                    norm=tensor(f"{at}input_layernorm.weight", torch.float32),
                    qkv=torch.cat([tensor(f"{at}self_attn.{name}_proj.weight") for name in "qkv"]),
                    qkv_bias=torch.cat([bias for bias in biases if bias is not None]) if biases[0] is not None else None,
                    q_norm=maybe(f"{at}self_attn.q_norm.weight"),
                    k_norm=maybe(f"{at}self_attn.k_norm.weight"),
                    out=tensor(f"{at}self_attn.o_proj.weight"),
                    norm_2=tensor(f"{at}post_attention_layernorm.weight", torch.float32),
                    gate_up=torch.cat([tensor(f"{at}mlp.{name}_proj.weight") for name in ("gate", "up")]),
                    down=tensor(f"{at}mlp.down_proj.weight"),
                )

        embedding = tensor("model.embed_tokens.weight")
        head = tensor("lm_head.weight") if "lm_head.weight" in place else embedding
        return Dense(found, embedding, head, tensor("model.norm.weight", torch.float32), list(layers()))
