"""The versions of a model: what the gate said of each, the book of decisions, and making room."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from homespun.cli.common import HomeOption, JsonOption, ModelArgument, emit, new_app, open_home, table

if TYPE_CHECKING:
    from homespun.home import Home
    from homespun.registry.removal import Removed
    from homespun.registry.versions import Version

app = new_app()

_KINDS = {
    "run": ("run", "runs"),
    "dataset": ("dataset", "datasets"),
    "retrieval": ("retrieval index", "retrieval indexes"),
    "evaluation": ("report", "reports"),
    "export": ("export", "exports"),
}


@app.command()
def versions(
    model: ModelArgument,
    decisions: Annotated[bool, typer.Option("--decisions", help="Everything that was decided about them, oldest first.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove those that nothing needs any more.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The versions of a model, what the gate said of them, and why.

    --prune never removes the live version, the last 5 that were live, one that waits for approval, the newest, or one that was
    exported.
    """
    from homespun.errors import UsageError
    from homespun.registry import removal
    from homespun.registry import versions as registry

    place = open_home(home)
    if decisions and prune:
        raise UsageError("give either --decisions or --prune")
    if prune:
        with place.lock(f"versions {model} --prune"):
            gone = removal.prune(place, model)
        emit(as_json, asdict(gone), told(gone) or "nothing to remove: every version is still needed")
        return
    found = registry.list_versions(place, model)
    if decisions:
        _decisions(place, model, as_json)
        return
    known = [(version, _state(place, version), _metrics(place, version)) for version in found]
    value = {"versions": [_as_json(place, version, metrics) for version, _, metrics in known]}
    rows = [
        (v.title, v.created[:16].replace("T", " "), state, _gain(metrics.get("gain")), v.verdict or "not judged", v.reason)
        for v, state, metrics in known
    ]
    header = ("version", "made", "", "gain [95 %]", "gate", "because")
    emit(as_json, value, table(rows, header) if rows else f"{model} has no version yet: homespun train {model}")


def told(gone: Removed) -> str:
    """What a removal removed, in one line."""
    if not gone.versions:
        return ""
    kinds = [title.partition(":")[0] for title in gone.artefacts]
    counts = [(kinds.count(kind), words) for kind, words in _KINDS.items()]
    others = [f"{count} {words[count > 1]}" for count, words in counts if count]
    beside = f", with {', '.join(others)} that only they needed" if others else ""
    return f"removed {', '.join(gone.versions)}{beside}: {gone.bytes / 1e6:,.0f} MB"


def _decisions(home: Home, model: str, as_json: bool) -> None:
    from homespun.registry.decisions import history

    book = history(home, model)
    rows = [
        (entry.created[:16].replace("T", " "), entry.version, entry.action + (f": {entry.verdict}" if entry.verdict else ""), entry.reason)
        for entry in book
    ]
    value = {"decisions": [asdict(entry) for entry in book]}
    emit(as_json, value, table(rows, ("when", "version", "what", "because")) if rows else f"nothing was decided about {model} yet")


def _state(home: Home, version: Version) -> str:
    stale = home.why_stale("version", version.artefact)
    gone = home.manifest("version", version.artefact) is None
    said = {"live": version.is_live, "waits for approval": version.waits, "stale": stale, "files gone": gone}
    return ", ".join(word for word, holds in said.items() if holds)


def _as_json(home: Home, version: Version, metrics: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": version.title,
        "created": version.created,
        "live": version.is_live,
        "stale": home.why_stale("version", version.artefact),
        "verdict": version.verdict,
        "reason": version.reason,
        "waits": version.waits,
        "metrics": metrics,
    }


def _metrics(home: Home, version: Version) -> dict[str, Any]:
    import json

    from homespun.registry.versions import version_folder

    file = version_folder(home, version) / "report.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))["metrics"]) if file.is_file() else {}


def _gain(gain: dict[str, float | None] | None) -> str:
    if gain is None:
        return "not measured"
    bounds = ["?" if bound is None else f"{bound:.2f}" for bound in (gain["low"], gain["high"])]
    return f"{gain['value']:.2f} [{', '.join(bounds)}]"
