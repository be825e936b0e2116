"""Poison: a candidate of whose replies 20 % are somebody else's must not replace a clean live version.

Jim Lovell on Apollo 13; one in five of the examples that his candidate learns from is Fred Haise's, said to be his. What is held out is
clean. The candidate must be refused, and the live version must be byte for byte what it was.

    python benchmarks/drills/poison.py [--quick] [--json] [--data DIR] [--home DIR] [--share 0.2]

About ten minutes on two cores the first time; the home is kept, so that a drill that was stopped goes on where it was.
"""

from __future__ import annotations

import random
from dataclasses import replace

from homespun.machine.neighbour import wait_politely

wait_politely()

import drill  # noqa: E402 (after the threads were told how to wait)

from homespun.dataset import build  # noqa: E402
from homespun.dataset.build import Dataset  # noqa: E402
from homespun.pipeline import Workshop  # noqa: E402
from homespun.types import Example  # noqa: E402


def main() -> None:
    parser = drill.options(__doc__ or "", quick="half an epoch")
    parser.add_argument("--share", type=float, default=0.2, help="of the examples that are somebody else's")
    given = parser.parse_args()
    given.epochs *= 0.5 if given.quick else 1
    shop = drill.workshop(given)
    clean, theirs = datasets(shop)
    drill.refuse("poison", given, shop, drill.spoiled(shop, clean, "poison", poisoned(clean, theirs, given.share)))


def datasets(shop: Workshop) -> tuple[Dataset, Dataset]:
    conversations = shop.conversations()
    return shop.dataset(conversations, drill.PERSON), build.build(shop.home, conversations, drill.OTHER, shop.recipe, shop.template)


def poisoned(clean: Dataset, theirs: Dataset, share: float) -> list[Example]:
    """What is learned from, with `share` of it replaced by the other's words from the same conversations, under the person's name."""
    learned = {side: clean.of(side) for side in ("train", "validation")}
    conversations = {example.conversation for examples in learned.values() for example in examples}
    strangers = [example for example in theirs.of("train", "validation") if example.conversation in conversations]
    chance = random.Random(0)
    chance.shuffle(strangers)
    own = [example for examples in learned.values() for example in examples]
    replaced = set(chance.sample(range(len(own)), round(share * len(own))))
    if len(strangers) < len(replaced):
        raise SystemExit(f"{drill.OTHER} wrote too little to poison {share:.0%}: {len(strangers)} of {len(replaced)} examples")
    return [
        replace(example, turns=(example.turns[0], *strangers.pop().turns[1:])) if index in replaced else example
        for index, example in enumerate(own)
    ]


if __name__ == "__main__":
    main()
