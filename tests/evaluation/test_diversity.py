from __future__ import annotations

import json
from pathlib import Path

import pytest

from homespun.evaluation.diversity import (
    copy_rate,
    degenerate_rate,
    distinct_n,
    length_ratio,
    longest_copied_run,
    self_bleu,
    word_tokens,
    words,
)


@pytest.fixture(scope="module")
def lovell(data_dir: Path) -> list[str]:
    lines = (data_dir / "dev-apollo" / "messages.a13.jsonl").read_text(encoding="utf-8").splitlines()
    return [row["text"] for row in map(json.loads, lines) if row["speaker"] == "Jim Lovell"]


def test_real_text_lies_in_the_natural_range_of_people_and_a_parrot_below(lovell: list[str]) -> None:
    """Distinct-2 .70 to .77 and distinct-3 .89 to .93 over people; their own later text copies in 1 to 2 replies of 100."""
    two, three = (distinct_n(lovell[1955:], n) for n in (2, 3))
    assert two.value is not None and 0.68 <= two.value <= 0.79 and not two.short
    assert three.value is not None and 0.87 <= three.value <= 0.95
    parrot = distinct_n(["Roger. We copy that, Houston."] * 400, 2)
    assert parrot.value is not None and parrot.value < 0.1
    assert 0 < copy_rate(lovell[1955:], lovell[:1955]) < 0.02
    assert copy_rate(lovell[:300], lovell[:1955]) > 0.3


def test_too_little_text_is_flagged_not_hidden() -> None:
    few = distinct_n(["one two three", "one two"], 2)
    assert few.value == pytest.approx(2 / 3) and few.tokens == 5 and few.short
    assert distinct_n([], 2).value is None


def test_a_parrot_repeats_itself_more_than_a_person(lovell: list[str]) -> None:
    real = self_bleu(lovell[1955:])
    assert real.value is not None and 0.1 < real.value < 0.6 and real.replies == 100 and not real.short
    assert real == self_bleu(lovell[1955:]) != self_bleu(lovell[1955:], seed=1)
    parrot = self_bleu([f"Roger. We copy that, Houston, {i}." for i in range(100)])
    assert parrot.value is not None and parrot.value > 1.5 * real.value
    assert self_bleu(["Okay."] * 2).value == pytest.approx(1) and self_bleu(["Okay.", "so then what"]).value == 0
    few = self_bleu(["", " ", "Okay."])
    assert few.value is None and few.replies == 1 and few.short


def test_what_counts_as_a_word() -> None:
    assert words("Don’t PANIC, it's 9.30 o'clock 👍") == ["don’t", "panic", "it's", "9", "30", "o'clock"]
    assert words("नमस्ते दुनिया 今日は") == ["नमस्ते", "दुनिया", "今", "日", "は"]
    assert word_tokens("ok... 👍") == ["ok", ".", ".", ".", "👍"]


def test_a_copied_stretch_is_found_whole_and_set_phrases_are_let_through() -> None:
    secret = "My locker code is four seven one one, but never tell that to Anne or her brother."
    phrase = "Thanks so much for your message, I will answer soon."
    training = [secret, *[phrase] * 50, *(" ".join(f"w{i}x{j}" for j in range(40)) for i in range(20))]
    replies = ["so, Never tell that to Anne or her brother, or else", phrase, "something new"]
    assert copy_rate(replies, training) == pytest.approx(1 / 3)
    run = longest_copied_run(replies, training)
    assert (run.tokens, run.text) == (8, "never tell that to anne or her brother")
    assert copy_rate([phrase], training) == 0 and longest_copied_run([phrase], training).tokens == 0


def test_length_ratio_is_of_mean_words() -> None:
    ratio = length_ratio(["a b"] * 10, ["a b c d"] * 10, [f"c{i}" for i in range(10)])
    assert ratio.value == ratio.low == ratio.high == 0.5


def test_each_fault_of_a_broken_reply_is_named() -> None:
    replies = [
        " \n",
        "we'd like you to take the DSE now",
        "go go go go go go go",
        "Sure.\nAnne: and then?",
        "cut off in the",
        "Okay.",
        "Anne is right: I will",
    ]
    contexts = ["hi", "We'd like you to take the DSE and dump it", "hi", "hi", "hi", "Okay.", "hi"]
    found = degenerate_rate(replies, contexts, speakers=["Anne", "Bob (work)"], over_length=[i == 4 for i in range(7)])
    assert found.faults == {"empty": 1, "echo": 1, "loop": 1, "speaker tag": 1, "too long": 1}
    assert found.rate == pytest.approx(5 / 7)
    assert degenerate_rate(["fine: yes"], ["hi"]).rate == 0
