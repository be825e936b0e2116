from typing import Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, ModelArgument, emit, new_app, open_home, table, workshop

app = new_app()


@app.command()
def plan(
    model: ModelArgument,
    person: Annotated[str, typer.Option("--person", help="Whose model; default you.")] = "me",
    recipe: Annotated[str | None, typer.Option("--recipe", help="A built-in recipe or a TOML file; default the model's own.")] = None,
    budget: Annotated[str | None, typer.Option("--budget", help="Time for the training itself.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What `train` would do: it times a few steps on your data and learns nothing."""
    from homespun import pipeline
    from homespun.cli.train import chosen
    from homespun.config import seconds_of

    place = open_home(home)
    name, made_by = chosen(place, model, person, recipe)
    with workshop(place, made_by, as_json) as shop:
        value = pipeline.forecast(shop, name, seconds_of(budget) if budget else None)
    emit(as_json, value, table([(str(shown), what.replace("_", " ")) for what, shown in value.items()], ("", "")).strip("\n"))
