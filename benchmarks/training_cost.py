"""What a training costs: whether time grows with the messages and not faster, whether a budget is kept, how soon it begins, what it holds.

    python benchmarks/training_cost.py            # about 12 minutes on two cores
    python benchmarks/training_cost.py --quick    # a tenth of the data: about 2 minutes; the ratios are noisier
    python benchmarks/training_cost.py --json

- `linear_ratio`: seconds of an epoch on ten times the messages / ten times the seconds on the first tenth, starting up left out.
- `long_ratio`: the same messages in windows of up to 2,048 tokens / of up to 512, seconds per token.
- `budget_ratio`: seconds that a training with a budget took, from its first measured step to its kept adapter / the budget;
  `budget_schedule`: how far the learning rate of its last step is from the lowest planned, 1 being the highest: near 0 at its end.
- `first_step_s`: seconds from starting Python to the end of the first step, with warm files.
- `peak_gb`: peak memory of a process that trains with 4,096 tokens a step.

Jim Lovell of Apollo 13, the default recipe, the step that this machine chooses.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from homespun.machine.neighbour import wait_politely

wait_politely()

from homespun.config import Recipe, load_recipe, settings  # noqa: E402 (after the threads were told how to wait)
from homespun.corpus import imports  # noqa: E402
from homespun.dataset.build import Dataset  # noqa: E402
from homespun.home import Home  # noqa: E402
from homespun.pipeline import Workshop  # noqa: E402
from homespun.training.loop import Event  # noqa: E402
from workload import PERSON, data_folder  # noqa: E402

CORPUS = "dev-apollo/messages.a13.jsonl"
BUDGET, QUICK_BUDGET = 120.0, 30.0
PEAK_STEPS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--alone", nargs=2, metavar=("WHAT", "HOME"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        alone(*options.alone)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Home.create(Path(folder) / "home")
        imports.add_export(home, options.data / CORPUS, PERSON)
        found = measure(home, options)
    print(json.dumps(found) if options.json else "\n".join(f"{name:<16}{value:>10.3f}" for name, value in found.items()))


def measure(home: Home, options: argparse.Namespace) -> dict[str, float]:
    found = {"first_step_s": child("first-step", home), "peak_gb": child("peak", home)}
    recipe = load_recipe("avatar").with_training(epochs=1.0)
    shop, dataset = prepared(home, recipe)
    much = share(dataset, 0.3 if options.quick else 1.0)
    little = share(much, 0.1)
    seconds = {name: epoch(shop, one) for name, one in (("little", little), ("much", much))}
    found["linear_ratio"] = seconds["much"][0] / seconds["little"][0] / (seconds["much"][1] / seconds["little"][1])
    long = recipe.model_copy(update={"dataset": recipe.dataset.model_copy(update={"max_tokens": 2048, "context_tokens": 1024})})
    took, tokens = epoch(*prepared(home, long, 0.3 if options.quick else 1.0))
    found["long_ratio"] = took / tokens / (seconds["much"][0] / seconds["much"][1])
    return found | budget(home, QUICK_BUDGET if options.quick else BUDGET)


def prepared(home: Home, recipe: Recipe, part: float = 1.0) -> tuple[Workshop, Dataset]:
    shop = Workshop(home, recipe, settings())
    return shop, share(shop.dataset(shop.conversations(), PERSON), part)


def share(dataset: Dataset, part: float) -> Dataset:
    """The first part of what is learned, without anything to validate on."""
    rows = dataset.of("train")
    return replace(dataset, id=f"{dataset.id}-{part}", examples=tuple(rows[: max(1, round(part * len(rows)))]))


def epoch(shop: Workshop, dataset: Dataset) -> tuple[float, int]:
    """(seconds, tokens) of one epoch after its first step."""
    steps: list[Event] = []
    shop.on_event = lambda event: steps.append(event) if event["event"] == "step" else None
    shop.learn(dataset)
    first, last = (float(steps[place]["seconds"] or 0) for place in (0, -1))
    return last - first, sum(int(step["tokens"] or 0) for step in steps[1:])


def budget(home: Home, seconds: float) -> dict[str, float]:
    recipe = load_recipe("avatar").with_training(epochs=50.0)
    shop, dataset = prepared(home, recipe)
    steps: list[Event] = []
    shop.on_event = lambda event: steps.append(event) if event["event"] == "step" else None
    began = time.monotonic()
    shop.learn(dataset, budget=seconds)
    took = time.monotonic() - began
    rates = [float(step["learning_rate"] or 0) for step in steps]
    end = recipe.training.final_rate * max(rates)
    return {"budget_ratio": took / seconds, "budget_schedule": (rates[-1] - end) / (max(rates) - end)}


def child(what: str, home: Home) -> float:
    command = [sys.executable, __file__, "--alone", what, str(home.path)]
    began = time.time()
    for _ in range(2 if what == "first-step" else 1):  # the first reads the files
        began = time.time()
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]
    return float(told) - began if what == "first-step" else float(told)


def alone(what: str, home: str) -> None:
    """In a process of its own: prints the time of the first step's end, or the peak memory in GB."""
    recipe = load_recipe("avatar")
    shop, dataset = prepared(Home(Path(home)), recipe if what == "first-step" else recipe.with_training(tokens_per_step=4096))

    def stop(event: Event) -> None:
        if event["event"] == "step" and (what == "first-step" or event["step"] == PEAK_STEPS):
            told = time.time() if what == "first-step" else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            print(told, flush=True)
            sys.exit()

    shop.on_event = stop
    shop.learn(dataset)


if __name__ == "__main__":
    main()
