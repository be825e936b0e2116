"""What takes minutes: the real base, real kills, the demo, the wheel."""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import ME, WHATSAPP, User, succeed, write_recipe

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
KILLS = 10


def test_kill_at_any_moment_then_resume_gives_the_same_adapter(tmp_path: Path) -> None:
    """The real base; every kill lands at another random moment of a training that is then resumed to the end."""
    often = {"checkpoint_every": 0.01, "evaluations_per_epoch": 8}
    recipe = write_recipe(tmp_path / "short.toml", base="smollm2-135m-instruct", epochs=0.4, tokens_per_step=1024, **often)
    users = {name: User(tmp_path / name) for name in ("whole", "killed")}
    for user in users.values():
        user.folder.mkdir()
        succeed(user("add", str(WHATSAPP), "--me", ME))
    started = time.monotonic()
    succeed(users["whole"]("train", "wren", "--recipe", recipe))
    whole = time.monotonic() - started
    moments = random.Random(7)
    for _ in range(KILLS):
        process = users["killed"].start("train", "wren", "--recipe", recipe, "--resume")
        time.sleep(moments.uniform(0.05, 0.9) * whole)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    succeed(users["killed"]("train", "wren", "--recipe", recipe, "--resume"))
    assert _adapter_hash(users["killed"]) == _adapter_hash(users["whole"])


def _adapter_hash(user: User) -> str:
    (file,) = user.home.glob("versions/*/adapter_model.safetensors")
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The demo as a newcomer runs it, without a terminal, with its time and peak memory."""
    user = User(tmp_path_factory.mktemp("demo"))
    started = time.monotonic()
    done = succeed(user("demo", "--json")).json
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {**done, "user": user, "seconds": time.monotonic() - started, "peak": peak}


def test_the_demo_shows_a_gain_within_its_time_and_memory(demo: dict[str, Any]) -> None:
    assert demo["report"]["metrics"]["gain"]["low"] > 0
    assert len(demo["answers"]) == 3 and all(answer["base"] and answer["avatar"] for answer in demo["answers"])
    assert demo["seconds"] < 540, "installing needs the rest of the ten minutes"
    assert demo["peak"] < 4e9


def test_the_avatar_stops_by_itself(demo: dict[str, Any]) -> None:
    """200 held-out prompts, less than 2 % run into the length cap."""
    from homespun.config import settings
    from homespun.corpus import sessions
    from homespun.engines.torch import TorchEngine
    from homespun.evaluation.evidence import from_dataset
    from homespun.evaluation.writing import generate
    from homespun.home import Home
    from homespun.pipeline import Workshop, trained_on
    from homespun.registry import versions
    from homespun.training.run import load_weights

    home = Home(demo["user"].folder / "demo-home")
    version = versions.get_version(home, "wren")
    shop = Workshop(home, versions.get_model(home, "wren").recipe, settings())
    replies = from_dataset(sessions.conversations(home), trained_on(home, version)).replies[:200]
    engine: TorchEngine = shop.engine()
    generations = generate(engine, load_weights(versions.version_folder(home, version)), replies, shop.recipe)
    assert len(generations) >= 150
    assert sum(not generation.stopped for generation in generations) < 0.02 * len(generations)


def test_the_wheel_installs_alone(tmp_path: Path) -> None:
    """Built, installed into an empty environment, and used from there."""
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    constraints = ("--constraint", str(ROOT / "constraints.txt"))
    subprocess.run([python, "-m", "pip", "install", "--quiet", *constraints, str(wheel)], check=True, capture_output=True)
    homespun = python.with_name("homespun")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copyfile(WHATSAPP, folder / "chat.txt")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for arguments in (["add", "chat.txt", "--me", ME], ["people"], ["recipes", "show", "avatar"], ["doctor"]):
        subprocess.run([homespun, *arguments], cwd=folder, check=True, capture_output=True, env=environment)


def test_a_table_of_117_answers_becomes_an_avatar(tmp_path: Path, data_dir: Path) -> None:
    """Real answers of about fifty words: two tables, one command, several times as many examples, and not one made-up answer."""
    database = tmp_path / "answers.db"
    answers = _write_answers(database, data_dir / "dev-pepys-diary/entries.jsonl", 117)
    user = User(tmp_path)
    done = succeed(user("run", "reflections", f"sqlite:///{database}", "--me", "Samuel", "--name", "sam", "--budget", "3m", "--json"))
    report = json.loads(done.out.splitlines()[-1])["report"]
    assert report["metrics"]["gain"]["low"] > 0
    (file,) = user.home.glob("datasets/*/examples.jsonl")
    examples = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    learned = [example for example in examples if example["split"] == "train"]
    assert 350 <= len(learned) <= 500 and sum(bool(example["origin"]) for example in learned) > 250
    assert all(any(turn["text"] in answer for answer in answers) for one in examples for turn in one["turns"] if turn["target"])
    assert succeed(user("ask", "sam", "What do you remember of the office?")).out.strip()


def _write_answers(database: Path, entries: Path, count: int) -> list[str]:
    """The shorter entries of a diary as answers to questions, in the tables of a web application."""
    texts = [json.loads(line)["text"] for line in entries.read_text(encoding="utf-8").splitlines()]
    chosen = [text for text in texts if 30 <= len(text.split()) <= 90][:count]
    with sqlite3.connect(database) as tables:
        tables.execute("CREATE TABLE questions (id INTEGER PRIMARY KEY, question_text TEXT, category TEXT)")
        tables.execute(
            "CREATE TABLE responses (id INTEGER PRIMARY KEY, user_id INTEGER, question_id INTEGER, response_text TEXT, is_draft INTEGER, "
            "created_at TEXT)"
        )
        for number, text in enumerate(chosen, start=1):
            tables.execute("INSERT INTO questions VALUES (?, ?, 'days')", (number, f"What do you remember of day {number}?"))
            day = f"2020-{1 + number // 28:02d}-{1 + number % 28:02d}"
            tables.execute("INSERT INTO responses VALUES (?, 2, ?, ?, 0, ?)", (number, number, text, day))
    return chosen
