from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from scipy.stats import spearmanr

from homespun.evaluation.tone import compound, tone


@pytest.fixture(scope="module")
def irc(data_dir: Path) -> dict[str, list[tuple[str, str]]]:
    said: dict[str, list[tuple[str, str]]] = {}
    for line in (data_dir / "dev-ubuntu-irc" / "messages.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        said.setdefault(row["speaker"], []).append((row["text"], row["conv"]))
    return said


def test_a_person_is_as_near_as_to_themself_and_a_cheerful_one_is_not(irc: dict[str, list[tuple[str, str]]]) -> None:
    ikonia = irc["ikonia"]
    cut = int(0.8 * len(ikonia))
    earlier = [text for text, _ in ikonia[:cut]]
    later, days = zip(*ikonia[cut:], strict=True)
    others = random.Random(0).sample([text for name, said in irc.items() if name != "ikonia" for text, _ in said], 5000)
    answered, where = later[:60], days[:60]
    sides = {
        "himself": earlier[-60:],
        "the same": answered,
        "cheerful": [f"{text} :) thanks, that is great!" for text in answered],
        "flat": ["ok"] * 60,
    }
    found = tone(sides, answered, where, earlier, later, others)
    assert found.drift is not None and found.drift == pytest.approx(0.022, abs=0.003)
    assert found.others is not None and found.others == pytest.approx(0.06, abs=0.01)
    assert found.distinctive and found.note == ""
    himself, same, cheerful, flat = (found.sides[side] for side in sides)
    assert himself.ratio.low < 1 < himself.ratio.high and 0.4 < himself.ratio.value < 2.2
    assert cheerful.ratio.low > 2 and cheerful.distance > 0.5 and flat.ratio.value > himself.ratio.value
    assert same.agreement is not None and same.agreement.value == pytest.approx(1)
    assert himself.agreement is not None and himself.agreement.low < 0 < himself.agreement.high
    assert cheerful.agreement is not None and cheerful.agreement.value > 0.5 and flat.agreement is None
    assert himself.agreement.value == pytest.approx(spearmanr(compound(sides["himself"]), compound(answered)).statistic)
    blend = tone({}, answered, where, earlier, later, [*earlier, *later])
    assert not blend.distinctive and "not distinctive" in blend.note


def test_what_cannot_be_measured_is_said() -> None:
    german = ["Das ist aber schade, ich bin heute leider sehr müde."] * 40
    assert "English text only" in tone({"avatar": german}, german, ["c"] * 40, german, german, []).note
    plain = ["I am at the house with the others"] * 40
    nothing = tone({"avatar": plain}, plain, ["c"] * 40, plain, plain, [])
    assert nothing.sides == {} and "hardly ever" in nothing.note and not nothing.distinctive
    assert "fewer than 20" in tone({}, plain[:5], ["c"] * 5, plain, plain, []).note
    mixed = ["I am so happy about this", "I hate it when that is so", "we were there"] * 20
    with pytest.raises(ValueError, match="do not pair up"):
        tone({"avatar": mixed[:30]}, mixed, ["c"] * 60, mixed, mixed, [])
    none, good, bad = compound(["", "great!", "terrible :("])
    assert bad < -0.4 < none == 0 < 0.4 < good
