"""Two versions beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from homespun.cli.common import HomeOption, JsonOption, emit, new_app, open_home, table

if TYPE_CHECKING:
    from homespun.registry.comparison import Comparison, Measured

app = new_app()


@app.command()
def diff(
    first: Annotated[str, typer.Argument(metavar="MODEL@A", help="A version; MODEL alone is the one that answers.")],
    second: Annotated[str, typer.Argument(metavar="MODEL@B", help="The version to put beside it.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Two versions beside each other: what differs in how they were made, and what was measured of both.

    "Surely different" are those whose intervals do not touch; others may be too.
    """
    from homespun.registry import comparison

    found = comparison.compare(open_home(home), first, second)
    emit(as_json, _as_json(found), "\n\n".join((_recipes(found), _metrics(found))))


def _recipes(found: Comparison) -> str:
    if not found.changes:
        return "Made by the same recipe: what differs is what they learned from, and chance."
    rows: list[tuple[Any, ...]] = [(one.key, one.first or "not set", one.second or "not set") for one in found.changes]
    return table(rows, ("recipe", found.first.title, found.second.title))


def _metrics(found: Comparison) -> str:
    if not found.pairs:
        return "Nothing was measured of either."
    rows: list[tuple[Any, ...]] = [(pair.line.what, *pair.told(), "surely different" if pair.apart else "") for pair in found.pairs]
    return table(rows, ("measured", found.first.title, found.second.title, ""))


def _as_json(found: Comparison) -> dict[str, Any]:
    return {
        "first": found.first.title,
        "second": found.second.title,
        "recipe": {one.key: [one.first, one.second] for one in found.changes},
        "metrics": {pair.line.name: [_plain(pair.first), _plain(pair.second)] for pair in found.pairs},
    }


def _plain(value: Measured) -> Any:
    from homespun.evaluation.bootstrap import Interval

    return value.as_dict() if isinstance(value, Interval) else value
