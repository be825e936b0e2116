"""The blind test at a keyboard and through a pipe."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pexpect
import pytest

from homespun.cli.blind import play
from homespun.evaluation import blind
from homespun.evaluation.blind import Trial
from homespun.types import Reply, Turn

PERSON = "Wren Kallio"
CONTEXT = (
    Turn("system", "You are Wren Kallio."),
    Turn("user", "When are you back?"),
    Turn("assistant", "not before six " * 12),
    Turn("user", "OK.\nAnd the cat?"),
)


@pytest.fixture
def trials() -> list[Trial]:
    real = [Reply(f"c{number}", CONTEXT, f"asleep in the {place}") for number, place in enumerate(("tub", "hall", "shed", "sink"))]
    return blind.make_trials(real, [f"The cat is number {number}." for number in range(4)])


def through_a_pipe(trials: list[Trial], folder: Path, typed: str, monkeypatch: pytest.MonkeyPatch) -> tuple[blind.Result | None, str]:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    out = io.StringIO()
    return play(trials, folder, PERSON, out), out.getvalue()


def test_lines_are_answers_and_the_end_of_input_stops(trials: list[Trial], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = trials[0].real, trials[1].real
    result, shown = through_a_pipe(trials, tmp_path, f"{first}\nmaybe\n\n{second.upper()}\n?\n", monkeypatch)
    assert result is not None and (result.right, result.wrong, result.unsure) == (2, 0, 1)
    assert "4 of 4" in shown and shown.count("cannot say") == 3, "once at the start and once for each line that is no answer"
    assert "You are Wren" not in shown and "them: And the cat?" not in shown and "And the cat?" in shown
    assert "right" not in shown.split("4 of 4")[1], "nothing is told on the way"


def test_it_goes_on_where_it_stopped(trials: list[Trial], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    through_a_pipe(trials, tmp_path, "a\nq\n", monkeypatch)
    result, shown = through_a_pipe(trials, tmp_path, "a\nb\n?\n", monkeypatch)
    assert "1 of 4 are answered already" in shown and "--- 2 of 4 ---" in shown and "--- 1 of 4 ---" not in shown
    assert result is not None and result.answered == 4
    again, shown = through_a_pipe(trials, tmp_path, "", monkeypatch)
    assert again == result and "---" not in shown


def test_without_an_answer_there_is_no_result(trials: list[Trial], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert through_a_pipe(trials, tmp_path, "", monkeypatch)[0] is None
    assert blind.read_answers(tmp_path) == {}


CODE = """
import sys
from pathlib import Path
from homespun.cli.blind import play
from homespun.evaluation import blind
folder = Path(sys.argv[1])
print("result:", blind.in_words(play(blind.read_trials(folder), folder, "Wren Kallio", sys.stdout)))
"""


def test_on_a_terminal_a_key_is_enough(trials: list[Trial], tmp_path: Path) -> None:
    blind.write_trials(trials, tmp_path)
    arguments, environment = ["-c", CODE, str(tmp_path)], {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with pexpect.spawn(sys.executable, arguments, env=environment, encoding="utf-8", timeout=60, dimensions=(40, 60)) as terminal:
        for number, key in enumerate("ab?q", 1):
            terminal.expect(f"--- {number} of 4 ---")
            terminal.expect("\r\n> ")
            assert terminal.before is not None and max(map(len, terminal.before.splitlines())) <= 60
            terminal.send(key)
        terminal.expect("result: right in .* of 3: ")
        terminal.expect(pexpect.EOF)
    assert list(blind.read_answers(tmp_path).values()) == ["a", "b", "?"]
