"""Useful training tokens per second: ours and everybody else's, side by side in one run.

    python benchmarks/train_speed.py                  # 5 rounds, then the loss after equal time: about 40 minutes on two cores
    python benchmarks/train_speed.py --quick          # 2 rounds, ours and TRL's defaults only, no loss
    python benchmarks/train_speed.py --only autograd,peft_fp32
    python benchmarks/train_speed.py --json           # one flat object

**Same work.** All learn from one file of the same conversations (workload.py: windows of several turns, about 512 tokens at most), with the
same tokens and the same targets, which is checked. Every reply is a target; in a real run of ours a few are history only. LoRA of rank 16
on all linear layers, the same base and learning rate, as many threads that wait in the same way.

**Equal steps.** A step is 8 rows, about 3,400 tokens, for everybody: TRL's and the Trainer's own 8, mlx-lm's 4 twice, LitGPT's and
LLaMA-Factory's 1 eight times, 2 four times in the configurations that we made fast; ours takes as many tokens, in the micro batches of
`training/plan.py`. A step is everything from the end of the one before to its own end: batches, forward, backward, clipping, optimiser.

**Same noise.** Every trainer is a process of its own. They take turns in a fixed order, one step each per round, and wait for a line in
between, so that no two compute at once. The first step of each is left out: it pays for allocations. (Whose first step takes over three
minutes is not asked again: that step is what counts.) All trainers together need more memory than a small machine has. Peers are loaded
until what is left might not be enough for one more, measured in turns with ours, and followed by the next ones: no peer is ever measured
without ours beside it.

**Useful** is every token that is not padding. **The best peer** is the fastest whose memory never went over 8 GB.

**The limit.** A frozen weight costs 2 FLOP per token in the forward pass and 2 for the gradient of its input; its own gradient (2 more) is
not needed. That is 4 FLOP per weight of the body's linear layers for every useful token, and 4 per weight of the head (hidden x vocabulary)
for supervised ones only. `gemm_share` is that times the rate of our fastest step over the best rate of a plain matrix product in the same
number format, measured between the turns. The adapter's own products and attention's are not counted, so the true share is higher.

**A busy neighbour.** Our fastest step, alternately alone and beside a process that keeps one core busy.

**Loss.** Our fastest and the best peer start again and learn for the same time, in turns; then both score the same held-out rows.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from homespun.bases.hub import resolve
from homespun.config import Recipe, settings
from homespun.errors import HomespunError, UnknownName
from homespun.machine.hardware import available_memory, usable_cores
from homespun.machine.neighbour import wait_politely
from job import Job
from roster import ABSENT, DEFAULT, ENTRANTS, OURS, Entrant
from venvs import python_with
from workers import HERE, Worker, busy_neighbour, start
from workload import data_folder, write_rows

PEERS = HERE / "peers"
STEP_ROWS = 8
ROUNDS, QUICK_ROUNDS = 5, 2
LOSS_SECONDS = 300
ENOUGH = 180
"""Seconds of a first step after which one is enough."""
MOST_GB = 8.0
"""What a peer may take and still be the best."""
ROOM_GB = 10.0
"""What must be left for another trainer beside those that wait."""
GEMM = (4096, 576, 1536)
"""Rows, inner width and outer width of the reference product: about a step's tokens through a feed-forward layer of the base."""
GEMM_TRIES = 10
FORMATS = ("bfloat16", "float32")
LEARNING_RATE = 1e-3
"""The same for all, without weight decay: our recipe's own is chosen for averaged weights, and nobody else averages."""


