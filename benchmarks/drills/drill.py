"""What the drills share: Jim Lovell on Apollo 13, a home that is kept, a clean version of his that is live, and candidates to refuse."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from homespun.config import EvaluationSection, Recipe, load_recipe, settings
from homespun.corpus import imports
from homespun.dataset.build import Dataset, load
from homespun.home import Home, Manifest, digest, file_hash, write_jsonl, write_text
from homespun.pipeline import Workshop, consider, train
from homespun.registry import versions
from homespun.registry.versions import Version
from homespun.training.loop import Event
from homespun.types import HELD_OUT, Example

ROOT = Path(__file__).resolve().parents[2]
PERSON, OTHER, CORPUS = "Jim Lovell", "Fred Haise", "dev-apollo/messages.a13.jsonl"
MODEL = "lovell"
GAP = 300.0
"""Seconds of silence that end a conversation: 45 are held out then, instead of 5 at half an hour. Bounds need many."""


def options(doc: str, quick: str) -> argparse.ArgumentParser:
    """What every drill takes; `quick` says what --quick does."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    parser.add_argument("--epochs", type=float, default=1.0, help="of every training; the drill needs no good avatars")
    parser.add_argument("--replies", type=int, default=60, help="replies that are written to judge the live version")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HOMESPUN_TEST_DATA", ROOT.parent / "shared" / "data")))
    parser.add_argument("--home", type=Path, default=settings().cache / "benchmarks" / "drills")
    return parser


def workshop(given: argparse.Namespace, seed: int = 0) -> Workshop:
    """The home with the corpus in it. Whatever was trained there before is found again."""
    home = Home.create(given.home)
    imports.add_export(home, given.data / CORPUS, PERSON, GAP)
    return Workshop(home, recipe(given, seed), settings(), say=note, on_event=follow)


def recipe(given: argparse.Namespace, seed: int) -> Recipe:
    made = load_recipe("avatar").with_training(epochs=given.epochs, seed=seed)
    return made.model_copy(update={"evaluation": EvaluationSection(replies=given.replies)})


def live_version(shop: Workshop) -> Version:
    """The clean version, trained, judged and live: by the gate, or else by hand, since the drill is about what comes after it."""
    version = train(shop, MODEL, PERSON, resume=True).version
    return versions.promote(shop.home, version.title, "the clean version of a drill", anyway=True)


def spoiled(shop: Workshop, clean: Dataset, how: str, examples: Sequence[Example]) -> Dataset:
    """The dataset with other examples to learn from. What is held out stays as it was."""
    name = digest(clean.id, how, [asdict(example) for example in examples])
    manifest = Manifest("dataset", name, (f"dataset:{clean.id}",), shop.recipe.hash, counts=clean.counts)
    if shop.home.manifest("dataset", name) is None:
        held_out = clean.of(*HELD_OUT)
        with shop.home.artefact(manifest) as folder:
            write_jsonl(folder / "examples.jsonl", [asdict(example) for example in [*examples, *held_out]])
            write_text(folder / "person", clean.person)
    return load(shop.home.folder("dataset", name))


def refuse(name: str, given: argparse.Namespace, shop: Workshop, dataset: Dataset) -> None:
    """Train on a spoiled dataset, ask the gate, and look whether the live version is what it was. Prints, and exits 1 where it failed."""
    live = live_version(shop)
    before = files(shop.home, live)
    run = shop.learn(dataset, resume=True)
    decision = consider(shop, MODEL, PERSON, run, dataset, shop.conversations()).decision
    same = versions.get_version(shop.home, MODEL).number == live.number and files(shop.home, live) == before
    refused = decision.verdict != "pass"
    if given.json:
        print(
            json.dumps({f"{name}.refused": int(refused), f"{name}.failed": int(decision.verdict == "fail"), f"{name}.live_same": int(same)})
        )
    else:
        print(f"{name}: {'refused' if refused else 'PROMOTED'} ({decision.verdict}): {decision.reason}")
        print(f"the live version {live.title}, {len(before)} files, is {'byte for byte what it was' if same else 'NOT WHAT IT WAS'}")
    sys.exit(0 if refused and same else 1)


def files(home: Home, version: Version) -> dict[str, str]:
    """File -> sha256, of everything a version is."""
    folder = versions.version_folder(home, version)
    return {str(file.relative_to(folder)): file_hash(file) for file in sorted(folder.rglob("*")) if file.is_file()}


def note(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def follow(event: Event) -> None:
    if event["event"] == "validation":
        note(f"step {event['step']}/{event['steps']}: validation {event['loss']:.3f}")
