"""A long hour for the server: people talk, drop the line, do not read, flood and send nonsense; versions go live, and it is killed.

    python benchmarks/soak.py [--seconds 3600] [--json]

The real base with two adapters, in a process of its own. Prints what happened, and exits 1 where valid input got an answer of 5xx, an
acknowledged message was lost, a resumed reply was not the whole one, or memory kept growing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import psutil
import websockets

from homespun.bases import adapter, hub
from homespun.bases.hub import DEFAULT_TARGETS
from homespun.bases.load import load_model
from homespun.config import Recipe, RetrievalSection, SamplingSection, settings
from homespun.home import Home, Manifest, write_json, write_text
from homespun.registry import versions
from homespun.serving import store
from homespun.serving.tokens import token_of

MODEL, RANK = "anna", 4
PROMOTE_EVERY, KILL_EVERY = 20.0, 600.0
"""Seconds."""
GROWTH = 40.0
"""MiB by which the second half of a run between two kills may be above its first."""
SOME = 60
"""Samples of memory, one a second, from which on its growth is judged; those of the first minute, when everything is new, are left out."""


@dataclass
class Seen:
    """What happened so far."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Session -> the newest message whose reply came."""
    memory: list[list[float]] = field(default_factory=list)
    """MiB, second by second, from every start of the server."""
    down: bool = False
    """Whether it was just killed."""

    def fault(self, what: str) -> None:
        if not self.down:
            self.faults.append(what)


@dataclass
class Server:
    home: Home
    port: int
    seen: Seen
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {token_of(self.home)}"}

    def client(self, timeout: float = 120) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers=self.headers, timeout=timeout)

    async def start(self) -> None:
        command = [sys.executable, "-m", "homespun", "serve", "--port", str(self.port), "--home", str(self.home.path)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        async with self.client() as client:
            for _ in range(600):
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get("/ready")).status_code == 200:
                        break
                assert self.process.poll() is None, "the server did not start"
                await asyncio.sleep(0.1)
        self.seen.memory.append([])
        self.seen.down = False

    async def kill(self) -> None:
        assert self.process
        self.seen.down = True
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        await asyncio.sleep(1)


