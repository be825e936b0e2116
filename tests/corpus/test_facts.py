"""Facts in a home: proposed once, decided by a person, and gone with the message they rest on."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from homespun.corpus import delete, facts, imports, people
from homespun.database.connection import connect
from homespun.database.schema import consents
from homespun.errors import UnknownName, UsageError
from homespun.home import Home
from homespun.types import Chat, ImportReport, Message

YEAR = 365 * 86400.0


def say(home: Home, *said: tuple[str, str, float | None], chat: str = "Ben") -> None:
    talk = [Message(who, text, time) for who, text, time in said]
    imports.add(
        home, [Chat(chat, talk, clock="none" if talk[0].time is None else "absolute")], ImportReport("whatsapp"), chat, "Anna", 1800.0
    )


def shown(home: Home, person: str = "Anna", *status: facts.Status) -> list[tuple[str, str, str]]:
    found = facts.facts_of(home, person, status or ("proposed", "confirmed"))
    return [(fact.relation, fact.value, fact.status) for fact in found]


def test_what_was_decided_stays_decided_and_the_newest_confirmed_one_counts(home: Home) -> None:
    say(home, ("Anna", "I live in Bergen", 30 * YEAR), ("Ben", "I live in Cork", 30 * YEAR), ("Anna", "I live in Oslo", 31 * YEAR))
    assert facts.propose(home, "Anna") == 2 and facts.propose(home, "anna") == 0
    assert shown(home) == [("home", "Oslo", "proposed"), ("home", "Bergen", "proposed")]
    oslo, bergen = facts.facts_of(home, "Anna")
    assert (oslo.text, oslo.time) == ("I live in Oslo", 31 * YEAR) and oslo.message
    facts.confirm(home, [oslo.id, bergen.id])
    assert [fact.value for fact in facts.valid(facts.facts_of(home, "Anna"))] == ["Oslo"]
    say(home, ("Ben", "back?", 32 * YEAR), ("Anna", "yes. i live in bergen", 32 * YEAR), chat="again")
    assert facts.propose(home, "Anna") == 0
    assert [fact.value for fact in facts.valid(facts.facts_of(home, "Anna"))] == ["Bergen"]
    facts.reject(home, [bergen.id])
    facts.propose(home, "Anna")
    assert shown(home) == [("home", "Oslo", "confirmed")] and ("home", "Bergen", "rejected") in shown(home, "Anna", "rejected")
    assert [fact.person for fact in facts.everybodys_facts(home)] == ["Anna"]


def test_somebody_may_have_two_sisters_and_one_home_and_hands_know_best(home: Home) -> None:
    say(home, ("Anna", "my sister Eva and my sister Ida", None), ("Anna", "I live in Oslo", None), ("Anna", "I live in Cork", None))
    facts.propose(home, "Anna")
    facts.confirm(home, [fact.id for fact in facts.facts_of(home, "Anna")])
    assert {fact.value for fact in facts.valid(facts.facts_of(home, "Anna"))} == {"Eva", "Ida", "Cork"}
    added = facts.add_fact(home, "Anna", " Home ", "oslo")
    assert (added.relation, added.value, added.status, added.message) == ("home", "oslo", "confirmed", None)
    assert {fact.value for fact in facts.valid(facts.facts_of(home, "Anna"))} == {"Eva", "Ida", "oslo"}
    with pytest.raises(UsageError):
        facts.add_fact(home, "Anna", "home", " ")


def test_an_unknown_id_changes_nothing(home: Home) -> None:
    say(home, ("Anna", "I live in Oslo", 1.0))
    facts.propose(home, "Anna")
    (known,) = facts.facts_of(home, "Anna")
    with pytest.raises(UnknownName, match="no fact called '99'"):
        facts.confirm(home, [known.id, 99])
    assert shown(home) == [("home", "Oslo", "proposed")]


def consent(home: Home, person: str, note: str) -> None:
    with connect(home) as db:
        db.execute(insert(consents).values(person=people.find(db, person)[0], note=note, created="2024"))


def notes(home: Home) -> list[str]:
    with connect(home) as db:
        return list(db.execute(select(consents.c.note)).scalars())


def test_merged_people_share_facts_and_consents(home: Home) -> None:
    say(home, ("Anna", "hi", 1.0), ("Ben", "I live in Cork. I'm a teacher.", 2.0), ("Benny", "I live in Cork. My dog Rex", 3.0))
    facts.propose(home, "Ben"), facts.propose(home, "Benny")
    facts.confirm(home, [fact.id for fact in facts.facts_of(home, "Benny")])
    consent(home, "Benny", "in writing")
    people.merge_people(home, "Benny", "Ben")
    assert shown(home, "Ben") == [("dog", "Rex", "confirmed"), ("home", "Cork", "confirmed"), ("job", "teacher", "proposed")]
    assert notes(home) == ["in writing"]
    say(home, ("Anna", "hi", 4.0), ("Bennie", "hi", 5.0), chat="more")
    consent(home, "Bennie", "by phone")
    people.merge_people(home, "Bennie", "Ben")
    assert notes(home) == ["in writing; by phone"]


def test_forgotten_words_take_their_facts_along(home: Home) -> None:
    say(home, ("Ben", "I live in Cork", 1.0), ("Ben", "my dog is called Rexo", 2.0), ("Anna", "I live in Oslo", 3.0))
    say(home, ("Anna", "I'm a teacher", 9e6), chat="other")
    for person in ("Ben", "Anna"):
        facts.propose(home, person)
    facts.confirm(home, [fact.id for fact in facts.facts_of(home, "Ben")])
    facts.add_fact(home, "Ben", "shoe size", "42")
    consent(home, "Ben", "yes")
    cork = next(fact for fact in facts.facts_of(home, "Ben") if fact.value == "Cork")
    delete.forget(home, delete.choose(home, "message", str(cork.message)))
    assert [value for _, value, _ in shown(home, "Ben")] == ["Rexo", "42"]
    delete.forget(home, delete.choose(home, "person", "Ben"))
    assert notes(home) == [] and not any(b"Rexo" in file.read_bytes() for file in home.path.rglob("*") if file.is_file())
    delete.forget(home, delete.choose(home, "chat", "other"))
    assert [value for _, value, _ in shown(home)] == ["Oslo"]
    delete.forget(home, delete.choose(home, "import", "1"))
    with connect(home) as db:
        assert people.find(db, "Anna")
    assert shown(home) == []
