"""A home with models that cost nothing, and engines that answer at once, slowly, or not at all: for what stands around them."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from homespun.config import PrivacySection, Recipe, RetrievalSection, SamplingSection, Settings
from homespun.engines.base import NOTHING, Piece, Prompt, Wanted
from homespun.engines.fake import FakeEngine
from homespun.errors import EngineError
from homespun.home import Home, Manifest, write_text
from homespun.registry import versions
from homespun.serving.options import ServeOptions
from homespun.types import Turn

TOKEN = "a-token-for-tests-only-0123456789"
PERSON = "Anna Österberg"
ANNA = "anna"


def base_of(folder: Path) -> Path:
    """What passes for a base as long as nobody computes with it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (folder / "tokenizer.json").write_text(json.dumps({"model": {}}))
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    return folder


def recipe_of(home: Home, base: str = "base", **changes: object) -> Recipe:
    folder = base_of(home.path.parent / base)
    plain = Recipe(base=str(folder), retrieval=RetrievalSection(enabled=False), privacy=PrivacySection(contacts=False))
    return plain.model_copy(update=changes)


def add_version(home: Home, model: str = ANNA, recipe: Recipe | None = None, person: str = PERSON, live: bool = True) -> str:
    """The next version of a model, made if it is new. Returns its title."""
    recipe = recipe or recipe_of(home)
    versions.put_model(home, model, person, recipe)
    artefact = f"{model}-{len(versions.list_versions(home, model)) + 1}"
    with home.artefact(Manifest("version", artefact)) as folder:
        (folder / "adapter_model.safetensors").write_bytes(artefact.encode())
        write_text(folder / "recipe.toml", recipe.toml())
    title = versions.add_version(home, model, artefact).title
    if live:
        versions.promote(home, title)
    return title


def settings_of(home: Home) -> Settings:
    return Settings(home=home.path, cache=home.path.parent / "cache", offline=True)


def options(**changes: object) -> ServeOptions:
    return ServeOptions(**{"token": TOKEN, "rate": 1e6, "burst": 10**6, **changes})  # type: ignore[arg-type]


class Slow(FakeEngine):
    """It waits before every piece, and fails where it is closed under somebody."""

    def __init__(
        self,
        adapters: Mapping[str, Path],
        answer: Callable[[Sequence[Turn]], str] = lambda turns: f"you said: {turns[-1].text}",
        pause: float = 0.0,
    ) -> None:
        super().__init__(answer)
        self.adapters = dict(adapters)
        self.wait: Callable[[], object] = lambda: time.sleep(pause)
        self.closed = False

    def stream(self, prompt: Prompt, sampling: SamplingSection, wanted: Wanted = NOTHING) -> Iterator[Piece]:
        if wanted.adapter is not None and wanted.adapter not in self.adapters:
            raise EngineError("no such adapter")
        for piece in super().stream(prompt, sampling, wanted):
            self.wait()
            if self.closed:
                raise EngineError("closed under its user")
            yield piece

    def close(self) -> None:
        self.closed = True


@contextlib.contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The app behind a real port, in a thread. Gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http="h11", log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
