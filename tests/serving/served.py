"""A real server around an engine without a model: in a thread of the tests, or (run as a program) in a process that can be killed."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from homespun.config import Recipe, RetrievalSection, SamplingSection, settings
from homespun.engines.base import NOTHING, Engine, Piece, Prompt, Wanted
from homespun.engines.fake import FakeEngine
from homespun.home import Home, Manifest, write_text
from homespun.registry import versions
from homespun.serving.app import create_app
from homespun.serving.house import House, furnish
from homespun.serving.options import ServeOptions
from homespun.serving.routes import talking
from homespun.types import Turn

TOKEN = "a-token-for-tests-0123456789"
AUTH = {"Authorization": f"Bearer {TOKEN}"}


def answer(turns: Sequence[Turn]) -> str:
    """ "count 5" gives the numbers to it; anything else is said back."""
    text = turns[-1].text
    first, _, number = text.partition(" ")
    return " ".join(map(str, range(int(number)))) if first == "count" and number.isdigit() else f"you said: {text}"


class SlowEngine(FakeEngine):
    """Takes its time for every word, and counts the streams that were begun and that were closed."""

    def __init__(self, pause: float = 0.0, fails: str | None = None) -> None:
        super().__init__(answer)
        self.pause, self.fails = pause, fails
        self.begun = self.ended = 0
        self.words = 0

    def stream(self, prompt: Prompt, sampling: SamplingSection, wanted: Wanted = NOTHING) -> Iterator[Piece]:
        self.begun += 1
        try:
            for number, piece in enumerate(super().stream(prompt, sampling, wanted)):
                if self.fails and number == 2 and self.fails in str(prompt[-1]):
                    raise RuntimeError(f"broken by {prompt[-1]}")
                time.sleep(self.pause)
                self.words += 1
                yield piece
        finally:
            self.ended += 1


def anna(home: Home) -> None:
    """A model of Anna with a version, live."""
    recipe = Recipe(retrieval=RetrievalSection(enabled=False))
    versions.put_model(home, "anna", "Anna", recipe)
    add_version(home, "first", recipe)


def add_version(home: Home, name: str, recipe: Recipe) -> None:
    with home.artefact(Manifest("version", name)) as folder:
        (folder / "adapter_model.safetensors").write_bytes(name.encode())
        write_text(folder / "recipe.toml", recipe.toml())
    versions.promote(home, versions.add_version(home, "anna", name).title)


def options(**changes: object) -> ServeOptions:
    usual: dict[str, object] = {"token": TOKEN, "rate": 1000.0, "burst": 1000}
    return ServeOptions(**{**usual, **changes})  # type: ignore[arg-type]


def house(home: Home, engine: Engine, **changes: object) -> House:
    return furnish(home, settings(), options(**changes), lambda folder, adapters: engine)


def app(home: Home, make: Callable[[Path, Mapping[str, Path]], Engine], **changes: object) -> FastAPI:
    made = create_app(home, settings(), options(**changes), make)
    if not any(getattr(route, "path", "") == "/api/jobs" for route in made.routes):
        made.include_router(talking.router)
    return made


@dataclass(frozen=True, slots=True)
class Served:
    address: str
    house: House

    @property
    def http(self) -> str:
        return f"http://{self.address}"

    @property
    def ws(self) -> str:
        return f"ws://{self.address}/ws/chat"


@contextlib.contextmanager
def serving(home: Home, engine: Engine, **changes: object) -> Iterator[Served]:
    """The server in a thread, on a port of its own."""
    made = app(home, lambda folder, adapters: engine, **changes)
    server = uvicorn.Server(uvicorn.Config(made, port=0, log_level="warning", ws_max_size=1 << 18, timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Served(f"127.0.0.1:{port}", made.state.house)
    finally:
        server.should_exit = True
        thread.join(15)
        assert not thread.is_alive(), "the server did not stop"


if __name__ == "__main__":
    place, port, pause = Home(Path(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3])
    engine = SlowEngine(pause)
    uvicorn.run(app(place, lambda folder, adapters: engine), port=port, log_level="warning")
