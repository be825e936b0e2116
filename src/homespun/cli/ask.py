import sys
from typing import Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, ModelArgument, emit, new_app, open_home

app = new_app()


@app.command()
def ask(
    model: ModelArgument,
    question: Annotated[str, typer.Argument(help="What to say to it; quote it.")],
    speaker: Annotated[str | None, typer.Option("--with", help="Who is talking: somebody it knows.")] = None,
    base: Annotated[bool, typer.Option("--base", help="Ask the untrained base instead, to compare.")] = False,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed gives the same answer.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """One question, one answer, as it is written."""
    from homespun.config import settings
    from homespun.serving.session import Session, open_version

    opened = open_version(open_home(home), model, settings(), base)
    pieces = []
    for piece in Session(opened, speaker, seed).say(question):
        pieces.append(piece)
        if not as_json:
            sys.stdout.write(piece)
            sys.stdout.flush()
    if as_json:
        emit(True, {"version": opened.title, "answer": "".join(pieces).strip()}, "")
    else:
        sys.stdout.write("\n")
