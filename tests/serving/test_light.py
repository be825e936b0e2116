"""Answering on llama.cpp needs neither torch nor transformers: seconds and gigabytes that only training is worth."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from safetensors.torch import save_file

from helpers import ALPHA, RANK, random_adapter, step_of
from homespun.bases.adapter import config
from homespun.bases.hub import DEFAULT_TARGETS
from homespun.config import AdapterSection, Recipe
from homespun.corpus import imports
from homespun.home import Home, Manifest, write_json, write_text
from homespun.registry import versions
from homespun.types import Chat, ImportReport, Message

PROGRAM = """
import io, json, sys
from homespun.cli.app import run
code = run(sys.argv[1:])
sys.stdout.write("\\n" + json.dumps([code, sorted(sys.modules)]))
"""


def test_a_version_is_asked_without_them(home: Home, tiny_folder: Path, tmp_path: Path) -> None:
    messages = [Message(name, f"hello from {name}", 60.0 * place) for place, name in enumerate(("Anna", "Ben"))]
    imports.add(home, [Chat("Ben", messages)], ImportReport("whatsapp"), "a file", "Anna", 1800.0)
    recipe = (
        Recipe(base=str(tiny_folder), adapter=AdapterSection(rank=RANK, alpha=ALPHA))
        .with_sampling(max_tokens=8)
        .with_training(dtype="float32")
    )
    versions.put_model(home, "anna", "Anna", recipe)
    with home.artefact(Manifest("version", "one")) as folder:
        save_file(random_adapter(step_of(tiny_folder).adapter.tensors), folder / "adapter_model.safetensors")
        write_json(folder / "adapter_config.json", config(str(tiny_folder), DEFAULT_TARGETS, RANK, ALPHA))
        write_text(folder / "recipe.toml", recipe.toml())
    versions.add_version(home, "anna", "one")
    environment = {"HOMESPUN_HOME": str(home.path), "HOMESPUN_CACHE": str(tmp_path / "cache"), "PATH": "", "OMP_NUM_THREADS": "1"}

    def ask(*arguments: str) -> tuple[str, set[str]]:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, env=environment, input="good morning\n", check=True
        )
        *said, last = done.stdout.splitlines()
        code, modules = json.loads(last)
        assert code == 0, said
        return "\n".join(said), {name.partition(".")[0] for name in modules}

    for verb in (["ask", "anna", "good morning", "--json"], ["chat", "anna", "--json"]):
        said, modules = ask(*verb)
        assert json.loads(said)["version"] == "anna@1"
        assert "xllamacpp" in modules and not modules & {"torch", "transformers", "fastapi", "nicegui"}
    assert "torch" in ask("ask", "anna", "good morning", "--engine", "torch")[1]
