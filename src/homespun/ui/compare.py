"""Two versions beside each other: what was measured of both, and what was changed in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homespun.registry import comparison
from homespun.registry.comparison import Comparison, Pair
from homespun.ui import look, parts
from homespun.ui.verdicts import verdict_badge

if TYPE_CHECKING:
    from homespun.serving.house import House


def register(house: House) -> None:
    async def compare_page(first: str, second: str) -> None:
        with parts.page(house, f"{first} and {second}", "versions", wide=True), parts.told():
            found = await parts.off_loop(comparison.compare, house.home, first, second)
            look.title(f"{found.first.title} and {found.second.title}")
            with look.row():
                for version in (found.first, found.second):
                    look.text("span", version.title)
                    verdict_badge(version.verdict)
                    if version.is_live:
                        look.badge("live", "good")
            _recipes(found)
            _metrics(found)
            parts.link_button("Back to the versions", f"/versions/{found.first.model}", "quiet", "chevron_left")

    parts.serve("/compare/{first}/{second}", compare_page)


def _recipes(found: Comparison) -> None:
    look.section("How they were made")
    if not found.changes:
        look.muted("By the same recipe: what differs is what they learned from, and chance.")
        return
    rows = [(one.key, one.first or "not set", one.second or "not set") for one in found.changes]
    look.table(("Recipe", found.first.title, found.second.title), rows)


def _metrics(found: Comparison) -> None:
    look.section("What was measured")
    if not found.pairs:
        look.muted("Nothing was measured of either.")
        return
    rows = [(lambda pair=pair: _what(pair), *pair.told(), lambda pair=pair: _apart(pair)) for pair in found.pairs]
    parts.table(("What", found.first.title, found.second.title, ""), rows)


def _what(pair: Pair) -> None:
    look.text("span", pair.line.what[0].upper() + pair.line.what[1:])
    look.text("p", pair.line.meaning, "hs-muted hs-small")


def _apart(pair: Pair) -> None:
    if pair.apart:
        look.badge("surely different", "accent")
