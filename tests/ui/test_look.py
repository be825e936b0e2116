"""The palette can be read, by WCAG 2.2's formula, in both modes."""

from __future__ import annotations

import pytest

from homespun.ui.look import PALETTE

GROUNDS = ("paper", "surface", "sunken", "faint")
WRITTEN = [(ink, ground) for ink in ("ink", "muted", "accent") for ground in GROUNDS if (ink, ground) != ("accent", "faint")]
WRITTEN += [(ink, f"{ink}-soft") for ink in ("accent", "good", "warn", "bad")] + [("ink", "accent-soft"), ("on-accent", "accent")]
WRITTEN += [("on-accent", "accent-hover"), *((ink, ground) for ink in ("good", "warn", "bad") for ground in ("paper", "surface"))]
DRAWN = [("edge", ground) for ground in ("paper", "surface", "sunken")]


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(WRITTEN, 4.5), (DRAWN, 3.0)], ids=["words", "edges"])
def test_what_is_written_or_drawn_stands_out(pairs: list[tuple[str, str]], least: float, mode: int) -> None:
    found = {(one, ground): contrast(PALETTE[one][mode], PALETTE[ground][mode]) for one, ground in pairs}
    assert {pair: round(value, 2) for pair, value in found.items() if value < least} == {}
