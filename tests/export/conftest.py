"""A home with one version of a tiny base: real files, and an adapter that changes what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import save_file

from helpers import ALPHA, RANK, random_adapter, step_of
from homespun.bases import adapter
from homespun.bases.hub import DEFAULT_TARGETS
from homespun.bases.identity import identity
from homespun.config import Recipe, Settings
from homespun.export.weights import ADAPTER, CONFIG
from homespun.home import Home, Manifest, write_json, write_text
from homespun.registry import versions


def write_adapter(folder: Path, base: Path, size: float = 0.1) -> None:
    weights = random_adapter(step_of(base).adapter.tensors, size=size)
    save_file(weights, folder / ADAPTER, metadata={"format": "pt"})
    write_json(folder / CONFIG, adapter.config(str(base), DEFAULT_TARGETS, RANK, ALPHA))


@pytest.fixture
def exporting(home: Home, tiny_folder: Path) -> Home:
    """`anna@1` lives in it. Its replies were fitted with a bias of the stop token."""
    recipe = Recipe(base=str(tiny_folder)).with_sampling(temperature=0.8, top_p=0.95, stop_bias=-0.5)
    recipe = recipe.model_copy(update={"adapter": recipe.adapter.model_copy(update={"rank": RANK, "alpha": ALPHA})})
    versions.put_model(home, "anna", "Anna", recipe)
    with home.artefact(Manifest("run", "run1", ("dataset:gone", f"base:{tiny_folder}"))) as folder:
        write_text(folder / "summary.json", "{}")
    with home.artefact(Manifest("version", "version1", ("run:run1", f"base:{identity(tiny_folder)}"))) as folder:
        write_adapter(folder, tiny_folder)
        write_text(folder / "recipe.toml", recipe.toml())
        write_text(folder / "card.md", "---\ntags: [homespun]\n---\n\n# anna: an avatar of Anna\n")
    versions.add_version(home, "anna", "version1")
    return home


@pytest.fixture
def machine(tmp_path: Path) -> Settings:
    """A cache of its own."""
    return Settings(home=tmp_path / "home", cache=tmp_path / "cache", offline=True)
