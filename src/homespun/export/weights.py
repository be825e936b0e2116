"""Weights read from safetensors one tensor at a time, in float32, without torch; and a LoRA folded into them.

A base of gigabytes is never in memory as a whole: what is read is written before the next one is.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homespun.errors import BaseError

Numbers = NDArray[np.float32]
STORED = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
ADAPTER, CONFIG = "adapter_model.safetensors", "adapter_config.json"
UNKNOWN_TO_US = ("use_dora", "alpha_pattern", "rank_pattern", "modules_to_save")
"""Settings of PEFT that change what an adapter computes. `train` never makes such."""


@dataclass(frozen=True, slots=True)
class Tensor:
    shape: tuple[int, ...]
    read: Callable[[], Numbers]


@dataclass(frozen=True, slots=True)
class Update:
    """What LoRA adds to a linear layer's weight (out, in): b @ a, with a (rank, in) and b (out, rank). Its scale is in b."""

    a: Numbers
    b: Numbers


def read(folder: Path) -> dict[str, Tensor]:
    """Every tensor of a folder's *.safetensors, by name. Nothing is read yet but where they are.

    Raises:
        BaseError: a file is damaged, or holds numbers that are no floats.
    """
    found: dict[str, Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with file.open("rb") as handle:
                size = int.from_bytes(handle.read(8), "little")
                header: dict[str, Any] = json.loads(handle.read(size))
        except (OSError, ValueError, MemoryError, OverflowError) as error:
            raise BaseError(f"the weights in {file} cannot be read ({error})") from None
        found |= {name: _tensor(file, 8 + size, entry) for name, entry in header.items() if name != "__metadata__"}
    if not found:
        raise BaseError(f"there are no weights in {folder}: *.safetensors is missing")
    return found


def _tensor(file: Path, start: int, entry: Mapping[str, Any]) -> Tensor:
    shape, stored = tuple(entry["shape"]), entry["dtype"]
    if stored not in STORED:
        raise BaseError(f"{file} holds numbers of the kind {stored}, which cannot be exported: use a base in float32, float16 or bfloat16")

    def numbers() -> Numbers:
        raw = np.fromfile(file, STORED[stored], math.prod(shape), offset=start + entry["data_offsets"][0]).reshape(shape)
        # A bfloat16 is the upper half of a float32.
        return (raw.astype(np.uint32) << 16).view(np.float32) if stored == "BF16" else raw.astype(np.float32, copy=False)

    return Tensor(shape, numbers)


def updates(folder: Path) -> dict[str, Update]:
    """The adapter of a version, by the name of the weight that each part changes ("model.layers.0.self_attn.q_proj.weight").

    Raises:
        BaseError: it is incomplete, or of a kind that is not plain LoRA.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
    except (OSError, ValueError, KeyError) as error:
        raise BaseError(f"the adapter in {folder} cannot be read ({error})") from None
    if odd := [name for name in UNKNOWN_TO_US if config.get(name)]:
        raise BaseError(f"the adapter in {folder} has {', '.join(odd)}: only plain LoRA can be exported")
    scale = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    tensors = read(folder)
    found = {}
    for name in tensors:
        parsed = re.fullmatch(r"base_model\.model\.(.+)\.lora_(A|B)\.weight", name)
        other = name.replace("lora_A", "lora_B") if parsed and parsed[2] == "A" else name.replace("lora_B", "lora_A")
        if parsed is None or other not in tensors:
            raise BaseError(f"the adapter in {folder} has {name}, which is no half of a LoRA: only plain LoRA can be exported")
        if parsed[2] == "A":
            found[f"{parsed[1]}.weight"] = Update(tensors[name].read(), tensors[other].read() * np.float32(scale))
    return found


def merged(tensors: Mapping[str, Tensor], adapter: Mapping[str, Update]) -> dict[str, Tensor]:
    """The base with the adapter added, in float32.

    Raises:
        BaseError: the adapter changes a weight that the base does not have.
    """
    for name, update in adapter.items():
        if name not in tensors or tensors[name].shape != (update.b.shape[0], update.a.shape[1]):
            raise BaseError(f"this adapter was made for another base: {name} does not fit")
    return {name: _added(tensor, adapter[name]) if name in adapter else tensor for name, tensor in tensors.items()}


def _added(tensor: Tensor, update: Update) -> Tensor:
    return replace(tensor, read=lambda: tensor.read() + update.b @ update.a)
