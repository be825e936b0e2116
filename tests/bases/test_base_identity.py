"""Which base it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from homespun.bases.identity import identity


def test_a_copy_is_the_same_base(tiny_folder: Path, tmp_path: Path) -> None:
    assert identity(Path(shutil.copytree(tiny_folder, tmp_path / "copy"))) == identity(tiny_folder)


@pytest.mark.parametrize(
    "change", ["tokenizer.json", "chat_template.jinja", "tokenizer_config.json", "no template", "weights", "precision"]
)
def test_a_changed_base_is_another(tiny_folder: Path, tmp_path: Path, change: str) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "changed"))
    weights = folder / "model.safetensors"
    if change == "no template":
        (folder / "chat_template.jinja").unlink()
    elif change == "weights":
        save_file({name: tensor + 1e-4 for name, tensor in load_file(weights).items()}, weights, metadata={"format": "pt"})
    elif change == "precision":
        save_file({name: tensor.to(torch.bfloat16) for name, tensor in load_file(weights).items()}, weights, metadata={"format": "pt"})
    else:
        with (folder / change).open("a", encoding="utf-8") as file:
            file.write(" ")
    assert identity(folder) != identity(tiny_folder)
