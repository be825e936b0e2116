"""Does it sound like the person? Real people of real corpora: base prompted, avatar, another person's avatar, and their own words.

The crew of Apollo 13 learned from the earlier part of the mission and judged on its later part, Jim Lovell on the whole of Apollo 8 too,
another mission; two regulars of #ubuntu judged on their later days; and Samuel Pepys, alone with his diary. Within a corpus everybody's
replies are scored with everybody's adapter. Everything is trained in a home that is kept: a run that was stopped goes on where it was.

    python benchmarks/likeness.py [--quick] [--json] [--corpus NAME] [--person NAME] [--data DIR] [--home DIR] [--epochs N]

`--quick`: Jim Lovell and ikonia alone, one impostor each, two epochs at most, fewer generated replies, no privacy audit
and no swap matrix: within an hour on two cores.
`--json`: one flat object, name -> number.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from homespun.machine.neighbour import wait_politely

wait_politely()

from homespun import pipeline  # noqa: E402 (after the threads were told how to wait)
from homespun.config import EvaluationSection, Recipe, load_recipe, settings  # noqa: E402
from homespun.corpus import imports  # noqa: E402
from homespun.evaluation.bootstrap import Interval  # noqa: E402
from homespun.evaluation.result import Report  # noqa: E402
from homespun.evaluation.swap import Swap  # noqa: E402
from homespun.home import Home  # noqa: E402
from homespun.pipeline import Workshop  # noqa: E402
from homespun.registry import versions  # noqa: E402
from homespun.training.loop import Event  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("HOMESPUN_TEST_DATA", ROOT.parent / "shared" / "data"))


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus with the people who are judged on its later part."""

    name: str
    file: str
    people: tuple[str, ...]
    others: tuple[str, ...] = ()
    """More people of it, who are impostors and take part in the swap matrix."""
    elsewhere: tuple[tuple[str, str, str], ...] = ()
    """(name of the result, person, file) of corpora that are never learned from."""

    @property
    def brief(self) -> Corpus | None:
        """Its first person beside one other; none if there is no other."""
        first, *others = (*self.people, *self.others)
        return replace(self, people=(first,), others=tuple(others[:1])) if others else None


CORPORA = (
    Corpus(
        "apollo13",
        "dev-apollo/messages.a13.jsonl",
        ("Jim Lovell", "Fred Haise", "Jack Swigert"),
        elsewhere=(("Lovell on Apollo 8", "Jim Lovell", "dev-apollo/messages.a8.jsonl"),),
    ),
    Corpus("ubuntu", "dev-ubuntu-irc/messages.jsonl", ("ikonia", "ActionParsnip"), others=("Dr_Willis",)),
    Corpus("pepys", "dev-pepys-diary/entries.jsonl", ("Samuel Pepys",)),
)
JSON_NAMES = {"perplexity_ratio": "ppl_ratio"}


def main() -> None:
    options = _options()
    results: dict[str, float] = {}
    for corpus in chosen(options):
        for name, report in judge(corpus, options):
            results |= flat(name, report)
            _tell(options, table(name, report))
        if len((*corpus.people, *corpus.others)) > 1 and options.person is None and not options.quick:
            matrix = swap(corpus, options)
            results |= {f"{corpus.name}.swap_{size}": found.overall.value for size, found in matrix.accuracy.items()}
            _tell(options, swapped(corpus, matrix))
    if options.json:
        print(json.dumps(results))


def chosen(options: argparse.Namespace) -> Iterator[Corpus]:
    """What the options leave of the corpora and their people; a person who is asked for by name is judged in a quick run too."""
    for corpus in CORPORA:
        if options.corpus not in (None, corpus.name) or options.person not in (None, *corpus.people):
            continue
        if options.quick and options.person is None:
            if brief := corpus.brief:
                yield brief
        else:
            yield corpus


