"""Talk with a version in the terminal, as anybody the person knows; `/` commands are listed by `/help`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from homespun.cli.common import HomeOption, JsonOption, ModelArgument, TemperatureOption, emit, new_app, open_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from homespun.serving.session import Opened, Session

app = new_app()

HELP = """/help            this list
/clear           forget this conversation
/save FILE       write it down, as JSONL that `homespun add` reads
/switch MODEL    talk with another model or version
/exit            leave (or Ctrl-D); Ctrl-C stops an answer"""


@app.command()
def chat(
    model: ModelArgument,
    speaker: Annotated[str | None, typer.Option("--with", help="Who is talking: somebody it knows.")] = None,
    base: Annotated[bool, typer.Option("--base", help="Talk with the untrained base instead.")] = False,
    temperature: TemperatureOption = None,
    engine: Annotated[Literal["llamacpp", "torch"], typer.Option("--engine", help="torch has the numerics of training.")] = "llamacpp",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Talk with a model. It remembers the last 10 messages. With --json: a line in, a JSON object out."""
    from homespun.config import settings
    from homespun.serving.session import open_version

    place = open_home(home)
    options = settings()
    talk(lambda title: open_version(place, title, options, base, engine, temperature), model, speaker, as_json)


def talk(open_model: "Callable[[str], Opened]", model: str, speaker: str | None = None, as_json: bool = False) -> None:
    """The loop over lines of standard input, until /exit or the end of input."""
    from homespun.errors import HomespunError
    from homespun.serving.session import Session

    session = Session(open_model(model), speaker)
    show = (lambda text: None) if as_json else _show
    show(_greeting(session.opened))
    for line in _lines("" if as_json else "you: "):
        try:
            if line.startswith("/"):
                leaving = _command(line, session, open_model, show)
                if leaving:
                    return
            elif line:
                _answer(session, line, as_json)
        except HomespunError as error:
            emit(as_json, {"error": str(error)}, str(error))


def _command(line: str, session: "Session", open_model: "Callable[[str], Opened]", show: "Callable[[str], None]") -> bool:
    """Obey a /command. True if the conversation is over."""
    verb, _, rest = line.partition(" ")
    rest = rest.strip()
    if verb in ("/exit", "/quit"):
        return True
    if verb == "/clear":
        session.clear()
        show("forgotten")
    elif verb == "/save" and rest:
        try:
            session.save(Path(rest).expanduser())
            show(f"saved to {rest}")
        except OSError as error:
            show(f"cannot write {rest}: {error.strerror}")
    elif verb == "/switch" and rest:
        session.opened = open_model(rest)
        session.clear()
        show(_greeting(session.opened))
    else:
        show(HELP)
    return False


def _answer(session: "Session", line: str, as_json: bool) -> None:
    pieces: list[str] = []
    try:
        for piece in session.say(line):
            if not as_json:
                sys.stdout.write(piece if pieces else f"{session.opened.person}: {piece}")
                sys.stdout.flush()
            pieces.append(piece)
    except KeyboardInterrupt:
        pieces.append(" …")
    if as_json:
        emit(True, {"version": session.opened.title, "answer": "".join(pieces).strip()}, "")
    else:
        sys.stdout.write("\n")


def _lines(prompt: str) -> "Iterator[str]":
    """Lines of standard input, with editing and history on a terminal."""
    if sys.stdin.isatty():
        import readline  # noqa: F401 (importing it gives `input` its arrow keys)
    while True:
        try:
            yield input(prompt if sys.stdin.isatty() else "").strip()
        except EOFError:
            return
        except KeyboardInterrupt:
            sys.stdout.write("\n")
            return


def _greeting(opened: "Opened") -> str:
    return f"{opened.notice or f'This is {opened.title}.'} /help lists the commands."


def _show(text: str) -> None:
    """What the program says itself: dim on a terminal, so that nobody takes it for the person."""
    from rich.console import Console

    Console(highlight=False).print(text, style="dim", markup=False, soft_wrap=True)
