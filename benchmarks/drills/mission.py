"""What the privacy drills share: a part of a real mission as an export, a workshop on it, and what is said to the user."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from homespun.config import PrivacySection, load_recipe, settings
from homespun.corpus import imports
from homespun.dataset.build import Dataset
from homespun.home import Home
from homespun.pipeline import Workshop
from homespun.training.loop import Event

ROOT = Path(__file__).resolve().parents[2]
PERSON, OTHER = "Jim Lovell", "CapCom"
LINES = {True: 1000, False: 2500}
"""Of Apollo 13, for a quick drill and a whole one: 190 and 500 of the person's messages."""
EPOCHS = {True: 2.0, False: 2.5}


@dataclass(frozen=True, slots=True)
class Options:
    quick: bool
    json: bool
    data: Path
    home: Path

    @property
    def sample(self) -> int:
        """Secrets that each canary is ranked among."""
        return 1_000 if self.quick else 10_000


def options(doc: str, name: str) -> Options:
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer messages, two epochs, ranks among 1,000 secrets")
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HOMESPUN_TEST_DATA", ROOT.parent / "shared" / "data")))
    parser.add_argument("--home", type=Path, default=settings().cache / "benchmarks" / "drills" / name, help="thrown away at the start")
    found = parser.parse_args()
    shutil.rmtree(found.home, ignore_errors=True)
    return Options(found.quick, found.json, found.data, found.home)


def lines(chosen: Options) -> list[dict[str, str]]:
    with (chosen.data / "dev-apollo" / "messages.a13.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line, _ in zip(file, range(LINES[chosen.quick]), strict=False)]


def workshop(folder: Path, exported: Sequence[Mapping[str, str]], chosen: Options) -> Workshop:
    """A new home with these lines as its corpus. Contacts are not redacted: the drills plant numbers that must stay what they are."""
    home = Home.create(folder)
    export = folder / "export.jsonl"
    export.write_text("".join(json.dumps(line) + "\n" for line in exported), encoding="utf-8")
    imports.add_export(home, export, PERSON)
    recipe = load_recipe("avatar").with_training(epochs=EPOCHS[chosen.quick])
    recipe = recipe.model_copy(update={"privacy": PrivacySection(contacts=False)})
    return Workshop(home, recipe, settings(), say=note, on_event=_follow)


def dataset(shop: Workshop) -> Dataset:
    return shop.dataset(shop.conversations(), PERSON)


def tell(results: Mapping[str, float], chosen: Options) -> None:
    if chosen.json:
        print(json.dumps(results))
        return
    for name, value in results.items():
        print(f"{name:<32}{value:10.2f}")


def note(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def _follow(event: Event) -> None:
    if event["event"] == "validation":
        note(f"step {event['step']}/{event['steps']}: validation {event['loss']:.3f}")
