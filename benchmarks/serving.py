"""How fast a served avatar answers, beside llama.cpp's own server from the same wheel, in one run.

    python benchmarks/serving.py [--quick] [--json] [--home DIR] [--threads N]

Both serve the same base and the same adapter with the same threads and the same memory. Turn by turn, for one stream and for eight:
tokens a second of greedy text of equal length. Then ours alone: the first token after a prompt of 64 tokens that it has read before, ten
conversations at once with what else the server is asked meanwhile, the largest memory, and `homespun ask` from nothing.

The demo is run first, with a minute of training; its home is kept. `--quick`: fewer turns.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from homespun.config import settings
from homespun.home import Home
from homespun.machine.hardware import usable_cores
from homespun.registry import versions

HERE = Path(__file__).resolve()
MODEL = "wren"
TOKENS = 96
"""Of a reply."""
OPENINGS = (
    "The history of the lighthouse begins with a storm. In the autumn of 1871",
    "A good soup needs time more than anything else. First of all you",
    "When the train finally arrived at the small station, the old conductor",
    "There are three reasons why people keep bees in their gardens. The first",
    "The mountain path was steep, and by noon the group had already",
    "To repair a bicycle tyre you need two levers, a patch and",
    "In the middle of the market square stood a fountain, and around it",
    "My grandmother used to say that the sea has a memory, because",
)


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs: where, what opens it, the model's name there, and its process."""

    url: str
    headers: dict[str, str]
    model: str
    process: psutil.Process

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers=self.headers, timeout=120, limits=httpx.Limits(max_connections=64))


def main() -> None:
    given = _options()
    home = prepared(given.home)
    with homespun(home, given.threads) as ours, bare(home, given.threads) as theirs:
        found = asyncio.run(measured(ours, theirs, 3 if given.quick else 7))
        found["peak_gb"] = memory(ours)
    found["ask_s"] = statistics.median(asked(home) for _ in range(3))
    if given.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:<24}{value:>10.3f}")


