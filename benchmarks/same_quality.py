"""Is what the fused step learns in bfloat16 as good as what PEFT learns in float32? Held-out loss after one epoch, over several seeds.

    python benchmarks/same_quality.py [--json] [--only lovell] [--ours 3] [--peft 2]

Both run through the same loop, plan and data; a seed decides the fresh adapter and the order of the data. "PEFT" is peft's LoRA around
transformers' own model, attention and loss in float32, a few padded rows at a time: about two hours for all on two cores. Every run is kept
and can be stopped: started again, the program goes on where it was. All adapters are scored by one float32 step, on all that is held out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from homespun.machine.neighbour import wait_politely

wait_politely()

import torch  # noqa: E402 (after the threads were told how to wait)
from peft import LoraConfig, get_peft_model  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from torch import Tensor  # noqa: E402

from homespun.bases import hub  # noqa: E402
from homespun.bases.adapter import FlatAdapter, flattened  # noqa: E402
from homespun.bases.load import load_model  # noqa: E402
from homespun.config import load_recipe, settings  # noqa: E402
from homespun.corpus import imports  # noqa: E402
from homespun.home import Home  # noqa: E402
from homespun.machine.hardware import usable_cores  # noqa: E402
from homespun.pipeline import Workshop  # noqa: E402
from homespun.training.batches import Batch  # noqa: E402
from homespun.training.kinds import Machine, make_step  # noqa: E402
from homespun.training.loop import mean_loss, train  # noqa: E402
from homespun.training.plan import make_plan  # noqa: E402
from homespun.training.run import rendered  # noqa: E402
from homespun.training.step import Step  # noqa: E402

SUBJECTS = {
    "lovell": ("Jim Lovell", "dev-apollo/messages.a13.jsonl"),
    "ikonia": ("ikonia", "dev-ubuntu-irc/messages.jsonl"),
}
ROWS = 4
"""Sequences that go through PEFT's model side by side."""


class PeftStep:
    """A `training.step.Step` of peft's and transformers' own parts."""

    def __init__(self, folder: Path, rank: int, alpha: float, seed: int) -> None:
        torch.manual_seed(seed)
        config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(hub.DEFAULT_TARGETS), task_type="CAUSAL_LM")
        self.model: Any = get_peft_model(load_model(folder, "float32"), config)
        learning = {name.replace(".default", ""): tensor for name, tensor in self.model.named_parameters() if tensor.requires_grad}
        self.adapter: FlatAdapter = flattened(learning)

    def loss_and_gradients(self, batch: Batch, denominator: float) -> float:
        total = 0.0
        for ids, labels, weight in padded(batch):
            logits = self.model(input_ids=ids, use_cache=False).logits[:, :-1]
            nll = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), reduction="none")
            loss = (nll * weight[:, 1:].flatten()).sum() / denominator
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        return total

    def score(self, batch: Batch) -> Tensor:
        raise NotImplementedError("one float32 step scores all")


def padded(batch: Batch) -> list[tuple[Tensor, Tensor, Tensor]]:
    """(ids, labels, weights) of a few sequences each, (rows, longest): padded on the right, which causal attention never sees; -100 where
    nothing is learned."""
    labels, weights = torch.full_like(batch.ids, -100), torch.zeros(batch.ids.shape)
    labels[batch.supervised + 1], weights[batch.supervised + 1] = batch.labels, batch.weight
    ends = torch.tensor(batch.lengths).cumsum(0).tolist()
    rows = [
        slice(end - length, end) for end, length in zip(ends, batch.lengths, strict=True) if bool((labels[end - length : end] >= 0).any())
    ]
    rows.sort(key=lambda row: row.stop - row.start)
    made = []
    for start in range(0, len(rows), ROWS):
        some = rows[start : start + ROWS]
        made.append(
            tuple(stacked([tensor[row] for row in some], fill) for tensor, fill in ((batch.ids, 0), (labels, -100), (weights, 0.0)))
        )
    return made  # type: ignore[return-value]


def stacked(rows: list[Tensor], fill: float) -> Tensor:
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=fill)


def main() -> None:
    options = parse()
    found: dict[str, float] = {}
    for name, (person, corpus) in SUBJECTS.items():
        if options.only in (None, name):
            found |= measure(name, person, options.data / corpus, options)
    if options.json:
        print(json.dumps(found))


def measure(name: str, person: str, corpus: Path, options: argparse.Namespace) -> dict[str, float]:
    home = Home.create(options.home / name)
    imports.add_export(home, corpus, person)
    recipe = load_recipe("avatar").with_training(epochs=1.0)
    shop = Workshop(home, recipe, settings())
    dataset = shop.dataset(shop.conversations(), person)
    rows, held_out = (rendered(dataset.of(*sides), shop.template) for sides in (("train",), ("gate", "vault")))
    scorer = make_step(shop.folder, hub.DEFAULT_TARGETS, recipe.adapter, Machine("fused", "float32", usable_cores()))
    losses: dict[str, list[float]] = {"ours": [], "peft": []}
    for side, seed in [*(("ours", seed) for seed in range(options.ours)), *(("peft", seed) for seed in range(options.peft))]:
        machine = shop.machine() if side == "ours" else Machine("autograd", "float32", usable_cores())
        plan = make_plan([len(row) for row in rows], recipe.with_training(seed=seed).training, machine)
        folder = home.path / "same_quality" / f"{side}-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "adapter.safetensors").is_file():
            if side == "ours":
                step: Step = make_step(shop.folder, hub.DEFAULT_TARGETS, recipe.adapter, machine, seed)
            else:
                step = PeftStep(shop.folder, recipe.adapter.rank, recipe.adapter.alpha, seed)
            save_file(train(step, rows, [], plan, folder).weights, folder / "adapter.safetensors")
        scorer.adapter.set(load_file(folder / "adapter.safetensors"))
        losses[side].append(mean_loss(scorer, held_out, plan.micro_tokens))
        print(f"{name}: {side}, seed {seed}: {losses[side][-1]:.4f} nats per held-out token", flush=True)
    scorer.adapter.set(None)
    print(f"{name}: base {mean_loss(scorer, held_out, 2048):.4f}; " + ", ".join(f"{side} {told(found)}" for side, found in losses.items()))
    return {f"{name}.{side}": mean(found) for side, found in losses.items() if found}


def told(losses: list[float]) -> str:
    return f"{mean(losses):.4f} ± {stdev(losses):.4f}" if len(losses) > 1 else f"{mean(losses):.4f}"


def parse() -> argparse.Namespace:
    from workload import data_folder

    parser = argparse.ArgumentParser(description="Held-out loss of the fused step in bfloat16 beside PEFT's in float32.")
    parser.add_argument("--data", type=Path, default=data_folder(), help="the folder of real corpora; default HOMESPUN_TEST_DATA")
    parser.add_argument("--home", type=Path, default=settings().cache / "benchmarks" / "same_quality", help="kept between calls")
    parser.add_argument("--only", choices=SUBJECTS)
    parser.add_argument("--ours", type=int, default=3, help="seeds of the fused step")
    parser.add_argument("--peft", type=int, default=2, help="seeds of PEFT")
    parser.add_argument("--json", action="store_true", help="one flat object, name -> number")
    return parser.parse_args()


if __name__ == "__main__":
    main()
