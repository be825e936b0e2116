"""Removing versions takes along what only they needed, and nothing else."""

from __future__ import annotations

import pytest

from homespun.config import Recipe
from homespun.errors import UsageError
from homespun.home import Home
from homespun.registry import removal, versions
from registry.conftest import add, artefact, version_artefact


def titles(home: Home) -> set[str]:
    return {one.title for one in home.artefacts()}


def test_the_last_five_live_ones_the_newest_and_those_that_wait_stay(home: Home) -> None:
    versions.put_model(home, "anna", "Anna", Recipe())
    for number in range(1, 9):
        add(home, "anna", f"a{number}", "pass")
    add(home, "anna", "a9", "pass", review=True)
    add(home, "anna", "a10", "fail")
    add(home, "anna", "a11", "fail")
    gone = removal.prune(home, "anna")
    assert gone.versions == ("anna@1", "anna@2", "anna@3", "anna@10")
    assert {version.number for version in versions.list_versions(home, "anna")} == {4, 5, 6, 7, 8, 9, 11}
    assert titles(home) == {f"version:a{number}" for number in (4, 5, 6, 7, 8, 9, 11)}
    assert removal.prune(home, "anna").versions == ()
    assert [versions.rollback(home, "anna").number for _ in range(4)] == [7, 6, 5, 4]
    assert add(home, "anna", "a12").number == 12


def test_a_removed_versions_number_is_not_given_again(home: Home) -> None:
    versions.put_model(home, "anna", "Anna", Recipe())
    add(home, "anna", "a1", "pass")
    removal.delete_model(home, "anna")
    versions.put_model(home, "anna", "Anna", Recipe())
    for number in (1, 2, 3):
        add(home, "anna", f"b{number}", "pass" if number == 1 else "fail")
    assert removal.prune(home, "anna").versions == ("anna@2",)
    assert add(home, "anna", "b4").number == 4


def test_rolling_back_passes_over_what_was_removed(home: Home) -> None:
    versions.put_model(home, "anna", "Anna", Recipe())
    for number in range(1, 8):
        add(home, "anna", f"a{number}", "pass")
    for number in (3, 4, 5, 6, 7, 3, 4):
        versions.promote(home, f"anna@{number}")
    assert removal.prune(home, "anna").versions == ("anna@1", "anna@2")
    back = []
    while True:
        try:
            back.append(versions.rollback(home, "anna").number)
        except UsageError:
            break
    assert back[-1] == 3 and {1, 2}.isdisjoint(back)


def family(home: Home) -> None:
    """Two versions of anna and one of ben.

    anna@1: dataset d1 -> r0 -> r1, index i1, an evaluation. anna@2: dataset d2 -> r2, index i2. ben@1: r3 of d1, index i2.
    """
    for kind, name, *parents in (
        *[
            ("dataset", "d1", "corpus:c1"),
            ("dataset", "d2", "corpus:c2"),
            ("retrieval", "i1", "corpus:c1"),
            ("retrieval", "i2", "corpus:c2"),
        ],
        *[("run", "r0", "dataset:d1"), ("run", "r1", "dataset:d1", "run:r0"), ("run", "r2", "dataset:d2"), ("run", "r3", "dataset:d1")],
    ):
        artefact(home, kind, name, *parents)  # type: ignore[arg-type]
    for name, *parents in (("a1", "run:r1", "base:x", "retrieval:i1"), ("a2", "run:r2", "retrieval:i2"), ("b1", "run:r3", "retrieval:i2")):
        version_artefact(home, name, *parents)
    artefact(home, "evaluation", "e1", "version:a1")
    for model, name in (("anna", "a1"), ("anna", "a2"), ("ben", "b1")):
        versions.put_model(home, model, model.title(), Recipe())
        versions.add_version(home, model, name)


def test_what_only_the_removed_version_needed_goes_with_it(home: Home) -> None:
    family(home)
    before = titles(home)
    gone = removal.prune(home, "anna")
    assert gone.versions == ("anna@1",) and gone.bytes > 0
    assert set(gone.artefacts) == {"version:a1", "evaluation:e1", "run:r1", "run:r0", "retrieval:i1"} == before - titles(home)
    assert set(removal.delete_model(home, "anna").artefacts) == {"version:a2", "run:r2", "dataset:d2"}
    assert set(removal.delete_model(home, "ben").artefacts) == {"version:b1", "run:r3", "retrieval:i2", "dataset:d1"}
    assert not titles(home) and not list(home.path.glob("*/.new-*"))


def test_what_another_model_needs_stays(home: Home) -> None:
    family(home)
    versions.add_version(home, "ben", "a1")
    assert removal.prune(home, "anna").artefacts == ()
    assert [version.title for version in versions.list_versions(home, "anna")] == ["anna@2"]
    versions.verify(home, versions.get_version(home, "ben@2"))


def test_a_version_that_was_exported_stays_until_its_model_goes(home: Home) -> None:
    family(home)
    artefact(home, "export", "x1", "version:a1")
    assert removal.prune(home, "anna").versions == ()
    assert "export:x1" in removal.delete_model(home, "anna").artefacts


def test_a_removal_that_broke_off_is_finished_by_the_next(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    family(home)
    everything = set(titles(home))
    expected = everything - {"version:a1", "evaluation:e1", "run:r1", "run:r0", "retrieval:i1"}
    really, calls = removal._remove_artefact, iter(range(100))

    def broken(home: Home, one: object) -> int:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return really(home, one)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(removal, "_remove_artefact", broken)
        with pytest.raises(KeyboardInterrupt):
            removal.prune(home, "anna")
    assert [version.title for version in versions.list_versions(home, "anna")] == ["anna@1", "anna@2"]
    removal.prune(home, "anna")
    assert titles(home) == expected
