"""Whoever asks an avatar what it is, is told; whoever talks of robots is not."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.serving.disclosure import asks_what_it_is, disclosure, notice

HERE = Path(__file__).parent
PERSON = "Wren Kallio"
ASKS = [
    (language, text.replace("\\n", "\n"))
    for language, text in (line.split("\t") for line in (HERE / "asks.txt").read_text(encoding="utf-8").splitlines())
]
INNOCENT = (HERE / "innocent.txt").read_text(encoding="utf-8").splitlines()
LANGUAGES = {"en", "de", "fr", "es", "it", "pt", "nl", "pl"}


def test_every_way_of_asking_is_caught_in_its_language() -> None:
    assert len(ASKS) >= 300 and {language for language, _ in ASKS} == LANGUAGES
    assert [(text, found) for language, text in ASKS if (found := asks_what_it_is(text, PERSON)) != language] == []


def test_talk_of_robots_and_the_rest_is_not() -> None:
    assert len(set(INNOCENT)) >= 450
    assert [(text, found) for text in INNOCENT if (found := asks_what_it_is(text, PERSON))] == []


def _without_accents(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


SPELLINGS: list[Callable[[str], str]] = [
    str.upper,
    str.lower,
    _without_accents,
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: text.replace("'", "’"),
    lambda text: text.replace("'", "´"),
    lambda text: text.replace(" ", "  "),
    lambda text: f"Good morning! We are back on Sunday.\n{text}",
    lambda text: f"{text}\nAnd when are you back?",
    lambda text: f"ok, {text}",
]


@given(st.sampled_from([text for _, text in ASKS]), st.sampled_from(SPELLINGS))
def test_it_does_not_matter_how_it_is_typed(text: str, spelling: Callable[[str], str]) -> None:
    assert asks_what_it_is(spelling(text), PERSON)


@given(st.sampled_from(["human", "machine", "chatbot", "computer", "simulation"]), st.data())
def test_letters_may_be_missing_doubled_or_changed_about(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(word) - 2))
    mistyped = data.draw(
        st.sampled_from(
            [
                word[:place] + word[place] + word[place:],
                word[:place] + word[place + 1] + word[place] + word[place + 2 :],
                *([word[:place] + word[place + 1 :]] if len(word) > 5 else []),
            ]
        )
    )
    assert asks_what_it_is(f"are you a {mistyped}?") == "en"


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    asks_what_it_is(text, PERSON)


def test_a_person_may_have_any_name() -> None:
    assert asks_what_it_is("are you c++ (work)?", "C++ (work)") == "en"
    assert asks_what_it_is("bist du Łukasz", "Łukasz O'Brien-Müller") == "de"
    assert asks_what_it_is("are you", "🦊") is None


def test_being_the_person_counts_for_that_person_alone() -> None:
    assert asks_what_it_is("are you Anna?", "Anna Berg") == asks_what_it_is("are you really anna berg", "Anna Berg") == "en"
    assert asks_what_it_is("are you Anna?", PERSON) is asks_what_it_is("are you Anna?") is None


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_answer_names_the_person_and_the_version_and_asks_nothing_itself(language: str) -> None:
    answer = disclosure(language, PERSON, "wren@3")
    assert PERSON in answer and "wren@3" in answer and "{" not in answer
    assert asks_what_it_is(answer, PERSON) is asks_what_it_is(notice(PERSON, "wren@3"), PERSON) is None


def test_other_languages_are_answered_in_english() -> None:
    assert disclosure("fi", PERSON, "wren@3") == disclosure("en", PERSON, "wren@3")


def test_every_list_of_the_table_is_used_and_every_name_is_a_list() -> None:
    table = tomllib.loads((resources.files("homespun.serving") / "disclosure.toml").read_text(encoding="utf-8"))
    assert table.keys() == LANGUAGES
    for entry in table.values():
        used = set(re.findall(r"\b[A-Z][A-Z_]*\b", " ".join([*entry["asks"], *entry["words"].values()])))
        assert used | {"BETWEEN", "OPENING", "AFTER", "NO_MISTAKE", "THE_PERSON"} == entry["words"].keys() | {"THE_PERSON"}


def test_people_who_talk_of_other_things_are_left_alone(data_dir: Path) -> None:
    """On a support channel of thousands only those are caught who ask the bots, or each other, what they are."""
    lines = (data_dir / "dev-ubuntu-irc" / "messages.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    near = [text for text in texts if re.search(r"\b(?:bot|human|robot|ai|machine|real|person|program|who|what|you)\b", text.lower())]
    caught = [text for text in near[::6] if asks_what_it_is(text)]
    assert len(caught) <= 3
