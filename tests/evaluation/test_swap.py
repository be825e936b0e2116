from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from homespun.evaluation.likelihood import ScoredReply
from homespun.evaluation.swap import Swap, swap


def corpus(better: Mapping[str, float], replies: int = 200, conversations: int = 20) -> dict[str, dict[str, list[ScoredReply]]]:
    """Each speaker's replies cost their own adapter `better` nats per token less than everybody else's, give or take 0.7."""
    rng = np.random.default_rng(0)
    scored: dict[str, dict[str, list[ScoredReply]]] = {}
    for speaker, by in better.items():
        base = [ScoredReply(f"c{i % conversations}", 3.5 * n, n) for i, n in enumerate(rng.integers(1, 30, size=replies).tolist())]
        scored[speaker] = {
            adapter: [
                replace(reply, nll=reply.nll - (adapter == speaker) * by * reply.tokens + rng.normal(0, 0.7 * reply.tokens))
                for reply in base
            ]
            for adapter in better
        }
    return scored


def measure(scored: Mapping[str, Mapping[str, list[ScoredReply]]]) -> Swap:
    return swap(scored, bags=300, draws=200)


def test_adapters_that_know_their_speaker_are_told_apart_from_those_that_do_not() -> None:
    known = measure(corpus({"Ann": 0.5, "Bob": 0.5, "Cid": 0.5}))
    assert known.accuracy[20].overall.value > 0.9 and known.accuracy[20].overall.low > 0.8
    assert known.accuracy[20].overall.value > known.accuracy[5].overall.value > 0.6
    assert all(min(row, key=lambda adapter: row[adapter]) == speaker for speaker, row in known.nll.items())
    assert known.nll["Ann"]["Bob"] - known.nll["Ann"]["Ann"] == pytest.approx(0.5, abs=0.2) and known.notes == ()
    blind = measure(corpus({"Ann": 0, "Bob": 0, "Cid": 0}))
    assert blind.accuracy[5].overall.low < 1 / 3 < blind.accuracy[5].overall.high


def test_one_speakers_missing_adapter_does_not_hide_behind_the_others() -> None:
    """Planted: Cid's adapter learned nothing."""
    found = measure(corpus({"Ann": 0.8, "Bob": 0.8, "Cid": 0.0})).accuracy[20]
    assert found.by_speaker["Ann"].low > 0.9 and found.by_speaker["Cid"].high < 0.9
    assert found.overall.value == pytest.approx(np.mean([interval.value for interval in found.by_speaker.values()]))


def test_the_same_adapter_for_everybody_is_at_chance() -> None:
    one = corpus({"Ann": 0.5, "Bob": 0.5})
    same = {speaker: dict.fromkeys(row, row[speaker]) for speaker, row in one.items()}
    for accuracy in measure(same).accuracy.values():
        assert accuracy.overall.value == accuracy.overall.low == accuracy.overall.high == 0.5


def test_too_little_is_said_and_what_does_not_line_up_is_refused() -> None:
    scored = corpus({"Ann": 1.0, "Bob": 1.0})
    few = {"Ann": scored["Ann"], "Bob": {adapter: replies[:8] for adapter, replies in scored["Bob"].items()}}
    found = measure(few)
    assert set(found.accuracy[20].by_speaker) == {"Ann"} and found.notes == ("bags of 20: too few held-out replies of Bob",)
    one = {
        speaker: {adapter: [replace(reply, conversation="c") for reply in row] for adapter, row in rows.items()}
        for speaker, rows in few.items()
    }
    assert math.isinf(measure(one).accuracy[5].overall.low)
    with pytest.raises(ValueError, match="two speakers"):
        swap({"Ann": scored["Ann"]})
    with pytest.raises(ValueError, match="Ann's replies do not line up"):
        swap(scored | {"Ann": scored["Ann"] | {"Bob": scored["Ann"]["Bob"][::-1]}})
    with pytest.raises(ValueError, match="no held-out replies of Bob"):
        swap(scored | {"Bob": {"Ann": [], "Bob": []}})
