"""What is loaded: one engine for every base, with the adapters of the versions that answer.

When another version goes live, an engine that has it is loaded beside the old one and tried; then it takes over, and the old one is
closed when its last reply is done. All of a shelf happens on the event loop's thread, except what is slow.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio
import anyio.to_thread

from homespun.config import Settings
from homespun.engines.base import Engine, Wanted
from homespun.errors import HomespunError, UnknownName, UsageError
from homespun.home import Home
from homespun.registry import versions
from homespun.registry.versions import Model, Version
from homespun.serving import loading
from homespun.serving.loading import MakeAdapter, MakeEngine, Unavailable
from homespun.serving.session import Opened, opened_as

__all__ = ["Borrowed", "Engines", "MakeAdapter", "MakeEngine", "Shelf", "Unavailable"]

LOOK_EVERY = 1.0
"""Seconds between two looks at which versions are live."""
OPEN_AGAIN = 5.0
"""Seconds after which facts and names are read again, if the database has changed: somebody may have been forgotten."""
TRY_AGAIN = 60.0
"""Seconds after which what could not be loaded is tried once more."""
BY_NUMBER = 4
"""Versions that are kept loaded because somebody asked for them by number, the last ones."""


@dataclass(frozen=True, slots=True)
class Borrowed:
    """What answers, for as long as it is borrowed."""

    opened: Opened
    engine: Engine
    wanted: Wanted
    fallback: bool = False
    """The base answers, because the version could not be loaded."""


@dataclass(frozen=True, slots=True)
class Engines:
    """What is loaded for one base, for health and pages."""

    base: str
    versions: tuple[str, ...]
    users: int


@dataclass(frozen=True, slots=True)
class _Known:
    model: Model
    versions: Mapping[str, Version]
    """By title."""
    current: Version | None
    """What the bare name means."""


@dataclass(slots=True)
class _Loaded:
    engine: Engine
    adapters: frozenset[str]
    """By artefact: a model's name can change."""
    opened: dict[tuple[str, bool], tuple[float, object, Opened]] = field(default_factory=dict)
    """(version, base) -> (when, what the database was then, what surrounds the engine)."""
    users: int = 0
    retired: bool = False


