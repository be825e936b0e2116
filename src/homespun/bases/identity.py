"""Which base it is: an adapter answers as it was judged only on the base that it was trained on."""

from __future__ import annotations

import hashlib
from pathlib import Path

TEXTS = ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
BLOCKS, BLOCK = 16, 4096
"""Looked at in every file of weights: reading gigabytes at every start would cost seconds, and training changes weights everywhere."""


def identity(folder: Path) -> str:
    """A digest of a base's folder: its tokenizer, chat template and configuration whole, of its weights a sample."""
    found = hashlib.sha256()
    for name in TEXTS:
        file = folder / name
        found.update(hashlib.sha256(file.read_bytes() if file.is_file() else b"").digest())
    for file in sorted(folder.glob("*.safetensors")):
        size = file.stat().st_size
        found.update(f"{file.name} {size}".encode())
        with file.open("rb") as handle:
            for block in range(BLOCKS):
                handle.seek(size * block // BLOCKS)
                found.update(handle.read(BLOCK))
    return found.hexdigest()[:16]
