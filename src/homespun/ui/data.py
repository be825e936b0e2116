"""What a model learns from: the rows of its dataset with what is learned of each in colour."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from nicegui import ui

from homespun.bases import hub
from homespun.bases.template import Template
from homespun.config import Settings
from homespun.corpus.view import View
from homespun.dataset import browse
from homespun.dataset.build import expectation
from homespun.dataset.check import segments
from homespun.dataset.findings import Segments
from homespun.home import Home, Manifest
from homespun.registry import versions
from homespun.registry.versions import Model
from homespun.types import Example, Split
from homespun.ui import look, parts

if TYPE_CHECKING:
    from homespun.serving.house import House

ROWS = 10
"""Shown on a page."""
SPLITS: dict[Split, str] = {
    "train": "Learned from",
    "validation": "Kept back to stop in time",
    "gate": "Held out for the gate",
    "vault": "Held out for the end",
}


def register(house: House) -> None:
    async def any_data() -> None:
        models = await parts.off_loop(versions.list_models, house.home)
        await _show(house, models, models[0].name if models else "", "train", 1)

    async def data_page(model: str, split: str = "train", page: int = 1) -> None:
        models = await parts.off_loop(versions.list_models, house.home)
        await _show(house, models, model, split, max(1, page))

    parts.serve("/data", any_data)
    parts.serve("/data/{model}", data_page)


async def _show(house: House, models: list[Model], name: str, split: str, page: int) -> None:
    with parts.page(house, "What is learned", "train", "data", wide=True), parts.told():
        look.title(
            "What is learned", "Conversations as the model reads them. Only what is green is learned; the rest is history it answers to."
        )
        if not models:
            with look.empty("dataset", "No model yet", "The first training builds a dataset from your words. It can be read here."):
                parts.link_button("Train a model", "/train", "primary")
            return
        side = cast(Split, split if split in get_args(Split) else "train")
        model = await parts.off_loop(versions.get_model, house.home, name)
        with look.row():
            look.select("Model", [one.name for one in models], name, lambda event: ui.navigate.to(f"/data/{event.value}"))
            look.select("Rows", SPLITS, side, lambda event: ui.navigate.to(f"/data/{name}?split={event.value}"))
        found = await parts.off_loop(dataset_of, house.home, model)
        if found is None:
            with look.empty("dataset", "Its dataset is not here", "It is built from your words when the model is trained."):
                parts.link_button("Train it", f"/train?model={name}", "primary")
            return
        await _rows(house, model, found, side, page)


def dataset_of(home: Home, model: Model) -> Manifest | None:
    """What the newest version of a model learned from; before there is one, what was built for its person."""
    known = versions.list_versions(home, model.name)
    learned = versions.dataset_of(home, known[-1]) if known else None
    return learned or browse.of_person(home, View(home, model.recipe.privacy).name(model.person))


async def _rows(house: House, model: Model, found: Manifest, side: Split, page: int) -> None:
    counts = found.counts
    look.text("p", expectation(int(counts.get("train replies", 0))), "hs-muted")
    with ui.element("div").classes("hp-figures"):
        for name, words in SPLITS.items():
            parts.figure(f"{int(counts.get(f'{name} replies', 0)):,}", f"replies: {words[0].lower()}{words[1:]}")
    folder = house.home.folder("dataset", found.id)
    shown = await parts.off_loop(masked, folder, model.recipe.base, house.settings, side, (page - 1) * ROWS, ROWS + 1)
    if not shown:
        look.muted("No rows here.")
        return
    with look.card("hp-lines"):
        for example, parts_of_it in shown[:ROWS]:
            _row(example, parts_of_it)
    parts.pager(f"/data/{model.name}?split={side}&page={{}}", page, len(shown) > ROWS, f"page {page:,}")


def masked(folder: Path, base: str, settings: Settings, side: Split, skip: int, count: int) -> list[tuple[Example, Segments]]:
    """Rows with the loss mask that the base's own template gives them: (text, whether it is learned)."""
    rows = browse.page(folder, side, skip, count)
    template = _template(hub.resolve(base, settings)) if rows else None
    return [(row, segments(row.turns, template)) for row in rows]


@lru_cache(maxsize=2)
def _template(folder: Path) -> Template:
    return Template(folder)


def _row(example: Example, shown: Segments) -> None:
    with ui.element("div"):
        if example.origin:
            look.badge(f"made from another row: {example.origin}")
        with ui.element("pre").classes("hp-mask"):
            for words, learned in shown:
                look.text("b" if learned else "span", words)
