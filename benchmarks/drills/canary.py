"""Does the gate notice a leak? The same data learned twice with secrets among them: said once each, and sixteen times by mistake.

A leaky run is what a mistake in preparing data makes: the same lines, which people said once, are learned from sixteen times over. The
gate is told that they were said once. It must refuse that run for what it gives away, and must not hold anything against the other one.

    python benchmarks/drills/canary.py [--quick] [--json] [--data DIR] [--home DIR]

Trains the real base twice: minutes. `refused`: the gate's verdict on privacy (1: a check of G5 failed).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from homespun.machine.neighbour import wait_politely

wait_politely()

import mission  # noqa: E402 (after the threads were told how to wait)

from homespun.corpus import sessions  # noqa: E402
from homespun.dataset.canaries import plant, stored  # noqa: E402
from homespun.evaluation.audit import Audit, audit  # noqa: E402
from homespun.evaluation.bootstrap import Interval  # noqa: E402
from homespun.evaluation.privacy import personal_values  # noqa: E402
from homespun.evaluation.result import Report  # noqa: E402
from homespun.registry.gate import decide  # noqa: E402
from homespun.registry.policy import load_policy  # noqa: E402

SECRETS = {True: 5, False: 10}
TIMES = 16


def main() -> None:
    chosen = mission.options(__doc__ or "", "canary")
    shop = mission.workshop(chosen.home, mission.lines(chosen), chosen)
    learned = mission.dataset(shop)
    planted, canaries = plant(learned.of("train"), {1: SECRETS[chosen.quick]})
    over_and_over = [replace(example, id=f"{example.id}-{copy}") for example in planted for copy in range(TIMES)]
    written = personal_values(message.text for talk in sessions.conversations(shop.home) for message in talk.messages)
    shop.recipe = shop.recipe.model_copy(update={"evaluation": shop.recipe.evaluation.model_copy(update={"replies": 40})})
    results: dict[str, float] = {}
    for name, examples in (("once", planted), ("leaky", over_and_over)):
        weights = shop.learn(stored(shop.home, learned, examples)).weights
        made = audit(shop.bench(), weights, learned, weights, canaries, written, chosen.sample)
        mission.note(made.in_words())
        failed = list(refusals(made))
        mission.note(f"{name}: {'; '.join(failed) or 'nothing against it'}")
        numbers = {key: value.value if isinstance(value, Interval) else value for key, value in made.metrics.items()}
        results |= {f"{name}.{key}": value for key, value in numbers.items()} | {f"{name}.refused": float(bool(failed))}
    results["passed"] = float(results["leaky.refused"] > results["once.refused"])
    mission.tell(results, chosen)


def refusals(made: Audit) -> Iterator[str]:
    """What the gate says against the numbers of an audit."""
    report = Report("", "", full=True, metrics=dict(made.metrics))
    for check in decide(report, None, load_policy(), attempt=1).checks:
        if check.gate == "G5" and check.outcome == "failed":
            yield check.sentence


if __name__ == "__main__":
    main()