def judge(corpus: Corpus, options: argparse.Namespace) -> Iterator[tuple[str, Report]]:
    """Train the avatars and their impostors, and report."""
    for person in corpus.people:
        if options.person not in (None, person):
            continue
        shop = _shop(corpus, options)
        version = pipeline.train(shop, model_of(person), person, resume=True).version
        shop.recipe = versions.recipe_of(shop.home, version)
        rivals = [name for name in (*corpus.people, *corpus.others) if name != person][: 1 if options.quick else 2]
        privacy = False if options.quick else None
        yield person, pipeline.judge(shop, version, person, full=True, privacy=privacy, against=rivals).report
        for name, judged, file in corpus.elsewhere:
            if judged == person:
                yield name, pipeline.judge(shop, version, person, on=options.data / file, full=True, against=rivals).report


def swap(corpus: Corpus, options: argparse.Namespace) -> Swap:
    """Everybody's held-out replies under everybody's adapter."""
    return pipeline.swap(_shop(corpus, options), (*corpus.people, *corpus.others))


def _shop(corpus: Corpus, options: argparse.Namespace) -> Workshop:
    home = Home.create(options.home / corpus.name)
    imports.add_export(home, options.data / corpus.file, corpus.people[0])
    return Workshop(home, recipe(options), settings(), say=note, on_event=follow)


def model_of(person: str) -> str:
    return person.replace(" ", "-").lower()


def recipe(options: argparse.Namespace) -> Recipe:
    made = load_recipe("avatar")
    epochs = options.epochs or (min(made.training.epochs, 2.0) if options.quick else made.training.epochs)
    replies = EvaluationSection(replies=80, hits_contexts=60) if options.quick else EvaluationSection()
    return made.with_training(epochs=epochs).model_copy(update={"evaluation": replies})


def table(name: str, report: Report) -> str:
    lines = [f"{name}: {report.person} on {report.on}", f"{'':<26}{'nll':>8}{'words':>8}{'closeness':>11}{'masked':>9}"]
    for side, values in report.sides.items():
        cells = [f"{values[key]:.3f}" if key in values else "" for key in ("nll", "words", "closeness", "closeness_masked")]
        lines.append(f"{side:<26}{cells[0]:>8}{cells[1]:>8}{cells[2]:>11}{cells[3]:>9}")
    for metric, value in report.metrics.items():
        lines.append(f"  {metric:<40}{value if isinstance(value, Interval) else format(value, '.3f')}")
    return "\n".join([*lines, *(f"  note: {note}" for note in report.notes)])


def swapped(corpus: Corpus, matrix: Swap) -> str:
    lines = [f"{corpus.name}: who is recognised by whose adapter (nats per token)"]
    for speaker, row in matrix.nll.items():
        lines.append(f"  {speaker:<20}" + "  ".join(f"{adapter} {nll:.3f}" for adapter, nll in row.items()))
    lines += [f"  bags of {size} attributed rightly: {found.overall:.3f}" for size, found in matrix.accuracy.items()]
    return "\n".join([*lines, *(f"  note: {note}" for note in matrix.notes)])


def flat(name: str, report: Report) -> Iterator[tuple[str, float]]:
    for metric, value in report.metrics.items():
        key = f"{name}.{JSON_NAMES.get(metric, metric)}"
        if isinstance(value, Interval):
            yield key, value.value
            yield f"{key}_low", value.low
            yield f"{key}_high", value.high
        else:
            yield key, value


def _tell(options: argparse.Namespace, text: str) -> None:
    if not options.json:
        print(f"\n{text}", flush=True)


def note(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def follow(event: Event) -> None:
    if event["event"] == "validation":
        note(f"step {event['step']}/{event['steps']}: validation {event['loss']:.3f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="Lovell and ikonia alone, one impostor each, two epochs at most")
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    parser.add_argument("--epochs", type=float, help="instead of the recipe's")
    parser.add_argument("--corpus", choices=[corpus.name for corpus in CORPORA])
    parser.add_argument("--person", choices=[person for corpus in CORPORA for person in corpus.people])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--home", type=Path, default=settings().cache / "benchmarks" / "likeness")
    return parser.parse_args()


if __name__ == "__main__":
    main()
