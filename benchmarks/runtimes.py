"""Does one GGUF of ours say the same in two programs? Greedy replies of xllamacpp beside those of llama-cpp-python, token by token.

    python benchmarks/runtimes.py [--quick] [--json] [--base BASE]

Prints for every quantisation the share of replies that are equal to the end, and of tokens before the first difference. The two bring
llama.cpp of different months, built for different processors: where two tokens are as good as tied, each may take another. llama-cpp-python
has no wheel: the first run compiles it in an environment of its own, seven minutes of a processor.
`--quick`: two quantisations, four replies.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from homespun.bases.hub import resolve
from homespun.bases.template import Template
from homespun.config import Settings, settings
from homespun.errors import HomespunError
from homespun.export import gguf
from homespun.export.making import QUANTS
from homespun.export.quantize import Quant
from homespun.export.readback import llama_cpp
from homespun.machine.neighbour import wait_politely
from homespun.types import Turn
from venvs import python_with

PEERS = Path(__file__).parent / "peers"
# Tuned to the very processor that compiles it, it dies of an illegal access on some virtual machines.
# A build from another time that pip has kept may be such a one.
BUILD = {
    "PIP_NO_CACHE_DIR": "1",
    "CMAKE_ARGS": "-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON -DLLAVA_BUILD=OFF",
}
QUICK: tuple[Quant, ...] = ("F16", "Q4_K_M")
COUNT = 48
"""Tokens of a reply at most."""
SAID = (
    "Good morning! Did you sleep?",
    "What is the capital of France?",
    "The train is late again, I will be there at nine.",
    "Tell me about your grandmother's garden.",
    "Write a query that returns all people named Anna.",
    "ok",
    "Wie geht es dir?",
    "Which book would you take to an island, and why?",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--base", default="smollm2-135m-instruct", help="a preset, a folder or a hub id")
    parser.add_argument("--quick", action="store_true", help="two quantisations, four replies")
    parser.add_argument("--json", action="store_true", help="one flat object")
    asked = parser.parse_args()
    wait_politely()
    machine = settings()
    try:
        python = python_with(PEERS / "llama_cpp_python.txt", machine.cache / "peers", note, building=BUILD)
        folder = resolve(asked.base, machine)
        found = compared(folder, python, machine, QUICK if asked.quick else QUANTS, SAID[:4] if asked.quick else SAID)
    except HomespunError as error:
        sys.stderr.write(f"{Path(__file__).name}: {error}\n")
        return error.exit_code
    print(json.dumps(found) if asked.json else "\n".join(f"{name:<24} {value:.3f}" for name, value in found.items()))
    return 0


def note(line: str) -> None:
    print(line, file=sys.stderr)


def compared(folder: Path, python: Path, machine: Settings, quants: Sequence[Quant], said: Sequence[str]) -> dict[str, float]:
    template = Template(folder)
    prompts = [template.prompt([Turn("user", text)]) for text in said]
    found: dict[str, float] = {}
    for quant in quants:
        file = gguf.base_gguf(folder, machine, quant)
        theirs = peer(python, file, prompts)
        with llama_cpp(file) as reader:
            ours = [answer.said for answer in reader.answers([(prompt, []) for prompt in prompts], COUNT)]
        same = [agreed(one, other) for one, other in zip(ours, theirs, strict=True)]
        found[f"{quant}_equal"] = sum(one == other for one, other in zip(ours, theirs, strict=True)) / len(said)
        found[f"{quant}_tokens_equal"] = sum(same) / sum(map(len, theirs))
    return found


def peer(python: Path, file: Path, prompts: Sequence[list[int]]) -> list[list[int]]:
    command = [str(python), str(PEERS / "llama_cpp_python.py"), str(file), str(COUNT)]
    done = subprocess.run(command, input="\n".join(map(json.dumps, prompts)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise HomespunError(f"llama-cpp-python cannot run {file.name}: {(done.stderr.strip().splitlines() or ['it died'])[-1]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def agreed(ours: Sequence[int], theirs: Sequence[int]) -> int:
    """Tokens before the first that differs."""
    return next((place for place, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other), min(len(ours), len(theirs)))


if __name__ == "__main__":
    sys.exit(main())
