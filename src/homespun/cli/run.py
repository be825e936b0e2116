from typing import Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, new_app

app = new_app()


@app.command()
def run(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A built-in recipe or a TOML file.")],
    export: Annotated[list[str] | None, typer.Argument(metavar="[EXPORT]...", help="Exports to add first; default the recipe's.")] = None,
    me: Annotated[str | None, typer.Option("--me", help="Your name, as the exports write it.")] = None,
    model: Annotated[str | None, typer.Option("--name", help="The model's name; default the recipe's.")] = None,
    budget: Annotated[str | None, typer.Option("--budget", help="Time for the training itself.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """One recipe, end to end: add the exports, train, report."""
    from homespun.cli.add import add
    from homespun.cli.train import train
    from homespun.config import load_recipe

    made_by = load_recipe(recipe)
    name, own = model or made_by.name, made_by.source.where
    for one in export or ([own] if own else []):
        add(one, me=me, recipe=recipe, home=home, as_json=as_json)
    train(name, recipe=recipe, budget=budget, resume=True, home=home, as_json=as_json)
