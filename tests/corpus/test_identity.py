"""One person, several names: what is proposed, and on what evidence."""

from __future__ import annotations

from homespun.corpus import identity, imports, people
from homespun.home import Home
from homespun.types import Chat, ImportReport, Message


def add(home: Home, format: str, *chats: tuple[str, ...], accounts: dict[str, set[str]] | None = None) -> None:
    """Chats by their speakers, each of whom says one thing."""
    found = [
        Chat(
            " & ".join(speakers),
            tuple(Message(name, f"{format} {name}", 60.0 * place) for place, name in enumerate(speakers)),
            accounts=accounts or {},
        )
        for speakers in chats
    ]
    imports.add(home, found, ImportReport(format), "a file", None, 1800.0)


def proposed(home: Home) -> set[frozenset[str]]:
    return {frozenset((proposal.gone, proposal.kept)) for proposal in identity.proposals(home)}


def test_names_that_differ_in_case_accents_or_signs_are_proposed_first(home: Home) -> None:
    add(home, "whatsapp", ("Zoë Müller", "Ben"), ("Anna", "Ben"))
    add(home, "discord", ("zoe_muller", "Ben"), ("Anna Schmidt", "Ben"))
    found = identity.proposals(home)
    assert {found[0].gone, found[0].kept} == {"Zoë Müller", "zoe_muller"} and "both write with Ben" in found[0].evidence
    assert {found[1].gone, found[1].kept} == {"Anna", "Anna Schmidt"} and len(found) == 2


def test_a_first_name_that_several_share_is_weak_evidence(home: Home) -> None:
    add(home, "whatsapp", ("Anna", "Ben"))
    add(home, "slack", ("Anna Schmidt", "Cem"), ("Anna Weber", "Dan"))
    assert proposed(home) == set()


def test_two_names_in_one_chat_are_two_people(home: Home) -> None:
    add(home, "whatsapp", ("Anna", "anna", "Ben"))
    assert proposed(home) == set()


def test_an_account_called_as_somebody_is_proposed(home: Home) -> None:
    add(home, "mbox", ("A. Schmidt", "Ben"), accounts={"A. Schmidt": {"mail:anna.schmidt@example.org"}})
    add(home, "whatsapp", ("Anna Schmidt", "Cem"))
    assert proposed(home) == {frozenset(("A. Schmidt", "Anna Schmidt"))}


def test_the_same_account_under_a_new_name_is_the_same_person_at_once(home: Home) -> None:
    add(home, "telegram", ("Anna", "Ben"), accounts={"Anna": {"telegram:user1"}})
    add(home, "telegram", ("Anna 🌻", "Ben"), accounts={"Anna 🌻": {"telegram:user1"}})
    assert {person.name for person in people.list_people(home)} == {"Anna", "Ben"}
    assert people.find_person(home, "Anna 🌻") == "Anna"


def test_the_same_name_with_another_account_is_somebody_else(home: Home) -> None:
    add(home, "telegram", ("Anna", "Ben"), accounts={"Anna": {"telegram:user1"}})
    add(home, "telegram", ("Anna", "Cem"), accounts={"Anna": {"telegram:user2"}})
    assert {person.name for person in people.list_people(home)} == {"Anna", "Anna (user2)", "Ben", "Cem"}
    add(home, "mbox", ("Anna", "Dan"), accounts={"Anna": {"mail:a@example.org"}})
    assert {person.name: person.messages for person in people.list_people(home)}["Anna"] == 2


def test_a_relation_is_kept_and_taken_back(home: Home) -> None:
    add(home, "whatsapp", ("Anna", "Ben"))
    people.set_relation(home, "ben", "brother")
    assert people.relations(home) == {"Ben": "brother"}
    people.set_relation(home, "Ben", None)
    assert people.relations(home) == {}
