"""The report of a version as a page: what was found in words, every number with its interval, and what it gets wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicegui import ui

from homespun.errors import UsageError
from homespun.evaluation import report as reporting
from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.lines import LINES, TARGETS, Line, percent, plain
from homespun.evaluation.result import Report, Sample
from homespun.home import Home
from homespun.registry import decisions, versions
from homespun.registry.decisions import Entry
from homespun.registry.versions import Version
from homespun.ui import look, parts, plots
from homespun.ui.plots import Mark
from homespun.ui.verdicts import verdict_badge

if TYPE_CHECKING:
    from homespun.serving.house import House

KNOWN: dict[str, tuple[Mark, ...]] = {
    "gain": (Mark(0, "the base"),),
    "perplexity_ratio": (Mark(1, "the base"),),
    "gain_over_live": (Mark(0, "the version before"),),
    "gain_over_few_shot": (Mark(0, "the base with examples"),),
    "specificity": (Mark(0, "somebody else's avatar"),),
    "share_improved": (Mark(0.5, "chance"), Mark(1, "all", "ceiling")),
    "closeness": (Mark(0, "the base"), Mark(1, "the person", "ceiling")),
    "closeness_masked": (Mark(0, "the base"), Mark(1, "the person", "ceiling")),
    "authenticity": (Mark(0, "never"), Mark(1, "always", "ceiling")),
    "authenticity_masked": (Mark(0, "never"), Mark(1, "always", "ceiling")),
    "real_vs_generated_auc": (Mark(1, "always"), Mark(0.5, "never", "ceiling")),
    "length_ratio": (Mark(1, "the person", "ceiling"),),
    "tone_ratio": (Mark(1, "the person", "ceiling"),),
    "tone_agreement": (Mark(0, "regardless"), Mark(1, "the person", "ceiling")),
    "blind": (Mark(0.5, "guessing", "ceiling"), Mark(1, "always found out")),
    "relevance": (Mark(0.5, "chance"), Mark(1, "always", "ceiling")),
    "hits": (Mark(0.05, "chance"), Mark(1, "always", "ceiling")),
    "context_gain": (Mark(0, "nothing"),),
    "grounded_cloze": (Mark(0.25, "chance"), Mark(1, "always", "ceiling")),
    "fact_cloze": (Mark(0.25, "chance"), Mark(1, "always", "ceiling")),
    "fact_consistency": (Mark(0.06, "chance"), Mark(1, "always", "ceiling")),
    "grounded_consistency": (Mark(0.06, "chance"), Mark(1, "always", "ceiling")),
    "stops": (Mark(0, "none"), Mark(1, "all", "ceiling")),
    "minimal_pairs_change": (Mark(0, "the base"),),
    "general_nll_change": (Mark(0, "the base"),),
    "membership_auc": (Mark(0.7, "a warning"), Mark(0.5, "not at all", "ceiling")),
}
"""What a number lies between: the floor (chance, or the base) and the ceiling (the person)."""
SIDES = {
    "nll": "surprise (nats per token)",
    "words": "words per reply",
    "closeness": "closeness of style",
    "closeness_masked": "the same without content words",
    "tone": "distance in tone",
}
WHO = {"base": "the untrained base", "avatar": "the avatar", "real": "the person"}


@dataclass(frozen=True, slots=True)
class Read:
    """A report with what belongs to it."""

    version: Version
    report: Report
    judged: Entry | None
    others: dict[str, str]
    """Id of a report -> what it is called. The empty one is the version's own."""


def register(house: House) -> None:
    async def any_report() -> None:
        chosen = await parts.off_loop(default_title, house.home)
        if chosen:
            await _show(house, chosen, "")
            return
        with parts.page(house, "Report", "report", "report"), look.empty("bar_chart", "No report yet", NOTHING):
            parts.link_button("Train a model", "/train", "primary")

    async def one_report(title: str, of: str = "") -> None:
        await _show(house, title, of)

    parts.serve("/report", any_report)
    parts.serve("/report/{title}", one_report)


NOTHING = "When a model has been trained, this page says what it learned: does it sound like the person, and how sure is that?"


def default_title(home: Home) -> str | None:
    """The newest version of all models; of two trained at the same time, either."""
    known = [version for model in versions.list_models(home) for version in versions.list_versions(home, model.name)]
    return max(known, key=lambda version: version.created).title if known else None


