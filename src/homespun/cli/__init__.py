"""The command line: one file per verb, thin. Nothing heavy is imported until a verb runs."""

from __future__ import annotations

import sys


def main() -> None:
    """The `homespun` command."""
    from homespun.cli.app import run

    sys.exit(run(sys.argv[1:]))
