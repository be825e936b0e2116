"""A report as JSON for programs, and as a Markdown page that a person understands."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.habits import Gap
from homespun.evaluation.likelihood import ScoredReply
from homespun.evaluation.lines import LINES, TARGETS, Line, percent, plain
from homespun.evaluation.result import Report, Sample
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
        "privacy": report.privacy,
    }


def write(report: Report, folder: Path, title: str, decision: str = "") -> None:
    """Writes `report.json`, `report.md`, and `scores.json` with what the gate pairs.

    Args:
        decision: what the gate says of it, in Markdown.
    """
    write_json(folder / "report.json", as_json(report))
    write_json(folder / "scores.json", {side: [astuple(reply) for reply in scored] for side, scored in report.scores.items()})
    write_text(folder / "report.md", markdown(report, title, decision))


def read(folder: Path) -> Report:
    """The report that `write` wrote there."""
    values = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    report = Report(values["person"], values["on"], values["full"], sides=values["sides"], notes=values["notes"])
    report.privacy = values.get("privacy", "")
    for name, value in values["metrics"].items():
        report.metrics[name] = _interval(value) if isinstance(value, dict) else value
    report.gaps = [Gap(**{**gap, "examples": tuple(gap["examples"])}) for gap in values["gaps"]]
    report.samples = [Sample(**sample) for sample in values["samples"]]
    kept = folder / "scores.json"
    scores = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    report.scores = {side: [ScoredReply(*reply) for reply in scored] for side, scored in scores.items()}
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


def markdown(report: Report, title: str, decision: str = "") -> str:
    return "\n".join(
        [
            f"# {title}: does it sound like {report.person}?",
            "",
            *_summary(report),
            *([decision, ""] if decision else []),
            *_targets(report),
            *_tables(report),
            *_sides(report),
            *([report.privacy, ""] if report.privacy else []),
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


def _tables(report: Report) -> Iterator[str]:
    for title, lines in LINES.items():
        rows = [line for line in lines if line.name in report.metrics]
        if not rows:
            continue
        yield from (f"## {title}", "", "| what | measured | how to read it |", "|---|---|---|")
        yield from (f"| {line.what} | {_measured(line, report)} | {line.meaning} |" for line in rows)
        yield ""


def _measured(line: Line, report: Report) -> str:
    """The number with its interval, beside the person's own or the base's where there is one."""
    said = line.tell(report.metrics[line.name])
    beside = {"really": f"natural_{line.name}", "the base": f"base_{line.name}"}
    told = ", ".join(f"{who}: {line.say(number)}" for who, name in beside.items() if (number := report.number(name)) is not None)
    return f"{said} ({told})" if told else said


def _targets(report: Report) -> Iterator[str]:
    """What a good avatar should reach, met or not."""
    if not report.full:
        return
    yield from ("## Targets", "", "| | reached | asked | | measured as |", "|---|---|---|---|---|")
    for name, (asked, metrics, what) in TARGETS.items():
        values, lows = ([found for metric in metrics if (found := of(metric)) is not None] for of in (report.number, report.low))
        if len(values) < len(metrics):
            reached, verdict = "not measured", ""
        else:
            proven = "met" if min(lows) >= asked else "met, not proven"
            reached, verdict = percent(min(values)), proven if min(values) >= asked else "not met"
        yield f"| {name} | {reached} | over {percent(asked)} | {verdict} | {what} |"
    yield ""


def _sides(report: Report) -> Iterator[str]:
    columns = {
        "nll": "surprise (nats per token)",
        "words": "words per reply",
        "closeness": "closeness",
        "closeness_masked": "closeness without content",
        "tone": "tone (distance; 1 is as near as the person's own)",
    }
    shown = [name for name in columns if any(name in values for values in report.sides.values())]
    if not shown:
        return
    yield "## Side by side"
    yield ""
    yield f"| | {' | '.join(columns[name] for name in shown)} |"
    yield "|---" * (len(shown) + 1) + "|"
    for side, values in report.sides.items():
        yield f"| {side} | {' | '.join(plain(values[name]) if name in values else '' for name in shown)} |"
    yield ""


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
