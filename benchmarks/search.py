"""Which recipe learns a person best? One thing changed at a time; nothing is generated, so that only the training differs.

    python benchmarks/search.py [--quick] [--json] [--person NAME] [--only LABEL ...] [--data DIR] [--home DIR]

Prints the loss on what was kept back for validation, the gain on the person's later words, and for Jim Lovell the gain on another mission.
Held-out words are looked at here to compare recipes: what is chosen is judged elsewhere (benchmarks/likeness.py on other people).
About 6 minutes a recipe on two cores; the home is kept, so that a search that was stopped goes on where it was. `--quick`: three recipes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from homespun.machine.neighbour import wait_politely

wait_politely()

import torch  # noqa: E402

import likeness  # noqa: E402 (after the threads were told how to wait)
from homespun.config import Recipe, load_recipe, settings  # noqa: E402
from homespun.corpus import imports  # noqa: E402
from homespun.evaluation import evidence as proving  # noqa: E402
from homespun.evaluation import likelihood  # noqa: E402
from homespun.evaluation.scoring import Weights, pooled, score  # noqa: E402
from homespun.home import Home  # noqa: E402
from homespun.pipeline import Workshop, judging  # noqa: E402
from homespun.types import HELD_OUT, Example  # noqa: E402

SEEDS = 3


@dataclass(frozen=True, slots=True)
class Tried:
    """What is changed, by the recipe's sections; `seeds`: so many adapters are averaged."""

    label: str
    training: Mapping[str, float]
    adapter: Mapping[str, float]
    dataset: Mapping[str, int]
    seeds: int = 1
    scale: float = 1.0


TRIED = (
    Tried("the recipe", {}, {}, {}),
    Tried("rank 4", {}, {"rank": 4, "alpha": 8.0}, {}),
    Tried("rank 64", {}, {"rank": 64, "alpha": 128.0}, {}),
    Tried("rate 1e-3", {"learning_rate": 1e-3}, {}, {}),
    Tried("rate 4e-3", {"learning_rate": 4e-3}, {}, {}),
    Tried("1 epoch", {"epochs": 1.0}, {}, {}),
    Tried("4 epochs", {"epochs": 4.0}, {}, {}),
    Tried("context 384", {}, {}, {"context_tokens": 384, "max_tokens": 768}),
    Tried("no weight decay", {"weight_decay": 0.0}, {}, {}),
    Tried("weight decay 1", {"weight_decay": 1.0}, {}, {}),
    Tried("mean of all weights", {"average": 0.0}, {}, {}),
    Tried("last weights, rate to zero", {"average": 1e9, "final_rate": 0.0}, {}, {}),
    Tried(
        "last weights, as it was", {"average": 1e9, "final_rate": 0.0, "weight_decay": 0.0, "learning_rate": 1e-3, "epochs": 2.5}, {}, {}
    ),
    Tried(f"{SEEDS} adapters averaged", {}, {}, {}, seeds=SEEDS),
    Tried("1 epoch, averaged", {"epochs": 1.0}, {}, {}, seeds=SEEDS),
    Tried(f"{SEEDS} averaged, scaled by 0.85", {}, {}, {}, seeds=SEEDS, scale=0.85),
)
QUICK = ("the recipe", "rate 1e-3", "1 epoch")


def main() -> None:
    given = _options()
    results: dict[str, float] = {}
    for tried in TRIED:
        if tried.label in (given.only or (QUICK if given.quick else [one.label for one in TRIED])):
            found = measured(tried, given)
            results |= {f"{tried.label}.{name}": value for name, value in found.items()}
            if not given.json:
                print(f"{tried.label:<32}" + "  ".join(f"{name} {value:.3f}" for name, value in found.items()), flush=True)
    if given.json:
        print(json.dumps(results))


def measured(tried: Tried, given: argparse.Namespace) -> dict[str, float]:
    corpus = next(one for one in likeness.CORPORA if given.person in one.people)
    home = Home.create(given.home / corpus.name)
    imports.add_export(home, given.data / corpus.file, corpus.people[0])
    adapters = []
    for seed in range(tried.seeds):
        shop = Workshop(home, recipe(tried, seed), settings(), say=likeness.note, on_event=likeness.follow)
        dataset = shop.dataset(shop.conversations(), given.person)
        adapters.append(shop.learn(dataset, resume=True).weights)
    shop.recipe = shop.recipe.model_copy(update={"adapter": _wider(shop.recipe, tried.seeds)})
    weights = averaged(adapters, tried.scale)
    found = {"validation": _nll(shop, weights, dataset.of("validation"))}
    found["gain"] = _gain(shop, weights, dataset.of(*HELD_OUT))
    for _, person, file in corpus.elsewhere:
        if person == given.person:
            unseen = judging.read_conversations(given.data / file, None, 1800.0)
            evidence = proving.from_conversations(unseen, file, person, shop.recipe, shop.template, dataset)
            found["gain_elsewhere"] = _gain(shop, weights, evidence.examples)
    return found


def recipe(tried: Tried, seed: int) -> Recipe:
    made = load_recipe("avatar").with_training(seed=seed, **tried.training)
    return made.model_copy(
        update={
            "adapter": made.adapter.model_copy(update=dict(tried.adapter)),
            "dataset": made.dataset.model_copy(update=dict(tried.dataset)),
        }
    )


def averaged(adapters: Sequence[Weights], scale: float = 1.0) -> dict[str, torch.Tensor]:
    """One adapter whose change of the base is the mean of theirs: side by side, with as many times the rank (alpha grows with it)."""
    first = adapters[0]
    made = {}
    for name in first:
        parts = [one[name].float() for one in adapters]
        made[name] = torch.cat(parts, 0) if "lora_A" in name else torch.cat(parts, 1) * (scale / len(adapters))
    return made


def _wider(made: Recipe, times: int) -> object:
    return made.adapter.model_copy(update={"rank": made.adapter.rank * times, "alpha": made.adapter.alpha * times})


def _nll(shop: Workshop, weights: Weights, examples: Sequence[Example]) -> float:
    return pooled(score(shop.scorer(), shop.template, weights, examples))


def _gain(shop: Workshop, weights: Weights, examples: Sequence[Example]) -> float:
    scorer = shop.scorer()
    before, after = (score(scorer, shop.template, side, examples) for side in (None, weights))
    return likelihood.gain(before, after).value


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three recipes")
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    parser.add_argument("--person", default="Jim Lovell", choices=[person for corpus in likeness.CORPORA for person in corpus.people])
    parser.add_argument("--only", nargs="*", choices=[one.label for one in TRIED])
    parser.add_argument("--data", type=Path, default=likeness.DATA)
    parser.add_argument("--home", type=Path, default=settings().cache / "benchmarks" / "search")
    return parser.parse_args()


if __name__ == "__main__":
    main()
