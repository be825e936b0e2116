"""The command-line reference, made from the verbs themselves: `python -m homespun.cli.reference > docs/cli.md` (`make docs`)."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys

from homespun.cli.app import VERBS, run


def reference() -> str:
    """docs/cli.md. `tests/test_docs.py` fails where the file differs."""
    parts = ["# Command line", "", "Made by `make docs` from the commands' own help. Every verb takes `--json`.", ""]
    for verb in VERBS:
        actions = importlib.import_module(f"homespun.cli.{verb}").app.registered_commands
        names = [verb, *(f"{verb} {one.callback.__name__}" for one in actions)] if len(actions) > 1 else [verb]
        for name in names:
            parts += [f"## {name}", "", "```", _help(name), "```", ""]
    return "\n".join(parts)


def _help(verb: str) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        run([*verb.split(), "--help"])
    return said.getvalue().strip()


if __name__ == "__main__":
    sys.stdout.write(reference())
