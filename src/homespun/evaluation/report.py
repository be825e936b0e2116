"""A report as JSON for programs, and as a Markdown page that a person understands."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.evaluate import Report, Sample
from homespun.evaluation.habits import Gap
from homespun.home import write_json, write_text


def as_json(report: Report) -> dict[str, Any]:
    metrics = {name: value.as_dict() if isinstance(value, Interval) else value for name, value in report.metrics.items()}
    return {
        "person": report.person,
        "on": report.on,
        "full": report.full,
        "metrics": metrics,
        "sides": report.sides,
        "gaps": [asdict(gap) for gap in report.gaps],
        "samples": [asdict(sample) for sample in report.samples],
        "notes": report.notes,
    }


def write(report: Report, folder: Path, title: str) -> None:
    """Writes `report.json` and `report.md`."""
    write_json(folder / "report.json", as_json(report))
    write_text(folder / "report.md", markdown(report, title))


def read(folder: Path) -> Report:
    """The report that `write` wrote there."""
    values = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    report = Report(values["person"], values["on"], values["full"], sides=values["sides"], notes=values["notes"])
    for name, value in values["metrics"].items():
        report.metrics[name] = _interval(value) if isinstance(value, dict) else value
    report.gaps = [Gap(**{**gap, "examples": tuple(gap["examples"])}) for gap in values["gaps"]]
    report.samples = [Sample(**sample) for sample in values["samples"]]
    return report


def _interval(value: dict[str, Any]) -> Interval:
    """JSON has no infinity: a bound that is not known stands there as null."""
    low, high = (infinite if value[side] is None else value[side] for side, infinite in (("low", -math.inf), ("high", math.inf)))
    return Interval(value["value"], low, high, value["n"], value["clusters"])


def headline(report: Report) -> str:
    """One line for a terminal."""
    gain = report.metrics.get("gain")
    if not isinstance(gain, Interval):
        return "; ".join(report.notes) or "nothing measured"
    sure = "surely learned" if gain.low > 0 else "not shown to have learned"
    parts = [f"{sure} from {report.person}: gain {gain:.2f} nats per token"]
    for name, words in (("closeness", "closeness"), ("length_ratio", "length ratio")):
        if (value := report.number(name)) is not None:
            parts.append(f"{words} {value:.2f}")
    return ", ".join(parts)


def markdown(report: Report, title: str) -> str:
    return "\n".join(
        [
            f"# {title}: does it sound like {report.person}?",
            "",
            *_summary(report),
            *_table(report),
            *_sides(report),
            *_habits(report),
            *_rest(report),
        ]
    )


def _summary(report: Report) -> Iterator[str]:
    yield f"Judged on {report.on}: words it never learned from. Every interval is a 95 % cluster bootstrap over conversations."
    yield ""
    gain = report.metrics.get("gain")
    if isinstance(gain, Interval):
        verdict = "It has learned" if gain.low > 0 else "It cannot be shown to have learned"
        yield (
            f"**{verdict} from {report.person}.** It is {100 * (1 - math.exp(-gain.value)):.0f} % less surprised (perplexity) by what they "
            f"really wrote than the untrained base is, given the same history."
        )
        yield ""


def _table(report: Report) -> Iterator[str]:
    rows = [line for line in _LINES if line[0] in report.metrics]
    if not rows:
        return
    yield "| what | measured | how to read it |"
    yield "|---|---|---|"
    for name, what, say, meaning in rows:
        value = report.metrics[name]
        number = value.value if isinstance(value, Interval) else value
        spread = "" if not isinstance(value, Interval) else f" [{say(value.low)}, {say(value.high)}]"
        natural = report.number(f"natural_{name}")
        beside = "" if natural is None else f" (really: {say(natural)})"
        yield f"| {what} | {say(number)}{spread}{beside} | {meaning} |"
    yield ""


def _sides(report: Report) -> Iterator[str]:
    columns = {
        "nll": "surprise (nats per token)",
        "words": "words per reply",
        "closeness": "closeness",
        "closeness_masked": "closeness without content",
    }
    shown = [name for name in columns if any(name in values for values in report.sides.values())]
    if not shown:
        return
    yield "## Side by side"
    yield ""
    yield f"| | {' | '.join(columns[name] for name in shown)} |"
    yield "|---" * (len(shown) + 1) + "|"
    for side, values in report.sides.items():
        yield f"| {side} | {' | '.join(_plain(values[name]) if name in values else '' for name in shown)} |"
    yield ""


def _plain(value: float) -> str:
    return f"{value:.2f}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _count(value: float) -> str:
    return f"{value:.0f}"


_LINES: tuple[tuple[str, str, Callable[[float], str], str], ...] = (
    ("gain", "gain", _plain, "nats per token over the base prompted with the same history; a lower bound above 0 is proof"),
    ("perplexity_ratio", "perplexity against the base", _percent, "under 100 % is better"),
    ("share_improved", "replies it expected better", _percent, "of all held-out replies"),
    ("specificity", "specificity", _plain, "nats per token over another person's avatar; above 0 it learned the person, not the channel"),
    ("closeness", "closeness of style", _plain, "1 scores like the person, 0 like the base, below 0 farther away"),
    ("closeness_masked", "the same without content words", _plain, "style alone, whatever the topic"),
    ("real_vs_generated_auc", "told apart from the real person", _plain, "0.5 cannot be told apart, 1 always; small models are near 0.9"),
    ("length_ratio", "length of replies", _plain, "1 is as long as the person's"),
    ("hits", "Hits@1/20", _percent, "picks the true reply among 20 of the person's own; chance is 5 %"),
    ("base_hits", "Hits@1/20 of the base", _percent, "the same without training"),
    ("stops", "replies that end by themselves", _percent, "the rest ran into the length cap"),
    ("copy_rate", "replies that copy", _percent, "hold a rare run of 8 words from the training text"),
    ("degenerate_rate", "broken replies", _percent, "empty, looping, echoing or speaking for others"),
    ("distinct_2", "variety (distinct-2)", _plain, "of word pairs; far below the real value means it repeats itself"),
    ("distinct_3", "variety (distinct-3)", _plain, "of word triples"),
    ("longest_copied_run", "longest copied run", _count, "words and marks in a row"),
)


def _habits(report: Report) -> Iterator[str]:
    if not report.gaps:
        return
    yield "## Habits it misses or overdoes"
    yield ""
    for gap in report.gaps:
        shown = "; ".join(f"“{_short(text)}”" for text in gap.examples)
        kind = f"**{gap.kind}**" if gap.sure else f"perhaps {gap.kind}"
        yield f"- {kind}: {gap.sentence}" + (f". For example {shown}" if shown else "")
    yield ""


def _rest(report: Report) -> Iterator[str]:
    if report.samples:
        yield "## In the same moment"
        yield ""
        for sample in report.samples:
            yield f"> {_short(sample.context, 300)}"
            yield ">"
            for who, text in ((report.person, sample.real), ("avatar", sample.avatar), ("base", sample.base)):
                yield f"> **{who}**: {_short(text, 300) or '(nothing)'}"
                yield ">"
            yield ""
    if report.notes:
        yield "## What could not be measured"
        yield ""
        yield from (f"- {note}" for note in report.notes)
        yield ""


def _short(text: str, most: int = 120) -> str:
    flat = " / ".join(part.strip() for part in text.splitlines() if part.strip())
    return flat if len(flat) <= most else f"{flat[:most].rstrip()}…"
