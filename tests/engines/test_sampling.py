"""Logits -> the next token."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from homespun.config import SamplingSection
from homespun.engines.sampling import next_token

LOGITS = st.lists(st.floats(-8, 8), min_size=1, max_size=12, unique_by=lambda value: round(value, 3)).map(torch.tensor)


def drawn(logits: Tensor, sampling: SamplingSection, draws: int = 60) -> set[int]:
    generator = torch.Generator().manual_seed(0)
    return {next_token(logits, sampling, generator) for _ in range(draws)}


@given(logits=LOGITS, temperature=st.floats(0.1, 5))
def test_top_k_of_one_is_greedy(logits: Tensor, temperature: float) -> None:
    likeliest = {int(logits.argmax())}
    assert drawn(logits, SamplingSection(temperature=temperature, top_k=1), draws=10) == likeliest
    assert drawn(logits, SamplingSection(temperature=0), draws=1) == likeliest


@given(logits=LOGITS, temperature=st.floats(0.3, 3), top_k=st.integers(0, 6), top_p=st.floats(0.05, 1), min_p=st.floats(0, 1))
def test_only_candidates_are_drawn(logits: Tensor, temperature: float, top_k: int, top_p: float, min_p: float) -> None:
    """min-p: at least that share of the likeliest. Top-k: the k likeliest. Top-p: a token is out when those before it reach p."""
    sampling = SamplingSection(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    probabilities = torch.softmax(logits / temperature, -1)
    for token in drawn(logits, sampling):
        likelier = probabilities[probabilities > probabilities[token]]
        assert probabilities[token] >= min_p * probabilities.max()
        assert not top_k or len(likelier) < top_k
        assert likelier.sum() < top_p + 1e-6


def test_every_candidate_is_drawn_as_often_as_it_is_likely() -> None:
    generator = torch.Generator().manual_seed(0)
    sampling = SamplingSection(temperature=2.0, top_p=0.9, min_p=0.0)
    logits = 2 * torch.log(torch.tensor([0.2, 0.5, 0.05, 0.25]))
    counts = torch.bincount(torch.tensor([next_token(logits, sampling, generator) for _ in range(4000)]), minlength=4)
    torch.testing.assert_close(counts / 4000, torch.tensor([0.2, 0.5, 0.0, 0.25]) / 0.95, rtol=0, atol=0.03)


def test_a_repetition_penalty_holds_back_what_was_said() -> None:
    logits = torch.tensor([2.0, 1.5, -1.0, -1.5])
    sampling = SamplingSection(temperature=0, repetition_penalty=2.0)
    generator = torch.Generator()
    assert [next_token(logits, sampling, generator, said) for said in ((), (0,), (3,), (0, 0))] == [0, 1, 0, 1]
    assert next_token(torch.tensor([-1.0, -1.5]), sampling, generator, said=(0,)) == 1
    assert logits.tolist() == [2.0, 1.5, -1.0, -1.5]


@given(
    logits=LOGITS,
    said=st.lists(st.integers(0, 11), max_size=8),
    frequency=st.floats(-2, 2),
    presence=st.floats(-2, 2),
    repetition=st.floats(0.5, 2),
)
def test_penalties_grow_with_what_was_said(logits: Tensor, said: list[int], frequency: float, presence: float, repetition: float) -> None:
    """As the OpenAI API and Keskar define them, each token by itself; what was not said keeps its logit."""
    said = [token % len(logits) for token in said]
    expected = logits.double().tolist()
    for token in set(said):
        value = expected[token]
        value = value / repetition if value > 0 else value * repetition
        expected[token] = value - said.count(token) * frequency - presence
    penalties = SamplingSection(temperature=0, repetition_penalty=repetition, frequency_penalty=frequency, presence_penalty=presence)
    chosen = next_token(logits, penalties, torch.Generator(), said)
    assert expected[chosen] == pytest.approx(max(expected), abs=1e-4)


@given(logits=LOGITS, data=st.data())
def test_only_what_a_grammar_allows_is_drawn(logits: Tensor, data: st.DataObject) -> None:
    allowed = torch.tensor(data.draw(st.lists(st.booleans(), min_size=len(logits), max_size=len(logits)).filter(any)))
    generator = torch.Generator().manual_seed(0)
    sampling = SamplingSection(temperature=1.5, min_p=0, stop_bias=20)
    for _ in range(20):
        assert allowed[next_token(logits, sampling, generator, stop=0, allowed=allowed)]


def test_entropy_rises_with_temperature() -> None:
    """From the likeliest alone to nearly all alike."""
    logits = torch.tensor([3.0, 2.0, 1.0, 0.0])
    generator = torch.Generator().manual_seed(0)
    entropies = []
    for temperature in (0.01, 0.5, 1.0, 2.0, 20.0):
        draws = torch.tensor([next_token(logits, SamplingSection(temperature=temperature, min_p=0), generator) for _ in range(1500)])
        shares = torch.bincount(draws, minlength=4) / 1500
        entropies.append(float(torch.special.entr(shares).sum()))
    assert entropies == sorted(entropies)
    assert entropies[0] == 0 and entropies[-1] > 0.98 * math.log(4)


@pytest.mark.parametrize("bias", [-2.0, 0.0, 1.0])
def test_the_stop_bias_multiplies_the_odds_of_stopping(bias: float) -> None:
    """With a stop token that is as likely as all others together."""
    sampling = SamplingSection(temperature=1, top_p=1, min_p=0, stop_bias=bias)
    generator = torch.Generator().manual_seed(0)
    logits = torch.log(torch.tensor([0.25, 0.25, 0.5]))
    stops = sum(next_token(logits, sampling, generator, stop=2) == 2 for _ in range(2000)) / 2000
    assert abs(stops - 1 / (1 + math.exp(-bias))) < 0.04
