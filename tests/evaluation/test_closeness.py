from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from homespun.evaluation.bootstrap import Floats
from homespun.evaluation.closeness import (
    Scored,
    bag_scores,
    closeness,
    english_share,
    mask_content,
    real_vs_generated_auc,
    train_classifier,
    yardstick,
)

SPEAKERS = ("Jim Lovell", "Fred Haise", "Jack Swigert", "CapCom")


@dataclass(frozen=True)
class Talk:
    """One speaker's earlier 80 % and later 20 %; the conversation of a later text is its hour."""

    earlier: list[str]
    later: list[str]
    hours: list[str]


@pytest.fixture(scope="module")
def apollo(data_dir: Path) -> Mapping[str, Talk]:
    lines = (data_dir / "dev-apollo" / "messages.a13.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    talks = {}
    for name in SPEAKERS:
        said = [(row["text"], row["ts"][:5]) for row in rows if row["speaker"] == name]
        cut = int(0.8 * len(said))
        talks[name] = Talk([text for text, _ in said[:cut]], [text for text, _ in said[cut:]], [hour for _, hour in said[cut:]])
    return talks


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "masked"])
def scored(request: pytest.FixtureRequest, apollo: Mapping[str, Talk]) -> Mapping[str, Scored]:
    """Each man's later words under a classifier of Lovell's earlier ones."""
    others = [text for name in SPEAKERS[1:] for text in apollo[name].earlier]
    score = train_classifier(apollo["Jim Lovell"].earlier, others, masked=request.param)
    return {name: Scored(score(talk.later), talk.hours) for name, talk in apollo.items()}


def test_the_yardstick_tells_lovell_from_his_crew_bag_by_bag(scored: Mapping[str, Scored]) -> None:
    """Measured before on this record, against all others pooled: bags of 20 at 1.000 plain, 0.995 masked."""
    others = {name: scored[name].values for name in SPEAKERS[1:]}
    stick = yardstick(scored["Jim Lovell"].values, others)
    assert stick.counts and stick.note == "" and set(stick.auc) == set(SPEAKERS[1:])
    pooled = yardstick(scored["Jim Lovell"].values, {"all": np.concatenate(list(others.values()))})
    assert pooled.auc["all"] > 0.985
    assert pooled.counts and "only one other" in pooled.note


def test_his_own_later_words_are_close_and_another_mans_are_not(scored: Mapping[str, Scored]) -> None:
    lovell, base = scored["Jim Lovell"], scored["CapCom"]
    odd, even = (Scored(lovell.values[start::2], lovell.conversations[start::2]) for start in (0, 1))
    same = closeness(odd, even, base).interval
    other = closeness(scored["Fred Haise"], even, base).interval
    assert same is not None and other is not None
    assert same.value > 0.85 and same.low <= same.value <= same.high == 1
    assert other.value < same.value - 0.15 and other.high < 1


def test_closeness_of_known_scores() -> None:
    conversations = [f"c{i}" for i in range(50)]

    def at(level: float, spread: float = 0.01) -> Scored:
        return Scored(np.random.default_rng(int(100 * level) + 1000).normal(level, spread, size=50), conversations)

    for level, expected in ((2.0, 1.0), (0.0, 0.0), (1.0, 0.5), (3.0, 0.5), (-2.0, -1.0)):
        found = closeness(at(level), at(2.0), at(0.0)).interval
        assert found is not None and found.value == pytest.approx(expected, abs=0.02)
        assert found.low <= found.value <= found.high <= 1
    beyond = closeness(at(3.0), at(2.0), at(0.0)).position
    assert beyond is not None and beyond.low > 1
    real = at(2.0, 5)
    alike = closeness(at(1.0), real, Scored(np.roll(real.values, 7) + 0.01, conversations))
    assert alike.interval is None and "base" in alike.note
    one = Scored(np.array([1.0]), ["c0"])
    assert closeness(one, one, one).interval is None


def test_real_against_generated(apollo: Mapping[str, Talk]) -> None:
    later = apollo["Jim Lovell"].later
    same = real_vs_generated_auc(later[::2], later[1::2])
    other = real_vs_generated_auc(later, apollo["CapCom"].later[: len(later)])
    assert same is not None and other is not None
    assert 0.4 < same < 0.6 < 0.7 < other
    assert real_vs_generated_auc(later[:5], later) is None


def test_masking_keeps_the_manner_and_hides_the_matter() -> None:
    assert mask_content("Don't tell Anna's MOTHER!! 😂\nI'll be @ 9ish, the café…") == "Don't x X's X!! 😂\nI'll be @ x, the x…"


def test_masking_is_for_english_and_every_other_language_is_told(apollo: Mapping[str, Talk]) -> None:
    assert english_share(apollo["Jim Lovell"].later) > 0.3
    foreign = {
        "de": "Ich habe gestern mit meiner Mutter telefoniert, also am Ende war es so, dass man in der Stadt was will.",
        "es": "No me llamo ayer porque he tenido mucho trabajo, pero a ver si me dices que has hecho.",
        "fr": "J'ai pas eu le temps d'appeler, on se voit demain? Il y a plein de choses a faire.",
        "nl": "Ik was over het weekend in de stad, of is het zo dat we nu wat doen?",
        "zh": "你好,今天天气怎么样?",
    }
    assert all(english_share([text]) < 0.1 for text in foreign.values()) and english_share([]) == 0
    with pytest.raises(ValueError, match="English"):
        train_classifier([foreign["de"]] * 5, [foreign["nl"]] * 5, masked=True)


def test_little_data_still_trains_and_none_is_an_error() -> None:
    score = train_classifier(["lol ok x", "haha yes x"], ["Certainly, Sir.", "Very well, Sir."])
    values = score(["yes lol x", "Certainly."])
    assert values[0] > values[1] and len(score([])) == 0
    with pytest.raises(ValueError, match="text by the person"):
        train_classifier(["a"], [" "])


def test_bags_are_disjoint_and_a_short_one_is_flagged() -> None:
    bags = bag_scores(np.arange(45.0), size=20, seed=3)
    assert len(bags.means) == 2 and not bags.short
    whole = bag_scores(np.arange(40.0), size=20)
    assert whole.means.mean() == pytest.approx(19.5)
    short: Floats = np.array([1.0, 3.0])
    few = bag_scores(short)
    assert (few.means.tolist(), few.size, few.short) == ([2.0], 2, True)


def test_a_yardstick_without_enough_to_measure_does_not_count() -> None:
    rng = np.random.default_rng(0)
    person, alike, apart = rng.normal(0, 1, 100), rng.normal(0, 1, 100), rng.normal(-2, 1, 100)
    assert yardstick(person, {"a": alike, "b": apart}).note == "not distinguishing here"
    assert yardstick(person, {"a": apart, "b": apart}).counts
    assert not yardstick(person[:5], {"a": apart}).counts
    assert not yardstick(person, {}).counts
    assert list(yardstick(person, {"a": apart, "silent": apart[:3]}).auc) == ["a"]
