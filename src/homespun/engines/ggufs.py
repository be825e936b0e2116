"""Looks at the head of a GGUF file, so that a wrong one is refused in words: llama.cpp itself only says that it failed."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from homespun.errors import EngineError

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a value by its type (github.com/ggml-org/ggml/blob/master/docs/gguf.md); texts are 8 and lists 9."""
TEXT, LIST = 8, 9


def check(base: Path, adapters: Mapping[str, Path]) -> None:
    """
    Raises:
        EngineError: a file is missing or cut short, is no GGUF, is no model or no LoRA, or an adapter was made for another kind of model.
    """
    architecture = _texts(base).get("general.architecture", "")
    for name, file in adapters.items():
        told = _texts(file)
        if told.get("general.type") != "adapter" or told.get("adapter.type") != "lora":
            raise EngineError(f"{file} is no LoRA adapter: export {name} again")
        made_for = told.get("general.architecture")
        if made_for != architecture:
            raise EngineError(f"{file} was made for a {made_for} model and the base is a {architecture} one: export {name} again")


def _texts(file: Path) -> dict[str, str]:
    """The general and adapter texts of its metadata, by key."""
    try:
        with file.open("rb") as handle:
            if handle.read(4) != b"GGUF":
                raise EngineError(f"{file} is no GGUF file: delete it and run the command again, and it is made anew")
            _, _, count = struct.unpack("<IQQ", handle.read(20))
            found = {}
            for _ in range(count):
                key, kind = _text(handle), _number(handle, 4)
                if kind == TEXT and key.startswith(("general.", "adapter.")):
                    found[key] = _text(handle)
                elif key.startswith("tokenizer."):
                    break  # long, and after all that matters here
                else:
                    _skip(handle, kind)
            return found
    except FileNotFoundError:
        raise EngineError(f"there is no {file}: export the model again") from None
    except (OSError, struct.error, UnicodeDecodeError, KeyError) as error:
        raise EngineError(f"{file} cannot be read ({error}): delete it and run the command again, and it is made anew") from None


def _number(handle: BinaryIO, size: int) -> int:
    data = handle.read(size)
    if len(data) < size:
        raise struct.error("it is cut short")
    return int.from_bytes(data, "little")


def _text(handle: BinaryIO) -> str:
    size = _number(handle, 8)
    data = handle.read(min(size, 1 << 20))
    if len(data) < size:
        raise struct.error("it is cut short")
    return data.decode()


def _skip(handle: BinaryIO, kind: int) -> None:
    if kind == TEXT:
        handle.seek(_number(handle, 8), 1)
    elif kind == LIST:
        inner, count = _number(handle, 4), _number(handle, 8)
        if inner in SIZES:
            handle.seek(SIZES[inner] * count, 1)
        else:
            for _ in range(count):
                _skip(handle, inner)
    else:
        handle.seek(SIZES[kind], 1)