@dataclass
class Result:
    workers: list[Worker] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=lambda: dict(ABSENT))
    """Title -> why it is left out."""
    gemm: dict[str, float] = field(default_factory=lambda: dict.fromkeys(FORMATS, 0.0))
    """The best rate of a plain matrix product, FLOP per second by number format."""
    busy: float | None = None
    losses: dict[str, float] = field(default_factory=dict)

    def ours(self) -> Worker | None:
        """Our fastest."""
        return max((worker for worker in self.workers if worker.name in OURS), key=lambda worker: worker.rate, default=None)

    def best_peer(self) -> Worker | None:
        peers = [worker for worker in self.workers if worker.name not in OURS and worker.peak_gb <= MOST_GB]
        return max(peers, key=lambda worker: worker.rate, default=None)

    def drop(self, name: str, reason: HomespunError) -> None:
        """Go on without it."""
        self.workers = [worker for worker in self.workers if worker.name != name]
        self.absent[ENTRANTS[name].title] = str(reason)
        say(f"left out: {ENTRANTS[name].title}: {reason}")


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    wait_politely()  # what our command line does for itself; set here, the peers have it too
    try:
        with tempfile.TemporaryDirectory() as scratch:
            result = measure(options, Path(scratch))
    except HomespunError as error:
        sys.exit(str(error))
    print(json.dumps(numbers(result)) if options.json else table(result))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Useful training tokens per second: ours and everybody else's, side by side in one run.")
    parser.add_argument("--data", type=Path, default=data_folder(), help="the folder of real corpora; default HOMESPUN_TEST_DATA")
    parser.add_argument("--peers", type=Path, help="where the peers' environments are made and kept; default in homespun's cache")
    parser.add_argument("--rounds", type=int, help=f"measured rounds; default {ROUNDS}, or {QUICK_ROUNDS} with --quick")
    parser.add_argument("--rows", type=int, default=STEP_ROWS, help=f"rows in a step; default {STEP_ROWS}")
    parser.add_argument("--loss", type=float, metavar="SECONDS", help=f"default {LOSS_SECONDS}, or 0, which is none, with --quick")
    parser.add_argument("--only", metavar="NAME,NAME", help=f"of {', '.join(ENTRANTS)}")
    parser.add_argument("--quick", action="store_true", help="ours and TRL's defaults only")
    parser.add_argument("--json", action="store_true", help="one flat object, name -> number")
    return parser.parse_args(arguments)


def chosen(options: argparse.Namespace) -> list[str]:
    if options.only:
        names: list[str] = options.only.split(",")
        for name in set(names) - set(ENTRANTS):
            raise UnknownName("trainer", name, ENTRANTS)
        return [name for name in ENTRANTS if name in names]
    if options.quick:
        return [*OURS, DEFAULT]
    return [name for name, entrant in ENTRANTS.items() if entrant.usual]


def measure(options: argparse.Namespace, scratch: Path) -> Result:
    result = Result()
    names = chosen(options)
    cache = options.peers or settings().cache / "peers"
    job = scratch / "job.json"
    prepare(options, scratch, cache).write(job)
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    with contextlib.ExitStack() as stack:
        for name in (name for name in names if name in OURS):
            load(name, result, job, cache, stack)
        take_all_turns([name for name in names if name not in OURS], result, rounds, job, cache)
        if ours := result.ours():
            result.busy = busy_share(ours, rounds)
    seconds = options.loss if options.loss is not None else 0 if options.quick else LOSS_SECONDS
    if seconds:
        try:
            result.losses = equal_time(result, seconds, job, cache)
        except HomespunError as error:
            say(f"no loss after equal time: {error}")
    return result


def prepare(options: argparse.Namespace, scratch: Path, cache: Path) -> Job:
    """Write what all learn from and are judged on."""
    recipe = Recipe()
    base = resolve(recipe.base, settings(), say)
    train, held_out = scratch / "train.jsonl", scratch / "held_out.jsonl"
    return Job(
        base=str(base),
        train=str(train),
        held_out=str(held_out),
        step_rows=options.rows,
        step_tokens=write_rows(options.data, base, options.rows, train, held_out),
        threads=usable_cores(),
        learning_rate=LEARNING_RATE,
        rank=recipe.adapter.rank,
        alpha=recipe.adapter.alpha,
        cache=str(cache),
    )


def load(name: str, result: Result, job: Path, cache: Path, stack: contextlib.ExitStack) -> Worker | None:
    """Start a worker."""
    entrant = ENTRANTS[name]
    say(f"loading {entrant.title}")
    try:
        command = [str(python_of(entrant, cache)), str(PEERS / entrant.script), entrant.variant, str(job)]
        worker = start(name, entrant.title, command, usable_cores(), job.parent / f"{name}.log", stack)
        result.workers.append(worker)
        check_equal(worker, result.workers[0])
    except HomespunError as error:
        result.drop(name, error)
        return None
    return worker


