from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest

from homespun.evaluation.burrows import Profiles, delta, profiles

Said = dict[str, list[tuple[str, str]]]


def half(said: list[tuple[str, str]], later: bool) -> list[tuple[str, str]]:
    cut = int(0.8 * len(said))
    return said[cut:] if later else said[:cut]


@pytest.fixture(scope="module")
def irc(data_dir: Path) -> Said:
    """The twelve most talkative, each text with its hour."""
    said: Said = {}
    for line in (data_dir / "dev-ubuntu-irc" / "messages.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        said.setdefault(row["speaker"], []).append((row["text"], row["ts"][:13]))
    return dict(sorted(said.items(), key=lambda row: -len(row[1]))[:12])


@pytest.fixture(scope="module")
def known(irc: Said) -> Profiles:
    return profiles({name: [text for text, _ in half(said, later=False)] for name, said in irc.items()})


def test_later_words_are_nearest_to_their_writer_of_twelve(irc: Said, known: Profiles) -> None:
    assert len(known.shares) == 12 and len(known.frequent) == 150 and known.note == ""
    for name in ("ikonia", "ActionParsnip", "Dr_Willis", "ubottu"):
        texts, hours = zip(*half(irc[name], later=True), strict=True)
        own = delta(texts, hours, known, name)
        assert own.rank == 1 and next(iter(own.distances)) == name
        assert own.margin is not None and own.margin.value >= own.margin.low > 0
        other = delta(texts, hours, known, "bazhang")
        assert other.rank is not None and other.rank > 1 and other.distances == own.distances
        assert other.margin is not None and other.margin.high < 0


def test_a_thousand_words_are_needed_and_too_few_are_said(irc: Said, known: Profiles) -> None:
    texts = ["ok, and then?"] * 300
    few = delta(texts, ["c"] * 300, known, "ikonia")
    assert few.words == 900 and few.rank is None and few.margin is None and "900 words" in few.note
    many = delta([*texts, *texts], ["c"] * 600, known, "ikonia")
    assert many.rank is not None and many.margin is not None and math.isinf(many.margin.low)
    with pytest.raises(ValueError, match="two speakers"):
        profiles({"ikonia": [text for text, _ in irc["ikonia"]], "quiet": texts})
    with pytest.raises(ValueError, match="by quiet"):
        delta(texts, ["c"] * 300, known, "quiet")


def test_scripts_without_blanks_go_by_characters_or_are_refused() -> None:
    """Two writers of Japanese who end their sentences differently."""
    chance = random.Random(0)

    def write(endings: str, sentences: int = 400) -> list[str]:
        return ["".join(chance.choices("山川人日月火水木金土", k=6)) + chance.choice(endings.split()) for _ in range(sentences)]

    among = profiles({"Aki": write("です ます ですね"), "Ken": write("だ だよ だぞ")})
    assert "only" in among.note and "す" in among.frequent
    assert delta(write("です ます ですね"), [str(i) for i in range(400)], among, "Aki").rank == 1
    assert delta(write("です ます ですね"), [str(i) for i in range(400)], among, "Ken").rank == 2
    with pytest.raises(ValueError, match="no blanks"):
        profiles({"A": ["สวัสดี ครับ"] * 600, "B": ["ไม่เป็นไร ครับ"] * 600})