async def soak(home: Home, seconds: float, port: int) -> Seen:
    seen = Seen()
    server = Server(home, port, seen)
    await server.start()
    end = time.monotonic() + seconds
    people = [talker(server, number, end) for number in range(4)]
    people += [dropper(server, number, end) for number in range(2)]
    people += [
        staller(server, end),
        flooder(server, end),
        babbler(server, end),
        promoter(server, end),
        killer(server, end),
        watcher(server, end),
    ]
    try:
        await asyncio.gather(*people)
        await check_kept(server)
    finally:
        if server.process:
            server.process.terminate()
            server.process.wait(20)
    for run in seen.memory:
        settled = run[60:]
        if (
            len(settled) >= SOME
            and (grown := float(np.median(settled[len(settled) // 2 :]) - np.median(settled[: len(settled) // 2]))) > GROWTH
        ):
            seen.fault(f"memory grew by {grown:.0f} MiB")
    return seen


async def talker(server: Server, number: int, end: float) -> None:
    """Says something, waits for the reply, now and then in a new conversation, and looks back."""
    chance, session, said = random.Random(number), None, 0
    while time.monotonic() < end:
        with patience(server):
            async with server.client() as client:
                text = f"message {said} of talker {number}"
                body = {"model": MODEL, "message": text, "session_id": session}
                answer = await client.post("/api/ai-echo/chat", json=body)
                if answer.status_code == 429:
                    await asyncio.sleep(float(answer.headers["retry-after"]))
                elif check(server, "chat", answer, 200):
                    session, said = answer.json()["session_id"], said + 1
                    server.seen.acknowledged[session] = text
                    if chance.random() < 0.2:
                        check(server, "history", await client.get("/api/ai-echo/history", params={"conversationId": session}), 200)
                    if chance.random() < 0.1:
                        session = None
        await asyncio.sleep(0.2 + chance.random())


async def dropper(server: Server, number: int, end: float) -> None:
    """Loses the line in the middle of a reply, comes back, and wants all of it."""
    chance = random.Random(100 + number)
    while time.monotonic() < end:
        with patience(server):
            await dropped(server, chance)
        await asyncio.sleep(0.5)


async def dropped(server: Server, chance: random.Random) -> None:
    address = f"ws://127.0.0.1:{server.port}/ws/chat"
    async with asyncio.timeout(120):
        line = await websockets.connect(address, additional_headers=server.headers)
        await line.send(json.dumps({"type": "hello", "model": MODEL}))
        session = json.loads(await line.recv())["session"]
        await line.send(json.dumps({"type": "message", "text": "tell me about the sea"}))
        seen, text, ended = 0, "", None
        while seen < chance.randrange(2, 12) and ended is None:
            frame = json.loads(await line.recv())
            seen, text, ended = _followed(frame, seen, text)
        line.transport.abort()
        async with websockets.connect(address, additional_headers=server.headers) as again:
            await again.send(json.dumps({"type": "resume", "session": session, "after": seen}))
            while ended is None:
                seen, text, ended = _followed(json.loads(await again.recv()), seen, text)
    if text.strip() != ended.strip() and text:
        server.seen.fault("a resumed reply is not the whole one")
    server.seen.counts["resumed"] += 1


def _followed(frame: dict[str, object], seen: int, text: str) -> tuple[int, str, str | None]:
    """(number of the newest frame, the text so far, the whole text if the reply is over)."""
    number = frame.get("n")
    seen = max(seen, number) if isinstance(number, int) else seen
    if frame["type"] == "token":
        text += str(frame["text"])
    if frame["type"] == "ended":
        return seen, text if number is not None else str(frame["text"]), str(frame["text"])
    if frame["type"] == "error":
        return seen, "", ""
    return seen, text, None


async def staller(server: Server, end: float) -> None:
    """Asks for a stream and does not read it; sends half a request and waits."""
    head = f"POST /api/ai-echo/stream HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: {server.headers['Authorization']}\r\n"
    body = json.dumps({"model": MODEL, "message": "a long story, please"})
    while time.monotonic() < end:
        with patience(server):
            for sent in (f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}", head):
                _, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(sent.encode())
                await writer.drain()
                await asyncio.sleep(3)
                writer.close()
                server.seen.counts["stalled"] += 1
        await asyncio.sleep(1)


async def flooder(server: Server, end: float) -> None:
    """Far too much at once: it is told when to come back, and nobody else notices."""
    while time.monotonic() < end:
        with patience(server):
            async with server.client() as client:
                asked = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8}
                answers = await asyncio.gather(*(client.post("/v1/chat/completions", json=asked) for _ in range(40)))
                for answer in answers:
                    if answer.status_code == 429:
                        server.seen.counts["sent away"] += 1
                    else:
                        check(server, "completion", answer, 200)
        await asyncio.sleep(15)


async def babbler(server: Server, end: float) -> None:
    """Nonsense, which is refused as such."""
    chance = random.Random(7)
    routes = (
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/api/ai-echo/chat",
        "/api/ai-echo/stream",
        "/api/ai-echo/reset-context",
    )
    while time.monotonic() < end:
        with patience(server):
            async with server.client() as client:
                junk = bytes(chance.randrange(256) for _ in range(chance.randrange(2000)))
                almost = json.dumps(
                    {"model": chance.choice([MODEL, "", 3, None]), "messages": chance.choice([[], "x", [{}]]), "n": -1}
                ).encode()
                answer = await client.post(chance.choice(routes), content=chance.choice([junk, almost, b"{" * 5000]))
                if not 400 <= answer.status_code < 500:
                    server.seen.fault(f"nonsense got {answer.status_code}")
            async with websockets.connect(f"ws://127.0.0.1:{server.port}/ws/chat", additional_headers=server.headers) as line:
                with contextlib.suppress(websockets.ConnectionClosed):
                    frames: list[str | bytes] = [junk, "{", '{"type": "message"}', '{"type": []}', "x" * 200_000]
                    for _ in range(12):
                        await line.send(chance.choice(frames))
                        await line.recv()
                server.seen.counts["nonsense"] += 1
        await asyncio.sleep(1)


async def promoter(server: Server, end: float) -> None:
    """Another version goes live, under load."""
    number = 1
    while time.monotonic() < end - PROMOTE_EVERY / 2:
        await asyncio.sleep(min(PROMOTE_EVERY, max(0.0, end - time.monotonic())))
        number = 3 - number
        await asyncio.to_thread(versions.promote, server.home, f"{MODEL}@{number}")
        server.seen.counts["went live"] += 1


async def killer(server: Server, end: float) -> None:
    while (left := end - time.monotonic()) > 2 * KILL_EVERY / 10:
        await asyncio.sleep(min(KILL_EVERY, left / 2))
        await server.kill()
        await server.start()
        server.seen.counts["killed"] += 1
        if left < KILL_EVERY:
            return


async def watcher(server: Server, end: float) -> None:
    while time.monotonic() < end:
        if not server.seen.down and server.process:
            with contextlib.suppress(psutil.Error):
                server.seen.memory[-1].append(psutil.Process(server.process.pid).memory_info().rss / 2**20)
        await asyncio.sleep(1)


async def check_kept(server: Server) -> None:
    """Nothing that was acknowledged is lost, whatever was killed meanwhile."""
    for session, text in server.seen.acknowledged.items():
        if text not in [one.text for one in store.history(server.home, session, 1000)]:
            server.seen.fault("an acknowledged message is lost")
        server.seen.counts["kept"] += 1


def check(server: Server, what: str, answer: httpx.Response, status: int) -> bool:
    server.seen.counts[what] += 1
    if answer.status_code == status:
        return True
    server.seen.fault(f"{what} got {answer.status_code}")
    return False


@contextlib.contextmanager
def patience(server: Server) -> Iterator[None]:
    """A line may break while the server is being killed, and only then."""
    while_up = not server.seen.down
    try:
        yield
    except (httpx.TransportError, websockets.WebSocketException, OSError) as error:
        if while_up and not server.seen.down and server.process and server.process.poll() is None:
            # The kill may just have happened: whoever kills says so before.
            server.seen.fault(f"a line broke: {type(error).__name__}")


def prepared(folder: Path) -> Home:
    """A model with two versions that differ, the first one live. Nothing was trained."""
    import torch
    from safetensors.torch import save_file

    home = Home.create(folder)
    recipe = Recipe(sampling=SamplingSection(max_tokens=40), retrieval=RetrievalSection(enabled=False))
    versions.put_model(home, MODEL, "Anna", recipe)
    base = load_model(hub.resolve(recipe.base, settings()), "float32")
    made = adapter.add(base, DEFAULT_TARGETS, RANK, 2.0 * RANK, 0)
    for number in (1, 2):
        generator = torch.Generator().manual_seed(number)
        weights = {name: torch.randn(tensor.shape, generator=generator) * 0.01 for name, tensor in made.copy().items()}
        with home.artefact(Manifest("version", f"soak{number}")) as scratch:
            save_file(weights, scratch / "adapter_model.safetensors")
            write_json(scratch / "adapter_config.json", adapter.config(recipe.base, DEFAULT_TARGETS, RANK, 2.0 * RANK))
            write_text(scratch / "recipe.toml", recipe.toml())
        versions.add_version(home, MODEL, f"soak{number}")
    versions.promote(home, f"{MODEL}@1")
    return home


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seen = asyncio.run(soak(prepared(Path(folder) / "home"), given.seconds, 20_000 + os.getpid() % 20_000))
    peak = max((max(run) for run in seen.memory if run), default=0.0)
    if given.json:
        print(json.dumps({**seen.counts, "faults": len(seen.faults), "peak_mib": round(peak)}))
    else:
        print("\n".join(f"{name:<12}{count:>8,}" for name, count in sorted(seen.counts.items())), f"peak {peak:.0f} MiB", sep="\n")
    for what, count in Counter(seen.faults).most_common():
        print(f"FAULT {count} x {what}", file=sys.stderr)
    sys.exit(1 if seen.faults else 0)


if __name__ == "__main__":
    main()
