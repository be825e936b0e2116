"""Shuffled answers: a candidate that learned the person's replies after other contexts than their own must not replace the live version.

Jim Lovell on Apollo 13; every reply that his candidate learns from stands where another one stood. It sounds like him and answers nothing.
The candidate must be refused, and the live version must be byte for byte what it was.

    python benchmarks/drills/shuffled.py [--quick] [--json] [--data DIR] [--home DIR]

About ten minutes on two cores the first time; the home is kept, so that a drill that was stopped goes on where it was.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from homespun.machine.neighbour import wait_politely

wait_politely()

import drill  # noqa: E402 (after the threads were told how to wait)

from homespun.types import Example  # noqa: E402


def main() -> None:
    given = drill.options(__doc__ or "", quick="half an epoch").parse_args()
    given.epochs *= 0.5 if given.quick else 1
    shop = drill.workshop(given)
    clean = shop.dataset(shop.conversations(), drill.PERSON)
    drill.refuse("shuffled", given, shop, drill.spoiled(shop, clean, "shuffled", shuffled(clean.of("train", "validation"))))


def shuffled(examples: Sequence[Example]) -> list[Example]:
    """The same contexts and the same replies, every reply in another's place."""
    replies = [turn.text for example in examples for turn in example.targets]
    random.Random(0).shuffle(replies)
    rest = iter(replies)
    return [
        replace(example, turns=tuple(replace(turn, text=next(rest)) if turn.target else turn for turn in example.turns))
        for example in examples
    ]


if __name__ == "__main__":
    main()
