"""A user's own first model: `add`, `train`, and then everything a version is for."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from e2e.conftest import ME, SAMPLE, WHATSAPP, User, succeed


def test_two_commands_make_a_model_that_answers(user: User, tiny_recipe: str) -> None:
    succeed(user("add", str(WHATSAPP), "--me", "wren kallio"))
    done = succeed(user("train", "wren", "--recipe", tiny_recipe, "--json")).json
    assert done["version"] == "wren@1"
    assert done["report"]["metrics"]["gain"]["low"] is not None
    page = (user.folder / done["page"]).read_text(encoding="utf-8")
    assert ME in page and "perplexity" in page
    answer = succeed(user("ask", "wren@1", "how is Admiral?", "--seed", "3", "--json")).json
    assert answer == succeed(user("ask", "wren@1", "how is Admiral?", "--seed", "3", "--json")).json


def test_training_again_says_that_nothing_is_new(trained: User) -> None:
    done = succeed(trained("train", "wren", "--json")).json
    assert (done["version"], done["new"]) == ("wren@2", False)


def test_new_messages_make_the_next_version(trained: User) -> None:
    versions = succeed(trained("versions", "wren", "--json")).json["versions"]
    assert [version["version"] for version in versions] == ["wren@1", "wren@2"]


def test_lineage_leads_from_a_version_back_to_the_messages(trained: User) -> None:
    version = next(trained.home.glob("versions/*/manifest.json"))
    run = _manifest(trained, "run", json.loads(version.read_text())["parents"][0])
    dataset = _manifest(trained, "dataset", run["parents"][0])
    assert dataset["parents"][0].startswith("corpus:")
    rows = (trained.home / "datasets" / dataset["id"] / "examples.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(turn["messages"] for row in rows for turn in json.loads(row)["turns"] if turn["target"])


def _manifest(user: User, kind: str, parent: str) -> dict[str, Any]:
    name, _, artefact = parent.partition(":")
    assert name == kind
    return dict(json.loads((user.home / f"{kind}s" / artefact / "manifest.json").read_text()))


def test_eval_on_another_file_leaves_the_corpus_alone(trained: User, tmp_path: Path) -> None:
    before = succeed(trained("corpus", "stats", "--json")).json
    lines = [{"conv": "new", "ts": 60.0 * i, "speaker": (ME, "Ola")[i % 2], "text": f"message {i} about the allotment"} for i in range(60)]
    other = tmp_path / "other.jsonl"
    other.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    report = succeed(trained("eval", "wren", "--on", str(other), "--json")).json["report"]
    assert report["on"] == "other.jsonl" and "gain" in report["metrics"]
    assert succeed(trained("corpus", "stats", "--json")).json == before


@pytest.mark.slow
def test_the_full_report_trains_impostors_and_measures_specificity(trained: User) -> None:
    metrics = succeed(trained("eval", "wren", "--full", "--json")).json["report"]["metrics"]
    assert {"specificity", "hits", "base_hits", "distinct_2", "copy_rate", "length_ratio"} <= metrics.keys()


def test_promote_rollback_rename_and_delete(user: User, tiny_recipe: str) -> None:
    succeed(user("run", tiny_recipe, str(WHATSAPP), "--me", ME, "--name", "wren"))
    succeed(user("add", str(SAMPLE / "reflections.jsonl"), "--me", ME))
    succeed(user("train", "wren"))
    succeed(user("promote", "wren@1", "--anyway", "to see it"))
    succeed(user("promote", "wren@2", "--anyway", "to see it"))
    assert succeed(user("rollback", "wren", "--json")).json == {"live": "wren@1"}
    succeed(user("models", "rename", "wren", "bird"))
    assert succeed(user("models", "--json")).json["models"][0]["name"] == "bird"
    succeed(user("models", "delete", "bird"))
    assert succeed(user("models", "--json")).json["models"] == []
    assert not list(user.home.glob("versions/*"))


def test_data_show_colours_what_is_learned(trained: User) -> None:
    examples = succeed(trained("data", "show", "wren", "--json")).json["examples"]
    assert {turn["role"] for example in examples for turn in example if turn["learned"]} == {"assistant"}
    assert "is learned" in succeed(trained("data", "show", "wren")).out


def test_plan_starts_nothing(trained: User) -> None:
    before = trained.files()
    plan = succeed(trained("plan", "wren", "--budget", "2m", "--json")).json
    assert plan["steps"] >= 1 and plan["memory_gb"] > 0
    assert {name for name in trained.files() if name.startswith("runs")} == {name for name in before if name.startswith("runs")}


def test_chat_in_a_terminal(trained: User, tmp_path: Path) -> None:
    """A real terminal: commands, an answer, and what was said saved in a form that can be added again."""
    saved = tmp_path / "said.jsonl"
    arguments = ["-m", "homespun", "chat", "wren"]
    with pexpect.spawn(
        sys.executable, arguments, cwd=str(trained.folder), env=trained.environment, encoding="utf-8", timeout=90
    ) as terminal:
        terminal.expect("not Wren Kallio, but a model")
        terminal.sendline("/help")
        terminal.expect("/switch MODEL")
        terminal.sendline("hello there")
        terminal.expect("Wren Kallio: .*\r\n.*you: ")
        terminal.sendline("c'est vraiment toi ou une IA ?")
        terminal.expect("Wren Kallio: Je ne suis pas Wren Kallio. Je suis un avatar")
        terminal.sendline(f"/save {saved}")
        terminal.expect("saved to")
        terminal.sendline("/switch wren@1")
        terminal.expect("This is wren@1, an avatar: not Wren Kallio")
        terminal.sendline("/switch nobody")
        terminal.expect("no model called 'nobody'")
        terminal.sendline("/clear")
        terminal.expect("forgotten")
        terminal.sendline("/exit")
        terminal.expect(pexpect.EOF)
    speakers = [json.loads(line)["speaker"] for line in saved.read_text(encoding="utf-8").splitlines()]
    assert speakers == ["You", "Wren Kallio"] * 2


def test_an_avatar_says_what_it_is(trained: User) -> None:
    done = succeed(trained("ask", "wren@1", "hi! are you a bot?", "--json")).json
    assert done["answer"].startswith("I am not Wren Kallio. I am an avatar")
    assert done["disclosure"] == "This is wren@1, an avatar: not Wren Kallio, but a model of how Wren Kallio writes."
    assert succeed(trained("ask", "wren@1", "hello", "--json")).json["disclosure"] == done["disclosure"]
    base = succeed(trained("ask", "wren@1", "are you a bot?", "--base", "--json")).json
    assert base["disclosure"] is None and "avatar" not in base["answer"]


def test_chat_for_programs_is_a_line_in_and_an_object_out(trained: User) -> None:
    done = succeed(trained("chat", "wren", "--json", say="hello\n\nand you?\n/exit\n"))
    assert [json.loads(line).keys() for line in done.out.splitlines()] == [{"version", "answer"}] * 2
