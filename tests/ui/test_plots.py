"""Plots as pure functions: numbers in, markup out."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.ui import plots
from homespun.ui.plots import Curve, Mark

numbers = st.floats(-1e6, 1e6)


def places(svg: str, kind: str, name: str) -> list[float]:
    """Percentages of the width that elements of a class are at."""
    return [float(place) for place in re.findall(rf'<\w+ class="{kind}" {name}="([\d.-]+)%', svg)]


@given(value=numbers, below=st.floats(0, 1e3), above=st.floats(0, 1e3), floor=numbers, ceiling=numbers)
def test_everything_is_drawn_in_its_order_and_inside(value: float, below: float, above: float, floor: float, ceiling: float) -> None:
    svg = plots.interval("gain", value, value - below, value + above, [Mark(floor, "base"), Mark(ceiling, "person", "ceiling")])
    ElementTree.fromstring(svg)
    dot, low = places(svg, "dot", "cx")[0], places(svg, "span", "x1")[0]
    at = {"floor": places(svg, "mark floor", "x1")[0], "ceiling": places(svg, "mark ceiling", "x1")[0]}
    assert 0 <= low <= dot + 0.1 <= 100.1
    for mark, place in ((floor, at["floor"]), (ceiling, at["ceiling"])):
        assert 0 <= place <= 100
        assert (mark - value) * (place - dot) >= 0 or abs(place - dot) <= 0.1


def test_a_bound_that_is_not_known_reaches_the_edge_and_is_said() -> None:
    svg = plots.interval("gain", 0.5, -math.inf, math.inf)
    assert 'x1="0.0%" x2="100.0%"' in svg
    assert "surely between unknown and unknown" in svg
    assert "surely" not in plots.interval("gain", 0.5, None, None)


def test_names_stay_text() -> None:
    for svg in (
        plots.interval("<script>", 1, 0, 2, [Mark(1, '"><img src=x>')]),
        plots.curves("<b>", [Curve("</desc><script>", [(1, 2), (2, 1)], "train")], "<i>"),
    ):
        assert not {element.tag for element in ElementTree.fromstring(svg).iter()} & {"script", "img", "b", "i"}


@given(least=numbers, room=st.floats(1e-3, 1e6))
def test_ticks_are_few_and_round_and_hold_all(least: float, room: float) -> None:
    ticks = plots._ticks(least, least + room)
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= least + 1e-6 * room
    assert ticks[-1] >= least + room - 1e-3 * room - 1e-6
    assert ticks == sorted(ticks)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=2000))
def test_a_thinned_curve_keeps_its_ends(points: list[tuple[float, float]]) -> None:
    kept = plots.thinned(points, 100)
    assert len(kept) <= max(100, 1)
    assert (kept[0], kept[-1]) == (points[0], points[-1])


@given(value=numbers, count=st.integers(1, 50))
def test_what_does_not_change_is_not_changed_by_smoothing(value: float, count: int) -> None:
    assert all(y == pytest.approx(value) for _, y in plots.smoothed([(x, value) for x in range(count)]))


def test_a_training_is_drawn_with_what_is_still_to_come() -> None:
    curves = [Curve("training", [(1, 4.0), (50, 3.0)], "train"), Curve("validation", [(50, 3.2)], "validation")]
    svg = plots.curves("Loss", curves, "step", end=100, best=(50, 3.2))
    drawn = re.search(r'class="train" points="([^"]+)"', svg)
    assert drawn
    assert float(drawn[1].split()[-1].split(",")[0]) == 500
    assert "lowest validation 3.20 at step 50" in svg
    assert plots.curves("Loss", [Curve("training", [], "train")], "step") == ""
