"""What was said to a model follows it to its new name, and goes when it or who said it goes."""

from __future__ import annotations

import pytest

from homespun.config import Recipe
from homespun.corpus import delete, imports
from homespun.errors import UnknownName
from homespun.home import Home
from homespun.registry import removal, versions
from homespun.serving import store
from homespun.types import Chat, ImportReport, Message

SAID = "the vault opens at nine"


@pytest.fixture
def talk(home: Home) -> str:
    """Ben talks with Anna's model, which answers."""
    said = [Message(("Ben", "Anna")[n % 2], f"line {n}", 60.0 * n) for n in range(8)]
    imports.add(home, [Chat("Ben", said)], ImportReport("whatsapp"), "a file", "Anna", 1800.0)
    versions.put_model(home, "anna", "Anna", Recipe())
    session = store.create(home, "anna", "Ben").id
    _, reply = store.ask(home, session, SAID, "anna@1")
    store.write(home, reply.id, "so it does", "complete")
    return session


def on_disk(home: Home) -> list[str]:
    return [file.name for file in home.path.rglob("*") if file.is_file() and SAID.encode() in file.read_bytes()]


def test_a_talk_follows_its_model(home: Home, talk: str) -> None:
    versions.rename_model(home, "anna", "an_na")
    assert [one.id for one in store.sessions_of(home, "an_na")] == [talk]
    assert [one.version for one in store.history(home, talk)] == [None, "an_na@1"]


def test_a_deleted_model_takes_its_talks_along(home: Home, talk: str) -> None:
    assert on_disk(home)
    removal.delete_model(home, "anna")
    with pytest.raises(UnknownName):
        store.get(home, talk)
    assert not on_disk(home)


def test_a_forgotten_person_takes_their_talks_along(home: Home, talk: str) -> None:
    delete.forget(home, delete.choose(home, "person", "Ben"))
    with pytest.raises(UnknownName):
        store.get(home, talk)
    assert not on_disk(home)
