"""Every kind of export, made from one version, checked, and put where it is wanted."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from gguf import GGUFReader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from helpers import ALPHA, RANK
from homespun.bases.hub import DEFAULT_TARGETS
from homespun.bases.load import load_model
from homespun.bases.template import Template
from homespun.config import Settings
from homespun.engines.torch import TorchEngine
from homespun.errors import HomespunError, UnknownName, UsageError
from homespun.export import making, ollama
from homespun.export.making import Made
from homespun.home import Home
from homespun.registry.versions import get_version, version_folder
from homespun.training.run import load_weights
from homespun.types import Turn

NOTICE = "This is anna@1, an avatar: not Anna, but a model of how Anna writes."


def made(home: Home, target: str, machine: Settings, quant: str | None = None) -> Made:
    return making.export(home, "anna", target, quant, machine, NOTICE)


def names(one: Made) -> set[str]:
    return {str(file) for file in one.files}


@pytest.mark.parametrize("quant", making.QUANTS)
def test_a_gguf_says_what_it_is_and_how_it_was_checked(quant: str, exporting: Home, machine: Settings) -> None:
    one = made(exporting, "gguf", machine, quant.lower())
    assert names(one) == {f"anna-1-{quant}.gguf", "README.md", "export_report.json"}
    fields = GGUFReader(one.folder / f"anna-1-{quant}.gguf").fields
    assert fields["general.description"].contents() == NOTICE
    assert fields["general.sampling.temp"].contents() == pytest.approx(0.8)
    assert fields["tokenizer.ggml.pre"].contents() == "trillion" and fields["tokenizer.ggml.eos_token_id"].contents() == 2
    checks, readme = one.report["checks"], (one.folder / "README.md").read_text()
    assert (
        checks["texts"] >= 9 and checks["prompts"] == 3 and not checks["held_out"] and checks["limits"]["loss"] > abs(checks["loss_change"])
    )
    assert one.report["stop_bias"]["value"] == -0.5 and "--logit-bias 2-0.5" in one.report["stop_bias"]["carried"]
    assert readme.startswith("---\ntags") and "# anna: an avatar of Anna" in readme and NOTICE in readme and "You are Anna." in readme
    manifest = exporting.manifest("export", one.folder.name)
    assert manifest is not None and manifest.parents == ("version:version1",)


def test_the_same_export_is_made_once(exporting: Home, machine: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made(exporting, "gguf", machine)
    assert first.report["quant"] == "Q8_0"
    monkeypatch.setattr(making, "_make", lambda *_: pytest.fail("it was made again"))
    assert made(exporting, "gguf", machine, "q8_0") == first
    version = exporting.manifest("version", "version1")
    assert version is not None and first.folder.name in {one.id for one in exporting.made_from([version])}, "forgetting finds it"
    exporting.mark_stale(version, "somebody asked to be forgotten")
    with pytest.raises(UsageError, match="stale"):
        made(exporting, "gguf", machine)


def test_a_merged_folder_has_the_logits_of_the_version(exporting: Home, tiny_folder: Path, machine: Settings) -> None:
    one = made(exporting, "merged", machine)
    engine = TorchEngine(tiny_folder, DEFAULT_TARGETS, RANK, ALPHA, "float32", threads=1)
    engine.use(load_weights(version_folder(exporting, get_version(exporting, "anna"))))
    ids = torch.tensor([Template(tiny_folder).prompt([Turn("system", "You are Anna."), Turn("user", "Grüße, where are you? 😀")])])
    with torch.inference_mode():
        apart = load_model(one.folder)(input_ids=ids).logits - engine.model(input_ids=ids).logits
    assert float(apart.abs().max()) < 1e-4
    config, generation = (json.loads((one.folder / name).read_text()) for name in ("config.json", "generation_config.json"))
    assert config["rope_theta"] == config["rope_parameters"]["rope_theta"]
    assert generation["sequence_bias"] == [[[2], -0.5]] and generation["temperature"] == 0.8 and generation["eos_token_id"] == 2
    assert "model.safetensors" in names(one) and "lm_head.weight" not in load_file(one.folder / "model.safetensors")
    assert "sequence_bias" in one.report["stop_bias"]["carried"]


def test_transformers_draws_with_the_bias_of_the_stop_token(exporting: Home, machine: Settings) -> None:
    from transformers import AutoModelForCausalLM

    folder = made(exporting, "merged", machine).folder
    file = folder / "generation_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "sequence_bias": [[[2], 1e6]]}))
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.generate(torch.tensor([[1, 5, 9]]), max_new_tokens=5)[0].tolist() == [1, 5, 9, 2]


def test_mlx_gets_half_the_width_and_its_own_mark(exporting: Home, machine: Settings) -> None:
    one = made(exporting, "mlx", machine)
    with (one.folder / "model.safetensors").open("rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    assert header.pop("__metadata__") == {"format": "mlx"} and {entry["dtype"] for entry in header.values()} == {"F16"}
    assert all(entry["data_offsets"][0] % 2 == 0 for entry in header.values())
    assert json.loads((one.folder / "config.json").read_text())["torch_dtype"] == "float16"


def test_an_adapter_goes_with_its_tokenizer_and_as_gguf(exporting: Home, tiny_folder: Path, machine: Settings) -> None:
    one = made(exporting, "adapter", machine)
    assert {"adapter_config.json", "adapter_model.safetensors", "adapter.gguf", "tokenizer.json", "chat_template.jinja"} <= names(one)
    ours = load_weights(version_folder(exporting, get_version(exporting, "anna")))
    theirs = load_weights(one.folder)
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert GGUFReader(one.folder / "adapter.gguf").fields["adapter.lora.alpha"].contents() == 0.0


def test_ollama_gets_template_system_stops_and_sampling(exporting: Home, machine: Settings) -> None:
    one = made(exporting, "ollama", machine, "Q8_0")
    lines = (one.folder / "Modelfile").read_text().splitlines()
    assert f"# {NOTICE}" in lines and "FROM ./anna-1-Q8_0.gguf" in lines and 'SYSTEM """You are Anna."""' in lines
    assert {'PARAMETER stop "<|im_end|>"', "PARAMETER temperature 0.8", "PARAMETER repeat_penalty 1.0"} <= set(lines)
    assert any("Ollama has no setting for that: they will be shorter" in line for line in lines)
    assert one.report["stop_bias"]["carried"].startswith("lost")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_characters="<", exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_ollamas_template_says_what_the_base_s_does(template: Template, texts: list[str]) -> None:
    turns = [Turn("system", "You are Anna."), *(Turn("assistant" if place % 2 else "user", text) for place, text in enumerate(texts))]
    assert ollama.rendered(ollama._around(template), turns) == template.text(turns, reply=True)


def test_lm_studio_and_nornicdb_find_it_where_they_look(exporting: Home, machine: Settings, tmp_path: Path) -> None:
    studio = made(exporting, "lmstudio", machine, "Q8_0")
    assert {"homespun/anna-1/anna-1-Q8_0.gguf", "homespun/anna-1/README.md"} <= names(studio)
    models = tmp_path / "models"
    models.mkdir()
    (models / "README.md").write_text("mine")
    nornic = made(exporting, "nornicdb", machine, "Q8_0")
    assert names(nornic) == {f"anna-1-Q8_0.{kind}" for kind in ("gguf", "json", "md", "export_report.json")}
    making.place(nornic, models)
    making.place(nornic, models)
    assert (models / "README.md").read_text() == "mine"
    defaults = json.loads((models / "anna-1-Q8_0.json").read_text())
    assert (defaults["max_tokens"], defaults["temperature"], defaults["top_p"], defaults["top_k"]) == (256, 0.1, 0.9, 40)
    assert (defaults["context_size"], defaults["threads"]) == (2048, 4)
    assert defaults["stop"] == ["<|im_end|>", "<|endoftext|>", "</s>"] and defaults["disclosure"] == NOTICE


def test_what_is_already_there_is_not_overwritten(exporting: Home, machine: Settings, tmp_path: Path) -> None:
    one = made(exporting, "gguf", machine)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("mine")
    with pytest.raises(UsageError, match=r"README\.md is there already"):
        making.place(one, tmp_path / "mine")
    with pytest.raises(UsageError, match="is a file"):
        making.place(one, tmp_path / "mine" / "README.md")
    assert {file.name for file in making.place(one, tmp_path / "new" / "deep")} == {file.name for file in one.files}
    assert {file.name for file in (tmp_path / "new" / "deep").iterdir()} == {file.name for file in one.files}


@pytest.mark.parametrize(
    ("title", "target", "quant", "words"),
    [
        ("anna", "gguf", "Q3_K_M", "no quantisation called 'Q3_K_M'"),
        ("anna", "gguff", None, "no target called 'gguff': did you mean 'gguf'"),
        ("anna", "merged", "Q8_0", "leave --quant out"),
        ("anne", "gguf", None, "did you mean 'anna'"),
        ("anna@7", "gguf", None, "no version called 'anna@7'"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(
    title: str, target: str, quant: str | None, words: str, exporting: Home, machine: Settings
) -> None:
    with pytest.raises((UnknownName, UsageError), match=words) as told:
        making.export(exporting, title, target, quant, machine, NOTICE)
    assert "\n" not in str(told.value) and isinstance(told.value, HomespunError) and told.value.exit_code == 2
