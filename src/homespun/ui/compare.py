"""Two versions beside each other: what was measured of both, and what was changed in between."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from homespun.errors import UsageError
from homespun.evaluation import report as reporting
from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.lines import Line
from homespun.home import Home
from homespun.registry import comparison, versions
from homespun.registry.comparison import Change, Measured, Pair
from homespun.registry.versions import Version
from homespun.ui import look, parts
from homespun.ui.verdicts import verdict_badge

if TYPE_CHECKING:
    from homespun.serving.house import House


def register(house: House) -> None:
    async def compare_page(first: str, second: str) -> None:
        with parts.page(house, f"{first} and {second}", "versions", wide=True), parts.told():
            before, after, pairs, changes = await parts.off_loop(compared, house.home, first, second)
            look.title(f"{before.title} and {after.title}")
            with look.row():
                for version in (before, after):
                    look.text("span", version.title)
                    verdict_badge(version.verdict)
                    if version.is_live:
                        look.badge("live", "good")
            _recipes(before.title, after.title, changes)
            _metrics(before.title, after.title, pairs)
            parts.link_button("Back to the versions", f"/versions/{before.model}", "quiet", "chevron_left")

    parts.serve("/compare/{first}/{second}", compare_page)


def compared(home: Home, first: str, second: str) -> tuple[Version, Version, list[Pair], list[Change]]:
    """Raises UnknownName; UsageError where the files of one are gone."""
    found = [versions.get_version(home, title) for title in (first, second)]
    for version in found:
        if home.manifest("version", version.artefact) is None:
            raise UsageError(f"the files of {version.title} are gone: it cannot be compared")
    reports = [reporting.read(versions.version_folder(home, version)) for version in found]
    recipes = [versions.recipe_of(home, version) for version in found]
    return found[0], found[1], comparison.pairs(reports[0], reports[1]), comparison.changes(recipes[0], recipes[1])


def _recipes(first: str, second: str, changes: list[Change]) -> None:
    look.section("How they were made")
    if not changes:
        look.muted("By the same recipe: what differs is what they learned from, and chance.")
        return
    look.table(("Recipe", first, second), [(one.key, one.first or "not set", one.second or "not set") for one in changes])


def _metrics(first: str, second: str, pairs: list[Pair]) -> None:
    look.section("What was measured")
    if not pairs:
        look.muted("Nothing was measured of either.")
        return
    rows = [
        (lambda pair=pair: _what(pair), said(pair.line, pair.first), said(pair.line, pair.second), lambda pair=pair: _apart(pair))
        for pair in pairs
    ]
    parts.table(("What", first, second, ""), rows)


def _what(pair: Pair) -> None:
    look.text("span", pair.line.what[0].upper() + pair.line.what[1:])
    look.text("p", pair.line.meaning, "hs-muted hs-small")


def _apart(pair: Pair) -> None:
    if pair.apart:
        look.badge("surely different", "accent")


def said(line: Line, value: Measured) -> str:
    """A number as the report says it, with its interval."""
    if value is None:
        return "not measured"
    if not isinstance(value, Interval):
        return line.say(value)
    bounds = [line.say(bound) if math.isfinite(bound) else "?" for bound in (value.low, value.high)]
    return f"{line.say(value.value)} [{', '.join(bounds)}]"
