"""`versions`, `promote`, `rollback` and `models`, as they are typed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from homespun.cli.app import run
from homespun.config import Recipe
from homespun.evaluation.bootstrap import Interval
from homespun.home import Home
from homespun.registry import versions
from registry.conftest import add, decision, version_artefact

Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(home: Home, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs a verb. Returns its exit code and what it said, to whichever stream."""

    def call(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run([*arguments, "--home", str(home.path)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return call


def as_json(typed: Typed, *arguments: str) -> dict[str, Any]:
    code, said = typed(*arguments, "--json")
    assert code == 0, said
    return dict(json.loads(said))


def test_versions_shows_verdict_and_reason_and_the_book(home: Home, anna: str, typed: Typed) -> None:
    add(home, anna, "four", "pass")
    version_artefact(home, "five")
    versions.add_version(home, anna, "five", decision("fail", "G5 copied: 2.1 %, asked: at most 1.0 %"))
    add(home, anna, "six", "pass", review=True)
    shutil.rmtree(home.folder("version", "artefact2"))
    lines = typed("versions", "anna")[1].splitlines()
    assert [line.split()[0] for line in lines] == ["version", *(f"anna@{number}" for number in range(1, 7))]
    for number, said in {1: "not judged", 2: "files gone", 4: "live", 5: "G5 copied: 2.1 %", 6: "waits for approval"}.items():
        assert said in lines[number]
    shown = as_json(typed, "versions", "anna")["versions"]
    assert [version["verdict"] for version in shown] == [None, None, None, "pass", "fail", "pass"]
    assert [version["live"] for version in shown].index(True) == 3 and shown[5]["waits"]
    book = as_json(typed, "versions", "anna", "--decisions")["decisions"]
    assert [(entry["version"], entry["action"]) for entry in book] == [
        *[("anna@4", "judged"), ("anna@4", "promoted"), ("anna@5", "judged"), ("anna@6", "judged"), ("anna@6", "held")],
    ]
    assert book[2]["checks"][0]["outcome"] == "failed"
    assert "anna@5   judged: fail" in typed("versions", "anna", "--decisions")[1]


def test_a_refused_version_goes_live_only_with_a_reason(home: Home, anna: str, typed: Typed) -> None:
    add(home, anna, "four", "pass")
    version_artefact(home, "five")
    versions.add_version(home, anna, "five", decision("fail", "G5 copied: 2.1 %"))
    code, said = typed("promote", "anna@5")
    assert code == 3 and "G5 copied: 2.1 %" in said and 'homespun promote anna@5 --anyway "…"' in said and said.count("\n") == 1
    assert typed("promote", "anna@5", "--anyway", " ")[0] == 2
    assert typed("promote", "anna@5", "--anyway", "yes", "--refuse", "no")[0] == 2
    assert typed("promote", "anna")[0] == 2
    assert as_json(typed, "promote", "anna@5", "--anyway", "only for me") == {"live": "anna@5"}
    assert as_json(typed, "rollback", "anna") == {"live": "anna@4"}
    told = typed("versions", "anna", "--decisions")[1].splitlines()
    assert "promoted" in told[-2] and "only for me" in told[-2] and "rolled back" in told[-1]


def test_two_versions_beside_each_other(home: Home, anna: str, typed: Typed) -> None:
    made = Recipe().with_training(learning_rate=0.5)
    version_artefact(home, "four", recipe=made, metrics={"gain": Interval(0.6, 0.5, 0.7, 40, 9), "stops": 1.0})
    versions.add_version(home, anna, "four")
    code, said = typed("diff", "anna@3", "anna@4")
    assert code == 0
    lines = {line.split("  ")[0]: line for line in said.splitlines()}
    assert lines["training.learning_rate"].split()[1:] == ["0.002", "0.5"]
    assert "0.20 [0.10, ?]" in lines["gain"] and "0.60 [0.50, 0.70]" in lines["gain"] and "surely" not in lines["gain"]
    assert "  not measured  " in lines["replies that end by themselves"] and lines["replies that end by themselves"].endswith("100 %")
    told = as_json(typed, "diff", "anna@3", "anna@4")
    assert told["recipe"] == {"training.learning_rate": ["0.002", "0.5"]}
    assert told["metrics"]["stops"] == [None, 1.0] and told["metrics"]["gain"][0]["high"] is None
    assert "Made by the same recipe" in typed("diff", "anna@2", "anna@3")[1]
    shutil.rmtree(home.folder("version", "four"))
    assert typed("diff", "anna@3", "anna@4") == (2, "homespun: the files of anna@4 are gone: it cannot be compared\n")


def test_a_held_version_is_approved_or_refused(home: Home, anna: str, typed: Typed) -> None:
    for name in ("four", "five"):
        add(home, anna, name, "pass", review=True)
    assert typed("promote", "anna@4", "--refuse", "too formal") == (0, "anna@4 is refused; no version is live\n")
    assert typed("promote", "anna@5") == (0, "anna@5 is live\n")
    assert typed("promote", "anna@5", "--refuse", "too late")[0] == 2
    book = as_json(typed, "versions", "anna", "--decisions")["decisions"]
    assert [entry["action"] for entry in book[-2:]] == ["refused", "approved"]


def test_prune_and_delete_say_what_they_removed(home: Home, anna: str, typed: Typed) -> None:
    versions.promote(home, "anna@2")
    code, said = typed("versions", "anna", "--prune")
    assert code == 0 and said.startswith("removed anna@1: ")
    assert typed("versions", "anna", "--prune") == (0, "nothing to remove: every version is still needed\n")
    assert as_json(typed, "models", "delete", "anna") == {"models": [], "removed": ["version:artefact2", "version:artefact3"]}
    assert not list(home.path.glob("versions/*"))
