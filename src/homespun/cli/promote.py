"""Saying by hand which version answers."""

from typing import Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, ModelArgument, emit, new_app, open_home

app = new_app()


@app.command()
def promote(
    model: ModelArgument,
    anyway: Annotated[str | None, typer.Option("--anyway", metavar="WHY", help="Also one that the gate did not pass.")] = None,
    refuse: Annotated[str | None, typer.Option("--refuse", metavar="WHY", help="Say no to one that waits for approval.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make MODEL@V the version that answers. One that waits for approval is thereby approved.

    Why is kept: `homespun versions MODEL --decisions`.
    """
    from homespun.errors import UsageError
    from homespun.registry import versions

    if "@" not in model:
        raise UsageError(f"say which version, such as {model}@2: `homespun versions {model}` lists them")
    given = {"--anyway": anyway, "--refuse": refuse}
    if empty := [name for name, why in given.items() if why is not None and not why.strip()]:
        raise UsageError(f'say why: {empty[0]} "…"')
    if anyway and refuse:
        raise UsageError("give either --anyway or --refuse")
    place = open_home(home)
    if refuse:
        version = versions.refuse(place, model, refuse)
        current = versions.get_model(place, version.model).live
        live = f"{version.model}@{current}" if current else None
        emit(as_json, {"refused": version.title, "live": live}, f"{version.title} is refused; {live or 'no version'} is live")
        return
    version = versions.promote(place, model, anyway or "by hand", anyway=anyway is not None)
    emit(as_json, {"live": version.title}, f"{version.title} is live")
