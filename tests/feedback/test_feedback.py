"""Verdicts on replies: one of a kind for each, kept with what answered, gone with the session."""

from __future__ import annotations

import pytest

from homespun.errors import HomespunError, UnknownName, UsageError
from homespun.feedback import select, store
from homespun.home import Home
from homespun.serving import store as talks


def reply(home: Home, version: str, question: str = "where?", text: str = "here") -> tuple[str, str, str]:
    """(session, question, reply)"""
    session = talks.create(home, version).id
    asked, begun = talks.ask(home, session, question, version)
    talks.write(home, begun.id, text, "complete")
    return session, asked.id, begun.id


def test_verdicts_are_chosen_by_version_model_and_kind(home: Home) -> None:
    first, second, other = (reply(home, version)[2] for version in ("anna@1", "anna@2", "anna-b@1"))
    for one, kind, text in (
        (first, "up", None),
        (first, "leak", " "),
        (second, "down", None),
        (second, "edit", " there "),
        (other, "up", None),
    ):
        store.add(home, one, kind, text)
    assert [(one.version, one.kind, one.text) for one in select.given(home)] == [
        ("anna-b@1", "up", None),
        ("anna@2", "edit", "there"),
        ("anna@2", "down", None),
        ("anna@1", "leak", None),
        ("anna@1", "up", None),
    ]
    (leak,) = select.given(home, kind="leak")
    assert (leak.question, leak.reply, leak.interaction) == ("where?", "here", first)
    assert {one.version for one in select.given(home, model="anna")} == {"anna@1", "anna@2"}
    assert [one.kind for one in select.given(home, version="anna@2")] == ["edit", "down"]
    page = select.given(home, limit=2)
    assert [one.kind for one in select.given(home, limit=2, before=page[-1].id)] == ["down", "leak"]
    assert select.counts(home, "anna") == {
        "anna@1": {"up": 1, "down": 0, "edit": 0, "leak": 1},
        "anna@2": {"up": 0, "down": 1, "edit": 1, "leak": 0},
    }
    assert select.thumbs(home, [first, second]) == {first: "up", second: "down"}


def test_a_new_verdict_takes_the_place_of_the_old_one_of_its_kind(home: Home) -> None:
    one = reply(home, "anna@1")[2]
    for kind, text in (("up", None), ("down", None), ("edit", "a"), ("edit", "b"), ("up", None)):
        store.add(home, one, kind, text)
    assert [(kept.kind, kept.text) for kept in select.given(home)] == [("up", None), ("edit", "b")]
    assert store.withdraw(home, one, "down") and not store.withdraw(home, one, "down")
    assert [kept.kind for kept in select.given(home)] == ["edit"]


def test_what_cannot_be_judged_is_refused_and_takes_nothing_away(home: Home) -> None:
    _, asked, answered = reply(home, "anna@1")
    store.add(home, answered, "edit", "fine")
    for interaction, kind, text, error in (
        (asked, "up", None, UsageError),
        ("0" * 32, "up", None, UnknownName),
        (answered, "love", None, UnknownName),
        (answered, "edit", "  ", UsageError),
        (answered, "edit", "x" * (store.LONGEST + 1), UsageError),
        (answered, "edit", "\udfff", UsageError),
    ):
        with pytest.raises(error) as refused:
            store.add(home, interaction, kind, text)
        assert isinstance(refused.value, HomespunError) and "\n" not in str(refused.value)
    with pytest.raises(UnknownName):
        select.given(home, kind="love")
    assert [kept.text for kept in select.given(home)] == ["fine"]


def test_a_deleted_session_takes_its_verdicts_along_and_an_edited_one_keeps_them(home: Home) -> None:
    session, asked, answered = reply(home, "anna@1")
    store.add(home, answered, "leak", "the street")
    _, again = talks.ask(home, session, "and now?", "anna@1", replaces=asked)
    talks.write(home, again.id, "fine", "complete")
    assert [one.reply for one in select.given(home, kind="leak")] == ["here"]
    talks.remove(home, session)
    assert select.given(home) == []
