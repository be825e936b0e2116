"""A version's adapter as one LoRA-GGUF, which llama.cpp adds to the base's GGUF when it answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gguf import MODEL_ARCH_NAMES, GGUFWriter, Keys, get_tensor_name_map

from homespun import config
from homespun.bases import hub
from homespun.config import Settings
from homespun.errors import BaseError
from homespun.export import weights
from homespun.export.gguf import FORMAT, family, opened, read_config, turned
from homespun.export.weights import Update
from homespun.home import Home, Manifest, digest
from homespun.registry.versions import Version, recipe_of, version_folder

FILE = "adapter.gguf"


def adapter_gguf(home: Home, version: Version, settings: Settings | None = None) -> Path:
    """Made once for each version, and kept in the home. It is no export: nobody asked for it, and it goes with its version.

    Args:
        settings: where the base is; by default as the environment says.

    Raises:
        BaseError: the adapter does not fit the base, or its family cannot be written as GGUF.
        DiskFull: nothing half-written was kept.
    """
    manifest = Manifest("conversion", digest(FORMAT, version.artefact), (f"version:{version.artefact}",))
    if home.manifest("conversion", manifest.id) is None:
        base = hub.resolve(recipe_of(home, version).base, settings or config.settings())
        with home.artefact(manifest) as folder:
            write(folder / FILE, weights.updates(version_folder(home, version)), read_config(base), version.title)
    return home.folder("conversion", manifest.id) / FILE


def write(file: Path, adapter: Mapping[str, Update], shape: Mapping[str, Any], name: str) -> None:
    """Write an adapter for a base whose config.json is `shape`."""
    table = get_tensor_name_map(family(shape), shape["num_hidden_layers"])
    writer = GGUFWriter(file, MODEL_ARCH_NAMES[family(shape)])
    writer.add_type("adapter")
    writer.add_name(name)
    writer.add_string(Keys.Adapter.TYPE, "lora")
    # llama.cpp multiplies by alpha / rank, or by nothing where alpha is 0. The scale is in B already.
    writer.add_float32(Keys.Adapter.LORA_ALPHA, 0.0)
    for theirs, update in adapter.items():
        own = table.get_name(theirs, try_suffixes=(".weight",))
        if own is None:
            raise BaseError(f"the adapter changes {theirs}, which a GGUF of the family {shape['model_type']} has no place for")
        writer.add_tensor(f"{own}.lora_a", np.ascontiguousarray(update.a))
        writer.add_tensor(f"{own}.lora_b", turned(update.b, theirs, shape))
    with opened(writer):
        writer.write_tensors_to_file()
