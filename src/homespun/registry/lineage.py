"""From messages to everything that learned from them, and what becomes of it when they are forgotten."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection
from dataclasses import dataclass, replace

from homespun.dataset.build import load
from homespun.evaluation import report as reporting
from homespun.home import Home, Manifest
from homespun.registry.versions import list_models, list_versions
from homespun.retrieval.index import Index


@dataclass(frozen=True, slots=True)
class Stale:
    """What learned from words that were forgotten."""

    datasets: tuple[str, ...] = ()
    """Removed: they held the words. They are built again when they are needed."""
    versions: tuple[str, ...] = ()
    """Titles such as `me@2`. They are kept and marked, because the words are in their weights only."""
    others: tuple[str, ...] = ()
    """Runs, indexes, reports and exports, as `kind:id`."""

    @property
    def models(self) -> list[str]:
        return sorted({title.partition("@")[0] for title in self.versions})


def learned_from(home: Home, messages: Collection[str]) -> list[Manifest]:
    """The datasets and retrieval indexes that hold any of these messages (by id), said or answered, and everything made from them."""
    wanted = set(messages)
    holding = [one for one in home.artefacts() if one.kind in ("dataset", "retrieval") and wanted & _messages(home, one)]
    return [*holding, *home.made_from(holding)]


def make_stale(home: Home, found: Collection[Manifest], reason: str) -> Stale:
    """Mark artefacts and take the words out of them: datasets, indexes and reports on files go, and the examples in a version's report."""
    titles = {version.artefact: version.title for model in list_models(home) for version in list_versions(home, model.name)}
    versions: list[str] = []
    for one in found:
        if one.kind in ("dataset", "retrieval", "evaluation"):
            shutil.rmtree(home.folder(one.kind, one.id))
            continue
        home.mark_stale(one, reason)
        if one.kind == "version" and one.id in titles:
            versions.append(titles[one.id])
            _without_words(home, one.id, titles[one.id])
    datasets = tuple(one.id for one in found if one.kind == "dataset")
    return Stale(datasets, tuple(sorted(versions)), tuple(one.title for one in found if one.kind not in ("dataset", "version")))


def _messages(home: Home, one: Manifest) -> set[str]:
    folder = home.folder(one.kind, one.id)
    if one.kind == "dataset":
        return {address for example in load(folder).examples for turn in example.turns for address in turn.messages}
    with contextlib.closing(Index(folder)) as index:
        return set(index.messages())


def _without_words(home: Home, artefact: str, title: str) -> None:
    folder = home.folder("version", artefact)
    report = reporting.read(folder)
    report.samples = []
    report.gaps = [replace(gap, examples=()) for gap in report.gaps]
    reporting.write(report, folder, title)
