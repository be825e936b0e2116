from __future__ import annotations

import json
from pathlib import Path

import pytest

from homespun.evaluation.abstention import says_unknown

KNOWS_NOT = (
    "I don't know.",
    "i dont know tbh",
    "No idea, sorry!",
    "Honestly, I have no clue",
    "I can't remember.",
    "I'm not sure.",
    "dunno",
    "I really couldn't tell you",
    "Das weiß ich leider nicht.",
    "Weiß nicht",
    "keine Ahnung",
    "Da bin ich überfragt",
    "Daran erinnere ich mich nicht",
    "Je ne sais pas.",
    "j'sais pas",
    "Aucune idée",
    "Je ne m'en souviens plus",
    "No lo sé",
    "ni idea",
    "No me acuerdo",
    "Non lo so.",
    "boh",
    "Non mi ricordo",
    "Non ne ho idea",
)
KNOWS = (
    "It was Rex.",
    "I don't know how you do it!",
    "I don't know why you ask, it's Rex",
    "I don't know, but it's Rex.",
    "I know it well: Rex.",
    "You don't know me.",
    "Ich weiß es: Rex",
    "Ich weiß nicht, warum du fragst: Rex",
    "Je sais, c'est Rex",
    "Lo sé, es Rex",
    "Lo so, è Rex",
    "",
)


@pytest.mark.parametrize("reply", KNOWS_NOT)
def test_not_knowing_is_seen(reply: str) -> None:
    assert says_unknown(reply)


@pytest.mark.parametrize("reply", KNOWS)
def test_knowing_is_not_taken_for_it(reply: str) -> None:
    assert not says_unknown(reply)


def test_real_talk_rarely_says_it(data_dir: Path) -> None:
    """Helpers in a support channel own it in about one message of a hundred."""
    with (data_dir / "dev-ubuntu-irc" / "messages.jsonl").open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines][:20_000]
    assert 0.002 < sum(map(says_unknown, texts)) / len(texts) < 0.03
