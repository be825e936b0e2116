"""The preview on the terminal: what goes and what comes, and the same as data."""

from __future__ import annotations

import json

import pytest

from homespun.cli.redact_view import show
from homespun.corpus import imports
from homespun.corpus.redact import Redactor
from homespun.home import Home
from homespun.types import Chat, ImportReport, Message

SAID = "call me at 0171 3920012 [bold]ok[/bold]"


@pytest.fixture
def talked(home: Home) -> Home:
    imports.add(
        home, [Chat("a chat", (Message("Anna", SAID, 0.0), Message("Ben", "sure", 60.0)))], ImportReport("whatsapp"), "f", None, 3600.0
    )
    return home


def test_it_shows_both_and_what_was_counted(talked: Home, capsys: pytest.CaptureFixture[str]) -> None:
    show(talked, with_names=False, last=3, as_json=False)
    shown = capsys.readouterr().out
    assert SAID.replace("0171 3920012", f"0171 3920012 {Redactor(talked).redact('0171 3920012')}") in shown
    assert "1 of 2 messages" in shown and "phone" in shown


def test_programs_get_one_object(talked: Home, capsys: pytest.CaptureFixture[str]) -> None:
    show(talked, with_names=False, last=3, as_json=True)
    value = json.loads(capsys.readouterr().out)
    [one] = value["shown"]
    [(start, end, kind, new)] = one["changes"]
    assert (one["before"][start:end], kind) == ("0171 3920012", "phone") and one["after"] == one["before"].replace("0171 3920012", new)
    assert value["counts"] == {"phone": 1} and (value["messages"], value["affected"]) == (2, 1)


def test_a_corpus_without_personal_data_says_so(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    show(home, with_names=True, last=3, as_json=False)
    assert "nothing personal found in 0 messages" in capsys.readouterr().out
