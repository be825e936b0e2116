"""Whose avatar may be made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from homespun.corpus import delete, imports, people
from homespun.errors import UnknownName, UsageError
from homespun.home import Home
from homespun.registry import consent


@pytest.fixture
def chat(home: Home, tmp_path: Path) -> Home:
    """Anna and Ben O'Neill write to each other. Nobody is marked as the owner."""
    lines = [
        {"conv": "c", "ts": 60.0 * place, "speaker": ("Anna", "Ben O'Neill")[place % 2], "text": f"message {place}"} for place in range(6)
    ]
    file = tmp_path / "chat.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    imports.add_export(home, file)
    return home


def test_the_owner_needs_none_and_everybody_else_does(chat: Home) -> None:
    people.set_me(chat, "Anna")
    consent.check_consent(chat, "me")
    consent.check_consent(chat, "anna")
    with pytest.raises(UsageError, match=r"Ben O'Neill is not you \(Anna\).* --consent \"…\""):
        consent.check_consent(chat, "Ben O'Neill")
    consent.record(chat, "ben o'neill", " agreed on the phone,\n3 May ")
    consent.check_consent(chat, "Ben O'Neill")
    assert [(one.person, one.note) for one in consent.consents(chat)] == [("Ben O'Neill", "agreed on the phone, 3 May")]
    consent.record(chat, "Ben O'Neill", "in writing")
    said = consent.consent_of(chat, "Ben O'Neill")
    assert said and said.note == "in writing"
    assert consent.consent_of(chat, "me") is None


def test_without_an_owner_nobody_is_taken_for_one(chat: Home) -> None:
    with pytest.raises(UsageError, match="nobody is marked as you yet: if you are Ben O'Neill, run `homespun people me ") as raised:
        consent.check_consent(chat, "Ben O'Neill")
    assert """homespun people me 'Ben O'"'"'Neill'`""" in str(raised.value) and "\n" not in str(raised.value)
    consent.record(chat, "Anna", "invented")
    consent.check_consent(chat, "Anna")


def test_what_makes_no_sense_is_refused(chat: Home) -> None:
    people.set_me(chat, "Anna")
    for person, note, said in (("Ben O'Neill", "  ", "is empty"), ("me", "I agree", "Anna is you")):
        with pytest.raises(UsageError, match=said):
            consent.record(chat, person, note)
    for act in (consent.check_consent, consent.consent_of):
        with pytest.raises(UnknownName):
            act(chat, "Zoe")


def test_it_goes_with_the_person(chat: Home) -> None:
    people.set_me(chat, "Anna")
    consent.record(chat, "Ben O'Neill", "in writing")
    delete.forget(chat, delete.choose(chat, "person", "Ben O'Neill"))
    assert consent.consents(chat) == []