class Shelf:
    """Args:
    make_engine: a base's folder and the adapters by name -> an engine.
    make_adapter: a version -> the adapter as `make_engine` reads it.
    """

    def __init__(
        self, home: Home, settings: Settings, make_engine: MakeEngine, make_adapter: MakeAdapter = versions.version_folder
    ) -> None:
        self.home, self.settings = home, settings
        self._make_engine, self._make_adapter = make_engine, make_adapter
        self._known: dict[str, _Known] = {}
        self._looked: float | None = None
        self._stamp: object = None
        self._loaded: dict[str, _Loaded] = {}
        self._answered: dict[str, Version] = {}
        """Model -> the version that did last."""
        self._by_number: OrderedDict[str, None] = OrderedDict()
        self._failed: dict[str, tuple[HomespunError, float]] = {}
        """Artefact or base -> why it could not be loaded, and when."""
        self._bases: dict[str, str] = {}
        """Artefact -> what it was made from."""
        self._looking = asyncio.Lock()
        self._loading: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def borrow(self, title: str, base: bool = False) -> AsyncIterator[Borrowed]:
        """What answers for a model ("anna": its live version) or a version ("anna@3"); with `base`, what it was made from.

        Raises:
            UnknownName: there is no such model or version.
            UsageError: the model has no version yet.
            Unavailable: nothing could be loaded.
        """
        version = await self.version(title)
        if "@" in title:
            self._remember(version.title)
        elif not base:
            version = self._until_it_is_loaded(version)
        name = self._base_of(version)
        await self._load(name, version, bare=base)
        loaded = self._loaded[name]
        fallback = not base and version.artefact not in loaded.adapters
        if not base and not fallback:
            self._answered[version.model] = version
        loaded.users += 1
        try:
            opened = await self._open(loaded, version, base or fallback)
            yield Borrowed(opened, loaded.engine, Wanted(adapter=opened.adapter), fallback)
        finally:
            loaded.users -= 1
            await self._close_if_done(loaded)

    async def version(self, title: str) -> Version:
        """What a name means now. Raises as `borrow`."""
        await self._look()
        return self._find(title)

    async def models(self) -> list[tuple[Model, list[Version]]]:
        """Those of the home, with their versions."""
        await self._look()
        return [(known.model, list(known.versions.values())) for known in self._known.values()]

    def loaded(self) -> list[Engines]:
        titles = {version.artefact: version.title for known in self._known.values() for version in known.versions.values()}
        return [
            Engines(base, tuple(sorted(titles[name] for name in one.adapters if name in titles)), one.users)
            for base, one in self._loaded.items()
        ]

    def failures(self) -> list[tuple[str, str]]:
        """(version or base, why) of what could not be loaded."""
        titles = {version.artefact: version.title for known in self._known.values() for version in known.versions.values()}
        return [(titles.get(key, key), str(error)) for key in self._failed if (error := self._why_not(key))]

    async def follow(self) -> None:
        """Load what is live, so that the first question need not wait, and then what goes live, until cancelled."""
        await self._look()
        for version in self._live():
            with contextlib.suppress(HomespunError):
                await self._load(self._base_of(version), version)
        while True:
            await asyncio.sleep(LOOK_EVERY)
            with contextlib.suppress(HomespunError):
                await self._look()

    async def close(self) -> None:
        """Close every engine, whoever uses it."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for loaded in self._loaded.values():
            await anyio.to_thread.run_sync(loaded.engine.close)
        self._loaded.clear()

    async def _look(self) -> None:
        """See which versions there are, if the database changed and was not looked at just now."""
        async with self._looking:
            now = time.monotonic()
            if self._looked is not None and now - self._looked < LOOK_EVERY:
                return
            stamp = _stamp(self.home)
            if stamp != self._stamp:
                self._known = await anyio.to_thread.run_sync(_read, self.home)
                self._stamp = stamp
                self._keep_up()
            self._looked = now

    def _keep_up(self) -> None:
        """Begin to load what went live beside what is loaded, and let go of what nobody needs."""
        for version in self._live():
            if self._base_of(version) in self._loaded:
                self._begin(partial(self._load, self._base_of(version), version))
        needed = {self._base_of(version) for version in (*self._live(), *self._numbered())}
        for name in self._loaded.keys() - needed:
            self._begin(partial(self._retire, self._loaded.pop(name)))

    def _begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def quietly() -> None:
            with contextlib.suppress(HomespunError):
                await work()

        task = asyncio.get_running_loop().create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _find(self, title: str) -> Version:
        name, at, _ = title.partition("@")
        known = self._known.get(name)
        if known is None:
            raise UnknownName("model", name, self._known, hint="train one with `homespun train NAME`")
        if known.current is None:
            raise UsageError(f"{name} has no version yet: run `homespun train {name}`")
        if not at:
            return known.current
        if title not in known.versions:
            raise UnknownName("version", title, known.versions)
        return known.versions[title]

    def _live(self) -> list[Version]:
        return [known.current for known in self._known.values() if known.current]

    def _numbered(self) -> list[Version]:
        """Those asked for by number that are still there."""
        known = {title: version for one in self._known.values() for title, version in one.versions.items()}
        return [known[title] for title in self._by_number if title in known]

    def _remember(self, title: str) -> None:
        self._by_number[title] = None
        self._by_number.move_to_end(title)
        while len(self._by_number) > BY_NUMBER:
            self._by_number.popitem(last=False)

    def _base_of(self, version: Version) -> str:
        if version.artefact not in self._bases:
            self._bases[version.artefact] = loading.recipe_of(self.home, version, self._known[version.model].model).base
        return self._bases[version.artefact]

    def _until_it_is_loaded(self, live: Version) -> Version:
        """The live version; while that is being loaded, or cannot be, the one that answered until now, if it may still."""
        before = self._answered.get(live.model)
        loaded = self._loaded.get(self._base_of(live))
        if loaded is None or before is None or live.artefact in loaded.adapters or before.artefact not in loaded.adapters:
            return live
        there = self._known[live.model].versions.get(before.title)
        return before if there and not self.home.why_stale("version", before.artefact) else live

    def _why_not(self, key: str) -> HomespunError | None:
        error, when = self._failed.get(key, (None, 0.0))
        return error if time.monotonic() - when < TRY_AGAIN else None

    def _note(self, key: str, error: HomespunError) -> None:
        self._failed[key] = error, time.monotonic()

    async def _load(self, name: str, version: Version, bare: bool = False) -> None:
        """Have an engine for the base, with the version in it unless that fails.

        Raises:
            Unavailable: there is no engine at all.
        """
        async with self._loading.setdefault(name, asyncio.Lock()):
            old = self._loaded.get(name)
            if old and (bare or version.artefact in old.adapters or self._why_not(version.artefact)):
                return
            if error := self._why_not(name):
                raise error
            wanted = self._wanted(name, version)
            try:
                made = await anyio.to_thread.run_sync(self._make, name, wanted)
            except HomespunError as error:
                self._note(version.artefact if old else name, error)
                if old is None:
                    raise
                return
            self._loaded[name] = made
            if old:
                await self._retire(old)

    def _wanted(self, name: str, version: Version) -> list[Version]:
        """The versions that this base's engine should have, the one asked for among them."""
        before = (one for one in self._answered.values() if one.model in self._known)
        found = {one.artefact: one for one in (version, *self._live(), *self._numbered(), *before)}
        return [one for one in found.values() if self._base_of(one) == name and (one is version or not self._why_not(one.artefact))]

    def _make(self, name: str, wanted: Sequence[Version]) -> _Loaded:
        """Slow: in a thread. An engine with all adapters that work; the others are noted."""
        made = loading.load(self.home, self.settings, name, wanted, self._make_engine, self._make_adapter, self._note)
        return _Loaded(*made)

    async def _open(self, loaded: _Loaded, version: Version, base: bool) -> Opened:
        now, stamp, key = time.monotonic(), _stamp(self.home), (version.title, base)
        when, seen, opened = loaded.opened.get(key, (0.0, None, None))
        if opened is None or (seen != stamp and now - when > OPEN_AGAIN):
            model = self._known[version.model].model
            recipe = loading.recipe_of(self.home, version, model)
            opened = await anyio.to_thread.run_sync(opened_as, self.home, version, recipe, model.person, lambda: loaded.engine, base)
            loaded.opened[key] = now, stamp, opened
        return opened

    async def _retire(self, loaded: _Loaded) -> None:
        loaded.retired = True
        await self._close_if_done(loaded)

    async def _close_if_done(self, loaded: _Loaded) -> None:
        if loaded.retired and loaded.users == 0:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(loaded.engine.close)


def _read(home: Home) -> dict[str, _Known]:
    known = {}
    for model in versions.list_models(home):
        made = versions.list_versions(home, model.name)
        current = next((version for version in made if version.is_live), made[-1] if made else None)
        known[model.name] = _Known(model, {version.title: version for version in made}, current)
    return known


def _stamp(home: Home) -> object:
    """Another one after every change of the database."""
    files = (home.database, home.database.with_name(f"{home.database.name}-wal"))
    return [(state.st_mtime_ns, state.st_size) for file in files if file.exists() for state in [file.stat()]]
