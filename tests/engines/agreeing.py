"""Engines on the same weights, for the tests of this room."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from helpers import ALPHA, RANK
from homespun.bases import adapter
from homespun.bases.hub import DEFAULT_TARGETS
from homespun.config import SamplingSection
from homespun.engines.base import NOTHING, Engine, Piece, Prompt, Scored, Usage, Wanted
from homespun.export import gguf, lora, weights

TIE = 0.03
"""Nats. Two likeliest tokens that are closer may change places between engines, whose sums are rounded differently."""


def write_adapter(folder: Path, base: Path, tensors: Mapping[str, Tensor]) -> Path:
    """An adapter as LoRA-GGUF, by the way that serving takes."""
    folder.mkdir()
    save_file(dict(tensors), folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(adapter.config("base", DEFAULT_TARGETS, RANK, ALPHA)))
    lora.write(folder / "adapter.gguf", weights.updates(folder), gguf.read_config(base), folder.name)
    return folder / "adapter.gguf"


def greedy(tokens: int, **changes: object) -> SamplingSection:
    return SamplingSection.model_validate({"temperature": 0.0, "max_tokens": tokens, "seed": 1, **changes})


def said(engine: Engine, prompt: Prompt, sampling: SamplingSection, wanted: Wanted = NOTHING) -> tuple[str, Piece]:
    """The text of a reply, and its last piece."""
    pieces = list(engine.stream(prompt, sampling, wanted))
    assert not pieces[-1].text and all(piece.finish is None for piece in pieces[:-1])
    return "".join(piece.text for piece in pieces), pieces[-1]


def usage(piece: Piece) -> Usage:
    assert piece.usage is not None
    return piece.usage


def scores(engine: Engine, prompt: Prompt, sampling: SamplingSection, adapter: str | None = None) -> list[Scored]:
    wanted = Wanted(adapter=adapter, logprobs=2)
    return [score for piece in engine.stream(prompt, sampling, wanted) for score in piece.scores]


def same_until_a_tie(one: Sequence[Scored], other: Sequence[Scored]) -> int:
    """Tokens that both have alike; after them both are at their end, or stood before two tokens that are as good as equally likely."""
    alike = next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a.text != b.text), min(len(one), len(other)))
    if alike < max(len(one), len(other)):
        assert alike < min(len(one), len(other)), "one ended where the other went on"
        assert one[alike].top[0][1] - one[alike].top[1][1] < TIE, (one[alike], other[alike])
    return alike
