"""Whatever a user gets wrong: one clear line that says what to do, the right exit code, and nothing lost or half-written."""

from __future__ import annotations

import json
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.conftest import ME, SAMPLE, WHATSAPP, User, complains, succeed

CASES = {
    "a missing file": (("add", "WhatsApp Chat with Tuulli.txt", "--me", ME), 2, ["Tuuli"]),
    "a wrong format": (("add", "photo.jpg", "--me", ME), 1, ["photo.jpg"]),
    "an empty chat": (("add", "empty.txt", "--me", ME), 1, ["empty"]),
    "a chat without messages": (("add", "nobody.txt", "--me", ME), 1, ["nobody.txt"]),
    "a file with nothing by that person": (("add", "tuuli.txt", "--me", "Wren Calio"), 2, ["Wren Kallio"]),
    "an unknown person": (("train", "x", "--person", "Tuli"), 2, ["Tuuli"]),
    "a person who wrote nothing": (("train", "x", "--person", "Pekka"), 2, ["Pekka"]),
    "an unknown model": (("chat", "wern"), 2, ["wern"]),
    "an unknown version": (("ask", "wren@7", "hello"), 2, ["wren@7"]),
    "a version without a number": (("promote", "wren"), 2, ["wren@2"]),
    "an unknown verb": (("trian", "wren"), 2, ["train"]),
    "a missing argument": (("train",), 2, ["MODEL"]),
    "no budget": (("train", "wren", "--budget", "soon"), 2, ["soon", "5m"]),
    "a recipe with a typing error": (("train", "wren", "--recipe", "typo.toml"), 2, ["learning_rat"]),
    "a recipe that is no TOML": (("train", "wren", "--recipe", "tuuli.txt"), 2, ["TOML"]),
    "a home that is none": (("people", "--home", "elsewhere"), 2, ["homespun init"]),
    "a name that is no name": (("train", "my/model"), 2, ["my/model"]),
    "somebody else's model": (("train", "wren", "--person", "Tuuli"), 2, ["Wren Kallio"]),
    "an unreadable base": (("train", "y", "--recipe", "broken.toml"), 1, ["model.safetensors", "cut short"]),
    "a base that is no base": (("train", "y", "--recipe", "nobase.toml"), 1, ["config.json"]),
    "an unknown base": (("train", "y", "--recipe", "unknown.toml"), 2, ["smollm2-135m-instruct"]),
    "eval on a file without them": (("eval", "wren", "--on", "strangers.jsonl"), 2, ["Wren Kallio"]),
    "rolling back an unknown model": (("rollback", "wern"), 2, ["wren"]),
    "a model of somebody who was not asked": (("train", "x", "--person", "Tuuli"), 2, ["--consent"]),
    "a version the gate did not pass": (("promote", "wren@1"), 3, ["gate", "--anyway"]),
    "refusing what does not wait": (("promote", "wren@1", "--refuse", "no"), 2, ["homespun versions wren"]),
    "a blind test of another file": (("eval", "wren", "--blind", "--full"), 2, ["--full"]),
    "a fact that nobody knows": (("people", "facts", "--confirm", "99"), 2, ["99"]),
    "a fact without a value": (("people", "facts", "--add", "home"), 2, ["relation=value"]),
}


@pytest.fixture(scope="module")
def around(trained: User, tiny_folder: Path) -> User:
    """The trained home with bad files beside it."""
    folder = trained.folder
    shutil.copyfile(WHATSAPP, folder / "tuuli.txt")
    shutil.copyfile(WHATSAPP, folder / WHATSAPP.name)
    (folder / "photo.jpg").write_bytes(bytes(range(256)) * 40)
    (folder / "empty.txt").touch()
    (folder / "nobody.txt").write_text("12/03/2024, 10:00 - Messages and calls are end-to-end encrypted.\n", encoding="utf-8")
    (folder / "typo.toml").write_text("[training]\nlearning_rat = 1e-4\n", encoding="utf-8")
    strangers = [{"conv": "c", "ts": i, "speaker": "AB"[i % 2], "text": "hello"} for i in range(20)]
    (folder / "strangers.jsonl").write_text("\n".join(json.dumps(line) for line in strangers), encoding="utf-8")
    broken = shutil.copytree(tiny_folder, folder / "broken")
    with (broken / "model.safetensors").open("r+b") as weights:
        weights.truncate(100_000)
    (folder / "nobase").mkdir()
    for name, base in (("broken", str(broken)), ("nobase", str(folder / "nobase")), ("unknown", "smolm2-135m")):
        (folder / f"{name}.toml").write_text(f'base = "{base}"\n', encoding="utf-8")
    return trained


@pytest.mark.parametrize("case", CASES)
def test_one_clear_line_and_nothing_changed(around: User, case: str) -> None:
    arguments, code, words = CASES[case]
    before = around.files()
    complains(around(*arguments), code, words)
    changed = {name for name, size in around.files().items() if before.get(name) != size}
    assert {name.split("/")[0] for name in changed} <= {".lock", "datasets"}


def test_errors_are_json_for_programs(around: User) -> None:
    done = around("chat", "nobody", "--json")
    assert done.code == 2 and done.json["exit_code"] == 2 and "nobody" in done.json["error"]


def test_a_wrong_policy_is_told_before_anything_is_trained(user: User, tiny_recipe: str) -> None:
    succeed(user("add", str(WHATSAPP), "--me", ME))
    (user.home / "gate.toml").write_text("[checks.copy_rat]\nat_most = 1\n", encoding="utf-8")
    complains(user("train", "wren", "--recipe", tiny_recipe), 2, ["gate.toml", "copy_rate"])
    assert not (user.home / "runs").exists()


def test_two_trainings_at_once_in_one_home(user: User, tiny_recipe: str) -> None:
    succeed(user("add", str(WHATSAPP), "--me", ME))
    first = user.start("train", "one", "--recipe", tiny_recipe)
    while not (user.home / "lock.json").is_file():
        assert first.poll() is None
        time.sleep(0.02)
    complains(user("train", "two", "--recipe", tiny_recipe), 1, ["train one", "process"])
    first.communicate(timeout=300)
    assert first.returncode == 0
    assert [model["name"] for model in user("models", "--json").json["models"]] == ["one"]


def test_a_full_disk_keeps_nothing_half_written(user: User, tiny_recipe: str) -> None:
    """No file may grow over the limit: first the import, then the training hits it, and both work once there is room."""
    complains(user("add", str(SAMPLE / "result.json"), "--me", ME, before=_at_most(60_000)), 1, ["full", "free some space"])
    succeed(user("add", str(SAMPLE / "result.json"), "--me", ME))
    before = succeed(user("people", "--json")).json
    complains(user("train", "wren", "--recipe", tiny_recipe, before=_at_most(20_000)), 1, ["full"])
    assert not list(user.home.rglob("manifest.json"))
    assert not list(user.home.rglob(".new-*"))
    assert succeed(user("people", "--json")).json == before
    succeed(user("train", "wren", "--recipe", tiny_recipe, "--resume"))


def _at_most(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
