"""What quantising costs: size, perplexity and speed of the base in every quantisation that `homespun export` writes.

    python benchmarks/quantization.py                 # 1,024 tokens of text: about four minutes on two cores
    python benchmarks/quantization.py --quick         # 192 tokens
    python benchmarks/quantization.py --json          # one flat object

**Perplexity** is of the prose that comes with homespun (`sample/reflections.jsonl`), in pieces of 64 tokens after 32 that are only read,
computed by llama.cpp itself: weights and activations are rounded as they are in use. The same tokens for all, so the change against F16 is
given with its standard error over pieces, which is much smaller than that of the perplexity.

**Speed** is tokens per second of one greedy reply after a short prompt, median of rounds in which all take turns.

The base that a package index gives came in 4 bits (Q4_1) and was widened once: its weights lie on a grid of 16 levels in every 32 weights.
A quantisation that contains the grid loses nothing; one whose levels fall between its lines, as Q5_1's 31 steps do between 15, loses more
than its width suggests, and outwards in every block. So on this base Q5_K_M need not be better than Q4_K_M. `--base` takes any other.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from statistics import mean, median, stdev

from homespun.bases.hub import resolve
from homespun.bases.template import Template
from homespun.config import settings
from homespun.errors import HomespunError
from homespun.export import gguf
from homespun.export.making import QUANTS
from homespun.export.readback import Dialogue, LlamaCpp, llama_cpp
from homespun.machine.hardware import usable_cores
from homespun.machine.neighbour import wait_politely

READ, SCORED = 32, 64
TOKENS, QUICK_TOKENS = 1024, 192
WRITTEN = 96
"""Tokens of a reply whose speed is taken."""
ROUNDS, QUICK_ROUNDS = 5, 2


def pieces(template: Template, tokens: int) -> list[Dialogue]:
    """Of the sample's prose, one after the other."""
    lines = (resources.files("homespun") / "sample" / "reflections.jsonl").read_text(encoding="utf-8").splitlines()
    prose = "\n".join(text for line in lines for text in json.loads(line).values() if isinstance(text, str) and len(text) > 80)
    ids = template.ids(prose)
    size = READ + SCORED
    return [(ids[start : start + READ], ids[start + READ : start + size]) for start in range(0, len(ids) - size, size)][: tokens // SCORED]


def losses(reader: LlamaCpp, wanted: Sequence[Dialogue]) -> list[float]:
    """Mean nats per token of each piece."""
    return [-mean(answer.scores) for answer in reader.answers(wanted, 1)]


def seconds(reader: LlamaCpp, prompt: list[int], count: int) -> float:
    """A token takes, the prompt left out."""
    times = []
    for tokens in (1, 1 + count):
        began = time.perf_counter()
        said = reader.answers([(prompt, [])], tokens)[0].said
        times.append((time.perf_counter() - began, len(said)))
    (short, one), (long, many) = times
    return (long - short) / max(1, many - one)


def measure(base: str, tokens: int, rounds: int) -> dict[str, float]:
    machine = settings()
    folder = resolve(base, machine)
    template = Template(folder)
    wanted = pieces(template, tokens)
    files = {quant: gguf.base_gguf(folder, machine, quant) for quant in QUANTS}
    found: dict[str, float] = {}
    with ExitStack() as stack:
        readers = {quant: stack.enter_context(llama_cpp(file, threads=usable_cores())) for quant, file in files.items()}
        scores = {quant: losses(reader, wanted) for quant, reader in readers.items()}
        prompt = template.ids("The first thing I remember about that summer is")
        turns = [{quant: seconds(reader, prompt, WRITTEN) for quant, reader in readers.items()} for _ in range(rounds)]
    for quant, file in files.items():
        changes = [one - other for one, other in zip(scores[quant], scores["F16"], strict=True)]
        found[f"{quant}_mb"] = round(file.stat().st_size / 1e6, 1)
        found[f"{quant}_of_f16"] = round(file.stat().st_size / files["F16"].stat().st_size, 4)
        found[f"{quant}_perplexity"] = round(math.exp(mean(scores[quant])), 3)
        found[f"{quant}_loss_change"] = round(mean(changes), 5)
        found[f"{quant}_loss_change_error"] = round(stdev(changes) / math.sqrt(len(changes)), 5)
        found[f"{quant}_tokens_per_second"] = round(1 / median(turn[quant] for turn in turns), 1)
    return found | {"tokens": float(SCORED * len(wanted)), "threads": float(usable_cores())}


def table(found: dict[str, float]) -> str:
    lines = ["| weights | MB | of F16 | perplexity | loss against F16, nats per token | tokens/s |", "|---|---|---|---|---|---|"]
    for quant in QUANTS:
        change = f"{found[f'{quant}_loss_change']:+.4f} ± {found[f'{quant}_loss_change_error']:.4f}"
        lines.append(
            f"| {quant} | {found[f'{quant}_mb']:.0f} | {found[f'{quant}_of_f16']:.1%} | {found[f'{quant}_perplexity']:.2f} "
            f"| {change if quant != 'F16' else ''} | {found[f'{quant}_tokens_per_second']:.0f} |"
        )
    return "\n".join([*lines, "", f"{found['tokens']:.0f} tokens of text; {found['threads']:.0f} threads"])


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--base", default="smollm2-135m-instruct", help="a preset, a folder or a hub id")
    parser.add_argument("--quick", action="store_true", help="less text and fewer rounds")
    parser.add_argument("--json", action="store_true", help="one flat object")
    asked = parser.parse_args(arguments)
    wait_politely()
    try:
        found = measure(asked.base, *((QUICK_TOKENS, QUICK_ROUNDS) if asked.quick else (TOKENS, ROUNDS)))
    except HomespunError as error:
        sys.stderr.write(f"{Path(__file__).name}: {error}\n")
        return error.exit_code
    sys.stdout.write((json.dumps(found) if asked.json else table(found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
