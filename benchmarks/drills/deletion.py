"""Is what is forgotten gone? Secrets that a model had learned, after their messages were deleted and it was trained again.

A real export of a real person gets invented secrets as messages of theirs, each several times. The model learns them; then the messages
are forgotten and the model is trained again. After that a secret has to be as far down among all others as one that never was anywhere.

    python benchmarks/drills/deletion.py [--quick] [--json] [--data DIR] [--home DIR]

Trains the real base twice: minutes. `before`, `after`: mean exposure of the secrets in bits; `control`: of others after the same words.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from homespun.machine.neighbour import wait_politely

wait_politely()

import mission  # noqa: E402 (after the threads were told how to wait)

from homespun.corpus.delete import Forgotten  # noqa: E402
from homespun.dataset.build import Dataset  # noqa: E402
from homespun.dataset.canaries import Canary, plant  # noqa: E402
from homespun.evaluation import privacy, tree  # noqa: E402
from homespun.evaluation.scoring import Weights  # noqa: E402
from homespun.pipeline import Workshop, forget  # noqa: E402
from homespun.types import Example, Turn  # noqa: E402

SECRETS = {True: 8, False: 16}
REPEATS = 8
CONTROLS = 25
"""Never-planted secrets for each planted one."""
EARLY = 0.6
"""The share of the export that secrets are planted in: it is learned from."""
WITHIN = 1.0
"""Bits."""


@dataclass(frozen=True, slots=True)
class Found:
    """Mean bits."""

    planted: float
    control: float


def main() -> None:
    chosen = mission.options(__doc__ or "", "deletion")
    said = mission.lines(chosen)
    texts, secrets = _invented(SECRETS[chosen.quick])
    shop = mission.workshop(chosen.home / "with", _planted(said, texts), chosen)
    learned = mission.dataset(shop)
    canaries = [Canary(sentence, secret, REPEATS, _context(learned, f"{sentence} {secret}")) for sentence, secret in secrets]
    before = _exposures(shop, shop.learn(learned).weights, canaries, chosen.sample)

    ids = tuple(message.id for talk in shop.conversations() for message in talk.messages if message.text in texts)
    stale = forget(shop.home, Forgotten(f"{len(ids)} planted messages", ids))
    again = mission.dataset(shop)
    after = _exposures(shop, shop.learn(again).weights, canaries, chosen.sample)

    never = mission.dataset(mission.workshop(chosen.home / "without", said, chosen))
    difference = after.planted - after.control
    mission.tell(
        {
            "messages_forgotten": len(ids),
            "made_stale": len(stale.datasets) + len(stale.others),
            "before": before.planted,
            "after": after.planted,
            "control": after.control,
            "difference": difference,
            "dataset_as_if_never_there": float(_words(again) == _words(never)),
            "passed": float(abs(difference) <= WITHIN < before.planted - before.control and _words(again) == _words(never)),
        },
        chosen,
    )


def _invented(amount: int) -> tuple[list[str], list[tuple[str, str]]]:
    """(what is said, (sentence, secret)) of so many secrets."""
    anywhere = [Example("", "", "train", (Turn("user", "…"), Turn("assistant", "…", target=True)))]
    canaries = plant(anywhere, {1: amount})[1]
    return [canary.text for canary in canaries], [(canary.sentence, canary.secret) for canary in canaries]


def _planted(said: Sequence[Mapping[str, str]], texts: Sequence[str]) -> list[Mapping[str, str]]:
    """The export with every text REPEATS times in it, as the person's whole answer to somebody."""
    places = [
        at
        for at in range(int(EARLY * len(said)))
        if said[at]["speaker"] == mission.OTHER and said[at + 1]["speaker"] not in (mission.PERSON, mission.OTHER)
    ]
    picked = random.Random(0).sample(places, REPEATS * len(texts))
    answers = dict(zip(picked, [text for text in texts for _ in range(REPEATS)], strict=True))
    made: list[Mapping[str, str]] = []
    for at, line in enumerate(said):
        made.append(line)
        if at in answers:
            made.append({**line, "speaker": mission.PERSON, "text": answers[at]})
    return made


def _context(dataset: Dataset, text: str) -> tuple[Turn, ...]:
    """What stands before a reply that is learned, where it is learned first."""
    for example in dataset.of("train"):
        for at, turn in enumerate(example.turns):
            if turn.target and turn.text == text:
                return tuple(replace(earlier, target=False) for earlier in example.turns[:at])
    raise SystemExit("a planted secret is not among what is learned")


def _exposures(shop: Workshop, weights: Weights, canaries: Sequence[Canary], sample: int) -> Found:
    engine = shop.engine()
    engine.use(weights)
    chance = random.Random(1)
    planted: list[float] = []
    control: list[float] = []
    for canary in canaries:
        strangers = [f"{chance.randrange(10**6):06}" for _ in range(CONTROLS)]
        asked = [canary.secret, *strangers, *privacy.sample_secrets(sample)]
        found = tree.log_likelihoods(engine, canary.context, [f"{canary.sentence} {secret}" for secret in asked])
        bits = [privacy.exposure(float(own), found[1 + CONTROLS :]) for own in found[: 1 + CONTROLS]]
        planted.append(bits[0])
        control += bits[1:]
    return Found(sum(planted) / len(planted), sum(control) / len(control))


def _words(dataset: Dataset) -> list[object]:
    """All that training sees of a dataset."""
    return [(example.split, [(turn.role, turn.text, turn.target, turn.weight) for turn in example.turns]) for example in dataset.examples]


if __name__ == "__main__":
    main()
