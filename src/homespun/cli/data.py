from typing import TYPE_CHECKING, Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, ModelArgument, emit, new_app, open_home, table, workshop

if TYPE_CHECKING:
    from homespun.dataset.build import Dataset

app = new_app()


@app.command()
def data(
    action: Annotated[str, typer.Argument(metavar="build|show")],
    model: ModelArgument,
    person: Annotated[str, typer.Option("--person", help="Whose model; default you.")] = "me",
    recipe: Annotated[str | None, typer.Option("--recipe", help="A built-in recipe or a TOML file; default the model's own.")] = None,
    count: Annotated[int, typer.Option("--count", help="Examples to show.", min=1)] = 3,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build the dataset of a model, or show what is in it: what is learned is coloured, history is plain."""
    from homespun.cli.train import chosen
    from homespun.corpus import sessions
    from homespun.dataset.build import expectation
    from homespun.errors import UnknownName

    if action not in ("build", "show"):
        raise UnknownName("action", action, ["build", "show"])
    place = open_home(home)
    name, made_by = chosen(place, model, person, recipe)
    with workshop(place, made_by, as_json) as shop:
        dataset = shop.dataset(sessions.conversations(place), name)
        if action == "build":
            hint = expectation(int(dataset.counts.get("train replies", 0)))
            rows = [(int(value), what) for what, value in dataset.counts.items()]
            emit(as_json, {"id": dataset.id, "counts": dataset.counts, "expect": hint}, f"{table(rows, ('', ''))}\n{hint}".strip())
        elif as_json:
            examples = [[{"role": t.role, "text": t.text, "learned": t.target} for t in e.turns] for e in dataset.of("train")[:count]]
            emit(True, {"id": dataset.id, "examples": examples}, "")
        else:
            _coloured(dataset, shop.template, count)


def _coloured(dataset: "Dataset", template: object, count: int) -> None:
    """Token by token as the model sees it, so that a wrong mask is seen too."""
    from rich.console import Console
    from rich.text import Text

    from homespun.bases.template import Template

    assert isinstance(template, Template)
    console = Console(highlight=False)
    for example in dataset.of("train")[:count]:
        rendered = template.render(example.turns)
        text = Text()
        ids: list[int] = []
        for position, (token, target) in enumerate(zip(rendered.ids, rendered.target, strict=True)):
            ids.append(token)
            last = position + 1 == len(rendered.ids)
            if last or bool(rendered.target[position + 1]) != bool(target):
                text.append(template.tokenizer.decode(ids, skip_special_tokens=False), style="bold green" if target else "dim")
                ids = []
        console.print(text)
        console.rule(style="dim")
    console.print(f"green is learned, {sum(1 for e in dataset.of('train') for _ in e.targets):,} replies in all", style="dim")
