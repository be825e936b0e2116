"""A version as a folder: the whole model with the adapter merged in, or the adapter alone, as transformers, PEFT and mlx-lm read them."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from homespun.config import SamplingSection
from homespun.export.gguf import read_config
from homespun.export.weights import ADAPTER, CONFIG, Tensor
from homespun.home import sync, write_json

Stored = Literal["float32", "float16"]
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")


def merged(
    out: Path, base: Path, tensors: Mapping[str, Tensor], stored: Stored, sampling: SamplingSection, stop: int, made_for: str
) -> None:
    """Write a whole model.

    Args:
        base: the folder whose configuration, tokenizer and template it has.
        stop: the token that ends a reply.
        made_for: "pt" or "mlx", as safetensors files say it.
    """
    config = read_config(base)
    rope = config.get("rope_parameters") or {}
    # Older readers look for the base of the rotation outside, and take 10,000 where they do not find it.
    outside = {"rope_theta": rope["rope_theta"]} if "rope_theta" in rope else {}
    config = {name: value for name, value in config.items() if name != "_name_or_path"}
    write_json(out / "config.json", {**config, **outside, "dtype": stored, "torch_dtype": stored})
    write_json(out / "generation_config.json", generation(config, sampling, stop))
    copy_tokenizer(base, out)
    tied = config.get("tie_word_embeddings", False)
    kept = {name: tensor for name, tensor in tensors.items() if not (tied and name == "lm_head.weight")}
    _write_weights(out / "model.safetensors", kept, stored, made_for)


def generation(config: Mapping[str, Any], sampling: SamplingSection, stop: int) -> dict[str, Any]:
    """generation_config.json: how replies are drawn. The bias of the stop token is in it as transformers calls it."""
    drawn = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
    }
    return {
        "bos_token_id": config.get("bos_token_id"),
        "eos_token_id": stop,
        "pad_token_id": config.get("pad_token_id", stop),
        "max_new_tokens": sampling.max_tokens,
        "do_sample": sampling.temperature > 0,
        **(drawn if sampling.temperature > 0 else {}),
        "repetition_penalty": sampling.repetition_penalty,
        **({"sequence_bias": [[[stop], sampling.stop_bias]]} if sampling.stop_bias else {}),
    }


def adapter(out: Path, version: Path, base: Path, base_name: str) -> None:
    """Write the adapter as PEFT has it, with the tokenizer and template that it was trained with.

    Args:
        base_name: what others find the base by.
    """
    config = json.loads((version / CONFIG).read_text(encoding="utf-8"))
    write_json(out / CONFIG, {**config, "base_model_name_or_path": base_name})
    shutil.copyfile(version / ADAPTER, out / ADAPTER)
    copy_tokenizer(base, out)


def copy_tokenizer(base: Path, out: Path) -> None:
    for name in TOKENIZER:
        if (base / name).is_file():
            shutil.copyfile(base / name, out / name)


def _write_weights(file: Path, tensors: Mapping[str, Tensor], stored: Stored, made_for: str) -> None:
    """safetensors, one tensor in memory at a time."""
    kind, width = ("F32", 4) if stored == "float32" else ("F16", 2)
    header: dict[str, Any] = {"__metadata__": {"format": made_for}}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + math.prod(tensor.shape) * width
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [start, end]}
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with file.open("wb") as handle:
        handle.write(len(head).to_bytes(8, "little") + head)
        for tensor in tensors.values():
            handle.write(np.ascontiguousarray(tensor.read(), dtype=stored).data)
    sync(file)
