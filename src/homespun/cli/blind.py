"""`homespun eval MODEL --blind` in the terminal: which of two replies is real? By key on a terminal, by line from a pipe."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

if TYPE_CHECKING:
    from homespun.evaluation.blind import Result, Trial

KEYS = "a or b: that one is real    ?: cannot say    q: stop, and go on another time"
SHOWN = 6
"""Turns of what was said before, at most."""
WIDEST = 100


def play(trials: Sequence[Trial], folder: Path, person: str, out: TextIO) -> Result | None:
    """Ask about every trial that has no answer yet, keep the answers in `folder`, and score all that there are.

    Ends early at `q`, at the end of input, or at Ctrl-C; what was answered is kept.
    """
    from homespun.evaluation import blind

    answers = blind.read_answers(folder)
    open_ones = [trial for trial in trials if trial.id not in answers]
    if len(open_ones) < len(trials):
        out.write(f"{len(trials) - len(open_ones)} of {len(trials)} are answered already.\n")
    if open_ones:
        out.write(f"Which reply did {person} write? The other is the avatar's. You are told at the end.\n{KEYS}\n")
    keys = _keys(out)
    for number, trial in enumerate(open_ones, 1 + len(trials) - len(open_ones)):
        out.write(f"\n{_question(trial, f'{number} of {len(trials)}', person)}\n> ")
        out.flush()
        key = next((key for key in keys if key in (*blind.ANSWERS, "q")), "q")
        out.write("\n")
        if key == "q":
            break
        answers[trial.id] = next(answer for answer in blind.ANSWERS if answer == key)
        blind.write_answers(folder, answers)
    return blind.score(trials, answers)


def _keys(out: TextIO) -> Iterator[str]:
    """What is pressed, or the first letter of every line where nobody sits at a keyboard. What cannot be an answer is explained."""
    while True:
        try:
            key = typer.getchar() if sys.stdin.isatty() else sys.stdin.readline()
        except (EOFError, KeyboardInterrupt):
            return
        if not key:
            return
        key = key.strip().lower()[:1]
        if sys.stdin.isatty():
            out.write(key)
        if key not in ("a", "b", "?", "q"):
            out.write(f"\n{KEYS}\n> ")
            out.flush()
        yield key


def _question(trial: Trial, place: str, person: str) -> str:
    names = {"assistant": person, "user": "them"}
    said = [_block(turn.text, f"{names[turn.role]}: ") for turn in trial.context[-SHOWN:]]
    choices = [_block(text or "(an empty reply)", f"{letter}  ") for letter, text in (("A", trial.a), ("B", trial.b))]
    return "\n".join([f"--- {place} ---", *said, "", *choices])


def _block(text: str, label: str) -> str:
    """Wrapped to the terminal, under its label."""
    width = min(WIDEST, shutil.get_terminal_size().columns)
    indent = " " * (len(label) if len(label) < width // 2 else 2)
    lines = [part for line in text.splitlines() or [""] for part in textwrap.wrap(line, width - len(indent)) or [""]]
    first = [label + lines[0]] if len(indent) == len(label) else [label.rstrip(), indent + lines[0]]
    return "\n".join([*first, *(indent + line for line in lines[1:])])
