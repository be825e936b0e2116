"""A registry with real artefacts, as training leaves them, but small."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from homespun.config import Recipe
from homespun.evaluation import report as reporting
from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.result import Report
from homespun.home import Home, Kind, Manifest, write_text
from homespun.registry import versions
from homespun.registry.gate import Check, Decision, Verdict
from homespun.registry.versions import Version

POLICY = "policy1"

Metrics = dict[str, Interval | float]


def decision(verdict: Verdict = "pass", reason: str = "+0.120 nats per token against the live version") -> Decision:
    passed = verdict == "pass"
    check = Check("G1", "improvement", "passed" if passed else "failed", reason, needed=True)
    return Decision(verdict, reason, (check,), POLICY, attempt=1)


def artefact(home: Home, kind: Kind, name: str, *parents: str) -> Manifest:
    manifest = Manifest(kind, name, parents)
    with home.artefact(manifest) as folder:
        write_text(folder / "content.txt", f"the content of {kind} {name}")
    return manifest


def version_artefact(home: Home, name: str, *parents: str, recipe: Recipe | None = None, metrics: Metrics | None = None) -> Path:
    """What stands in a version's folder as far as the registry looks at it."""
    with home.artefact(Manifest("version", name, parents)) as folder:
        (folder / "adapter_model.safetensors").write_bytes(name.encode() * 100)
        write_text(folder / "recipe.toml", (recipe or Recipe()).toml())
        report = Report("Anna", "gate", False, metrics={"gain": Interval(0.2, 0.1, math.inf, 40, 1), **(metrics or {})})
        reporting.write(report, folder, name)
    return home.folder("version", name)


def add(home: Home, model: str, name: str, verdict: Verdict | None = None, review: bool = False) -> Version:
    """A version with its artefact, judged or not."""
    version_artefact(home, name)
    return versions.add_version(home, model, name, decision(verdict) if verdict else None, "0a 0b", review)


@pytest.fixture
def anna(home: Home) -> str:
    """A model with three versions that were not judged, none live."""
    versions.put_model(home, "anna", "Anna", Recipe())
    for number in (1, 2, 3):
        assert add(home, "anna", f"artefact{number}").title == f"anna@{number}"
    return "anna"
