"""GGUF files: what is in them, and that llama.cpp computes with them what transformers computes with the folder."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import tempfile
from pathlib import Path

import gguf as official
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType as Kind
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

from homespun.bases.load import load_model
from homespun.bases.template import Template
from homespun.config import Settings
from homespun.engines.torch import TorchEngine
from homespun.errors import BaseError, DiskFull
from homespun.export import gguf, lora, readback, verify, vocabulary, weights
from homespun.export.quantize import Quant, kind_of, quantised, size_of
from homespun.export.verify import Source
from homespun.home import Home
from homespun.registry.versions import get_version

SIZES = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}


def source_of(folder: Path) -> Source:
    model = load_model(folder)
    return Source(Template(folder), lambda prompt, reply: readback.log_probabilities(model, prompt, reply))


@pytest.mark.parametrize(
    ("family", "more"),
    [
        ("llama", {"tie_word_embeddings": False, "head_dim": 24}),
        ("mistral", {"tie_word_embeddings": False}),
        ("qwen2", {"tie_word_embeddings": True}),
        ("qwen3", {"tie_word_embeddings": False, "head_dim": 32}),
    ],
)
def test_every_family_is_computed_alike(family: str, more: dict[str, int], tiny_folder: Path, tmp_path: Path) -> None:
    """With biases and norms that are not what they begin as."""
    config = AutoConfig.for_model(family, vocab_size=49280, initializer_range=0.2, bos_token_id=1, eos_token_id=2, **SIZES, **more)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = AutoModelForCausalLM.from_config(config)
        for parameter in model.parameters():
            if parameter.ndim == 1:
                torch.nn.init.normal_(parameter, 1.0, 0.3)
    base = tmp_path / family
    model.save_pretrained(base)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(tiny_folder / name, base / name)
    gguf.write(tmp_path / "model.gguf", base, weights.read(base), "F16", family)
    with readback.llama_cpp(tmp_path / "model.gguf") as reader:
        found = verify.verify(source_of(base), reader, "F16")
    assert found.drift < 0.01


def test_the_real_base_is_made_once_and_answers_alike(base_folder: Path, engine: TorchEngine, tmp_path: Path) -> None:
    machine = Settings(cache=tmp_path)
    file = gguf.base_gguf(base_folder, machine, "F16")
    made = file.stat().st_mtime_ns
    source = Source(Template(base_folder), lambda prompt, reply: readback.log_probabilities(engine.model, prompt, reply))
    with readback.llama_cpp(file) as reader:
        found = verify.verify(source, reader, "F16")
    assert found.drift < 0.01 and found.worst_gap <= verify.TIE
    assert gguf.base_gguf(base_folder, machine, "F16").stat().st_mtime_ns == made
    assert [one.name for one in file.parent.iterdir() if one.suffix != ".lock"] == [file.name]


def test_sizes_on_the_real_base_are_those_of_llama_cpp(base_folder: Path) -> None:
    """Its rows of 576 are no multiple of 256: the K-quants of llama.cpp fall back to wider ones there."""
    config, tensors = gguf.read_config(base_folder), weights.read(base_folder)
    shapes = {own: tensors[theirs].shape for theirs, own in gguf.names(config, tensors).items()}
    assert "output.weight" not in shapes

    def size(quant: Quant) -> int:
        return sum(size_of(shape, kind_of(name, shape, quant, 30, tied=True)) for name, shape in shapes.items())

    assert [round(size(quant) / size("F16"), 3) for quant in ("Q8_0", "Q5_K_M", "Q4_K_M")] == [0.531, 0.41, 0.385]


def test_the_mixture_of_llama_cpp() -> None:
    wide, narrow = (1024, 2048), (576, 576)
    assert [kind_of(f"blk.{layer}.attn_v.weight", wide, "Q4_K_M", 32, tied=False) == Kind.Q6_K for layer in range(9)] == [
        *[True] * 4,
        *[False, False, True, False, False],
    ]
    assert kind_of("blk.31.ffn_down.weight", wide, "Q5_K_M", 32, tied=False) == Kind.Q6_K
    assert kind_of("blk.9.ffn_up.weight", wide, "Q4_K_M", 32, tied=False) == Kind.Q4_K
    assert kind_of("blk.9.ffn_up.weight", narrow, "Q4_K_M", 32, tied=False) == Kind.Q5_0
    assert kind_of("blk.9.ffn_up.weight", narrow, "Q5_K_M", 32, tied=False) == Kind.Q5_1
    assert kind_of("blk.0.attn_v.weight", narrow, "Q5_K_M", 32, tied=False) == Kind.Q8_0
    assert kind_of("blk.0.attn_v.weight", (24, 24), "Q8_0", 32, tied=False) == Kind.F16
    assert kind_of("token_embd.weight", wide, "Q4_K_M", 32, tied=True) == Kind.Q6_K
    assert kind_of("token_embd.weight", wide, "Q4_K_M", 32, tied=False) == Kind.Q4_K
    assert kind_of("blk.0.attn_norm.weight", (64,), "Q4_K_M", 32, tied=False) == Kind.F32


@given(st.integers(0, 2**32 - 1), st.sampled_from([Kind.Q8_0, Kind.Q5_0, Kind.Q5_1]))
def test_rows_are_quantised_as_the_official_package_does(seed: int, kind: Kind) -> None:
    numbers = np.random.default_rng(seed).normal(size=(3, 96)).astype(np.float32) * 10.0 ** (seed % 5 - 2)
    assert np.array_equal(quantised(numbers, kind), official.quantize(numbers, kind))


@given(st.integers(0, 2**32 - 1))
def test_weights_are_read_as_torch_reads_them(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randn(3, 5, generator=generator) * 10.0 ** (seed % 9 - 4)
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        stored = numbers.to(dtype)
        assert np.array_equal(_read_back(stored), stored.float().numpy(), equal_nan=True)


def _read_back(stored: torch.Tensor) -> weights.Numbers:
    with tempfile.TemporaryDirectory() as folder:
        save_file({"padding": torch.zeros(3), "x": stored}, Path(folder) / "model.safetensors")
        return weights.read(Path(folder))["x"].read()


def test_how_a_text_is_cut_is_told_from_the_file() -> None:
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    plain = {**byte_level, "use_regex": False}
    digits = {"type": "Digits", "individual_digits": True}

    def sequence(*steps: object) -> dict[str, object]:
        return {"type": "Sequence", "pretokenizers": list(steps)}

    def split(pattern: str) -> dict[str, object]:
        return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}

    cut = vocabulary._cut
    assert cut(byte_level) == "trillion"
    assert cut(sequence(digits, byte_level)) == "smollm"
    assert [cut(sequence(split(pattern), plain)) for pattern in vocabulary.SPLITS] == ["qwen2", "llama-bpe"]
    for odd in (None, {"type": "Metaspace"}, sequence(split("x"), plain), {**byte_level, "add_prefix_space": True}, plain):
        assert cut(odd) is None


def test_what_cannot_be_written_is_refused_in_one_line(tiny_folder: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny_folder, base)
    config = json.loads((base / "config.json").read_text())
    for change, words in (
        ({"model_type": "gpt_bigcode"}, "family gpt_bigcode"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "by yarn"),
    ):
        (base / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(BaseError, match=words):
            gguf.write(tmp_path / "x.gguf", base, weights.read(base), "F16", "x")
    (base / "config.json").write_text(json.dumps(config))
    for size in (9, 2000):
        with (base / "model.safetensors").open("r+b") as file:
            file.truncate(size)
        with pytest.raises(BaseError, match="cannot be read"):
            weights.read(base)


def test_an_adapter_that_is_no_plain_lora_is_refused(exporting: Home, tiny_folder: Path, tmp_path: Path) -> None:
    folder = exporting.folder("version", "version1")
    config = json.loads((folder / weights.CONFIG).read_text())
    found = weights.updates(folder)
    shutil.copytree(folder, tmp_path / "odd")
    (tmp_path / "odd" / weights.CONFIG).write_text(json.dumps({**config, "use_rslora": True}))
    name = next(iter(found))
    assert np.allclose(weights.updates(tmp_path / "odd")[name].b, found[name].b * 2), "alpha / √4 instead of alpha / 4"
    (tmp_path / "odd" / weights.CONFIG).write_text(json.dumps({**config, "use_dora": True}))
    with pytest.raises(BaseError, match="only plain LoRA"):
        weights.updates(tmp_path / "odd")
    with pytest.raises(BaseError, match="another base"):
        weights.merged({name: tensor for name, tensor in weights.read(tiny_folder).items() if "layers.1" not in name}, found)


def test_the_adapter_of_a_version_is_kept(exporting: Home, machine: Settings) -> None:
    file = lora.adapter_gguf(exporting, get_version(exporting, "anna"), machine)
    made = file.stat().st_mtime_ns
    assert lora.adapter_gguf(exporting, get_version(exporting, "anna"), machine).stat().st_mtime_ns == made
    version = exporting.manifest("version", "version1")
    assert version is not None
    assert [one.id for one in exporting.made_from([version])] == [file.parent.name]
    assert file.parent.parent.name == "conversions"


def test_a_full_disk_leaves_nothing(tiny_folder: Path, tmp_path: Path) -> None:
    """numpy does not say that the disk is full, only how much it wrote."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, hard))
    try:
        with pytest.raises(DiskFull):
            gguf.base_gguf(tiny_folder, Settings(cache=tmp_path), "F16")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert [file.suffix for file in (tmp_path / "gguf").iterdir()] in ([], [".lock"])
