"""From a base's folder and versions to an engine that has been tried. Slow: for threads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

from homespun.bases import hub
from homespun.config import Recipe, SamplingSection, Settings
from homespun.engines.base import Engine, Wanted
from homespun.errors import HomespunError
from homespun.home import Home
from homespun.registry import versions
from homespun.registry.versions import Model, Version
from homespun.types import Turn

MakeEngine = Callable[[Path, Mapping[str, Path]], Engine]
"""A base's folder and adapters by name -> an engine that knows them by these names."""
MakeAdapter = Callable[[Home, Version], Path]
"""A version -> the adapter as a MakeEngine reads it."""
Failed = Callable[[str, HomespunError], None]
"""Told of the name of an adapter that does not work, and why."""

GREETING = (Turn("user", "Hello"),)
PROBE = SamplingSection(temperature=0.0, max_tokens=4)


class Unavailable(HomespunError):
    """Nothing can answer, not even the base."""


def llamacpp(settings: Settings, slots: int, threads: int | None = None) -> MakeEngine:
    """llama.cpp's engine for one base, which is converted first where that was not done yet."""

    def make(folder: Path, adapters: Mapping[str, Path]) -> Engine:
        try:
            from homespun.engines import llamacpp
            from homespun.export.gguf import base_gguf

            return llamacpp.load(base_gguf(folder, settings), adapters, folder, threads=threads, slots=slots)
        except ModuleNotFoundError as error:
            raise Unavailable(f"answering needs one more package: pip install {error.name}") from None

    return make


def for_llamacpp(settings: Settings) -> MakeAdapter:
    """Adapters for llama.cpp, each converted once."""

    def make(home: Home, version: Version) -> Path:
        from homespun.export.lora import adapter_gguf

        return adapter_gguf(home, version, settings)

    return make


def torch(home: Home, version: Version | None, recipe: Recipe, settings: Settings) -> Engine:
    """The engine of training with a version's adapter, or bare."""
    from homespun.engines import torch
    from homespun.training.run import load_weights

    engine = torch.load(recipe, settings)
    engine.use(load_weights(versions.version_folder(home, version)) if version else None)
    return engine


def recipe_of(home: Home, version: Version, model: Model) -> Recipe:
    """What a version was made by; of one whose folder is gone, what its model is made by now."""
    try:
        return versions.recipe_of(home, version)
    except (OSError, HomespunError):
        return model.recipe


def load(
    home: Home,
    settings: Settings,
    base: str,
    wanted: Collection[Version],
    make_engine: MakeEngine,
    make_adapter: MakeAdapter,
    failed: Failed,
) -> tuple[Engine, frozenset[str]]:
    """An engine for a base with those versions that are what they were when they were judged, and the artefacts of those that answer.

    Raises:
        Unavailable: not even the bare base answers.
    """
    engine = None
    try:
        folder = hub.resolve(base, settings)
        adapters = _adapters(home, wanted, folder, make_adapter, failed)
        engine, names = _loadable(make_engine, folder, adapters, failed)
        _probe(engine, None)
    except Exception as error:
        if engine:
            engine.close()
        raise error if isinstance(error, Unavailable) else Unavailable(f"nothing can answer: {_told(error)}") from None
    return engine, frozenset(name for name in names if _works(partial(_probe, engine, name), name, failed))


def _adapters(home: Home, wanted: Collection[Version], folder: Path, make_adapter: MakeAdapter, failed: Failed) -> dict[str, Path]:
    found: dict[str, Path] = {}

    def find(version: Version) -> None:
        versions.verify(home, version, folder)
        found[version.artefact] = make_adapter(home, version)

    for version in wanted:
        _works(partial(find, version), version.artefact, failed)
    return found


def _loadable(make_engine: MakeEngine, folder: Path, adapters: Mapping[str, Path], failed: Failed) -> tuple[Engine, Collection[str]]:
    """An engine with those adapters that can be loaded. It does not say which one it could not: then each is tried alone."""
    try:
        return make_engine(folder, adapters), adapters
    except Exception as error:
        if not adapters or isinstance(error, Unavailable):
            raise

    def alone(name: str) -> None:
        make_engine(folder, {name: adapters[name]}).close()

    good = {name: file for name, file in adapters.items() if _works(partial(alone, name), name, failed)}
    return make_engine(folder, good), good


def _probe(engine: Engine, adapter: str | None) -> None:
    """Raises where it does not answer a greeting to its end."""
    pieces = list(engine.stream(GREETING, PROBE, Wanted(adapter=adapter)))
    if not pieces or pieces[-1].finish is None:
        raise HomespunError("it does not answer")


def _works(attempt: Callable[[], None], name: str, failed: Failed) -> bool:
    try:
        attempt()
    except Exception as error:
        failed(name, HomespunError(_told(error)))
        return False
    return True


def _told(error: Exception) -> str:
    """Of an error that is not ours only its kind: it could quote anything."""
    return str(error) if isinstance(error, HomespunError) else type(error).__name__
