"""The blind test: which of two replies did the person write?

Somebody who knows the person sees what was said before and two replies to it, the person's real one and the avatar's, in random order.
Who cannot tell them apart is right half of the time. Nothing is revealed before the end: who is told learns to spot the avatar on the way.
"""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import ArrayLike

from homespun.evaluation.bootstrap import Floats
from homespun.home import digest, write_json
from homespun.types import Reply, Role, Turn

Side = Literal["a", "b"]
Answer = Literal["a", "b", "?"]
"""Which one is real; "?": cannot say."""
ANSWERS: tuple[Answer, ...] = get_args(Answer)
TRIALS, ANSWERED = "trials.json", "answers.json"
NEAR = 0.1
"""Half the width of the interval with which a rate counts as known, ..."""
ENOUGH = 120
"""... and trials that give that for any rate."""
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Trial:
    """One question."""

    id: str
    """Made from its content: the same context and replies have the same id in any order."""
    conversation: str
    context: tuple[Turn, ...]
    """What was said before, without the system line; the person's own turns are the assistant's."""
    a: str
    b: str
    real: Side


@dataclass(frozen=True, slots=True)
class Result:
    """How often the real reply was found, of the trials that were answered."""

    rate: float
    """0.5: they cannot be told apart; 1: always. "Cannot say" counts half."""
    low: float
    high: float
    right: int
    wrong: int
    unsure: int
    more: int
    """Further trials after which the interval would be the rate +- 0.1, were the rate to stay."""

    @property
    def answered(self) -> int:
        return self.right + self.wrong + self.unsure


def choose(replies: Sequence[Reply], count: int, seed: int = 0) -> list[Reply]:
    """Held-out replies to ask about, at random: from as many conversations as there are before any is used twice."""
    shuffled = random.Random(seed).sample(list(replies), len(replies))
    seen: dict[str, int] = {}
    rounds: list[int] = []
    for reply in shuffled:
        rounds.append(seen.get(reply.conversation, 0))
        seen[reply.conversation] = rounds[-1] + 1
    order = sorted(range(len(shuffled)), key=lambda index: rounds[index])
    return [shuffled[index] for index in order[:count]]


def make_trials(real: Sequence[Reply], written: Sequence[str], seed: int = 0) -> list[Trial]:
    """A trial for every pair, in the order given; left out where both say the same, since there is nothing to choose.

    Args:
        written: the avatar's reply to each context.
        seed: decides which of the two comes first, by coin for each trial. A balanced order would tell who counts.
    """
    trials = []
    for reply, text in zip(real, written, strict=True):
        truth, made = tidy(reply.text), tidy(text)
        if truth == made:
            continue
        context = tuple(Turn(turn.role, tidy(turn.text)) for turn in reply.context if turn.role != "system")
        name = digest(reply.conversation, [(turn.role, turn.text) for turn in context], truth, made)
        first = random.Random(f"{seed} {name}").random() < 0.5
        a, b = (truth, made) if first else (made, truth)
        trials.append(Trial(name, reply.conversation, context, a, b, "a" if first else "b"))
    return trials


def tidy(text: str) -> str:
    """Without what only typing leaves behind: empty lines, outer blanks, blanks in rows and at ends of lines, letters in two parts."""
    lines = (" ".join(line.split()) for line in unicodedata.normalize("NFC", text).splitlines())
    return "\n".join(line for line in lines if line)


def score(trials: Sequence[Trial], answers: Mapping[str, Answer]) -> Result | None:
    """What the answers say, or None if there are none yet.

    The interval is Clopper and Pearson's (1934), exact for a binomial. Half a right guess is taken as none for the lower bound and as one
    for the upper: an answer that is no guess varies less than a coin, so that the interval covers at least as often as it says.

    Args:
        answers: trial id -> answer; those of other trials are ignored.
    """
    given = [(answers[trial.id], trial.real) for trial in trials if trial.id in answers]
    if not given:
        return None
    unsure = sum(answer == "?" for answer, _ in given)
    right = sum(answer == real for answer, real in given)
    found = right + unsure / 2
    low, high = (float(bound) for bound in interval(found, len(given)))
    rate = found / len(given)
    return Result(rate, low, high, right, len(given) - right - unsure, unsure, _needed(rate, len(given)) - len(given))


def interval(found: ArrayLike, count: ArrayLike) -> tuple[Floats, Floats]:
    """95 % bounds of found / count, where found is a multiple of a half. Of numbers or arrays."""
    from scipy.stats import beta

    fewest, most, total = np.floor(found), np.ceil(found), np.asarray(count)
    tail = (1 - LEVEL) / 2
    low = np.where(fewest > 0, beta.ppf(tail, np.maximum(fewest, 1), total - fewest + 1), 0.0)
    high = np.where(most < total, beta.ppf(1 - tail, most + 1, np.maximum(total - most, 1)), 1.0)
    return low, high


def _needed(rate: float, count: int) -> int:
    """The fewest trials, `count` at least, with which the interval around this rate is no wider than NEAR to both sides."""
    counts = np.arange(count, max(count, ENOUGH) + 1)
    low, high = interval(np.round(rate * counts), counts)
    return int(counts[np.argmax(high - low <= 2 * NEAR)])


def in_words(result: Result) -> str:
    """One line for a person who does not know statistics."""
    found = result.right + result.unsure / 2
    said = f"right in {found:g} of {result.answered}: {result.rate:.0%} [{result.low:.0%}, {result.high:.0%}], and 50% is guessing"
    if result.low > 0.5:
        meaning = "the avatar can be told from the person"
    elif result.high < 0.5:
        meaning = "the avatar passes for the person more often than the person does"
    elif result.more == 0:
        meaning = "the avatar cannot be told from the person"
    else:
        meaning = f"not decided: {result.more} more trials would settle it to within 10 points"
    return f"{said}; {meaning}"


def write_trials(trials: Sequence[Trial], folder: Path) -> None:
    write_json(folder / TRIALS, [as_json(trial) for trial in trials])


def read_trials(folder: Path) -> list[Trial]:
    return [from_json(values) for values in json.loads((folder / TRIALS).read_text(encoding="utf-8"))]


def as_json(trial: Trial) -> dict[str, Any]:
    """What a page needs to ask it; `real` stays with whoever scores."""
    return {**asdict(trial), "context": [{"role": turn.role, "text": turn.text} for turn in trial.context]}


def from_json(values: Mapping[str, Any]) -> Trial:
    context = tuple(Turn(cast(Role, turn["role"]), str(turn["text"])) for turn in values["context"])
    return Trial(**{**values, "context": context})


def write_answers(folder: Path, answers: Mapping[str, Answer]) -> None:
    """To be done after every answer, so that an interrupted test can go on."""
    write_json(folder / ANSWERED, answers)


def read_answers(folder: Path) -> dict[str, Answer]:
    """Trial id -> answer."""
    file = folder / ANSWERED
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}
