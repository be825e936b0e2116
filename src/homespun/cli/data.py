"""Datasets: those of models (build, show, export) and those in files (check, fix)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from homespun.cli.common import HomeOption, JsonOption, ModelArgument, emit, new_app, open_home, table, workshop

if TYPE_CHECKING:
    from homespun.bases.template import Template
    from homespun.dataset.build import Dataset
    from homespun.dataset.findings import Segments
    from homespun.dataset.fix import Fixed

app = new_app()
app.info.no_args_is_help = True

PersonOption = Annotated[str, typer.Option("--person", help="Whose model; default you.")]
RecipeOption = Annotated[str | None, typer.Option("--recipe", help="A built-in recipe or a TOML file; default the model's own.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="JSONL, a JSON array or CSV, in any common record format.")]


@app.callback()
def data() -> None:
    """What a model learns from: build, show or export a model's dataset; check or repair any training file."""


@app.command()
def build(
    model: ModelArgument,
    person: PersonOption = "me",
    recipe: RecipeOption = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only show what the filter would leave out.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build the dataset of a model, and count what is in it.

    With --preview nothing is built: it shows what the recipe's filter leaves out, and why.
    """
    from homespun.dataset.build import expectation

    if preview:
        return _preview(model, person, recipe, home, as_json)

    with _dataset(model, person, recipe, home, as_json) as (dataset, _):
        hint = expectation(int(dataset.counts.get("train replies", 0)))
        rows = [(int(value), what) for what, value in dataset.counts.items()]
        emit(as_json, {"id": dataset.id, "counts": dataset.counts, "expect": hint}, f"{table(rows, ('', ''))}\n{hint}".strip())
    return None


def _preview(model: str, person: str, recipe: str | None, home: Path | None, as_json: bool) -> None:
    from homespun.cli.train import chosen
    from homespun.corpus import sessions
    from homespun.dataset import quality

    place = open_home(home)
    name, made_by = chosen(place, model, person, recipe)
    found = quality.preview(sessions.conversations(place), name, made_by.dataset.filter)
    lines = []
    for reason, count in found.counts.most_common():
        lines += [f"{count:,} replies left out: {reason}", *(f"    {text.splitlines()[0][:100]}" for text in found.examples[reason])]
    value = {"left_out": dict(found.counts), "examples": dict(found.examples)}
    emit(as_json, value, "\n".join(lines) or "nothing is left out")


@app.command()
def show(
    model: ModelArgument,
    person: PersonOption = "me",
    recipe: RecipeOption = None,
    count: Annotated[int, typer.Option("--count", help="Examples to show.", min=1)] = 3,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show examples of a model's dataset. What is learned is coloured, history is plain."""
    from homespun.dataset.check import segments

    with _dataset(model, person, recipe, home, as_json) as (dataset, template):
        chosen = dataset.of("train")[:count]
        if as_json:
            examples = [[{"role": t.role, "text": t.text, "learned": t.target} for t in e.turns] for e in chosen]
            return emit(True, {"id": dataset.id, "examples": examples}, "")
        _coloured(segments(example.turns, template) for example in chosen)
        typer.echo(f"green is learned, {sum(1 for e in dataset.of('train') for _ in e.targets):,} replies in all")
    return None


@app.command()
def export(
    model: ModelArgument,
    to: Annotated[str, typer.Option("--to", metavar="LAYOUT", help="hf, trl, llamafactory, axolotl or mlx.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new folder.")],
    held_out: Annotated[bool, typer.Option("--held-out", help="Also write what the model is judged on, in files of its own.")] = False,
    person: PersonOption = "me",
    recipe: RecipeOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a model's dataset in the layout of another trainer. Nothing held out is among what is learned."""
    from homespun.dataset.export import LAYOUTS, PRIVATE
    from homespun.dataset.export import export as write
    from homespun.errors import UnknownName
    from homespun.home import Manifest, digest, write_text

    if to not in LAYOUTS:
        raise UnknownName("layout", to, LAYOUTS)
    with _dataset(model, person, recipe, home, as_json) as (dataset, _):
        done = write(dataset, to, out, held_out)
        # Kept so that `forget` can name it.
        place, where = open_home(home), str(done.folder.resolve())
        with place.artefact(Manifest("export", digest(dataset.id, to, where), (f"dataset:{dataset.id}",))) as folder:
            write_text(folder / "folder", where)
    value = {"folder": str(done.folder), "rows": done.rows, "notes": done.notes, "dataset": dataset.id}
    rows = [(count, str(done.folder / file)) for file, count in done.rows.items()]
    emit(as_json, value, "\n".join([table(rows, ("rows", "file")), *(f"note: {note}" for note in done.notes), PRIVATE]))


@app.command()
def check(
    file: FileArgument,
    kind: Annotated[str, typer.Option("--for", metavar="KIND", help="chat, command or extraction: how much and how long.")] = "chat",
    base: Annotated[str | None, typer.Option("--base", help="Count tokens as this base does.")] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, help="Longest row, with --base.  [512; extraction 1024]")] = None,
    min_rows: Annotated[
        int | None, typer.Option("--min-rows", min=1, help="Rows without copies.  [10; command 1000; extraction 2000]")
    ] = None,
    max_copies: Annotated[float | None, typer.Option("--max-copies", min=0, max=1, help="Share of copies that is an error.  [0.1]")] = None,
    schema: Annotated[Path | None, typer.Option("--schema", metavar="SCHEMA", help="A JSON Schema for the outputs.")] = None,
    cypher: Annotated[bool, typer.Option("--check-cypher", help="Outputs must be Cypher, by a real parser.")] = False,
    preview: Annotated[int, typer.Option("--preview", min=0, help="Rows of which to show what is learned.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Say whether a training file is fit to learn from. Exit code 0: it is; 3: it is not, with every bad line."""
    from dataclasses import replace

    from homespun.corpus import pii
    from homespun.dataset.check import KINDS, Examiner
    from homespun.dataset.check import check as examine
    from homespun.dataset.cypher import cypher_judge
    from homespun.dataset.problems import schema_judge
    from homespun.errors import CheckFailed, UnknownName, UsageError

    if kind not in KINDS:
        raise UnknownName("kind", kind, KINDS)
    given: dict[str, Any] = {"max_tokens": max_tokens, "min_rows": min_rows, "max_copies": max_copies}
    limits = replace(KINDS[kind], **{name: value for name, value in given.items() if value is not None})
    if schema and cypher:
        raise UsageError("an output cannot be both Cypher and JSON: give --schema or --check-cypher")
    with cypher_judge() if cypher else nullcontext(schema_judge(schema) if schema else None) as judge:
        found = examine(file, Examiner(limits, _template(base), pii.find, judge, preview))
    if as_json:
        emit(True, found.as_dict(), "")
    else:
        _coloured(found.preview)
        typer.echo(f"{file.name}: {found.verdict}\n{found.text()}")
    if not found.errors:
        return
    if as_json:
        raise typer.Exit(CheckFailed.exit_code)
    raise CheckFailed(f"{file.name} has {found.verdict}; `homespun data fix {file}` repairs what is safe to repair")


@app.command()
def fix(
    file: FileArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Repair a training file; the old one is kept beside it as FILE.bak. Texts are never changed, rows never repeated."""
    from homespun.dataset.fix import fix as repair

    done = repair(file, dry_run)
    emit(as_json, done.as_dict(), _told(done, dry_run))


@contextmanager
def _dataset(model: str, person: str, recipe: str | None, home: Path | None, as_json: bool) -> Iterator[tuple[Dataset, Template]]:
    from homespun.cli.train import chosen

    place = open_home(home)
    name, made_by = chosen(place, model, person, recipe)
    with workshop(place, made_by, as_json) as shop:
        yield shop.dataset(shop.conversations(), shop.view.name(name)), shop.template


def _template(base: str | None) -> Template | None:
    from homespun.bases import hub
    from homespun.bases.template import Template
    from homespun.config import settings

    return Template(hub.resolve(base, settings())) if base else None


def _coloured(examples: Iterator[Segments] | tuple[Segments, ...]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for parts in examples:
        console.print(Text.assemble(*((text, "bold green" if learned else "dim") for text, learned in parts)))
        console.rule(style="dim")


def _told(done: Fixed, dry_run: bool) -> str:
    lines = [f"{count:,} {what}" for what, count in done.changes.items()] or ["nothing to repair"]
    lines += [
        f"left as it is: {what} ({', '.join(map(str, where[:5]))}{', …' if len(where) > 5 else ''})" for what, where in done.left.items()
    ]
    written = f"{done.kept:,} rows in {done.file}, the old file is {done.backup}"
    return "\n".join([*lines, written if done.backup else "nothing was written" if dry_run or not done.changes else ""])
