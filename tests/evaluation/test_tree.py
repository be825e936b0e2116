"""A pass over a tree says of every text what a pass over it alone would say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers import conversation, random_adapter
from homespun.engines.torch import TorchEngine
from homespun.evaluation import tree

TALK = conversation("Where did I leave my keys?", system="You are Ben.")
TEXTS = ["The code is 4839", "The code is 4831", "The code is 77", "The code", "Dunno", "日本語で話そう", "The code is 4839", "Well, the"]


@torch.inference_mode()
def alone(engine: TorchEngine, text: str) -> float:
    prompt, ids = engine.template.prompt(TALK), engine.template.ids(text)
    log_p = torch.log_softmax(engine.model(input_ids=torch.tensor([prompt + ids])).logits[0], -1)
    return sum(float(log_p[len(prompt) - 1 + at, token]) for at, token in enumerate(ids))


def test_a_tree_says_what_each_text_alone_says(engine: TorchEngine) -> None:
    engine.use(random_adapter(engine.adapter.tensors))
    truth = np.array([alone(engine, text) for text in TEXTS])
    np.testing.assert_allclose(tree.log_likelihoods(engine, TALK, TEXTS), truth, atol=2e-3)


def test_it_does_not_matter_how_the_texts_are_cut_into_passes(engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    together = tree.log_likelihoods(engine, TALK, TEXTS)
    monkeypatch.setattr(tree, "PLACES", 3)
    np.testing.assert_allclose(tree.log_likelihoods(engine, TALK, TEXTS), together, atol=2e-3)
