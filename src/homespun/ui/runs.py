"""Commands at work: a training with its live curves, an evaluation, an import. Each is a job of its own that no closed page can stop."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicegui import ui

from homespun.home import Home
from homespun.serving import jobs
from homespun.serving.jobs import Job, JobStatus
from homespun.serving.progress import Progress
from homespun.ui import look, parts, plots
from homespun.ui.plots import Curve

if TYPE_CHECKING:
    from homespun.serving.house import House

EVERY = 1.5
"""Seconds between two looks at a job."""
TAIL = 4096
"""Bytes at the end of a run's metrics that surely hold its last two steps."""
SHOWN: dict[JobStatus, tuple[str, look.Tone]] = {
    "running": ("at work", "accent"),
    "done": ("done", "good"),
    "failed": ("failed", "bad"),
    "cancelled": ("cancelled", "neutral"),
}


def register(house: House) -> None:
    async def run_page(job: str) -> None:
        with parts.page(house, "At work", "train", "train"), parts.told():
            await _Watch(house, await parts.off_loop(jobs.get, house.home, job)).show()

    parts.serve("/runs/{job}", run_page)


async def begin(house: House, refused: ui.element, verb: str, arguments: Mapping[str, object]) -> None:
    """Start a job and go to its page; where it cannot be started, `refused` says why."""
    started: list[Job] = []

    async def start() -> None:
        started.append(await parts.off_loop(jobs.start, house.home, verb, arguments))

    if await parts.attempt(refused, start):
        ui.navigate.to(f"/runs/{started[0].id}")


def named(job: Job) -> str:
    """What a job does, in words."""
    model = str(job.arguments.get("model", ""))
    if job.verb == "eval":
        return f"A blind test of {model}" if job.arguments.get("blind") else f"Evaluating {model}"
    return {"train": f"Training {model}", "plan": f"A plan for {model}", "add": "Adding words"}.get(job.verb, job.verb)


def status_badge(job: Job) -> None:
    look.badge(*SHOWN[job.status])


def doing(job: Job) -> str:
    """What it is at, or the one line that went wrong."""
    if job.status == "failed":
        return str((job.result or {}).get("error", ""))
    if job.status != "running":
        return ""
    progress = job.progress
    if job.verb == "add":
        return "reading the export"
    if job.verb == "plan":
        return "timing a few steps on your words"
    if progress is None:
        return "getting ready: reading your words and loading the base"
    if progress.step < progress.steps:
        left = progress.seconds / max(1, progress.step) * (progress.steps - progress.step)
        return f"step {progress.step:,} of {progress.steps:,}, about {parts.lasting(left)} of training left"
    return "measuring what was learned, which takes a few minutes"


@dataclass(frozen=True, slots=True)
class Seen:
    job: Job
    rate: float | None
    """Tokens per second, of the newest step."""


def look_at(home: Home, job: str) -> Seen:
    """Raises UnknownName."""
    found = jobs.get(home, job)
    return Seen(found, rate_of(home, found.progress.run) if found.progress else None)


def rate_of(home: Home, run: str) -> float | None:
    """Tokens per second, from the last two steps that a run wrote down."""
    for folder in (home.path / "runs" / f"{run}.unfinished", home.folder("run", run)):
        try:
            with (folder / "metrics.jsonl").open("rb") as stream:
                stream.seek(0, 2)
                stream.seek(max(0, stream.tell() - TAIL))
                lines = stream.read().decode(errors="replace").splitlines()
        except OSError:
            continue
        steps = [event for event in map(_event, lines) if event.get("event") == "step"][-2:]
        if len(steps) == 2 and steps[1]["seconds"] > steps[0]["seconds"]:
            return float(steps[1]["tokens"] / (steps[1]["seconds"] - steps[0]["seconds"]))
    return None


