"""A model as one GGUF file: weights, tokenizer and chat template, for llama.cpp and all that is built on it."""

from __future__ import annotations

import contextlib
import errno
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, GGUFWriter, get_tensor_name_map

from homespun.bases.identity import identity
from homespun.config import SamplingSection, Settings
from homespun.errors import BaseError
from homespun.export import vocabulary, weights
from homespun.export.quantize import KINDS, Quant, kind_of, quantised, size_of
from homespun.export.weights import Numbers, Tensor
from homespun.home import disk_errors, sync

FORMAT = 2
"""To be raised when what is written changes: files made before are then made again."""
FAMILIES = {"llama": MODEL_ARCH.LLAMA, "mistral": MODEL_ARCH.LLAMA, "qwen2": MODEL_ARCH.QWEN2, "qwen3": MODEL_ARCH.QWEN3}


def base_gguf(folder: Path, settings: Settings, quant: Quant = "Q8_0") -> Path:
    """The base of a folder as one GGUF, made once for this machine.

    Raises:
        BaseError: it is of a family, or has a tokenizer, that we cannot write.
        DiskFull: nothing half-written was kept.
    """
    place = settings.cache / "gguf"
    file = place / f"{identity(folder)}-{quant}-{FORMAT}.gguf"
    if file.is_file():
        return file
    with disk_errors(settings.cache):
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock"), tempfile.TemporaryDirectory(dir=place, prefix=".new-") as scratch:
            if not file.is_file():
                made = Path(scratch) / file.name
                write(made, folder, weights.read(folder), quant, folder.name)
                made.rename(file)
    return file


def write(
    file: Path,
    folder: Path,
    tensors: Mapping[str, Tensor],
    quant: Quant,
    name: str,
    notice: str = "",
    sampling: SamplingSection | None = None,
) -> None:
    """Write a model: `folder` has its configuration, tokenizer and template, `tensors` are its weights.

    Args:
        notice: what whoever talks with it should be told.
        sampling: how replies are drawn, where a program takes that from the file.
    """
    config = read_config(folder)
    named = names(config, tensors)
    known = vocabulary.vocabulary(folder, tensors["model.embed_tokens.weight"].shape[0])
    writer = GGUFWriter(file, MODEL_ARCH_NAMES[family(config)])
    _describe(writer, config, name, quant)
    if notice:
        writer.add_description(notice)
    if sampling:
        _advise(writer, sampling)
    vocabulary.add(writer, known)
    layers, tied = config["num_hidden_layers"], "output.weight" not in named.values()
    kinds = {own: kind_of(own, tensors[theirs].shape, quant, layers, tied) for theirs, own in named.items()}
    for theirs, own in named.items():
        shape = tensors[theirs].shape
        writer.add_tensor_info(own, shape, np.dtype(np.float32), size_of(shape, kinds[own]), kinds[own])
    with opened(writer):
        writer.write_ti_data_to_file()
        for theirs, own in named.items():
            writer.write_tensor_data(quantised(turned(tensors[theirs].read(), theirs, config), kinds[own]))
    sync(file)


@contextlib.contextmanager
def opened(writer: GGUFWriter) -> Iterator[None]:
    """Its file, with the head written. numpy says of a full disk only how much it wrote; this says what it means."""
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        yield
    except OSError as error:
        raise OSError(error.errno or errno.ENOSPC, str(error)) from None
    finally:
        writer.close()


def read_config(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))


def family(config: Mapping[str, Any]) -> MODEL_ARCH:
    """Raises BaseError for a family that we do not write."""
    model_type = config["model_type"]
    if model_type not in FAMILIES:
        raise BaseError(f"a base of the family {model_type} cannot be written as GGUF (only {', '.join(FAMILIES)}): export it --to merged")
    return FAMILIES[model_type]


def names(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """transformers' names of the tensors that are written -> llama.cpp's. A head that is the embeddings again is left out."""
    table = get_tensor_name_map(family(config), config["num_hidden_layers"])
    tied = config.get("tie_word_embeddings", False)
    wanted = [name for name in tensors if not (tied and name == "lm_head.weight")]
    found = {name: table.get_name(name, try_suffixes=(".weight", ".bias")) for name in wanted}
    if odd := sorted(name for name, own in found.items() if own is None):
        raise BaseError(f"this base has {odd[0]}, which a GGUF of the family {config['model_type']} has no place for")
    return {name: own for name, own in found.items() if own is not None}


def turned(numbers: Numbers, name: str, config: Mapping[str, Any]) -> Numbers:
    """The rows of q and k in the order in which llama.cpp's Llama turns them: it rotates neighbours, transformers the two halves."""
    if family(config) != MODEL_ARCH.LLAMA or (parts := name.split("."))[-2] not in ("q_proj", "k_proj"):
        return numbers
    heads = config["num_attention_heads"] if parts[-2] == "q_proj" else kv_heads(config)
    halves = numbers.reshape(heads, 2, numbers.shape[0] // heads // 2, *numbers.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(numbers.shape))


def kv_heads(config: Mapping[str, Any]) -> int:
    return int(config.get("num_key_value_heads") or config["num_attention_heads"])


def _describe(writer: GGUFWriter, config: Mapping[str, Any], name: str, quant: Quant) -> None:
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind != "default":
        raise BaseError(f"this base stretches its context by {kind}, which we cannot write as GGUF yet: export it --to merged")
    heads = config["num_attention_heads"]
    head = config.get("head_dim") or config["hidden_size"] // heads
    writer.add_type("model")
    writer.add_name(name)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads(config))
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(float(rope.get("rope_theta") or config.get("rope_theta") or 10000.0))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(KINDS[quant][0])
    writer.add_quantization_version(2)


def _advise(writer: GGUFWriter, sampling: SamplingSection) -> None:
    """llama.cpp draws so unless it is told otherwise. It has no place for the bias of the stop token."""
    writer.add_sampling_temp(sampling.temperature)
    writer.add_sampling_top_k(sampling.top_k)
    writer.add_sampling_top_p(sampling.top_p)
    writer.add_sampling_min_p(sampling.min_p)
    writer.add_sampling_penalty_repeat(sampling.repetition_penalty)
