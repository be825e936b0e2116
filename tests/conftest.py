"""What all tests share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from homespun.home import Home

if TYPE_CHECKING:
    from homespun.bases.template import Template
    from homespun.engines.torch import TorchEngine
    from homespun.training.step import AutogradStep

hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real corpora: HOMESPUN_TEST_DATA, or the shared one beside the repository."""
    folder = Path(os.environ.get("HOMESPUN_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    assert folder.is_dir(), f"no real corpora at {folder}: set HOMESPUN_TEST_DATA"
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "home")


@pytest.fixture(scope="session")
def base_folder() -> Path:
    """The real base, fetched once for this machine."""
    from homespun.bases import hub
    from homespun.config import settings

    return hub.resolve("smollm2-135m-instruct", settings())


@pytest.fixture(scope="session")
def template(base_folder: Path) -> Template:
    from homespun.bases.template import Template

    return Template(base_folder)


def random_llama(folder: Path, vocabulary: int) -> Path:
    """Two layers with grouped heads. The weights are large, so that a wrong mask shows."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    tokens = {"vocab_size": vocabulary, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(LlamaConfig(tie_word_embeddings=True, initializer_range=0.2, **tokens, **sizes)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_folder(base_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random tiny base with the real tokenizer."""
    folder = random_llama(tmp_path_factory.mktemp("tiny"), vocabulary=49152)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(base_folder / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random tiny base of 1,000 tokens without a tokenizer, for what only needs numbers."""
    return random_llama(tmp_path_factory.mktemp("toy"), vocabulary=1000)


@pytest.fixture(scope="session")
def toy_step(toy_folder: Path) -> AutogradStep:
    """The toy with an adapter that changes it; tests that train take a step of their own."""
    from helpers import set_adapter, step_of

    return set_adapter(step_of(toy_folder), 0.1)


@pytest.fixture(scope="session")
def _real_engine(base_folder: Path) -> TorchEngine:
    from helpers import ALPHA, RANK
    from homespun.bases.hub import DEFAULT_TARGETS
    from homespun.engines.torch import TorchEngine

    return TorchEngine(base_folder, DEFAULT_TARGETS, RANK, ALPHA, "float32", threads=1)


@pytest.fixture
def engine(_real_engine: TorchEngine) -> Iterator[TorchEngine]:
    """The real base in full precision, without an adapter until a test gives it one."""
    _real_engine.use(None)
    yield _real_engine
    _real_engine.adapter.clear()
