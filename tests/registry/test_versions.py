"""Models, versions, what the gate said of them, and which one is live."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from homespun.bases.identity import identity
from homespun.config import Recipe
from homespun.database.connection import connect
from homespun.database.schema import live as live_table
from homespun.errors import BaseError, CheckFailed, UnknownName, UsageError
from homespun.home import Home
from homespun.registry import decisions, versions
from homespun.registry.versions import Version
from registry.conftest import add, decision, version_artefact


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


def test_a_version_that_passes_goes_live_and_one_that_does_not_stays_out(home: Home, anna: str) -> None:
    for name, verdict, expected in (("four", "pass", 4), ("five", "fail", 4), ("six", "inconclusive", 4), ("seven", "pass", 7)):
        version = add(home, anna, name, verdict)  # type: ignore[arg-type]
        assert (version.verdict, live(home, anna)) == (verdict, expected)


def test_a_version_the_gate_did_not_pass_needs_a_reason_to_go_live(home: Home, anna: str) -> None:
    versions.promote(home, "anna@1")
    versions.add_version(home, anna, "four", decision("fail", "G5 copied: 9 words in a row"))
    version_artefact(home, "four")
    with pytest.raises(
        CheckFailed, match=r"did not pass anna@4 \(fail\): G5 copied: 9 words in a row; .* homespun promote anna@4 --anyway"
    ):
        versions.promote(home, "anna@4")
    assert live(home, anna) == 1
    assert versions.promote(home, "anna@4", "only for me", anyway=True).is_live
    entry = decisions.history(home, anna)[-1]
    assert (entry.version, entry.action, entry.reason) == ("anna@4", "promoted", "only for me")


def test_review_holds_a_passing_version_until_somebody_says_yes_or_no(home: Home, anna: str) -> None:
    versions.promote(home, "anna@1")
    assert [add(home, anna, name, "pass", review=True).waits for name in ("four", "five")] == [True, True]
    assert live(home, anna) == 1
    assert not versions.refuse(home, "anna@5", "too formal").waits
    with pytest.raises(UsageError, match="anna@5 does not wait for approval"):
        versions.refuse(home, "anna@5", "again")
    assert versions.promote(home, "anna@4", "sounds right").is_live
    said = [(entry.version, entry.action, entry.reason) for entry in decisions.history(home, anna)]
    assert said[-2:] == [("anna@5", "refused", "too formal"), ("anna@4", "approved", "sounds right")]
    assert not versions.get_version(home, "anna@4").waits
    assert not add(home, anna, "six", "fail", review=True).waits


def test_rolling_back_returns_adapter_prompt_base_and_retrieval_index_together(home: Home, tmp_path: Path) -> None:
    versions.put_model(home, "anna", "Anna", Recipe())
    made = {}
    for number in (1, 2):
        base = tmp_path / f"base{number}"
        base.mkdir()
        (base / "tokenizer.json").write_text(f"tokenizer {number}")
        recipe = Recipe(system=f"You are Anna, in version {number}.")
        parents = (f"run:run{number}", f"base:{identity(base)}", f"retrieval:index{number}")
        folder = version_artefact(home, f"artefact{number}", *parents, recipe=recipe)
        versions.add_version(home, "anna", f"artefact{number}", decision())
        made[number] = (base, recipe, dict(parent.split(":") for parent in parents), (folder / "adapter_model.safetensors").read_bytes())
    for number in (2, 1):
        version = versions.get_version(home, "anna") if number == 2 else versions.rollback(home, "anna")
        base, recipe, parts, adapter = made[number]
        versions.verify(home, version, base)
        assert version.number == live(home, "anna") == number
        assert (versions.recipe_of(home, version), versions.parts(home, version)) == (recipe, parts)
        assert (versions.version_folder(home, version) / "adapter_model.safetensors").read_bytes() == adapter
        with pytest.raises(BaseError, match=f"the base in .* is not the one anna@{number} was trained on"):
            versions.verify(home, version, made[3 - number][0])


def test_a_version_that_was_changed_is_noticed_and_stays_out(home: Home, anna: str) -> None:
    versions.promote(home, "anna@1")
    folder = home.folder("version", "artefact2")
    with (folder / "adapter_model.safetensors").open("r+b") as file:
        file.write(b"!")
    (folder / "recipe.toml").unlink()
    with pytest.raises(CheckFailed, match=r"anna@2 was changed after it was made \(adapter_model.safetensors, recipe.toml in "):
        versions.promote(home, "anna@2")
    (home.folder("version", "artefact3") / "manifest.json").unlink()
    with pytest.raises(CheckFailed, match="which held anna@3, is gone or not whole"):
        versions.promote(home, "anna@3")
    assert live(home, anna) == 1


def test_a_stale_version_lost_words_from_its_report_only(home: Home, anna: str) -> None:
    version = versions.get_version(home, "anna@1")
    folder, manifest = versions.version_folder(home, version), home.manifest("version", version.artefact)
    assert manifest
    (folder / "report.json").write_text("{}")
    with pytest.raises(CheckFailed):
        versions.verify(home, version)
    home.mark_stale(manifest, "it learned from the person Ben, which was forgotten")
    versions.verify(home, version)
    with pytest.raises(UsageError, match="anna@1 is stale"):
        versions.promote(home, "anna@1", anyway=True)
    (folder / "recipe.toml").write_text("")
    with pytest.raises(CheckFailed):
        versions.verify(home, version)


@pytest.mark.parametrize("table", ["live", "decisions"])
def test_what_goes_live_and_why_are_written_together_or_not_at_all(home: Home, anna: str, table: str) -> None:
    versions.promote(home, "anna@1")
    versions.promote(home, "anna@2")
    before = decisions.history(home, anna)
    with connect(home) as db:
        db.execute(text(f"CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'the power went out'); END"))
    acts: tuple[Callable[[], Version], ...] = (
        lambda: versions.promote(home, "anna@3"),
        lambda: versions.rollback(home, anna),
        lambda: add(home, anna, "new", "pass"),
    )
    for act in acts:
        with pytest.raises(DatabaseError, match="the power went out"):
            act()
        assert (live(home, anna), decisions.history(home, anna), versions.get_model(home, anna).versions) == (2, before, 3)


def test_a_kill_leaves_the_old_version_live_or_the_new_one(home: Home, anna: str) -> None:
    """A process that promotes without end is killed at random moments: every row of `live` has its line in the book."""
    code = (
        "import sys; from pathlib import Path; from homespun.home import Home; from homespun.registry import versions\n"
        "home = Home(Path(sys.argv[1]))\n"
        "print('ready', flush=True)\n"
        "while True: [versions.promote(home, f'anna@{number}') for number in (1, 2, 3)]"
    )
    chance = random.Random(0)
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", code, str(home.path)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout and process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0.1, 0.4))
            process.send_signal(signal.SIGKILL)
        with connect(home) as db:
            numbers = list(db.execute(select(live_table.c.number).order_by(live_table.c.id)).scalars())
        promoted = [entry.version for entry in decisions.history(home, anna)]
        assert numbers and promoted == [f"anna@{number}" for number in numbers]
        assert live(home, anna) == numbers[-1]
        assert versions.promote(home, f"anna@{numbers[-1] % 3 + 1}").is_live