async def measured(ours: Server, theirs: Server, turns: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for streams in (1, 8):
        rates: dict[str, list[float]] = {"ours": [], "bare": []}
        for turn in range(turns + 1):
            for name, server in (("ours", ours), ("bare", theirs)) if turn % 2 else (("bare", theirs), ("ours", ours)):
                rate = await tokens_per_second(server, streams)
                if turn:  # the first one warms up
                    rates[name].append(rate)
        found |= {f"{name}_tok_s_{streams}": statistics.median(values) for name, values in rates.items()}
        found[f"ratio_{streams}"] = statistics.median(a / b for a, b in zip(rates["ours"], rates["bare"], strict=True))
    firsts = [await first_token(ours) for _ in range(5 * turns + 3)][3:]
    found |= {"first_token_ms_p50": percentile(firsts, 50), "first_token_ms_p95": percentile(firsts, 95)}
    return found | await crowded(ours)


async def tokens_per_second(server: Server, streams: int) -> float:
    """Of all streams together, from sending the requests to the last token."""
    async with server.client() as client:
        start = time.perf_counter()
        counts = await asyncio.gather(*(completed(client, server.model, opening) for opening in OPENINGS[:streams]))
        return sum(counts) / (time.perf_counter() - start)


async def completed(client: httpx.AsyncClient, model: str, prompt: str) -> int:
    """Tokens of a greedy continuation, streamed."""
    count = 0
    async for chunk in streamed(client, model, prompt, TOKENS):
        count = (chunk.get("usage") or {}).get("completion_tokens", count)
    assert count, "the server did not say how many tokens it wrote"
    return count


async def streamed(client: httpx.AsyncClient, model: str, prompt: str, tokens: int) -> Any:
    asked = {
        "model": model,
        "prompt": prompt,
        "max_tokens": tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    async with client.stream("POST", "/v1/completions", json=asked) as answer:
        assert answer.status_code == 200, f"{answer.status_code} {(await answer.aread())[:300]!r}"
        async for line in answer.aiter_lines():
            if line.startswith("data: ") and line != "data: [DONE]":
                yield json.loads(line[6:])


async def first_token(server: Server) -> float:
    """Milliseconds until the first token after a prompt of 64 tokens."""
    prompt = " ".join(OPENINGS)[:300]
    async with server.client() as client:
        start = time.perf_counter()
        async for chunk in streamed(client, server.model, prompt, 4):
            if any(choice.get("text") for choice in chunk["choices"]):
                return 1000 * (time.perf_counter() - start)
    raise AssertionError("no token came")


async def crowded(server: Server) -> dict[str, float]:
    """Ten conversations at once. How long they take against each other, and what else the server answers meanwhile."""
    routes: list[float] = []
    async with server.client() as client:
        talks = [asyncio.create_task(talk(client, server.model, number)) for number in range(10)]
        while not all(task.done() for task in talks):
            for path in ("/v1/models", "/health", "/api/ai-echo/sessions"):
                start = time.perf_counter()
                answer = await client.get(path)
                assert answer.status_code == 200, f"{path}: {answer.status_code}"
                routes.append(1000 * (time.perf_counter() - start))
            await asyncio.sleep(0.05)
        seconds = [await task for task in talks]
    return {"routes_ms_p95": percentile(routes, 95), "crowd_slowest_of_fastest": max(seconds) / min(seconds)}


async def talk(client: httpx.AsyncClient, model: str, number: int) -> float:
    """Seconds for three messages of one conversation."""
    session = None
    start = time.perf_counter()
    for text in ("Hello! How was your day?", "And what did you eat?", f"Tell me more about it, please ({number})."):
        answer = await client.post("/api/ai-echo/chat", json={"model": model, "message": text, "session_id": session})
        assert answer.status_code == 200, f"{answer.status_code} {answer.text[:300]}"
        session = answer.json()["session_id"]
    return time.perf_counter() - start


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def memory(server: Server) -> float:
    """Gibibytes at most, of the server and what it started, by what the kernel counted."""
    total = 0
    for process in (server.process, *server.process.children(recursive=True)):
        status = Path(f"/proc/{process.pid}/status").read_text()
        total += int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    return total / 2**20


def asked(home: Home) -> float:
    """Seconds of `homespun ask`, from nothing."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "homespun", "ask", MODEL, "How are you?", "--home", str(home.path)], check=True, capture_output=True
    )
    return time.perf_counter() - start


def prepared(folder: Path) -> Home:
    """The demo's home, after a minute of training."""
    if not (folder / "homespun.toml").is_file() or not versions.list_models(Home(folder)):
        command = [sys.executable, "-m", "homespun", "demo", str(folder), "--budget", "60s"]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    home = Home(folder)
    if versions.get_model(home, MODEL).live is None:
        versions.promote(home, f"{MODEL}@1", "to be measured", anyway=True)
    return home


@contextlib.contextmanager
def homespun(home: Home, threads: int) -> Iterator[Server]:
    from homespun.serving.tokens import token_of

    port = free_port()
    command = [sys.executable, "-m", "homespun", "serve", "--port", str(port), "--threads", str(threads), "--home", str(home.path)]
    with running(command) as process:
        url, headers = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {token_of(home)}"}
        wait_for(lambda: httpx.get(f"{url}/ready", headers=headers, timeout=5).status_code == 200, process)
        yield Server(url, headers, MODEL, psutil.Process(process.pid))


@contextlib.contextmanager
def bare(home: Home, threads: int) -> Iterator[Server]:
    port = free_port()
    with running([sys.executable, str(HERE), "--bare", str(port), "--home", str(home.path), "--threads", str(threads)]) as process:
        url, headers = f"http://127.0.0.1:{port}", {"Authorization": "Bearer bare"}
        wait_for(lambda: httpx.get(f"{url}/health", headers=headers, timeout=5).status_code == 200, process)
        yield Server(url, headers, "base", psutil.Process(process.pid))


def serve_bare(home: Home, port: int, threads: int) -> None:
    """llama.cpp's own server, on what ours would load."""
    import xllamacpp

    from homespun.bases import hub
    from homespun.engines.llamacpp import BATCH, CONTEXT
    from homespun.export.gguf import base_gguf
    from homespun.export.lora import adapter_gguf

    version = versions.get_version(home, MODEL)
    recipe = versions.recipe_of(home, version)
    params = xllamacpp.CommonParams()
    params.model.path = str(base_gguf(hub.resolve(recipe.base, settings()), settings()))
    params.model_alias = {"base"}
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter_gguf(home, version)), 1.0)]
    params.n_ctx, params.n_parallel, params.n_batch, params.n_ubatch = 8 * CONTEXT, 8, BATCH, BATCH
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib, params.fit_params, params.warmup, params.verbosity = 0, False, False, -1
    params.hostnames, params.port, params.api_keys = ["127.0.0.1"], port, ["bare"]
    server = xllamacpp.Server(params)
    while server:
        time.sleep(1)


@contextlib.contextmanager
def running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(there: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        with contextlib.suppress(httpx.HTTPError):
            if there():
                return
        assert process.poll() is None, f"the server ended with {process.returncode}"
        time.sleep(0.1)
    raise AssertionError("the server did not become ready within two minutes")


def free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer turns")
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    parser.add_argument("--home", type=Path, default=settings().cache / "benchmarks" / "serving")
    parser.add_argument("--threads", type=int, default=max(1, usable_cores() - 1), help="of both servers")
    parser.add_argument("--bare", type=int, metavar="PORT", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bare:
        serve_bare(Home(given.home), given.bare, given.threads)
    return given


if __name__ == "__main__":
    main()
