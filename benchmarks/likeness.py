"""Does it sound like the person? Real people of real corpora: base prompted, avatar, another person's avatar, and their own words.

Jim Lovell learned from Apollo 13 and judged on its later part, then on the whole of Apollo 8, another mission; and ikonia, a regular of
#ubuntu, judged on his later days. Everything is trained in a home that is kept, so that a run that was stopped goes on where it was.

    python benchmarks/likeness.py [--quick] [--json] [--data DIR] [--home DIR] [--epochs N]

`--quick`: one impostor each, two epochs at most; within an hour on two cores. `--json`: one flat object, name -> number.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from homespun.machine.neighbour import wait_politely

wait_politely()

from homespun import pipeline  # noqa: E402 (after the threads were told how to wait)
from homespun.config import EvaluationSection, Recipe, load_recipe, settings  # noqa: E402
from homespun.corpus import imports  # noqa: E402
from homespun.evaluation.bootstrap import Interval  # noqa: E402
from homespun.evaluation.evaluate import Report  # noqa: E402
from homespun.home import Home  # noqa: E402
from homespun.pipeline import Workshop  # noqa: E402
from homespun.registry import versions  # noqa: E402
from homespun.training.loop import Event  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Subject:
    """A person, the corpus they are learned from, and where else they are judged."""

    name: str
    person: str
    corpus: str
    impostors: tuple[str, ...]
    elsewhere: tuple[tuple[str, str], ...] = ()
    """(name of the result, file) of corpora that are never learned from."""


SUBJECTS = (
    Subject(
        "lovell_a13",
        "Jim Lovell",
        "dev-apollo/messages.a13.jsonl",
        ("Fred Haise", "Jack Swigert"),
        (("lovell_a8", "dev-apollo/messages.a8.jsonl"),),
    ),
    Subject("ikonia", "ikonia", "dev-ubuntu-irc/messages.jsonl", ("ActionParsnip", "Dr_Willis")),
)
METRICS = (
    "gain",
    "perplexity_ratio",
    "specificity",
    "closeness",
    "closeness_masked",
    "length_ratio",
    "base_hits",
    "hits",
    "copy_rate",
    "natural_copy_rate",
    "stops",
    "degenerate_rate",
    "real_vs_generated_auc",
    "closeness_yardstick_auc",
)
JSON_NAMES = {"perplexity_ratio": "ppl_ratio"}


def main() -> None:
    options = _options()
    results: dict[str, Report] = {}
    for subject in SUBJECTS:
        if options.only in (None, subject.name):
            for name, report in judge(subject, options):
                results[name] = report
                if not options.json:
                    print(f"\n{table(name, report)}", flush=True)
    if options.json:
        print(json.dumps({key: value for name, report in results.items() for key, value in flat(name, report)}))


def judge(subject: Subject, options: argparse.Namespace) -> Iterator[tuple[str, Report]]:
    """Train the person's avatar and its impostors, and report."""
    home = Home.create(options.home / subject.name)
    file = options.data / subject.corpus
    imports.add_export(home, file, subject.person)
    shop = Workshop(home, recipe(options), settings(), say=_note, on_event=_follow)
    version = pipeline.train(shop, subject.name, subject.person, resume=True).version
    shop.recipe = versions.recipe_of(home, version)
    against = subject.impostors[: 1 if options.quick else 2]
    yield subject.name, pipeline.judge(shop, version, subject.person, full=True, against=against)[0]
    for name, other in subject.elsewhere:
        yield name, pipeline.judge(shop, version, subject.person, on=options.data / other, full=True, against=against)[0]


def recipe(options: argparse.Namespace) -> Recipe:
    made = load_recipe("avatar")
    epochs = options.epochs or (min(made.training.epochs, 2.0) if options.quick else made.training.epochs)
    replies = EvaluationSection(replies=120, hits_contexts=100) if options.quick else EvaluationSection()
    return made.with_training(epochs=epochs).model_copy(update={"evaluation": replies})


def table(name: str, report: Report) -> str:
    lines = [f"{name}: {report.person} on {report.on}", f"{'':<26}{'nll':>8}{'words':>8}{'closeness':>11}{'masked':>9}"]
    for side, values in report.sides.items():
        cells = [f"{values[key]:.3f}" if key in values else "" for key in ("nll", "words", "closeness", "closeness_masked")]
        lines.append(f"{side:<26}{cells[0]:>8}{cells[1]:>8}{cells[2]:>11}{cells[3]:>9}")
    for metric in METRICS:
        if metric in report.metrics:
            value = report.metrics[metric]
            lines.append(f"  {metric:<26}{value if isinstance(value, Interval) else format(value, '.3f')}")
    return "\n".join([*lines, *(f"  note: {note}" for note in report.notes)])


def flat(name: str, report: Report) -> Iterator[tuple[str, float]]:
    for metric in METRICS:
        if metric in report.metrics:
            value = report.metrics[metric]
            key = f"{name}.{JSON_NAMES.get(metric, metric)}"
            if isinstance(value, Interval):
                yield key, value.value
                yield f"{key}_low", value.low
                yield f"{key}_high", value.high
            else:
                yield key, value


def _note(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def _follow(event: Event) -> None:
    if event["event"] == "validation":
        _note(f"step {event['step']}/{event['steps']}: validation {event['loss']:.3f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one impostor each, two epochs at most")
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    parser.add_argument("--epochs", type=float, help="instead of the recipe's")
    parser.add_argument("--only", choices=[subject.name for subject in SUBJECTS])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HOMESPUN_TEST_DATA", ROOT.parent / "shared" / "data")))
    parser.add_argument("--home", type=Path, default=settings().cache / "benchmarks" / "likeness")
    return parser.parse_args()


if __name__ == "__main__":
    main()
