"""The verbs, the global manners (errors in one line, exit codes, Ctrl-C), and nothing else."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
import typer.core

import homespun
from homespun.errors import HomespunError, UnknownName
from homespun.machine.neighbour import wait_politely

VERBS: dict[str, str] = {
    "init": "Make a home: the folder that holds everything.",
    "demo": "The whole circle on the bundled sample, then chat.",
    "add": "Bring in words: chat exports, mail, notes, tables, a graph or an SQL database.",
    "people": "Who is in the corpus; merge two names; say who you are.",
    "corpus": "Look at what is there.",
    "forget": "Remove words for good, and name the versions that learned from them.",
    "recipes": "Built-in recipes: how a model is made.",
    "data": "What a model would learn from; check, fix and export training files.",
    "plan": "Memory, time and disk, before anything starts.",
    "train": "Train a model: dataset, adapter, version and quick report.",
    "eval": "Measure a version: does it sound like the person?",
    "models": "The models of this home; rename or delete one.",
    "versions": "The versions of a model, and which one is live.",
    "promote": "Make a version the one that answers.",
    "rollback": "Return to the version that was live before.",
    "diff": "Two versions beside each other: how they were made, what was measured.",
    "ask": "One question, one answer.",
    "chat": "Talk with a model in the terminal.",
    "run": "One recipe, end to end.",
    "serve": "The API and the web pages, on this machine.",
    "export": "Files for other programs: GGUF, Ollama, LM Studio, MLX.",
    "doctor": "What this machine has, and what is missing.",
}
"""In the order a newcomer meets them. Each is a module of this package, imported only when it is called."""


class _Lazy(typer.core.TyperGroup):
    """Loads a verb's module when the verb is used, so that `--help` stays instant."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in VERBS:
            raise UnknownName("verb", cmd_name, VERBS)
        command = typer.main.get_command(importlib.import_module(f"homespun.cli.{cmd_name}").app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


root = typer.Typer(cls=_Lazy, add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"homespun {homespun.__version__}\n")
        raise typer.Exit


@root.callback()
def homespun_command(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """A small language model of your own: from your messages, on your machine, with proof of what it learned.

    Your first model is two commands: homespun add EXPORT --me NAME, then homespun train NAME.
    """


def run(arguments: Sequence[str]) -> int:
    """Run the command line. Returns the exit code: 0 done, 1 failed, 2 usage, 3 a check said no, 130 interrupted."""
    as_json = "--json" in arguments
    wait_politely()
    try:
        result = typer.main.get_command(root).main(args=list(arguments), prog_name="homespun", standalone_mode=False)
        code = result if isinstance(result, int) else 0
        # typer turns Ctrl-C into this exit code, without a word.
        return _say_error(_stopped(arguments), code, as_json) if code == 130 else code
    except (KeyboardInterrupt, typer.Abort):
        return _say_error(_stopped(arguments), 130, as_json)
    except Exception as error:
        return _failed(error, as_json)


def _failed(error: Exception, as_json: bool) -> int:
    if isinstance(error, HomespunError):
        return _say_error(str(error), error.exit_code, as_json)
    if isinstance(error, typer.Exit):
        return error.exit_code
    if hasattr(error, "format_message"):
        return _say_error(f"{error.format_message()} (see `homespun --help`)", 2, as_json)
    if isinstance(error, BrokenPipeError):
        return 0
    if isinstance(error, OSError | MemoryError):
        return _say_error(str(error) or "out of memory: close other programs, or choose a smaller base", 1, as_json)
    raise error


def _stopped(arguments: Sequence[str]) -> str:
    """What Ctrl-C, or a declined question, says: only training has something to go on with."""
    goes_on = ", and `homespun train NAME --resume` goes on" if "train" in arguments else ""
    return f"stopped; what was finished is kept{goes_on}"


def _say_error(text: str, code: int, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps({"error": text, "exit_code": code}) + "\n")
    else:
        sys.stderr.write(f"homespun: {text}\n")
    return code
