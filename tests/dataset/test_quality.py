"""A filter leaves out what it says, says what it leaves out, and by default leaves out nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from homespun.config import QualitySection
from homespun.dataset.quality import SHOWN, LeftOut, preview, unfit, wanted
from homespun.dataset.turns import to_turns
from homespun.errors import UnknownName
from homespun.types import Conversation, Message


def talk(name: str, *lines: str, chat: str = "Ben", day: date | None = date(2024, 5, 1)) -> Conversation:
    """Lines are "Speaker: text"."""
    start = None if day is None else datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    spoken = (line.split(": ", 1) for line in lines)
    messages = (Message(who, text, None if start is None else start + at) for at, (who, text) in enumerate(spoken))
    return Conversation(name, chat, False, tuple(messages))


CORPUS = (
    talk("1", "Ben: How are you?", "Anna: Fine, and you?", "Ben: So so", "Anna: Oh"),
    talk("2", "Cem: Wie geht es dir denn?", "Anna: Mir geht es gut, danke der Nachfrage! Und wie läuft es bei dir zu Hause?", chat="Cem"),
    talk("3", "Ben: And today?", "Dora: I am here too", "Anna: Better than ever", chat="Three", day=date(2024, 6, 1)),
    talk("4", "Ben: Are you there?", "Anna: Yes", day=None),
)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, "1234"),
        ({"exclude_chats": ("Cem", "Three")}, "14"),
        ({"exclude_people": ("Dora",)}, "124"),
        ({"exclude_dates": ((date(2024, 5, 31), date(2024, 6, 1)),)}, "124"),
        ({"exclude_dates": ((date(2024, 6, 2), date.max), (date(1990, 1, 1), date(2024, 4, 30)))}, "1234"),
        ({"exclude_dates": ((date(2024, 5, 1), date(2024, 5, 1)),)}, "34"),
        ({"languages": ("de",)}, "23"),
        ({"languages": ("en", "de")}, "1234"),
    ],
)
def test_conversations_are_left_out_as_a_whole(options: dict[str, Any], kept: str) -> None:
    left_out = LeftOut()
    corpus = [*CORPUS, talk("5", "Anna: I really do not know what I should say to that, my dear old friend", day=None)][
        : 5 if "languages" in options else 4
    ]
    found = wanted(corpus, "Anna", QualitySection(**options), left_out)
    assert "".join(conversation.id for conversation in found).replace("5", "") == kept
    replies = sum(turn.role == "assistant" for one in corpus if one not in found for turn in to_turns(one, "Anna"))
    assert left_out.counts.total() == replies


def test_who_is_misspelt_is_not_let_in() -> None:
    for options in (QualitySection(exclude_chats=("Cen",)), QualitySection(exclude_people=("Cen",))):
        with pytest.raises(UnknownName, match="Cem"):
            wanted(CORPUS, "Anna", options, LeftOut())


@pytest.mark.parametrize("words", [49, 50, 51])
def test_fifty_words_are_enough(words: int) -> None:
    told = {"1": to_turns(talk("1", "Q: What did you learn?", f"Anna: {'word ' * words}"), "Anna")}
    assert bool(unfit(told, QualitySection(min_words=50), LeftOut())) == (words < 50)


def test_a_preview_counts_by_reason_and_shows_some() -> None:
    corpus = [*CORPUS, *(talk(f"s{number}", "Ben: And?", f"Anna: no {number}") for number in range(20))]
    left_out = preview(corpus, "Anna", QualitySection(min_words=3, exclude_people=("Dora",)))
    assert left_out.counts == {"shorter than 3 words": 22, "in a conversation with Dora": 1}
    assert left_out.examples["in a conversation with Dora"] == ["Better than ever"]
    assert left_out.examples["shorter than 3 words"] == ["Oh", "Yes", "no 0", "no 1", "no 2"] and SHOWN == 5


def test_the_least_typical_replies_go_first() -> None:
    texts = [f"well, I went to the mill on day {number}" for number in range(99)]
    told = {
        "1": to_turns(
            talk("1", *(line for text in (*texts, "ZX!! QQ## 5555 %% $$ 7777 KK@@ WW") for line in ("Ben: ?", f"Anna: {text}"))), "Anna"
        )
    }
    assert unfit(told, QualitySection(min_tone=0.01), LeftOut()) == {("1", 199): "sounds unlike the person (min_tone)"}


def test_nothing_is_scored_that_is_not_asked_for() -> None:
    told = {one.id: to_turns(one, "Anna") for one in CORPUS}
    assert unfit(told, QualitySection(), LeftOut()) == {}


def test_it_is_written_as_toml() -> None:
    text = 'min_words = 50\nlanguages = ["en"]\nmin_tone = 0.05\nexclude_people = ["Dora"]\nexclude_dates = [[2020-03-01, 2020-06-30]]'
    assert QualitySection.model_validate(tomllib.loads(text)).exclude_dates == ((date(2020, 3, 1), date(2020, 6, 30)),)
    wrong: tuple[Callable[[], QualitySection], ...] = (lambda: QualitySection(min_words=-1), lambda: QualitySection(min_tone=2))
    for make in wrong:
        with pytest.raises(ValidationError):
            make()