def load(home: Home, title: str, of: str = "") -> Read:
    """Raises UnknownName; UsageError where the report is gone."""
    version = versions.get_version(home, title)
    others = {"": "the report of its training"}
    for one in home.artefacts():
        if one.kind == "evaluation" and f"version:{version.artefact}" in one.parents and _has_report(home.folder("evaluation", one.id)):
            others[one.id] = f"evaluated {parts.moment(one.created)}"
    # Only what was found there is opened: an address is no path.
    folder = home.folder("evaluation", of) if of and of in others else versions.version_folder(home, version)
    if not _has_report(folder):
        raise UsageError(f"the report of {version.title} is gone: evaluate it again")
    history = decisions.history(home, version.model)
    judged = [entry for entry in history if entry.version == version.title and entry.action == "judged"]
    return Read(version, reporting.read(folder), judged[-1] if judged else None, others)


def _has_report(folder: Path) -> bool:
    return (folder / "report.json").is_file()


async def _show(house: House, title: str, of: str) -> None:
    with parts.page(house, f"Report of {title}", "report", "report", wide=True), parts.told():
        found = await parts.off_loop(load, house.home, title, of)
        _head(found, of, [version.title for version in await parts.off_loop(versions.list_versions, house.home, found.version.model)])
        _gate(found)
        _targets(found.report)
        _chapters(found.report)
        _sides(found.report)
        _habits(found.report)
        _samples(found.report)
        _rest(found.report)


def _head(found: Read, of: str, titles: Sequence[str]) -> None:
    version, report = found.version, found.report
    look.title(f"Does {version.title} sound like {report.person}?")
    with look.row():
        look.select("Version", list(titles), version.title, lambda event: ui.navigate.to(f"/report/{event.value}")).classes("hp-narrow")
        if len(found.others) > 1:
            chosen = of if of in found.others else ""
            here = f"/report/{version.title}"
            look.select("Report", found.others, chosen, lambda event: ui.navigate.to(f"{here}?of={event.value}")).classes("hp-grow")
        parts.link_button("Blind test", f"/blind/{version.title}", "secondary", "visibility_off")
        parts.link_button("Evaluate further", f"/evaluate/{version.title}", "secondary", "science")
    with look.card("hs-stack"):
        look.text("p", headline(report), "hs-section")
        with ui.element("div").classes("hp-figures"):
            for value, words in figures(report):
                parts.figure(value, words)
        look.muted(f"Judged on words it never learned from ({report.on}). Intervals hold the true value 95 times of 100.").classes(
            "hs-small"
        )


def headline(report: Report) -> str:
    """What was found, for somebody who reads one sentence."""
    gain = report.metrics.get("gain")
    if not isinstance(gain, Interval):
        return "It could not be measured whether it learned anything."
    if gain.low <= 0:
        return f"It cannot be shown that it learned from {report.person}. More messages, or a longer training, may help."
    less = percent(1 - math.exp(-gain.value))
    close = report.number("closeness")
    style = "" if close is None else f" Its style is {percent(max(0.0, min(1.0, close)))} of the way from the base to theirs."
    return f"It has learned from {report.person}: what they really wrote surprises it {less} less than the untrained base.{style}"


def figures(report: Report) -> list[tuple[str, str]]:
    """The numbers people ask for first, with what they are."""
    found = []
    gain = report.number("gain")
    if gain is not None:
        found.append((percent(1 - math.exp(-gain)), "less surprised by their words"))
    wanted = (
        ("closeness", plain, "closeness of style (1 is the person)"),
        ("length_ratio", lambda value: f"{value:.2f}×", "as long as their replies"),
        ("relevance", percent, "prefers the true reply"),
        ("copy_rate", percent, "of its replies copy"),
    )
    for name, say, words in wanted:
        if (value := report.number(name)) is not None:
            found.append((say(value), words))
    return found


def _gate(found: Read) -> None:
    judged = found.judged
    look.section("What the gate said")
    if judged is None:
        look.muted("It was not judged.")
        return
    with look.row():
        verdict_badge(judged.verdict)
        look.text("span", judged.reason, "hp-grow")
    telling = [check for check in judged.checks if check["needed"] or check["outcome"] != "not measured"]
    with ui.element("details").classes("hp-more"):
        look.text("summary", f"All {parts.counted(len(telling), 'check')}")
        rows = [(str(check["gate"]), lambda check=check: _outcome(check), str(check["sentence"])) for check in telling]
        parts.table(("Gate", "Outcome", "What was measured, and what was asked"), rows)