def python_of(entrant: Entrant, cache: Path) -> Path:
    if not entrant.environment:
        return Path(sys.executable)
    return python_with(PEERS / entrant.environment, cache, say, entrant.without)


def check_equal(worker: Worker, first: Worker) -> None:
    """Who learns from other tokens cannot be compared. A worker that cannot choose its targets names none."""
    for what in ("tokens", "supervised"):
        if worker.facts.get(what) not in (None, first.facts.get(what)):
            raise HomespunError(f"it sees {worker.facts[what]} {what}, not {first.facts.get(what)}: no comparison")


def take_all_turns(peers: list[str], result: Result, rounds: int, job: Path, cache: Path) -> None:
    """Ours wait in `result`; as many peers as fit join them, until all had their turns."""
    ours = list(result.workers)
    if ours:
        take_turns(ours, result, 1, counted=False)
    while True:
        with contextlib.ExitStack() as stack:
            block: list[Worker] = []
            while peers and (not block or available_memory() > ROOM_GB * 1e9):
                if worker := load(peers.pop(0), result, job, cache, stack):
                    take_turns([worker], result, 1, counted=False)
                    block.append(worker)
            take_turns([*ours, *block], result, rounds)
        if not peers:
            break
    if not result.workers:
        raise HomespunError("nobody was left to measure")


def take_turns(workers: Sequence[Worker], result: Result, rounds: int, counted: bool = True) -> None:
    """Fills the workers' turns and the rates of a plain matrix product."""
    for number in range(rounds):
        said = []
        for worker in workers:
            if worker not in result.workers or worker.enough:
                continue
            try:
                turn = worker.step()
            except HomespunError as error:
                result.drop(worker.name, error)
                continue
            worker.enough = not counted and turn.seconds > ENOUGH
            worker.turns += [turn] if counted or worker.enough else []
            said.append(f"{worker.name} {turn.rate:,.0f}")
        result.gemm = {dtype: max(best, gemm_rate(dtype)) for dtype, best in result.gemm.items()}
        say(f"{f'round {number + 1} of {rounds}' if counted else 'first step'}, tok/s: {', '.join(said)}")


def gemm_rate(dtype: str) -> float:
    """FLOP per second: the best of a few tries."""
    import torch  # only now: a worker's peak of memory begins with that of the process that starts it

    torch.set_num_threads(usable_cores())
    rows, inner, outer = GEMM
    left = torch.randn(rows, inner).to(getattr(torch, dtype))
    right = torch.randn(inner, outer).to(getattr(torch, dtype))
    out = left @ right
    seconds = []
    for _ in range(GEMM_TRIES):
        began = time.perf_counter()
        torch.mm(left, right, out=out)
        seconds.append(time.perf_counter() - began)
    return 2.0 * rows * inner * outer / min(seconds)


def busy_share(worker: Worker, rounds: int) -> float:
    """The rate beside a busy neighbour over the rate alone, steps of both in turns."""
    quiet, busy = [], []
    for _ in range(rounds):
        quiet.append(worker.step().rate)
        with busy_neighbour():
            busy.append(worker.step().rate)
    say(f"{worker.title}: {median(quiet):,.0f} tok/s alone, {median(busy):,.0f} beside a busy neighbour")
    return median(busy) / median(quiet)


def equal_time(result: Result, seconds: float, job: Path, cache: Path) -> dict[str, float]:
    """Start our fastest and the best peer again and let them learn."""
    with contextlib.ExitStack() as stack:
        again = Result()
        for worker in (result.ours(), result.best_peer()):
            if worker:
                load(worker.name, again, job, cache, stack)
        return learn(again.workers, seconds)


def learn(workers: Sequence[Worker], seconds: float) -> dict[str, float]:
    """Held-out loss by worker after as many steps as fit into `seconds`, taken in turns; "before" is that of the base."""
    losses = {"before": workers[0].loss()}
    running = list(workers)
    while running:
        worker = min(running, key=lambda worker: worker.seconds)
        worker.turns.append(worker.step())
        running = [worker for worker in running if not worker.turns or worker.seconds + worker.turns[-1].seconds <= seconds]
    for worker in workers:
        losses[worker.name] = worker.loss()
        say(f"{worker.title}: {losses[worker.name]:.3f} nats per token after {len(worker.turns)} steps in {worker.seconds:.0f} s")
    return losses


