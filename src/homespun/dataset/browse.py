"""Datasets as they lie in a home: whose they are, and their rows, one at a time, however many there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from homespun.errors import UsageError
from homespun.home import Home, Manifest
from homespun.types import Example, Split, Turn


def examples(folder: Path) -> Iterator[Example]:
    """The rows of a built dataset in their order, streamed.

    Raises:
        UsageError: another version of homespun wrote them.
    """
    with (folder / "examples.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            try:
                turns = tuple(Turn(**{**turn, "messages": tuple(turn["messages"])}) for turn in row.pop("turns"))
                yield Example(**row, turns=turns)
            except TypeError:
                raise UsageError("this dataset was built by an older homespun: train the model again to read it") from None


def page(folder: Path, split: Split, skip: int, count: int) -> list[Example]:
    """Some rows of one split."""
    return list(islice((example for example in examples(folder) if example.split == split), skip, skip + count))


def person_of(folder: Path) -> str:
    """Whose replies are learned from it, as the model knows them."""
    return (folder / "person").read_text(encoding="utf-8")


def of_person(home: Home, person: str) -> Manifest | None:
    """The newest dataset that was built from the corpus for somebody."""
    own = [
        one
        for one in home.artefacts()
        if one.kind == "dataset"
        and any(parent.startswith("corpus:") for parent in one.parents)
        and person_of(home.folder("dataset", one.id)) == person
    ]
    return max(own, key=lambda one: one.created, default=None)
