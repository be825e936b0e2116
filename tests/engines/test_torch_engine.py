"""The engine on the real base: one reply is the same reply alone, in a batch, and as a stream."""

from __future__ import annotations

import pytest
import torch

from helpers import conversation, random_adapter
from homespun.config import SamplingSection
from homespun.engines.torch import TorchEngine
from homespun.training.batches import collate
from homespun.training.step import AutogradStep

TALKS = [
    conversation("Hi!", system="You are a friendly cook."),
    conversation("What is the capital of France? One word.", system="You answer in one word."),
    conversation("Hello", "Hello! How can I help?", "Name three colours, please. Only the names.", target=False),
    conversation("Say yes.", system="You say yes."),
]


def sampling(temperature: float, tokens: int = 12, seed: int = 5) -> SamplingSection:
    return SamplingSection(temperature=temperature, max_tokens=tokens, seed=seed)


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_a_reply_does_not_depend_on_the_others_in_its_batch(engine: TorchEngine, temperature: float) -> None:
    for first in TALKS[:2]:
        others = [talk for talk in TALKS if talk is not first]
        alone = engine.generate([first], sampling(temperature))
        assert engine.generate([first, *others], sampling(temperature))[0] == alone[0]


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_a_stream_is_the_reply_in_pieces(engine: TorchEngine, temperature: float) -> None:
    pieces = [piece.text for piece in engine.stream(TALKS[0], sampling(temperature))]
    assert "".join(pieces).strip() == engine.generate([TALKS[0]], sampling(temperature))[0].text
    assert len(pieces) > 3 and all(pieces[:-1])


def test_a_reply_ends_at_the_stop_token_or_says_that_it_does_not(engine: TorchEngine) -> None:
    """The stop token is never shown, and is what the model itself likes best at that place."""
    (ended,) = engine.generate([TALKS[1]], sampling(0.0, tokens=30))
    (cut,) = engine.generate([TALKS[1]], sampling(0.0, tokens=2))
    assert ended.stopped and not cut.stopped
    assert ended.text.startswith(cut.text) and engine.template.stop not in ended.text
    ids = [*engine.template.prompt(TALKS[1]), *engine.template.ids(ended.text)]
    assert int(engine.model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()) == engine.template.stop_id


def test_replies_vary_with_place_seed_and_adapter(engine: TorchEngine) -> None:
    bare, twin = engine.generate([TALKS[0], TALKS[0]], sampling(0.8))
    assert twin != bare
    assert engine.generate([TALKS[0]], sampling(0.8, seed=6))[0] != bare
    engine.use(random_adapter(engine.adapter.tensors, size=0.05))
    assert engine.generate([TALKS[0]], sampling(0.8))[0] != bare
    engine.use(None)
    assert engine.generate([TALKS[0]], sampling(0.8))[0] == bare


def test_log_likelihoods_are_what_training_minimises(engine: TorchEngine) -> None:
    """Of candidates of any length, in nats per token with the stop token."""
    engine.use(random_adapter(engine.adapter.tensors))
    candidates = ["Paris", "I am not quite sure, but I think that it might well be Paris.", "🥖"]
    found = engine.log_likelihoods(TALKS[1], candidates)
    rows = [engine.template.render(conversation(TALKS[1][1].text, text, system=TALKS[1][0].text)) for text in candidates]
    batch = collate(rows)
    nll = AutogradStep(engine.model, engine.adapter).score(batch)
    expected = [-nll[batch.reply == index].mean().item() for index in range(len(candidates))]
    assert found == pytest.approx(expected, abs=1e-3)


def test_greedy_continuations_are_the_models_own_favourites(engine: TorchEngine) -> None:
    """After an opening of any length, batched, token for token what a whole forward pass likes best; they end where the reply does."""
    said = engine.template.ids(engine.generate([TALKS[1]], sampling(0.0, tokens=30))[0].text)
    openings = [engine.template.ids("I like"), said[:-1], [], engine.template.ids("Yes, yes, yes, of course,")]
    found = engine.continue_greedily(TALKS, openings, 6)
    assert found[1] == said[-1:]
    for turns, opening, ids in zip(TALKS, openings, found, strict=True):
        whole = [*engine.template.prompt(turns), *opening, *ids]
        favourites = engine.model(input_ids=torch.tensor([whole])).logits[0].argmax(-1).tolist()
        assert favourites[len(whole) - len(ids) - 1 : -1] == ids
        assert len(ids) == 6 or favourites[-1] == engine.template.stop_id
