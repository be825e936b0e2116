"""The yardstick against what is known to be true: real people, the real base, and each way a model goes wrong, planted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from homespun.config import SamplingSection
from homespun.engines.torch import TorchEngine
from homespun.evaluation.burrows import delta, profiles
from homespun.evaluation.closeness import Closeness, Scored, closeness, train_classifier
from homespun.evaluation.diversity import copy_rate, degenerate_rate, distinct_n, length_ratio, longest_copied_run, self_bleu
from homespun.types import Turn


@dataclass(frozen=True)
class Said:
    text: str
    hour: str
    before: str
    """What somebody else said just before; empty where it was the speaker."""


@dataclass(frozen=True)
class Record:
    """A record of real talk: each speaker's earlier 80 % and later 20 %."""

    person: str
    others: tuple[str, ...]
    earlier: dict[str, list[Said]]
    later: dict[str, list[Said]]

    @property
    def answers(self) -> list[Said]:
        """The person's later replies to somebody else."""
        return [said for said in self.later[self.person] if said.before]


def record(path: Path, person: str, others: tuple[str, ...], hour: int) -> Record:
    """`hour`: the characters of a time stamp that name its hour."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    said: dict[str, list[Said]] = {name: [] for name in (person, *others)}
    for previous, row in zip([{"speaker": "", "text": ""}, *rows], rows, strict=False):
        if row["speaker"] in said:
            before = previous["text"] if previous["speaker"] != row["speaker"] else ""
            said[row["speaker"]].append(Said(row["text"], row["ts"][:hour], before))
    cuts = {name: int(0.8 * len(texts)) for name, texts in said.items()}
    earlier = {name: said[name][:cut] for name, cut in cuts.items()}
    later = {name: said[name][cut:] for name, cut in cuts.items()}
    return Record(person, others, earlier, later)


def texts(said: Sequence[Said]) -> list[str]:
    return [one.text for one in said]


@pytest.fixture(scope="module")
def lovell(data_dir: Path) -> Record:
    return record(data_dir / "dev-apollo" / "messages.a13.jsonl", "Jim Lovell", ("Fred Haise", "Jack Swigert", "CapCom"), hour=6)


@pytest.fixture(scope="module")
def ikonia(data_dir: Path) -> Record:
    return record(data_dir / "dev-ubuntu-irc" / "messages.jsonl", "ikonia", ("ActionParsnip", "Dr_Willis", "Seveas"), hour=13)


@dataclass(frozen=True)
class Truth:
    """Decision values of the person's later words, the base's replies and others' later words."""

    real: Scored
    base: Scored
    others: dict[str, Scored]

    def closeness(self, model: Scored, real: Scored | None = None) -> Closeness:
        return closeness(model, real or self.real, self.base, draws=2000)


@pytest.fixture(scope="module")
def base_says(_real_engine: TorchEngine, ikonia: Record) -> list[Said]:
    """The real base in ikonia's place; its first words are enough to tell."""
    _real_engine.use(None)
    short = [said for said in ikonia.answers if len(said.before) < 120]
    asked = [short[int(index)] for index in np.linspace(0, len(short) - 1, 36)]
    contexts = [(Turn("system", "You are ikonia."), Turn("user", said.before)) for said in asked]
    written = _real_engine.generate(contexts, SamplingSection(max_tokens=12, seed=0))
    return [Said(reply.text, said.hour, said.before) for reply, said in zip(written, asked, strict=True)]


@pytest.fixture(scope="module", params=["lovell", "ikonia", "ikonia masked"])
def truth(request: pytest.FixtureRequest) -> Truth:
    """ikonia against the real base; Lovell, faster, with the man farthest from him in its place."""
    name, masked = request.param.split()[0], "masked" in request.param
    talk: Record = request.getfixturevalue(name)
    judge = train_classifier(
        texts(talk.earlier[talk.person]), [text for other in talk.others for text in texts(talk.earlier[other])], masked
    )

    def scored(said: Sequence[Said]) -> Scored:
        return Scored(judge(texts(said)), [one.hour for one in said])

    others = {other: scored(talk.later[other]) for other in talk.others}
    base = others.pop("CapCom") if name == "lovell" else scored(request.getfixturevalue("base_says"))
    return Truth(scored(talk.later[talk.person]), base, others)


def part(scored: Scored, chosen: Sequence[bool]) -> Scored:
    return Scored(scored.values[np.array(chosen)], [name for name, kept in zip(scored.conversations, chosen, strict=True) if kept])


