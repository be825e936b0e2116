import sys
from typing import Annotated, Literal

import typer

from homespun.cli.common import HomeOption, JsonOption, ModelArgument, TemperatureOption, emit, new_app, open_home

app = new_app()


@app.command()
def ask(
    model: ModelArgument,
    question: Annotated[str, typer.Argument(help="What to say to it; quote it.")],
    speaker: Annotated[str | None, typer.Option("--with", help="Who is talking: somebody it knows.")] = None,
    base: Annotated[bool, typer.Option("--base", help="Ask the untrained base instead, to compare.")] = False,
    sources: Annotated[bool, typer.Option("--sources", help="Show the messages that the answer could draw on.")] = False,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed gives the same answer.")] = None,
    temperature: TemperatureOption = None,
    engine: Annotated[Literal["llamacpp", "torch"], typer.Option("--engine", help="torch has the numerics of training.")] = "llamacpp",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """One question, one answer, as it is written."""
    from homespun.config import settings
    from homespun.serving.session import Session, open_version

    opened = open_version(open_home(home), model, settings(), base, engine, temperature)
    session = Session(opened, speaker, seed)
    pieces = []
    for piece in session.say(question):
        pieces.append(piece)
        if not as_json:
            sys.stdout.write(piece)
            sys.stdout.flush()
    if as_json:
        found = [
            {"text": opened.view.restore(one.text), "date": one.date, "to": opened.view.restore(one.to), "messages": one.messages}
            for one in session.told
        ]
        emit(True, {"version": opened.title, "answer": "".join(pieces).strip(), "sources": found, "disclosure": opened.notice}, "")
        return
    sys.stdout.write("\n")
    if sources and not session.told:
        sys.stdout.write("  no message of theirs was used\n")
    for one in session.told if sources else ():
        about = ", ".join(part for part in (one.date, one.to and f"to {one.to}") if part)
        sys.stdout.write(opened.view.restore(f"  from{f' ({about})' if about else ''}: {' '.join(one.text.split())}\n"))
