from pathlib import Path
from typing import Annotated

import typer

from homespun.cli.common import JsonOption, emit, new_app

app = new_app()


@app.command()
def recipes(
    action: Annotated[str, typer.Argument(metavar="[list|show NAME|copy NAME FILE]")] = "list",
    names: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    as_json: JsonOption = False,
) -> None:
    """List the built-in recipes, show one with every default, or copy it to a file of your own to change."""
    from homespun.config import load_recipe, recipe_names
    from homespun.errors import UnknownName, UsageError

    given = names or []
    wanted = {"list": 0, "show": 1, "copy": 2}
    if action not in wanted:
        raise UnknownName("action", action, wanted)
    if len(given) != wanted[action]:
        raise UsageError(
            f"`homespun recipes {action}` takes {'nothing more' if action == 'list' else 'NAME' if action == 'show' else 'NAME FILE'}"
        )
    if action == "list":
        emit(as_json, {"recipes": recipe_names()}, "\n".join(recipe_names()))
        return
    recipe = load_recipe(given[0])
    if action == "copy":
        target = Path(given[1])
        if target.exists():
            raise UsageError(f"{target} exists already: choose another file name")
        target.write_text(recipe.toml(), encoding="utf-8")
        emit(as_json, {"file": str(target)}, f"written to {target}. Change it, then: homespun train NAME --recipe {target}")
    else:
        emit(as_json, recipe.model_dump(), recipe.toml())
