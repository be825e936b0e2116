from pathlib import Path
from typing import Annotated

import typer

from homespun.cli.common import JsonOption, emit, home_path, new_app

app = new_app()


@app.command()
def init(
    directory: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Where; default ./homespun-home.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a home."""
    from homespun.home import Home
    from homespun.serving.tokens import token_of

    home = Home.create(home_path(directory))
    token_of(home)
    emit(as_json, {"home": str(home.path)}, f"your home is {home.path}. Next: homespun add EXPORT --me NAME --home {home.path}")