def numbers(result: Result) -> dict[str, float]:
    """Flat: name -> number. Who did not take part has no name here."""
    ours, best = result.ours(), result.best_peer()
    rates = {worker.name: worker.rate for worker in result.workers}
    found = {f"{name}_tok_s": round(rate, 1) for name, rate in rates.items()}
    found |= {f"{worker.name}_peak_gb": round(worker.peak_gb, 2) for worker in result.workers}
    found |= {f"gemm_{dtype}_tflops": round(rate / 1e12, 3) for dtype, rate in result.gemm.items()}
    if best:
        found["best_peer_tok_s"], found["best_peer_peak_gb"] = round(best.rate, 1), round(best.peak_gb, 2)
    if ours:
        found["gemm_share"] = round(ours.rate * ours.facts["flop_per_token"] / result.gemm[ours.facts["dtype"]], 3)
        found["peak_gb"] = round(ours.peak_gb, 2)
    if DEFAULT in rates:
        found["trl_peak_gb"] = found[f"{DEFAULT}_peak_gb"]
    if ours and DEFAULT in rates:
        found["speedup_over_trl_default"] = round(ours.rate / rates[DEFAULT], 2)
    if ours and best:
        found["speedup_over_best_peer"] = round(ours.rate / best.rate, 2)
    if result.busy is not None:
        found["busy_neighbour_share"] = round(result.busy, 3)
    return found | loss_numbers(result)


def loss_numbers(result: Result) -> dict[str, float]:
    named = {"loss_before": "before"}
    named |= {name: worker.name for name, worker in (("loss", result.ours()), ("loss_best_peer", result.best_peer())) if worker}
    return {name: round(result.losses[key], 4) for name, key in named.items() if key in result.losses}


def table(result: Result) -> str:
    found, facts = numbers(result), result.workers[0].facts
    default = found.get(f"{DEFAULT}_tok_s")
    lines = [f"{'':36}{'useful tok/s':>14}{'steps':>7}{'slowest':>9}{'fastest':>9}{'x default':>11}{'peak GB':>9}"]
    for worker in result.workers:
        rates = [turn.rate for turn in worker.turns]
        times = f"{worker.rate / default:.1f}" if default else ""
        lines.append(
            f"{worker.title:36}{worker.rate:>14,.0f}{len(rates):>7}{min(rates):>9,.0f}{max(rates):>9,.0f}{times:>11}{worker.peak_gb:>9.1f}"
        )
    tokens = [turn.tokens for worker in result.workers for turn in worker.turns]
    peaks = ", ".join(f"{dtype} {found[f'gemm_{dtype}_tflops']:.2f} TFLOP/s" for dtype in FORMATS)
    lines += [
        "",
        f"{facts['tokens']:,} tokens; steps of {min(tokens):,} to {max(tokens):,}, {median(tokens):,.0f} as a rule",
        f"matrix product of {' x '.join(map(str, GEMM))}: {peaks}",
        *conclusions(result, found),
        *(f"left out: {title}: {reason}" for title, reason in result.absent.items()),
    ]
    return "\n".join(lines)


def conclusions(result: Result, found: dict[str, float]) -> list[str]:
    ours, best = result.ours(), result.best_peer()
    lines = []
    if ours:
        flop = ours.facts["flop_per_token"] / 1e6
        lines.append(f"{ours.title}: {ours.facts['dtype']}, {flop:,.0f} MFLOP a token, {found['gemm_share']:.0%} of that rate")
    if best:
        lines.append(f"the best peer within {MOST_GB:.0f} GB: {best.title}")
    if result.busy is not None:
        lines.append(f"beside a busy neighbour: {result.busy:.0%} of its own rate")
    if "loss_best_peer" in found and "loss" in found:
        lines.append(
            f"held-out nats per token after equal time: {found['loss']:.3f}, the best peer {found['loss_best_peer']:.3f}, "
            f"the base {found['loss_before']:.3f}"
        )
    return lines


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
