"""The book of decisions."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from homespun.config import Recipe
from homespun.database.connection import connect
from homespun.database.schema import decisions as table
from homespun.home import Home
from homespun.registry import decisions, gate, removal, versions
from registry.conftest import POLICY, add, decision


def test_a_judgement_is_kept_whole(home: Home, anna: str) -> None:
    said = decision("fail", "G1 improvement: +0.001 nats per token, asked: 0.01 «ü»")
    versions.add_version(home, anna, "four", said, held_out="0a 0b")
    (entry,) = decisions.history(home, anna)
    assert (entry.version, entry.action, entry.verdict, entry.reason) == ("anna@4", "judged", "fail", said.reason)
    assert (entry.held_out, entry.policy, len(entry.checks)) == ("0a 0b", POLICY, 1)
    assert entry.checks[0]["sentence"] == said.reason


def test_the_book_tells_everything_in_order_under_the_models_newest_name(home: Home, anna: str) -> None:
    add(home, anna, "four", "pass")
    add(home, anna, "five", "pass", review=True)
    add(home, anna, "five", "pass")  # the same artefact: nothing new
    versions.promote(home, "anna@5")
    versions.promote(home, "anna@5")  # is live already: nothing new
    versions.rollback(home, anna, "the answers got worse")
    versions.rename_model(home, anna, "bird")
    told = [(entry.version, entry.action) for entry in decisions.history(home, "bird")]
    assert told == [
        *[("bird@4", "judged"), ("bird@4", "promoted"), ("bird@5", "judged"), ("bird@5", "held")],
        *[("bird@5", "approved"), ("bird@4", "rolled back")],
    ]
    assert decisions.history(home, "bird")[-1].reason == "the answers got worse"
    assert decisions.history(home, "anna") == []


def test_nothing_in_it_can_be_changed_or_removed(home: Home, anna: str) -> None:
    add(home, anna, "four", "pass")
    for change in (delete(table), update(table).values(reason="it was fine")):
        with pytest.raises(IntegrityError, match="append-only"), connect(home) as db:
            db.execute(change)
    assert len(decisions.history(home, anna)) == 2


def test_attempts_on_the_same_examples_count_also_after_their_model_is_gone(home: Home, anna: str) -> None:
    same = gate.fingerprint("Anna", [f"conversation-{number}" for number in range(10)])
    other = gate.fingerprint("Anna", [f"another-{number}" for number in range(10)])
    for name in ("four", "five"):
        versions.add_version(home, anna, name, decision("fail"), same)
    assert [gate.attempt_number(now, decisions.judged_on(home), fresh=0.3) for now in (same, other)] == [3, 1]
    removal.delete_model(home, anna)
    assert gate.attempt_number(same, decisions.judged_on(home), fresh=0.3) == 3


def test_a_new_model_of_an_old_name_begins_with_an_empty_book(home: Home, anna: str) -> None:
    add(home, anna, "four", "pass")
    removal.delete_model(home, anna)
    versions.put_model(home, anna, "Anna", Recipe())
    assert decisions.history(home, anna) == []
    version = add(home, anna, "new")
    assert (version.number, version.verdict, version.is_live) == (1, None, False)
