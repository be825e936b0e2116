"""A base's folder -> a model that can be trained, scored or asked."""

from __future__ import annotations

import contextlib
import json
import math
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from homespun.bases import attention
from homespun.errors import BaseError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def load_model(folder: Path, dtype: str = "float32") -> Any:
    """A `transformers` causal language model in evaluation mode, frozen.

    Raises:
        BaseError: the folder holds no model that this transformers can load.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    attention.register()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=DTYPES[dtype], local_files_only=True)
    except Exception as error:  # transformers and safetensors raise a dozen types here
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BaseError(f"the base in {folder} cannot be loaded ({reason}); delete that folder and run the command again") from None
    model.requires_grad_(False)
    return model.eval()


@dataclass(frozen=True, slots=True)
class Size:
    parameters: int
    layers: int
    hidden: int
    intermediate: int


def size(folder: Path) -> Size:
    """Of a base, from its files' headers: nothing is loaded."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        parameters = 0
        for file in folder.glob("*.safetensors"):
            with safe_open(file, framework="pt") as opened:
                parameters += sum(math.prod(opened.get_slice(name).get_shape()) for name in opened.keys())  # noqa: SIM118 (not a mapping)
        hidden = config["hidden_size"]
        return Size(parameters, config["num_hidden_layers"], hidden, config.get("intermediate_size", 4 * hidden))
    except Exception as error:  # safetensors raises a type of its own
        raise BaseError(f"the base in {folder} cannot be read ({error}); delete that folder and run the command again") from None


@contextlib.contextmanager
def flat_attention(model: Any) -> Iterator[None]:
    """Within: the model takes sequences laid end to end with a `layout` (bases/attention.py) instead of padded rows."""
    before = model.config._attn_implementation
    model.set_attn_implementation(attention.NAME)
    try:
        yield
    finally:
        model.set_attn_implementation(before)
