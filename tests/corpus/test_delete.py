"""Forgetting: gone from the corpus and from the disk, not coming back, and what learned from it is known."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from homespun.bases.template import Template
from homespun.config import PrivacySection, load_recipe
from homespun.corpus import delete, imports, people, sessions
from homespun.corpus.view import View
from homespun.database.connection import connect
from homespun.database.schema import pseudonyms
from homespun.dataset import build
from homespun.errors import UnknownName, UsageError
from homespun.home import Home, Manifest
from homespun.registry import lineage
from homespun.types import Chat, ImportReport, Message

SECRET = "the vault opens at nine"


def talk(home: Home, *extra: Message, format: str = "whatsapp") -> None:
    """An hour between two sessions of a hundred, in which Anna answers Ben."""
    said = [Message(("Ben", "Anna")[n % 2], f"line {n} of many words in a row", 60.0 * n + 4000.0 * (n // 8)) for n in range(96)]
    imports.add(home, [Chat("Ben", (*said, *extra))], ImportReport(format), "a file", "Anna", 1800.0)


def texts(home: Home) -> list[str]:
    return [message.text for session in sessions.conversations(home) for message in session.messages]


def on_disk(home: Home, words: str) -> list[str]:
    return [file.name for file in home.path.rglob("*") if file.is_file() and words.encode() in file.read_bytes()]


def test_a_forgotten_message_is_gone_from_every_file_and_stays_away(home: Home) -> None:
    talk(home, Message("Ben", SECRET, 9e5))
    assert on_disk(home, SECRET)
    address = next(m.id for session in sessions.conversations(home) for m in session.messages if m.text == SECRET)
    delete.forget(home, delete.choose(home, "message", address[:10]))
    assert not on_disk(home, SECRET)
    talk(home, Message("Ben", SECRET, 9e5), Message("Ben", "new", 9e5 + 60))
    assert SECRET not in texts(home) and "new" in texts(home)


def test_a_forgotten_person_takes_name_and_accounts_along(home: Home) -> None:
    talk(home, Message("Cem", SECRET, 9e5))
    delete.forget(home, delete.choose(home, "person", "cem"))
    assert {person.name for person in people.list_people(home)} == {"Anna", "Ben"} and len(texts(home)) == 96
    talk(home, Message("Cem", "later", 9e5 + 60))
    assert len(texts(home)) == 96
    with pytest.raises(UsageError, match="is you: to forget yourself, delete the home"):
        delete.choose(home, "person", "me")


def test_a_forgotten_person_is_not_in_the_map_of_pseudonyms_either(home: Home) -> None:
    talk(home, Message("Cemre Aydin", "write to cemre.aydin@mail.example or +49 30 901820", 9e5))
    View(home, PrivacySection(names=True)).conversations(sessions.conversations(home))
    assert on_disk(home, "cemre.aydin@mail.example") and on_disk(home, "Cemre")
    delete.forget(home, delete.choose(home, "person", "Cemre Aydin"))
    assert not on_disk(home, "cemre.aydin@mail.example") and not on_disk(home, "+4930901820")
    with connect(home) as db:
        assert not [row for row in db.execute(select(pseudonyms.c.original)).scalars() if "emre" in row or "ydin" in row]


def test_a_forgotten_import_may_return_when_that_is_said(home: Home) -> None:
    talk(home)
    (added,) = imports.list_imports(home)
    delete.forget(home, delete.choose(home, "import", str(added.number)), may_return=True)
    assert texts(home) == [] and imports.list_imports(home) == []
    talk(home)
    assert len(texts(home)) == 96


def test_a_forgotten_chat_does_not_grow_again(home: Home) -> None:
    talk(home)
    talk(home, format="telegram")
    with pytest.raises(UsageError, match="2 chats are called 'Ben': say 'whatsapp:Ben' or 'telegram:Ben'"):
        delete.choose(home, "chat", "Ben")
    delete.forget(home, delete.choose(home, "chat", "whatsapp:Ben"))
    talk(home)
    assert len(texts(home)) == 96


@pytest.mark.parametrize("kind", ["person", "chat", "conversation", "message", "import"])
def test_what_is_not_there_cannot_be_forgotten(home: Home, kind: str) -> None:
    talk(home)
    with pytest.raises(UnknownName):
        delete.choose(home, kind, "nothing")


def test_what_learned_from_forgotten_words_is_found_and_marked(home: Home, template: Template) -> None:
    """A dataset that holds them, as a reply or as history, goes with all it led to; one that never saw them stays."""
    talk(home, *(Message("Cem", f"and Cem says {SECRET} {n}", 9e5 + 60 * n) for n in range(3)))
    recipe, told = load_recipe("avatar"), sessions.conversations(home)
    whole = build.build(home, told, "Anna", recipe, template)
    part = build.build(home, told[:-1], "Anna", recipe, template)
    for number, dataset in enumerate((whole, part)):
        for one in (Manifest("run", f"r{number}", (f"dataset:{dataset.id}",)), Manifest("version", f"v{number}", (f"run:r{number}",))):
            with home.artefact(one) as folder:
                (folder / "report.json").write_text("{}")
    chosen = delete.choose(home, "conversation", told[5].id)
    found = lineage.learned_from(home, chosen.messages)
    assert {one.title for one in found} >= {f"dataset:{whole.id}", f"dataset:{part.id}", "run:r0", "version:v1"}
    late = lineage.learned_from(home, delete.choose(home, "person", "Cem").messages)
    assert {one.title for one in late} <= {f"dataset:{whole.id}", "run:r0", "version:v0"}
    lineage.make_stale(home, found, "why")
    assert home.why_stale("version", "v0") == "why" == home.why_stale("run", "r1")
    assert home.manifest("dataset", whole.id) is None and on_disk(home, "line 41 of") == ["homespun.db"]
