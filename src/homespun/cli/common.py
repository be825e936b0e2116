"""What the verbs share: the options, the output, and the progress bar."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from homespun.config import Recipe
    from homespun.home import Home
    from homespun.pipeline import Workshop

HomeOption = Annotated[Path | None, typer.Option("--home", help="The home; default $HOMESPUN_HOME or ./homespun-home.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="A model's name; MODEL@2 is its second version.")]

TemperatureOption = Annotated[
    float | None,
    typer.Option("--temperature", min=0, max=2, help="Lower is calmer, 0 the likeliest answer; by default as varied as the person."),
]


def new_app() -> typer.Typer:
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def home_path(given: Path | None) -> Path:
    from homespun.config import settings

    return given or settings().home


def open_home(given: Path | None) -> Home:
    from homespun.home import Home

    return Home(home_path(given))


def emit(as_json: bool, value: Mapping[str, Any], text: str) -> None:
    """Print the result of a verb, for programs or for people."""
    sys.stdout.write((json.dumps(value, ensure_ascii=False) if as_json else text) + "\n")
    sys.stdout.flush()


def table(rows: list[tuple[Any, ...]], header: tuple[str, ...]) -> str:
    """Columns, aligned; numbers to the right."""
    cells = [header, *[tuple(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    right = [bool(rows) and isinstance(rows[0][column], int | float) for column in range(len(header))]

    def line(row: tuple[str, ...]) -> str:
        return "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)).rstrip()

    return "\n".join(line(row) for row in cells)


@contextlib.contextmanager
def workshop(home: Home, recipe: Recipe, as_json: bool) -> Iterator[Workshop]:
    """The pipeline's workshop with a progress bar on a terminal, plain lines elsewhere, and silence for programs."""
    from homespun.config import settings
    from homespun.pipeline import Workshop

    with progress(as_json) as (say, on_event):
        yield Workshop(home, recipe, settings(), say, on_event)


@contextlib.contextmanager
def progress(as_json: bool) -> Iterator[tuple[Callable[[str], None], Callable[[Mapping[str, Any]], None]]]:
    """(say, on_event) for the stages of the pipeline. Everything goes to standard error: standard output is for results."""
    if as_json:
        yield lambda _: None, lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        yield (lambda text: console.print(f"  {text}", style="dim", markup=False, soft_wrap=True)), _Follower(bar, console)


class _Follower:
    """Turns training events into a bar (on a terminal) or a line per validation."""

    def __init__(self, bar: Any, console: Any) -> None:
        self.bar, self.console = bar, console
        self.task: Any = None
        self.loss = ""
        self.previous: Mapping[str, Any] | None = None

    def __call__(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "validation":
            self.loss = f"validation {event['loss']:.3f}"
            if not self.console.is_terminal:
                self.console.print(f"  step {event['step']}/{event['steps']}  {self.loss}", style="dim", markup=False, soft_wrap=True)
            return
        if self.previous is None or event["step"] < self.previous["step"]:
            self._next_run(event)
        elif event["seconds"] > self.previous["seconds"]:
            rate = event["tokens"] / (event["seconds"] - self.previous["seconds"])
            self.bar.update(self.task, completed=event["step"], rate=f"{rate:,.0f} tokens/s  {self.loss}")
        self.previous = event

    def _next_run(self, event: Mapping[str, Any]) -> None:
        if self.task is not None:
            self.bar.remove_task(self.task)
        self.task = self.bar.add_task("training", total=event["steps"], completed=event["step"], rate="")
        self.loss = ""