def _event(line: str) -> dict[str, Any]:
    """The first line and the last may be parts of one."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


class _Watch:
    """One job, looked at again and again while it is at work."""

    def __init__(self, house: House, job: Job) -> None:
        self.house, self.job = house, job
        self.asked_to_stop = False
        with look.row("hs-between"):
            look.title(named(job))
            self.badge = look.row()
        self.card = look.card("hs-stack")
        with self.card:
            self.line = look.text("p", "").props('aria-live="polite"')
            self.bar = look.progress("Steps done", 0.0)
            self.figures = ui.element("div").classes("hp-figures")
        self.plot = look.card("hs-stack")
        self.drawn: object = None
        self.refused = look.stack()
        self.result = look.stack()
        self.actions = look.row()
        self.timer = ui.timer(EVERY, self.show, active=False)

    async def show(self) -> None:
        seen = await parts.off_loop(look_at, self.house.home, self.job.id)
        before, self.job = self.job, seen.job
        self.timer.active = self.job.status == "running"
        self._state()
        self._numbers(seen)
        self._curves()
        if not self.actions.default_slot.children or before.status != self.job.status:
            self._ended()

    def _state(self) -> None:
        running = self.job.status == "running"
        self.badge.clear()
        with self.badge:
            status_badge(self.job)
        self.line.text = ("stopping, which takes a moment" if self.asked_to_stop else doing(self.job)) if running else ""
        progress = self.job.progress
        self.card.set_visibility(running or progress is not None)
        self.bar.set_visibility(running)
        known = progress is not None and progress.step < progress.steps
        self.bar.props(remove="indeterminate") if known else self.bar.props("indeterminate")
        self.bar.value = progress.share if progress else 0.0

    def _numbers(self, seen: Seen) -> None:
        progress = self.job.progress
        self.figures.clear()
        with self.figures:
            end = datetime.fromisoformat(self.job.ended) if self.job.ended else datetime.now(UTC)
            parts.figure(parts.lasting((end - datetime.fromisoformat(self.job.created)).total_seconds()), "since it began")
            if progress:
                parts.figure(f"{progress.step:,} / {progress.steps:,}", "steps")
                if seen.rate:
                    parts.figure(f"{seen.rate:,.0f}", "tokens a second")
                if progress.validation is not None:
                    parts.figure(f"{progress.validation:.3f}", "best validation loss")

    def _curves(self) -> None:
        progress = self.job.progress
        self.plot.set_visibility(progress is not None)
        if progress is None or self.drawn == (progress.run, progress.step, len(progress.validations)):
            return
        self.drawn = (progress.run, progress.step, len(progress.validations))
        self.plot.clear()
        with self.plot:
            curves(progress)

    def _ended(self) -> None:
        job = self.job
        self.actions.clear()
        self.result.clear()
        with self.result:
            if job.status == "failed":
                look.error(doing(job))
                if job.line and job.line != doing(job):
                    look.text("p", job.line, "hs-muted hs-small hs-plain")
            elif job.status == "done":
                _outcome(job)
        with self.actions:
            if job.status == "running":
                look.button("Cancel", self._cancel, "danger", "stop_circle")
                look.muted("You can close this page: it goes on, and this page finds it again.")
            elif job.status != "done" and job.verb == "train":
                look.button("Go on where it stopped", self._resume, "primary", "play_arrow")
            parts.link_button("All runs", "/train", "quiet")

    async def _cancel(self) -> None:
        words = (
            "What it learned so far is kept, so that it can go on later." if self.job.verb == "train" else "What it did not finish is lost."
        )
        if await look.confirm(f"Stop {named(self.job)[0].lower()}{named(self.job)[1:]}?", words, "Stop it", danger=True):
            self.asked_to_stop = True
            self._state()
            await parts.attempt(self.refused, lambda: parts.off_loop(jobs.cancel, self.house.home, self.job.id))
            await self.show()

    async def _resume(self) -> None:
        await begin(self.house, self.refused, "train", {**self.job.arguments, "resume": True})


def curves(progress: Progress) -> None:
    """The losses of a training so far."""
    with look.row("hs-between"):
        look.section("Loss")
        with ui.element("div").classes("hp-key"):
            look.text("span", "training, smoothed")
            look.text("span", "validation", "validation")
    drawn = [
        Curve("training", progress.curve, "train"),
        Curve("training, smoothed", plots.smoothed(progress.curve), "smooth"),
        Curve("validation", progress.validations, "validation"),
    ]
    best = min(progress.validations, key=lambda point: point[1], default=None)
    parts.drawing(plots.curves("Loss over the steps of the training", drawn, "step", progress.steps, best))
    look.muted(
        "How surprised it is by the words, in nats per token: lower is better. The version keeps what was best on validation."
    ).classes("hs-small")


def _outcome(job: Job) -> None:
    """What a job that ended well has made, and where to go on."""
    result = job.result or {}
    title = str(result.get("version", job.arguments.get("model", "")))
    if job.verb == "train":
        _trained(result, title)
    elif job.verb == "eval":
        if job.arguments.get("blind"):
            parts.link_button("Take the test", f"/blind/{title}", "primary")
        else:
            # The page that the command printed lies in the folder of its report.
            name = Path(str(result.get("page", ""))).parent.name
            parts.link_button("Read the report", f"/report/{title}?of={name}", "primary")
    elif job.verb == "plan":
        plan(result)
        parts.link_button("To the training", f"/train?model={job.arguments.get('model', '')}", "primary")
    else:
        parts.link_button("To your words", "/words", "primary")


def _trained(result: Mapping[str, Any], title: str) -> None:
    decision = result.get("decision") or {}
    with look.card("hs-stack"):
        if result.get("new") is False:
            look.text("p", f"Nothing is new since {title}", "hs-section")
            look.muted("Add messages, or change the recipe, for another version.")
        elif result.get("live"):
            look.text("p", f"{title} is live", "hs-section")
            look.muted("The gate passed it, and it answers from now on.")
        else:
            look.text("p", f"{title} is there, and not live", "hs-section")
            look.muted(str(decision.get("reason", "")))
        with look.row():
            parts.link_button("Read the report", f"/report/{title}", "primary")
            parts.link_button("Blind test", f"/blind/{title}")
            parts.link_button("Versions", f"/versions/{title.partition('@')[0]}", "quiet")


def plan(result: Mapping[str, Any]) -> None:
    """What a training would take."""
    enough = float(result["memory_gb"]) <= float(result["memory_free_gb"])
    with ui.element("div").classes("hp-figures"):
        parts.figure(parts.lasting(float(result["minutes"]) * 60), "of training")
        parts.figure(f"{int(result['replies_to_learn']):,}", "replies to learn from")
        parts.figure(f"{float(result['memory_gb']):g} GB", f"of memory; {float(result['memory_free_gb']):g} GB are free")
        parts.figure(f"{float(result['disk_gb']):g} GB", "of disk, meanwhile")
    look.text("p", str(result["expect"]))
    if not enough:
        look.note("More memory than is free: close other programs first, or it will be slow or fail.", "warn")
    with ui.element("details").classes("hp-more"):
        look.text("summary", "Everything that is planned")
        look.facts((name.replace("_", " "), str(value)) for name, value in result.items() if name != "expect")