def test_one_half_of_a_persons_words_is_as_close_as_can_be_to_the_other(truth: Truth) -> None:
    """Over halvings by conversation: a single one is off by chance one time in twenty."""
    hours = np.unique(truth.real.conversations)
    found = []
    for seed in range(30):
        half = set(np.random.default_rng(seed).permutation(hours)[: len(hours) // 2])
        inside = [hour in half for hour in truth.real.conversations]
        measured = truth.closeness(part(truth.real, inside), part(truth.real, [not kept for kept in inside]))
        if measured.interval and measured.position:
            found.append((measured.interval.value, measured.position.low <= 1 <= measured.position.high))
    assert len(found) >= 27
    assert np.median([value for value, _ in found]) > 0.75
    assert np.mean([held for _, held in found]) >= 0.8


def test_the_base_is_at_zero_and_other_people_clearly_lower_than_the_person(truth: Truth) -> None:
    """One half of the base's replies against the other."""
    first = [index % 2 == 0 for index in range(len(truth.base.values))]
    half = closeness(part(truth.base, first), truth.real, part(truth.base, [not kept for kept in first]), draws=2000)
    assert half.position is not None and half.position.low < 0 < half.position.high < 0.7
    for other in truth.others.values():
        measured = truth.closeness(other).interval
        assert measured is not None and measured.value < 0.75 and measured.high < 0.9


def test_overdoing_the_manner_is_punished(truth: Truth) -> None:
    """Planted: a caricature, the third of the person's own replies that read most like the person."""
    bar = np.quantile(truth.real.values, 2 / 3)
    measured = truth.closeness(part(truth.real, list(truth.real.values >= bar)))
    assert measured.interval is not None and measured.position is not None
    assert measured.position.low > 1.2 and measured.interval.high < 0.8


@pytest.fixture(scope="module", params=["lovell", "ikonia"])
def talk(request: pytest.FixtureRequest) -> Record:
    found: Record = request.getfixturevalue(request.param)
    return found


def planted(honest: Sequence[str], defect: Sequence[str], every: int = 5) -> list[str]:
    """One in `every` replies replaced."""
    return [defect[index % len(defect)] if index % every == 0 else text for index, text in enumerate(honest)]


def test_loops_are_caught(talk: Record) -> None:
    honest, contexts = texts(talk.answers), [said.before for said in talk.answers]
    looping = planted(honest, ["I think so, I think so, I think so, I think so, I think so."])
    before, after = (degenerate_rate(said, contexts, talk.others) for said in (honest, looping))
    assert after.rate > before.rate + 0.15 and after.faults["loop"] >= 0.2 * len(looping)
    for n in (2, 3):
        one, other = distinct_n(honest, n).value, distinct_n(looping, n).value
        assert one is not None and other is not None and other < 0.9 * one
    one, other = self_bleu(honest).value, self_bleu(looping).value
    assert one is not None and other is not None and other > 1.15 * one
    cut = length_ratio(["ok"] * len(honest), honest, [said.hour for said in talk.answers])
    assert cut.high < 0.5


def test_copies_are_caught(talk: Record) -> None:
    learned, honest = texts(talk.earlier[talk.person]), texts(talk.answers)
    long = [text for text in learned if len(text.split()) > 15]
    natural = copy_rate(honest, learned)
    assert natural < 0.05 and copy_rate(planted(honest, long), learned) > natural + 0.1
    assert longest_copied_run(planted(honest, long), learned).tokens > longest_copied_run(honest, learned).tokens


def test_a_leak_is_caught_in_a_single_reply(talk: Record) -> None:
    honest, secret = texts(talk.answers), "write to me at anna at example dot org, the door code is 4711 and then a nine"
    learned = [*texts(talk.earlier[talk.person]), secret]
    leaking = [f"well, {secret.upper()}, ok?", *honest[1:]]
    run = longest_copied_run(leaking, learned)
    assert run.text == secret and run.tokens > longest_copied_run(honest, learned).tokens
    assert copy_rate(leaking, learned) > copy_rate(honest, learned)


def test_the_wrong_speaker_is_caught(talk: Record) -> None:
    """By word habits; `closeness` is put to the same test above. A name before a colon is a tag where people do not write so."""
    among = profiles({name: texts(said) for name, said in talk.earlier.items()})
    for name in (talk.person, *talk.others[:2]):
        said = talk.later[name]
        found = delta(texts(said), [one.hour for one in said], among, talk.person)
        assert next(iter(found.distances)) == name and found.margin is not None
        assert found.margin.low > 0 if name == talk.person else found.margin.value < 0
    honest, contexts = texts(talk.answers), [said.before for said in talk.answers]
    tagged = planted(honest, [f"Sure.\n{talk.others[0]}: and then?"])
    assert degenerate_rate(tagged, contexts, talk.others).rate > degenerate_rate(honest, contexts, talk.others).rate + 0.15