def _outcome(check: Any) -> None:
    tones: dict[str, look.Tone] = {"passed": "good", "failed": "bad", "open": "warn"}
    look.badge(check["outcome"], tones.get(check["outcome"], "neutral"))


def _targets(report: Report) -> None:
    if not report.full:
        return
    look.section("Targets")
    rows = []
    for name, (asked, metrics, what) in TARGETS.items():
        values = [value for metric in metrics if (value := report.number(metric)) is not None]
        reached = percent(min(values)) if len(values) == len(metrics) else "not measured"
        rows.append((name, reached, f"over {percent(asked)}", what))
    parts.table(("", "Reached", "Asked", "Measured as"), rows, numbers=(1, 2))


def _chapters(report: Report) -> None:
    for chapter, lines in LINES.items():
        if not any(line.name in report.metrics for line in lines):
            continue
        look.section(chapter)
        rows = [
            (lambda line=line: _what(line), line.tell(report.metrics[line.name]), lambda line=line: _plot(line, report))
            for line in lines
            if line.name in report.metrics
        ]
        parts.table(("What", "Measured", "Between"), rows, classes="hp-metrics")


def _what(line: Line) -> None:
    look.text("span", line.what[0].upper() + line.what[1:])
    look.text("span", line.meaning, "hs-muted hs-small")


def _plot(line: Line, report: Report) -> None:
    value = report.metrics[line.name]
    marks = marks_of(line.name, report)
    if not isinstance(value, Interval) and not marks:
        return
    low, high = (value.low, value.high) if isinstance(value, Interval) else (None, None)
    number = value.value if isinstance(value, Interval) else value
    parts.drawing(plots.interval(line.what, number, low, high, marks, line.say))


def marks_of(name: str, report: Report) -> list[Mark]:
    """Floor and ceiling of a metric: measured beside it where they were, else what is known of it."""
    marks = list(KNOWN.get(name, ()))
    for prefix, label, kind in (("base_", "the base", "floor"), ("natural_", "the person", "ceiling")):
        if (value := report.number(prefix + name)) is not None:
            marks = [mark for mark in marks if mark.kind != kind] + [Mark(value, label, kind)]
    others = report.sides.get("other people", {}).get(name)
    return marks if others is None else [*marks, Mark(others, "other people", "other")]


def _sides(report: Report) -> None:
    shown = [name for name in SIDES if any(name in values for values in report.sides.values())]
    if not shown:
        return
    look.section("Side by side")
    rows = [
        (WHO.get(side, side), *(plain(values[name]) if name in values else "" for name in shown)) for side, values in report.sides.items()
    ]
    look.table(("", *(SIDES[name] for name in shown)), rows, numbers=range(1, len(shown) + 1))


def _habits(report: Report) -> None:
    if not report.gaps:
        return
    look.section("Habits it misses or overdoes")
    with look.card("hp-lines"):
        for gap in report.gaps:
            with ui.element("div").classes("hp-say"):
                with look.row():
                    look.badge(gap.kind if gap.sure else f"perhaps {gap.kind}", "warn" if gap.sure else "neutral")
                    look.text("span", gap.sentence[0].upper() + gap.sentence[1:], "hp-grow")
                for example in gap.examples[:2]:
                    look.text("p", example, "hp-quote hs-plain hs-small")


def _samples(report: Report) -> None:
    if not report.samples:
        return
    look.section("In the same moment")
    for sample in report.samples:
        _sample(sample, report.person)


def _sample(sample: Sample, person: str) -> None:
    with look.card("hs-stack"):
        look.text("p", sample.context, "hs-plain hp-context")
        with ui.element("div").classes("hp-say"):
            for who, words in ((person, sample.real), ("avatar", sample.avatar), ("base", sample.base)):
                with ui.element("div"):
                    look.text("span", who, "hp-who")
                    look.text("p", words or "(nothing)", "hs-plain")


def _rest(report: Report) -> None:
    if report.privacy:
        look.section("Does it give away what it learned?")
        look.text("p", report.privacy, "hs-plain")
    if report.notes:
        look.section("What could not be measured")
        with ui.element("ul").classes("hs-muted"):
            for note in report.notes:
                look.text("li", note)
