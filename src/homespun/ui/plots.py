"""Plots as inline SVG: pure functions from numbers to markup, which scales with the page and is read out as its title and description.

Places are percentages of the width and texts keep their size, so that one drawing serves a phone and a desk.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

_ids = itertools.count()
POINTS = 400
"""Of a curve, at most: more cannot be seen."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A value to compare with, such as the floor (the base) or the ceiling (the person)."""

    value: float
    label: str
    kind: str = "floor"
    """floor, ceiling or other: how it is drawn."""


def interval(
    name: str,
    value: float,
    low: float | None,
    high: float | None,
    marks: Sequence[Mark] = (),
    say: Callable[[float], str] = "{:.2f}".format,
) -> str:
    """A value with its interval on a line of its own, beside what it is compared with.

    Args:
        low, high: bounds that are not known are None or infinite, and drawn to the edge.
        say: how a number is written.
    """
    numbers = [value, *(bound for bound in (low, high) if bound is not None and math.isfinite(bound)), *(mark.value for mark in marks)]
    at = _scale(min(numbers), max(numbers))
    left, right = (at(bound) if bound is not None and math.isfinite(bound) else edge for bound, edge in ((low, 0.0), (high, 100.0)))
    known = low is not None and high is not None
    said = f"{name}: {say(value)}" + (f", surely between {_bound(low, say)} and {_bound(high, say)}" if known else "")
    compared = "; ".join(f"{mark.label}: {say(mark.value)}" for mark in marks)
    drawn = ['<line class="axis" x1="0" x2="100%" y1="14" y2="14"/>']
    for mark in sorted(marks, key=lambda mark: mark.value):
        x = at(mark.value)
        anchor, shift = ("start", -2) if x < 20 else ("end", 2) if x > 80 else ("middle", 0)
        drawn.append(f'<line class="mark {mark.kind}" x1="{x:.1f}%" x2="{x:.1f}%" y1="5" y2="23"/>')
        drawn.append(f'<text x="{x:.1f}%" dx="{shift}" y="37" text-anchor="{anchor}">{escape(mark.label)}</text>')
    if known:
        drawn.append(f'<line class="span" x1="{left:.1f}%" x2="{right:.1f}%" y1="14" y2="14"/>')
    drawn.append(f'<circle class="dot" cx="{at(value):.1f}%" cy="14" r="5"/>')
    return _svg("interval", said, compared, 42 if marks else 28, "".join(drawn))


def _bound(bound: float | None, say: Callable[[float], str]) -> str:
    return say(bound) if bound is not None and math.isfinite(bound) else "unknown"


def _scale(least: float, most: float) -> Callable[[float], float]:
    """Value -> percent of the width, with room at both ends."""
    room = most - least or abs(most) or 1.0
    start, width = least - 0.08 * room, 1.16 * room
    return lambda value: 100 * (value - start) / width


@dataclass(frozen=True, slots=True)
class Curve:
    name: str
    points: Sequence[tuple[float, float]]
    kind: str
    """train, smooth or validation: how it is drawn."""


def curves(title: str, drawn: Sequence[Curve], x_label: str, end: float | None = None, best: tuple[float, float] | None = None) -> str:
    """Losses over the steps of a training.

    Args:
        end: the last step planned, so that the drawing shows how much is to come.
        best: where validation was lowest.
    """
    present = [curve for curve in drawn if curve.points]
    if not present:
        return ""
    right = max(end or 0.0, *(curve.points[-1][0] for curve in present)) or 1.0
    # The first steps of a training tower over all others.
    heights = sorted(y for curve in present for _, y in curve.points)
    bottom, top = heights[0], heights[min(len(heights) - 1, math.ceil(0.98 * len(heights)))]
    ticks = _ticks(bottom, top)
    bottom, top = min(bottom, ticks[0]), max(top, ticks[-1])
    span = top - bottom or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        return 1000 * x / right, 1000 * (1 - min(1.0, (y - bottom) / span))

    lines = "".join(_line(curve, place) for curve in present)
    labels = "".join(
        f'<line class="grid" x1="40" x2="100%" y1="{_y(place(0, tick)[1]):.1f}" y2="{_y(place(0, tick)[1]):.1f}"/>'
        f'<text x="32" y="{_y(place(0, tick)[1]) + 4:.1f}" text-anchor="end">{tick:g}</text>'
        for tick in ticks
    )
    labels += f'<text x="40" y="{HEIGHT - 4}">0</text><text x="100%" y="{HEIGHT - 4}" text-anchor="end">{escape(x_label)} {right:g}</text>'
    frame = (
        f'<svg x="40" y="{TOP}" width="calc(100% - 40px)" height="{PLOT}" viewBox="0 0 1000 1000" preserveAspectRatio="none" '
        f'class="lines" aria-hidden="true">{lines}</svg>'
    )
    ends = "; ".join(f"{curve.name} from {curve.points[0][1]:.2f} to {curve.points[-1][1]:.2f}" for curve in present)
    lowest = f"; lowest validation {best[1]:.2f} at step {best[0]:g}" if best else ""
    return _svg("curves", title, ends + lowest, HEIGHT, labels + frame)


TOP, PLOT, HEIGHT = 8, 200, 232


def _y(thousandth: float) -> float:
    return TOP + PLOT * thousandth / 1000


def _line(curve: Curve, place: Callable[[float, float], tuple[float, float]]) -> str:
    placed = [place(*point) for point in thinned(curve.points)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    line = f'<polyline class="{curve.kind}" points="{path}"/>'
    if curve.kind == "validation":
        # A line without length, with a round end that keeps its shape where the drawing is stretched.
        line += "".join(f'<line class="point" x1="{x:.1f}" y1="{y:.1f}" x2="{x:.1f}" y2="{y:.1f}"/>' for x, y in placed)
    return line


def thinned(points: Sequence[tuple[float, float]], most: int = POINTS) -> Sequence[tuple[float, float]]:
    """Evenly chosen points, the first and the last among them."""
    if len(points) <= most:
        return points
    return [points[round(index * (len(points) - 1) / (most - 1))] for index in range(most)]


def smoothed(points: Sequence[tuple[float, float]], keep: float = 0.9) -> list[tuple[float, float]]:
    """An exponential moving average, without the pull of its start (Kingma & Ba 2015, section 3)."""
    average, found = 0.0, []
    for number, (x, y) in enumerate(points, 1):
        average = keep * average + (1 - keep) * y
        found.append((x, average / (1 - keep**number)))
    return found


def _ticks(least: float, most: float) -> list[float]:
    """Three to six round numbers from below the least to above the most."""
    room = most - least or abs(most) or 1.0
    size = 10 ** math.floor(math.log10(room / 3))
    step = next(size * times for times in (1, 2, 5, 10) if room / (size * times) <= 4)
    first = math.floor(least / step)
    return [round((first + number) * step, 10) for number in range(math.ceil(most / step - 1e-9) - first + 1)]


def _svg(kind: str, title: str, description: str, height: int, inside: str) -> str:
    number = next(_ids)
    return (
        f'<svg class="plot {kind}" width="100%" height="{height}" role="img" aria-labelledby="plot{number}t plot{number}d">'
        f'<title id="plot{number}t">{escape(title)}</title><desc id="plot{number}d">{escape(description)}</desc>{inside}</svg>'
    )
