"""How many bits each tensor of a GGUF gets: llama.cpp's mixtures (llama-quant.cpp), for dense models without an importance matrix."""

from __future__ import annotations

import math
import re
from typing import Any, Literal

import libgguf
import numpy as np
from gguf import GGML_QUANT_SIZES, LlamaFileType
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

from homespun.export.weights import Numbers

Quant = Literal["F16", "Q8_0", "Q5_K_M", "Q4_K_M"]
KINDS: dict[Quant, tuple[LlamaFileType, Kind]] = {
    "F16": (LlamaFileType.MOSTLY_F16, Kind.F16),
    "Q8_0": (LlamaFileType.MOSTLY_Q8_0, Kind.Q8_0),
    "Q5_K_M": (LlamaFileType.MOSTLY_Q5_K_M, Kind.Q5_K),
    "Q4_K_M": (LlamaFileType.MOSTLY_Q4_K_M, Kind.Q4_K),
}
"""The number that a GGUF calls itself by, and what most of its tensors are."""
NARROW = {Kind.Q4_K: Kind.Q5_0, Kind.Q5_K: Kind.Q5_1, Kind.Q6_K: Kind.Q8_0}
"""What takes the place of a kind in rows that are no multiple of its blocks of 256."""


def kind_of(name: str, shape: tuple[int, ...], quant: Quant, layers: int, tied: bool) -> Kind:
    """Of a tensor.

    Args:
        name: as GGUF files call it ("blk.3.ffn_down.weight").
        shape: (rows, columns), or of a vector.
        tied: whether the token embeddings are the output layer too.
    """
    if len(shape) < 2 or name.endswith("_norm.weight"):
        return Kind.F32
    kind, columns = KINDS[quant][1], shape[-1]
    if kind in NARROW:
        if name == "output.weight" or (tied and name == "token_embd.weight"):
            kind = Kind.Q6_K if columns % 256 == 0 else Kind.Q8_0
        elif (found := re.fullmatch(r"blk\.(\d+)\.(attn_v|ffn_down)\.weight", name)) and _needs_more(int(found[1]), layers):
            kind = Kind.Q6_K
    if columns % GGML_QUANT_SIZES[kind][0]:
        kind = NARROW.get(kind, kind)
    return Kind.F16 if columns % GGML_QUANT_SIZES[kind][0] else kind


def _needs_more(layer: int, layers: int) -> bool:
    """The first and the last eighth of the layers, and every third between them."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def quantised(numbers: Numbers, kind: Kind) -> NDArray[Any]:
    """The numbers as the bytes of their kind, (rows, bytes); plain floats stay floats."""
    if kind in (Kind.F32, Kind.F16):
        return numbers.astype(np.float16 if kind == Kind.F16 else np.float32)
    rows: NDArray[Any] = libgguf.quantize_rows(numbers, kind)
    return rows


def size_of(shape: tuple[int, ...], kind: Kind) -> int:
    """Bytes."""
    block, size = GGML_QUANT_SIZES[kind]
    return math.prod(shape) // int(block) * int(size)
