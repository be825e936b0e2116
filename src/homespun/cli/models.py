from typing import Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, emit, new_app, open_home, table

app = new_app()


@app.command()
def models(
    action: Annotated[str, typer.Argument(metavar="[list|rename OLD NEW|delete NAME]")] = "list",
    names: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The models of this home. Deleting one removes its versions, and everything that only they needed."""
    from homespun.cli.versions import told
    from homespun.errors import UnknownName, UsageError
    from homespun.registry import removal, versions

    place = open_home(home)
    given = names or []
    wanted = {"list": 0, "rename": 2, "delete": 1}
    if action not in wanted:
        raise UnknownName("action", action, wanted)
    if len(given) != wanted[action]:
        raise UsageError("give `homespun models list`, `models rename OLD NEW` or `models delete NAME`")
    removed: list[str] = []
    lines: list[str] = []
    if action == "rename":
        versions.rename_model(place, *given)
    elif action == "delete":
        with place.lock(f"models delete {given[0]}"):
            gone = removal.delete_model(place, given[0])
        removed, lines = list(gone.artefacts), [told(gone)] if gone.versions else []
    found = versions.list_models(place)
    value = {
        "models": [{"name": m.name, "person": m.person, "versions": m.versions, "live": m.live, "base": m.recipe.base} for m in found],
        "removed": removed,
    }
    rows = [(m.name, m.person, str(m.versions), f"@{m.live}" if m.live else "none", m.recipe.base) for m in found]
    lines.append(table(rows, ("model", "person", "versions", "live", "base")) if rows else "no model yet: homespun train NAME")
    emit(as_json, value, "\n".join(lines))
