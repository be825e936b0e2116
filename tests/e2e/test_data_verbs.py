"""`homespun data`: what a model learns from, and any training file, from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from e2e.conftest import SAMPLE, User, complains, succeed

GOOD = [
    {"question": f"What is at place {place}?", "answer": f"At place {place} there is a mill, number {place * 7}."} for place in range(12)
]
BROKEN = [*GOOD, GOOD[0], {"question": "And then?", "answer": ""}]


@pytest.fixture
def files(user: User) -> Path:
    for name, rows in (("good", GOOD), ("broken", BROKEN)):
        (user.folder / f"{name}.jsonl").write_text(
            "".join(f"{json.dumps(row)}\n" for row in rows) + "{" * (name == "broken"), encoding="utf-8"
        )
    (user.folder / "empty.jsonl").touch()
    return user.folder


def test_check_says_yes_or_no_by_its_exit_code(user: User, files: Path) -> None:
    done = succeed(user("data", "check", "good.jsonl"))
    assert "good.jsonl: nothing wrong" in done.out and "user: What is at place 0?" in done.out and not done.err
    complains(user("data", "check", "broken.jsonl"), 3, ["broken.jsonl", "2 errors and 1 warning", "homespun data fix broken.jsonl"])
    complains(user("data", "check", "empty.jsonl"), 3, ["1 error"])
    complains(user("data", "check", "good.jsonl", "--for", "command"), 3, ["1 error"])
    found = user("data", "check", "broken.jsonl", "--json")
    assert found.code == 3
    assert {one["what"]: one["lines"] for one in found.json["errors"]}["an empty output"] == [14]
    succeed(user("data", "check", str(SAMPLE / "reflections.jsonl"), "--json"))


def test_check_counts_tokens_and_private_data(user: User, files: Path, tiny_folder: Path) -> None:
    mail = {"question": "How do I reach you?", "answer": "Write to anna.ek@example.org or come by in the afternoon."}
    (files / "mail.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in [*GOOD, mail]), encoding="utf-8")
    found = succeed(user("data", "check", "mail.jsonl", "--base", str(tiny_folder), "--json")).json
    assert found["numbers"]["private data"] == {"mail": 1} and found["numbers"]["tokens"]["longest"] < 100
    complains(user("data", "check", "mail.jsonl", "--base", str(tiny_folder), "--max-tokens", "10"), 3, ["1 error"])


def test_fix_repairs_a_file_and_keeps_the_old_one(user: User, files: Path) -> None:
    before = (files / "broken.jsonl").read_bytes()
    assert "nothing was written" in succeed(user("data", "fix", "broken.jsonl", "--dry-run")).out
    assert (files / "broken.jsonl").read_bytes() == before
    done = succeed(user("data", "fix", "broken.jsonl", "--json")).json
    assert done["kept"] == 12 and sum(done["changes"].values()) == 3
    assert (files / "broken.jsonl.bak").read_bytes() == before
    succeed(user("data", "check", "broken.jsonl"))
    assert "nothing to repair" in succeed(user("data", "fix", "broken.jsonl")).out
    complains(user("data", "fix", "empty.jsonl"), 3, ["left as it is"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "none.jsonl"), ["none.jsonl", "not there"]),
        (("fix", "."), ["a folder"]),
        (("check", "good.jsonl", "--for", "comand"), ["command"]),
        (("check", "good.jsonl", "--base", "smolm2-135m"), ["smollm2-135m-instruct"]),
        (("check",), ["FILE"]),
        (("chekc", "good.jsonl"), ["chekc"]),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(user: User, files: Path, arguments: tuple[str, ...], words: list[str]) -> None:
    complains(user("data", *arguments), 2, words)


def test_a_model_is_built_shown_and_exported(trained: User) -> None:
    built = succeed(trained("data", "build", "wren", "--json")).json
    assert built["counts"]["train replies"] > 100
    assert "is learned" in succeed(trained("data", "show", "wren", "--count", "1")).out
    shutil.rmtree(trained.folder / "out", ignore_errors=True)
    done = succeed(trained("data", "export", "wren", "--to", "trl", "--out", "out", "--json")).json
    assert done["rows"]["train.jsonl"] == built["counts"]["train replies"] and done["dataset"] == built["id"]
    assert set(done["rows"]) == {"train.jsonl", "validation.jsonl"}
    succeed(trained("data", "check", "out/train.jsonl", "--max-copies", "1"))
    complains(trained("data", "export", "wren", "--to", "trl", "--out", "out"), 2, ["choose a new folder"])
    complains(trained("data", "export", "wren", "--to", "trll", "--out", "out2"), 2, ["trl"])
    assert not (trained.folder / "out2").exists()
