"""The corpus: what is added, who is who, and where a conversation ends."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chats import messages_of
from homespun.corpus import imports, people, sessions
from homespun.corpus.imports import Added
from homespun.errors import UnknownName, UsageError
from homespun.home import Home
from homespun.sources.reflections import ANSWERER
from homespun.types import Chat, Clock, ImportReport, Message

HOUR = 3600.0


def chat(name: str, *said: tuple[str, str], clock: Clock = "absolute", start: float = 0.0) -> Chat:
    """A message a minute."""
    messages = (Message(speaker, text, start + 60 * place) for place, (speaker, text) in enumerate(said))
    return Chat(name, tuple(messages), group=False, clock=clock)


TALK = chat("Ben", ("Anna", "hi"), ("Ben", "ho"), ("Anna", "hi"), ("Anna", "well"))
OTHER = chat("Cem", ("Anna B.", "hello"), ("Cem", "hey"))
REFLECTIONS = chat("diary", ("Question", "what did you learn?"), (ANSWERER, "to wait"))


def put(home: Home, *chats: Chat, me: str | None = None, owner: str | None = None, format: str = "whatsapp", gap: float = HOUR) -> Added:
    return imports.add(home, chats, ImportReport(format, me=owner), "a file", me, gap)


def texts(home: Home) -> list[list[str]]:
    return [[message.text for message in conversation.messages] for conversation in sessions.conversations(home)]


def everybody(home: Home) -> dict[str, int]:
    return {person.name: person.messages for person in people.list_people(home)}


def owner(home: Home) -> list[str]:
    return [person.name for person in people.list_people(home) if person.is_me]


MESSAGES = st.lists(st.tuples(st.sampled_from(["Anna", "Ben"]), st.sampled_from(["hi", "ho", "ok"]), st.integers(0, 5)), max_size=20)


@settings(max_examples=25)
@given(said=MESSAGES, until=st.integers(0, 20))
def test_a_longer_export_adds_its_tail_and_the_same_one_nothing(said: list[tuple[str, str, int]], until: int) -> None:
    """Even where the same person said the same thing in the same minute, twice."""
    whole = Chat("Ben", tuple(Message(who, text, 60.0 * time) for who, text, time in sorted(said, key=lambda one: one[2])))
    part = Chat("Ben", messages_of(whole)[:until])
    with tempfile.TemporaryDirectory() as folder:
        home = Home.create(Path(folder))
        assert put(home, part).messages == len(messages_of(part))
        added = put(home, whole)
        assert (added.messages, added.known) == (len(messages_of(whole)) - len(messages_of(part)), len(messages_of(part)))
        assert put(home, whole).messages == 0
        assert [text for session in texts(home) for text in session] == [message.text for message in whole.messages]


def test_the_same_name_in_another_format_is_another_chat(home: Home) -> None:
    put(home, TALK)
    assert put(home, TALK, format="telegram").messages == len(messages_of(TALK))
    assert len(sessions.conversations(home)) == 2


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_one_home_has_one_owner_whatever_comes_first(home: Home, order: Sequence[int]) -> None:
    """Two exports know the owner by different names and the reflections by none: all of it is one person's."""
    imports = (
        lambda: put(home, TALK, me="Anna"),
        lambda: put(home, OTHER, owner="Anna B.", format="telegram"),
        lambda: put(home, REFLECTIONS, owner=ANSWERER, format="reflections"),
    )
    mine = [imports[index]().mine for index in order]
    assert [mine[order.index(index)] for index in range(3)] == [3, 1, 1]
    me = "Anna" if order.index(0) < order.index(1) else "Anna B."
    assert owner(home) == [me]
    assert everybody(home) == {me: 5, "Ben": 1, "Cem": 1, "Question": 1}
    assert {people.find_person(home, name) for name in ("me", "Anna", "Anna B.", ANSWERER)} == {me}


@pytest.mark.parametrize("names", [("Anna", None), (None, "Anna"), ("Anna", "Anna")])
def test_reflections_added_again_add_nothing_with_or_without_a_name(home: Home, names: tuple[str | None, str | None]) -> None:
    added = [put(home, REFLECTIONS, me=me, owner=ANSWERER, format="reflections").messages for me in names]
    assert added == [2, 0]
    assert owner(home) == ["Anna"] and everybody(home) == {"Anna": 1, "Question": 1}


def test_merged_people_are_one_from_then_on(home: Home) -> None:
    put(home, TALK, OTHER, me="Anna")
    people.merge_people(home, "anna", "Anna B.")
    assert everybody(home) == {"Anna B.": 4, "Ben": 1, "Cem": 1} and owner(home) == ["Anna B."]
    put(home, chat("Ben", *[(message.speaker, message.text) for message in TALK.messages], ("Anna", "bye")))
    assert everybody(home)["Anna B."] == 5
    with pytest.raises(UsageError, match="already the same person"):
        people.merge_people(home, "Anna", "Anna B.")


def test_me_can_be_said_later(home: Home) -> None:
    put(home, TALK)
    with pytest.raises(UsageError, match="nobody is marked as you yet"):
        people.find_person(home, "me")
    assert people.set_me(home, "ben") == people.find_person(home, "me") == "Ben"
    people.set_me(home, "Anna")
    assert owner(home) == ["Anna"]


@pytest.mark.parametrize("name", ["Özlem", "ÉMILE", "Ægir", "Straße", "Ωmega", "Anna"])
def test_a_name_is_found_in_any_case(home: Home, name: str) -> None:
    put(home, chat("x", (name, "hi"), ("Ben", "ho")))
    assert {people.find_person(home, form) for form in (name, name.lower(), name.upper(), name.casefold())} == {name}


def test_an_unknown_name_is_met_with_near_ones_and_changes_nothing(home: Home) -> None:
    with pytest.raises(UnknownName, match="no person in this export called 'Ana': did you mean 'Anna'"):
        put(home, TALK, me="Ana")
    assert everybody(home) == {}
    put(home, TALK)
    with pytest.raises(UnknownName, match="no person called 'Bn': did you mean 'Ben'"):
        people.find_person(home, "Bn")


def test_a_chat_keeps_its_clock(home: Home) -> None:
    put(home, TALK)
    with pytest.raises(UsageError, match=r"another clock \(absolute, now relative\)"):
        put(home, chat("Ben", ("Anna", "hi"), clock="relative"))


@given(times=st.lists(st.floats(0, 1e6), max_size=60), gap=st.floats(1, 1e6))
def test_conversations_are_cut_at_long_silences_and_nowhere_else(times: list[float], gap: float) -> None:
    held = [Message("Anna", str(place), time, str(place)) for place, time in enumerate(times)]
    found = sessions.cut("chat", False, held, gap)
    assert [message for session in found for message in session.messages] == held
    silences = [place + 1 for place, (before, after) in enumerate(itertools.pairwise(times)) if after - before > gap]
    assert [int(session.id) for session in found] == ([0, *silences] if times else [])


def test_without_a_clock_a_conversation_still_ends(home: Home) -> None:
    held = [Message("Anna", str(place), None, str(place)) for place in range(2 * sessions.TIMELESS + 1)]
    put(home, Chat("x", tuple(held), clock="none"))
    assert [len(session) for session in texts(home)] == [sessions.TIMELESS, sessions.TIMELESS, 1]
    assert [text for session in texts(home) for text in session] == [message.text for message in held]
