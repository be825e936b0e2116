"""The house: rooms import upwards only, stay small, say what they are, and cost nothing before they are used."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import homespun

SRC = Path(homespun.__file__).parent
ROOMS = (
    *("types", "errors", "config", "home", "database", "plugins", "machine", "bases", "sources", "corpus", "generators", "dataset"),
    *("training", "engines", "retrieval", "evaluation", "registry", "export", "feedback", "serving", "ui", "pipeline", "improve", "cli"),
)
"""Top to bottom, as in the design: a room may import those before it."""
DATA = {"recipes", "sample"}
HEAVY = {"torch", "transformers", "sqlalchemy", "sklearn", "numpy", "fastapi", "starlette", "nicegui"}


def modules() -> Iterator[Path]:
    return (file for file in sorted(SRC.rglob("*.py")) if file.relative_to(SRC).parts[0] not in DATA)


def room_of(file: Path) -> str:
    return file.relative_to(SRC).parts[0].removesuffix(".py")


def imported_rooms(file: Path) -> Iterator[tuple[int, str]]:
    """(line, room) of every import of ours, at any depth of the file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                here = ("homespun", *file.relative_to(SRC).parts[:-1])
                module = ".".join((*here[: len(here) - node.level + 1], *module.split(".")))
            names = [f"{module}.{alias.name}" for alias in node.names]
        for name in names:
            package, _, rest = name.partition(".")
            if package == "homespun" and (room := rest.split(".")[0]) in ROOMS:
                yield getattr(node, "lineno", 0), room


def test_every_room_has_its_place() -> None:
    present = {room_of(file) for file in modules()} - {"__init__", "__main__"}
    assert present <= set(ROOMS)


def test_a_room_imports_only_the_rooms_above_it() -> None:
    wrong = [
        f"{file.relative_to(SRC)}:{line} imports {room}"
        for file in modules()
        if room_of(file) in ROOMS
        for line, room in imported_rooms(file)
        if ROOMS.index(room) > ROOMS.index(room_of(file))
    ]
    assert not wrong


def test_a_file_is_one_room() -> None:
    assert not {str(file.relative_to(SRC)): lines for file in modules() if (lines := len(file.read_text().splitlines())) > 400}


def test_every_module_says_what_it_is() -> None:
    """Empty ones and the thinnest verbs, whose help says it, may go without."""
    silent = []
    for file in modules():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        thin = room_of(file) in ("cli", "__main__") and len(tree.body) <= 10
        if tree.body and not thin and ast.get_docstring(tree) is None:
            silent.append(str(file.relative_to(SRC)))
    assert not silent


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, json; from homespun.cli.app import run; run(['--help']); print('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "train" in done.stdout
    assert not HEAVY & {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_help_is_instant() -> None:
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "homespun", "--help"], capture_output=True, check=True)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.3
