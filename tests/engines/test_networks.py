"""Reading side by side, with a cache, says what the whole text read at once would say, whatever is added, dropped and repeated."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from helpers import ALPHA, RANK, random_adapter, random_base
from homespun.bases.hub import DEFAULT_TARGETS
from homespun.config import AdapterSection, StepKind
from homespun.engines.networks import Fused, Network, Padded
from homespun.training.fused.step import FusedStep
from homespun.training.kinds import Machine, make_step

OPTIONS = AdapterSection(rank=RANK, alpha=ALPHA)
SHAPE = {"num_key_value_heads": 2, "num_attention_heads": 6, "hidden_size": 96, "intermediate_size": 80, "num_hidden_layers": 2}
WORDS = 320


def fused(folder: Path, kind: StepKind) -> Fused:
    step = make_step(folder, DEFAULT_TARGETS, OPTIONS, Machine(kind, "float32", 1))
    assert isinstance(step, FusedStep)
    return Fused(step)


@pytest.fixture(scope="module", params=["Llama", "Mistral", "Qwen2", "Qwen3"])
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Padded, list[Network]]:
    """A base of every family as transformers reads it, and all ways to read it."""
    dim = {} if request.param == "Qwen2" else {"head_dim": 32}
    folder = random_base(tmp_path_factory.mktemp("base"), request.param, **SHAPE, **dim)
    padded = Padded(folder, DEFAULT_TARGETS, OPTIONS, "float32", pad=0)
    return padded, [padded, fused(folder, "fused"), fused(folder, "aten")]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(1, 150), min_size=1, max_size=4), seed=st.integers(0, 1000), data=st.data())
def test_side_by_side_with_a_cache_is_as_alone_and_whole(
    family: tuple[Padded, list[Network]], lengths: list[int], seed: int, data: st.DataObject
) -> None:
    padded, networks = family
    weights = random_adapter(padded.adapter.tensors, size=0.05)
    for network in networks:
        network.wear(weights)
    torch.manual_seed(seed)
    prompts = [torch.randint(1, WORDS, (length,)) for length in sorted(lengths, reverse=True)]
    times = data.draw(st.integers(1, 3))
    gone = data.draw(st.sets(st.integers(0, len(prompts) * times - 1), max_size=len(prompts) * times - 1))
    added = [torch.randint(1, WORDS, (len(prompts) * times - len(gone) * (turn > 0), count)) for turn, count in enumerate((1, 70, 1, 4))]

    def alone(text: Tensor) -> Tensor:
        logits: Tensor = padded.model(input_ids=text[None]).logits[0]
        return logits

    with torch.inference_mode():
        for network in networks:
            reading = network.read([prompt.tolist() for prompt in prompts])
            torch.testing.assert_close(reading.logits, torch.stack([alone(text)[-1] for text in prompts]), rtol=1e-3, atol=1e-3)
            reading.repeat(times)
            texts = [text for text in prompts for _ in range(times)]
            for turn, ids in enumerate(added):
                if turn == 1:
                    texts = [texts[row] for row in reading.drop(sorted(gone))]
                texts = [torch.cat([text, new]) for text, new in zip(texts, ids, strict=True)]
                expected = torch.stack([alone(text)[-ids.shape[1] :] for text in texts])
                torch.testing.assert_close(reading.add(ids), expected, rtol=1e-3, atol=1e-3)
