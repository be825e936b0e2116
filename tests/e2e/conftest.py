"""The command line as a user has it: a process of its own, with its own home."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

SAMPLE = Path(__file__).parents[2] / "src" / "homespun" / "sample"
WHATSAPP = SAMPLE / "WhatsApp Chat with Tuuli.txt"
ME = "Wren Kallio"


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.out))


@dataclass(frozen=True, slots=True)
class User:
    """Runs `homespun` in a folder, with the home in it."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "homespun-home"

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name != "HOMESPUN_HOME"}

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "homespun", *arguments]
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, **{**pipes, **options})

    def __call__(self, *arguments: str, say: str | None = None, before: Callable[[], None] | None = None) -> Done:
        process = self.start(*arguments, stdin=subprocess.DEVNULL if say is None else subprocess.PIPE, preexec_fn=before)
        out, err = process.communicate(say, timeout=900)
        return Done(process.returncode, out, err)

    def files(self) -> dict[str, int]:
        """Every file of the home with its size, but for the database's own scratch files."""
        kept = (file for file in self.home.rglob("*") if file.is_file() and "-wal" not in file.name and "-shm" not in file.name)
        return {str(file.relative_to(self.home)): file.stat().st_size for file in kept}


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


@pytest.fixture
def tiny_recipe(tiny_folder: Path, tmp_path: Path) -> str:
    """A recipe that trains a random tiny base in seconds: the way is the same, only the words make no sense."""
    return write_recipe(tmp_path / "tiny.toml", base=str(tiny_folder), epochs=2.0, tokens_per_step=4096)


def write_recipe(file: Path, base: str, **training: float) -> str:
    numbers = "\n".join(f"{name} = {value}" for name, value in training.items())
    # Vectors of meaning take seconds, and tests of retrieval have them.
    few = "[sampling]\nmax_tokens = 12\n\n[evaluation]\nreplies = 12\n\n[retrieval]\nembedded = 0"
    file.write_text(
        f'name = "tiny"\nbase = "{base}"\n\n[adapter]\nrank = 4\nalpha = 8\n\n[training]\n{numbers}\n\n{few}\n', encoding="utf-8"
    )
    return str(file)


@pytest.fixture(scope="session")
def trained(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> User:
    """A home with a corpus and two versions of a model, for tests that only look. Made by the first who asks: each worker has a copy."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    made = shared / "trained"
    with FileLock(shared / "trained.lock"):
        if not made.exists():
            made.mkdir()
            _train_two_versions(User(made), tiny_folder)
    return User(shutil.copytree(made, tmp_path_factory.mktemp("copy") / "trained"))


def _train_two_versions(user: User, base: Path) -> None:
    recipe = write_recipe(user.folder / "tiny.toml", base=str(base), epochs=1.0, tokens_per_step=4096, learning_rate=0.002)
    succeed(user("add", str(WHATSAPP), "--me", ME))
    succeed(user("train", "wren", "--recipe", recipe))
    succeed(user("add", str(SAMPLE / "result.json"), "--me", ME))
    succeed(user("train", "wren"))


def succeed(done: Done) -> Done:
    assert done.code == 0, done.err
    return done


def complains(done: Done, code: int, words: Sequence[str]) -> None:
    """One clear line, the right exit code, and no traceback."""
    lines = done.err.strip().splitlines()
    assert (done.code, len(lines)) == (code, 1), done.err
    assert lines[0].startswith("homespun: ")
    assert all(word in lines[0] for word in words), lines[0]
