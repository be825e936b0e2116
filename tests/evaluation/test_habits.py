from __future__ import annotations

import random

import pytest

from homespun.evaluation.habits import HABITS, favourites, largest_gaps, profile

WORDS = ["we", "went", "home", "early", "because", "rain", "came", "over", "town", "while", "music", "played", "loud", "near", "today"]


def sentences(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(4, 12))).capitalize() + "." for _ in range(count)]


def planted(count: int, seed: int, share: float, habit: str) -> list[str]:
    rng = random.Random(seed)
    plants = {
        "small_start": lambda text: text[0].lower() + text[1:] + " I say.",
        "open_end": lambda text: text.rstrip("."),
        "burst": lambda text: text.replace(" ", "\n", 1),
        "emoji": lambda text: text[:-1] + " 😂.",
        "two_dots": lambda text: text[:-1] + ".. ok.",
        "kiss": lambda text: text[:-1] + " x.",
        "no_apostrophe": lambda text: text[:-1] + " but i dont.",
        "shouting": lambda text: text[:-1] + " NOW.",
        "says innit": lambda text: text[:-1] + " innit.",
        "words": lambda text: text[:-1] + " " + text[:-1].lower() + " " + text.lower(),
    }
    return [plants[habit](text) if rng.random() < share else text for text in sentences(count, seed)]


@pytest.mark.parametrize(
    "habit", ["small_start", "open_end", "burst", "emoji", "two_dots", "kiss", "no_apostrophe", "shouting", "says innit", "words"]
)
def test_a_planted_habit_is_named_first(habit: str) -> None:
    real = planted(300, 1, 1.0 if habit == "words" else 0.45, habit)
    gaps = largest_gaps(real, sentences(200, 2), others=sentences(900, 3))
    assert (gaps[0].key, gaps[0].kind) == (habit, "missed")
    assert gaps[0].real > gaps[0].model
    assert len(gaps[0].examples) == 2 and set(gaps[0].examples) <= set(real)


def test_the_sentence_is_one_a_user_understands_and_overdoing_is_shown_by_the_generated_text() -> None:
    generated = planted(200, 2, 0.5, "open_end")
    gap = largest_gaps(sentences(300, 1), generated, others=sentences(900, 3))[0]
    share = 100 * sum(not text.endswith(".") for text in generated) / 200
    assert gap.sentence == f"you end 0 % of messages without a full stop, the avatar {share:.0f} %"
    assert gap.kind == "overdone" and set(gap.examples) <= {text for text in generated if not text.endswith(".")}


def test_one_habit_is_told_once() -> None:
    gaps = largest_gaps(planted(300, 1, 0.4, "kiss"), sentences(200, 2), sentences(900, 3))
    assert [gap.key for gap in gaps if gap.sure] == ["kiss"]


def test_chance_makes_no_sure_habit() -> None:
    found = [largest_gaps(sentences(300, seed), sentences(200, seed + 50), sentences(600, 99)) for seed in range(10)]
    assert sum(gap.sure for gaps in found for gap in gaps) <= 2
    assert largest_gaps([], sentences(5, 1), []) == []


def test_a_favourite_lasts_while_a_topic_passes() -> None:
    others = sentences(900, 3)
    real = planted(300, 1, 0.2, "says innit")
    real[10:60] = [text[:-1] + " wedding." for text in real[10:60]]
    assert favourites(real, others)[0].key == "says innit"
    assert not any("wedding" in habit.key for habit in favourites(real, others))
    assert favourites(real, []) == ()


def test_each_habit_recognises_its_own_and_nothing_in_plain_prose() -> None:
    shown = {
        "small_start": "hi There", "no_capitals": "hi there", "open_end": "Yes 👍", "question": "Why?", "exclamation": "Wow!",
        "burst": "Well\nyes.", "emoji": "Nice 🎉", "smiley": "Fine :-)", "two_dots": "Hm.. ok", "dots": "Hm… ok", "ampersand": "You & me",
        "comma": "Well, yes", "no_apostrophe": "Dont", "digits": "At 9", "kiss": "Night love xx 🌙", "shouting": "NO way",
        "one_word": "Okay.", "long": "word " * 31,
    }  # fmt: skip
    for key, text in shown.items():
        assert profile([text])[key] == 1, key
    assert {habit.key for habit in HABITS} == {*shown, "words"}
    assert {key for key, level in profile(["The box is at his place. I fix it with Max."]).items() if level} == {"words"}
