"""Models, versions, and which one is live."""

from __future__ import annotations

import pytest

from homespun.config import Recipe
from homespun.errors import UnknownName, UsageError
from homespun.home import Home
from homespun.registry import versions


@pytest.fixture
def anna(home: Home) -> str:
    """A model with three versions, none live."""
    versions.put_model(home, "anna", "Anna", Recipe())
    for number in (1, 2, 3):
        assert versions.add_version(home, "anna", f"artefact{number}").title == f"anna@{number}"
    return "anna"


def live(home: Home, model: str) -> int | None:
    return versions.get_model(home, model).live


def test_rollback_walks_back_through_what_was_live(home: Home, anna: str) -> None:
    for number in (1, 2, 3):
        versions.promote(home, f"anna@{number}")
    assert [versions.rollback(home, anna).number, versions.rollback(home, anna).number] == [2, 1]
    with pytest.raises(UsageError, match="nothing to roll anna back to"):
        versions.rollback(home, anna)
    versions.promote(home, "anna@3")
    assert versions.rollback(home, anna).number == live(home, anna) == 1


def test_going_back_by_hand_can_be_rolled_back_too(home: Home, anna: str) -> None:
    for number in (1, 2, 1, 1):
        versions.promote(home, f"anna@{number}")
    assert [versions.rollback(home, anna).number, versions.rollback(home, anna).number] == [2, 1]


def test_a_name_alone_is_the_live_version_or_the_newest(home: Home, anna: str) -> None:
    assert versions.get_version(home, anna).number == 3
    versions.promote(home, "anna@2")
    assert versions.get_version(home, anna).title == "anna@2"
    assert [version.is_live for version in versions.list_versions(home, anna)] == [False, True, False]


def test_the_same_artefact_is_the_same_version(home: Home, anna: str) -> None:
    assert versions.add_version(home, anna, "artefact2").number == 2
    assert versions.get_model(home, anna).versions == 3


def test_what_is_not_there_is_met_with_what_is(home: Home, anna: str) -> None:
    versions.put_model(home, "ben", "Ben", Recipe())
    for title, advice in {
        "ana": "no model called 'ana': did you mean 'anna'?",
        "anna@9": "no version called 'anna@9': did you mean 'anna@",
        "ben": r"ben has no version yet: run `homespun train ben`",
        "zoe": "no model called 'zoe': there is 'anna', 'ben'",
    }.items():
        with pytest.raises(UsageError) as raised:
            versions.get_version(home, title)
        assert str(raised.value).startswith(advice)


def test_a_model_can_be_renamed_but_not_over_another(home: Home, anna: str) -> None:
    versions.put_model(home, "ben", "Ben", Recipe())
    with pytest.raises(UsageError, match="already a model called 'ben'"):
        versions.rename_model(home, anna, "ben")
    versions.promote(home, "anna@2")
    versions.rename_model(home, anna, "Anna.2")
    assert (live(home, "Anna.2"), versions.get_version(home, "Anna.2@3").artefact) == (2, "artefact3")
    with pytest.raises(UnknownName):
        versions.get_model(home, "anna")


def test_deleting_a_model_names_what_nobody_needs_any_more(home: Home, anna: str) -> None:
    versions.put_model(home, "twin", "Anna", Recipe())
    versions.add_version(home, "twin", "artefact2")
    versions.promote(home, "anna@1")
    assert versions.delete_model(home, anna) == ["artefact1", "artefact3"]
    versions.put_model(home, "anna", "Anna", Recipe())
    assert (live(home, "anna"), versions.get_model(home, "anna").versions) == (None, 0)
    assert [version.title for version in versions.list_versions(home, "twin")] == ["twin@1"]


def test_a_model_keeps_its_person_and_takes_a_new_recipe(home: Home, anna: str) -> None:
    recipe = Recipe().with_training(epochs=7)
    versions.put_model(home, anna, "Anna", recipe)
    assert versions.get_model(home, anna).recipe == recipe
    with pytest.raises(UsageError, match="speaks for Anna: choose another name for a model of Ben"):
        versions.put_model(home, anna, "Ben", recipe)


@pytest.mark.parametrize("name", ["", "a/b", "../x", "anna@2", "-x", "a b", "ä", "x" * 65])
def test_a_name_that_could_not_be_typed_or_stored_is_refused(home: Home, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a model's name"):
        versions.put_model(home, name, "Anna", Recipe())
