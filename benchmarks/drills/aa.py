"""A/A: versions that differ by nothing but chance must not replace each other. Prints how often the gate would promote one falsely.

Jim Lovell's avatar is trained 8 times on the same words, with other seeds, and each one's likelihood of his held-out replies is measured
once. Then 1,000 times: half of his held-out conversations and two of the eight are picked; one is live, the other asks to replace it.
Every check but improvement (G1) is taken as passed, and every attempt as the first: the gate can only be stricter than this.

Halves, because they are spread as samples of the person's talk are. Drawn with replacement, the chance differences of these very replies
stay and drawing adds as much again: a test that errs in 5 % of samples promotes 12 % of such resamples. That share is printed beside.

    python benchmarks/drills/aa.py [--quick] [--json] [--data DIR] [--home DIR] [--retrains N] [--resamples N]

About 30 minutes on two cores; the home is kept, so that a drill that was stopped goes on where it was.
`--quick`: 3 retrains of half an epoch.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace

from homespun.machine.neighbour import wait_politely

wait_politely()

import drill  # noqa: E402 (after the threads were told how to wait)
import numpy as np  # noqa: E402

from homespun.evaluation.likelihood import ScoredReply  # noqa: E402
from homespun.evaluation.result import Report  # noqa: E402
from homespun.evaluation.scoring import pooled, score  # noqa: E402
from homespun.registry.gate import decide  # noqa: E402
from homespun.registry.policy import load_policy  # noqa: E402
from homespun.types import HELD_OUT  # noqa: E402

MOST = 0.05


def main() -> None:
    parser = drill.options(__doc__ or "", quick="3 retrains of half an epoch")
    parser.add_argument("--retrains", type=int, default=8)
    parser.add_argument("--resamples", type=int, default=1000)
    given = parser.parse_args()
    if given.quick:
        given.retrains, given.epochs = min(given.retrains, 3), given.epochs / 2
    retrains = trained(given)
    levels = [pooled(scored) for scored in retrains]
    found = {
        "aa.false_promotions": false_promotions(retrains, given.resamples, halves=True),
        "aa.false_promotions_with_replacement": false_promotions(retrains, given.resamples, halves=False),
        "aa.retrains": len(retrains),
        "aa.resamples": given.resamples,
        "aa.replies": len(retrains[0]),
        "aa.conversations": len({reply.conversation for reply in retrains[0]}),
        "aa.nll": float(np.mean(levels)),
        "aa.nll_sd": float(np.std(levels, ddof=1)),
    }
    if given.json:
        print(json.dumps(found))
    else:
        print(
            f"A/A: {len(retrains)} retrains, {found['aa.replies']} held-out replies in {found['aa.conversations']} conversations, "
            f"{found['aa.nll']:.3f} nats per token, standard deviation between retrains {found['aa.nll_sd']:.4f}"
        )
        print(f"falsely promoted, of {given.resamples} resamples: {found['aa.false_promotions']:.1%} (asked: {MOST:.0%} at most)")
        print(f"the same of conversations drawn with replacement: {found['aa.false_promotions_with_replacement']:.1%}")
    sys.exit(0 if found["aa.false_promotions"] <= MOST else 1)


def trained(given: argparse.Namespace) -> list[list[ScoredReply]]:
    """The held-out replies' likelihoods under every retrain, all in one order."""
    runs = []
    for seed in range(given.retrains):
        drill.note(f"retrain {seed + 1} of {given.retrains}")
        shop = drill.workshop(given, seed)
        dataset = shop.dataset(shop.conversations(), drill.PERSON)
        runs.append(shop.learn(dataset, resume=True))
    scorer, held_out = shop.scorer(), dataset.of(*HELD_OUT)
    return [score(scorer, shop.template, run.weights, held_out) for run in runs]


def false_promotions(retrains: Sequence[Sequence[ScoredReply]], times: int, halves: bool) -> float:
    """The share of resamples in which one retrain replaces another."""
    policy = load_policy().model_copy(update={"checks": {}})
    places: dict[str, list[int]] = {}
    for place, reply in enumerate(retrains[0]):
        places.setdefault(reply.conversation, []).append(place)
    conversations = sorted(places)
    chance = np.random.default_rng(0)
    promoted = 0
    for _ in range(times):
        count = len(conversations) // 2 if halves else len(conversations)
        drawn = [conversations[index] for index in chance.choice(len(conversations), count, replace=not halves)]
        live, candidate = chance.choice(len(retrains), 2, replace=False)
        report = Report(drill.PERSON, "+".join(HELD_OUT), full=False)
        report.scores = {
            side: [
                replace(retrains[which][place], conversation=f"{number} {conversation}")
                for number, conversation in enumerate(drawn)
                for place in places[conversation]
            ]
            for side, which in (("live", live), ("avatar", candidate))
        }
        promoted += decide(report, Report(drill.PERSON, report.on, full=False), policy, attempt=1).verdict == "pass"
    return promoted / times


if __name__ == "__main__":
    main()
