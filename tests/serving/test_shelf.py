"""What is loaded: another version goes live and no reply is lost, and what cannot be loaded is answered for by the base."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path

import pytest

from homespun.engines.base import Engine
from homespun.errors import UnknownName, UsageError
from homespun.home import Home
from homespun.registry import versions
from homespun.registry.versions import Version
from homespun.serving import shelf as shelving
from homespun.serving.loading import Unavailable
from homespun.serving.prompt import answer, prepare
from homespun.serving.pump import pump
from homespun.serving.shelf import Shelf
from homespun.types import Turn
from houses import Slow, add_version, recipe_of, settings_of

WORDS = "one two three four five six"


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelving, "LOOK_EVERY", 0.0)


class Engines:
    """Makes engines and keeps them; `broken` names artefacts of adapters that cannot be loaded, `mute` those that do not answer."""

    def __init__(self) -> None:
        self.made: list[Slow] = []
        self.broken: set[str] = set()
        self.mute: set[str] = set()

    def __call__(self, folder: Path, adapters: Mapping[str, Path]) -> Engine:
        if self.broken & adapters.keys():
            raise RuntimeError("Failed to init server")
        answering = {name: file for name, file in adapters.items() if name not in self.mute}
        self.made.append(Slow(answering, lambda turns: WORDS))
        return self.made[-1]

    @property
    def open(self) -> list[Slow]:
        return [engine for engine in self.made if not engine.closed]


def shelf_of(home: Home, engines: Callable[[Path, Mapping[str, Path]], Engine]) -> Shelf:
    return Shelf(home, settings_of(home), engines)


async def ask(shelf: Shelf, title: str, base: bool = False) -> tuple[str, bool, str]:
    """(what answered, whether it stands in, its reply)."""
    async with shelf.borrow(title, base) as borrowed:
        prepared = prepare(borrowed.opened, [Turn("user", "good morning")])
        said = ""
        async with aclosing(pump(partial(answer, borrowed.opened, prepared, borrowed.opened.recipe.sampling))) as pieces:
            async for piece in pieces:
                said += piece.text
    return borrowed.opened.title, borrowed.fallback, said.strip()


async def until(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


def test_a_new_version_goes_live_while_replies_are_written_and_none_is_lost(home: Home) -> None:
    add_version(home)
    engines = Engines()

    go_on = threading.Event()

    async def main() -> None:
        shelf = shelf_of(home, engines)
        assert await ask(shelf, "anna") == ("anna@1", False, WORDS)
        engines.made[0].wait = lambda: go_on.wait(30)
        early = [asyncio.create_task(ask(shelf, "anna")) for _ in range(10)]
        await until(lambda: len(engines.made[0].seen) >= 12)
        add_version(home)
        async with asyncio.timeout(20):
            while shelf.loaded()[0].versions != ("anna@1", "anna@2"):
                await shelf.version("anna")
                await asyncio.sleep(0.01)
        assert await ask(shelf, "anna") == ("anna@2", False, WORDS)
        assert not any(task.done() for task in early) and not engines.made[0].closed
        go_on.set()
        assert await asyncio.gather(*early) == [("anna@1", False, WORDS)] * 10
        await until(lambda: engines.made[0].closed)
        assert engines.open == engines.made[1:]
        assert await ask(shelf, "anna@1") == ("anna@1", False, WORDS)
        await shelf.close()
        assert not engines.open

    asyncio.run(main())


def test_a_model_goes_on_with_its_old_version_where_the_new_one_cannot_be_loaded(home: Home) -> None:
    add_version(home)
    engines = Engines()
    engines.broken.add("anna-2")

    async def main() -> None:
        shelf = shelf_of(home, engines)
        await ask(shelf, "anna")
        add_version(home)
        for _ in range(5):
            assert (await ask(shelf, "anna"))[:2] == ("anna@1", False)
            await asyncio.sleep(0.02)
        assert [title for title, _ in shelf.failures()] == ["anna@2"]
        assert (await ask(shelf, "anna@2"))[1], "asked for by its number, the base stands in for it"
        versions.rollback(home, "anna")
        assert (await ask(shelf, "anna"))[:2] == ("anna@1", False)
        assert len(engines.open) == 1
        await shelf.close()

    asyncio.run(main())


@pytest.mark.parametrize("defect", ["broken", "mute", "changed", "unconvertible"])
def test_the_base_stands_in_for_what_cannot_be_loaded_and_says_so(home: Home, defect: str) -> None:
    add_version(home)
    add_version(home, "ben", person="Ben")
    engines = Engines()
    if defect in ("broken", "mute"):
        getattr(engines, defect).add("anna-1")
    if defect == "changed":
        (home.folder("version", "anna-1") / "adapter_model.safetensors").write_bytes(b"another one")

    def convert(home: Home, version: Version) -> Path:
        if defect == "unconvertible" and version.artefact == "anna-1":
            raise ValueError("a tensor that nobody knows")
        return versions.version_folder(home, version)

    async def main() -> None:
        shelf = Shelf(home, settings_of(home), engines, convert)
        title, fallback, said = await ask(shelf, "anna")
        assert fallback and title.endswith("(base)") and said == WORDS
        assert (await ask(shelf, "ben"))[:2] == ("ben@1", False), "others do not suffer"
        made = len(engines.made)
        assert (await ask(shelf, "anna"))[1] and len(engines.made) == made, "it is not tried again for every question"
        ((failed, why),) = shelf.failures()
        assert failed == "anna@1" and "nobody knows" not in why and "init server" not in why
        await shelf.close()

    asyncio.run(main())
    assert not engines.open


def test_without_any_engine_it_says_so_and_tries_again_later(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    add_version(home)
    tries = 0

    def none(folder: Path, adapters: Mapping[str, Path]) -> Engine:
        nonlocal tries
        tries += 1
        raise Unavailable("answering needs one more package: pip install xllamacpp")

    async def main() -> None:
        shelf = shelf_of(home, none)
        for _ in range(3):
            with pytest.raises(Unavailable, match="pip install xllamacpp"):
                await ask(shelf, "anna")
        seen = tries
        monkeypatch.setattr(shelving, "TRY_AGAIN", 0.0)
        with pytest.raises(Unavailable):
            await ask(shelf, "anna")
        assert tries > seen and shelf.loaded() == []

    asyncio.run(main())
    assert tries <= 4


def test_every_base_has_an_engine_of_its_own(home: Home) -> None:
    add_version(home)
    add_version(home, "ben", recipe_of(home, "other"), person="Ben")
    engines = Engines()

    async def main() -> None:
        shelf = shelf_of(home, engines)
        await asyncio.gather(*(ask(shelf, title) for title in ("anna", "ben", "anna", "ben")))
        assert sorted(one.versions for one in shelf.loaded()) == [("anna@1",), ("ben@1",)]
        assert len(engines.made) == 2, "who asks while it is loaded waits for it"
        assert (await ask(shelf, "ben", base=True))[:2] == (f"{home.path.parent / 'other'} (base)", False)
        await shelf.close()

    asyncio.run(main())


def test_what_nobody_needs_any_more_is_let_go(home: Home) -> None:
    add_version(home)
    engines = Engines()

    async def main() -> None:
        shelf = shelf_of(home, engines)
        await ask(shelf, "anna")
        add_version(home, recipe=recipe_of(home, "other"))
        assert (await ask(shelf, "anna"))[0] == "anna@2"
        await until(lambda: engines.made[0].closed)
        assert len(shelf.loaded()) == 1
        await shelf.close()

    asyncio.run(main())


def test_names_mean_what_they_mean_in_the_home(home: Home) -> None:
    add_version(home, live=False)
    add_version(home, live=False)

    async def main() -> None:
        shelf = shelf_of(home, Engines())
        assert (await ask(shelf, "anna"))[0] == "anna@2", "the newest, where none is live"
        versions.promote(home, "anna@1")
        await ask(shelf, "anna@1")
        assert (await ask(shelf, "anna"))[0] == "anna@1"
        for title in ("ana", "anna@9", "../anna", "anna@1/../2", "", "@", "anna@"):
            with pytest.raises(UnknownName):
                await ask(shelf, title)
        versions.rename_model(home, "anna", "hanna")
        assert (await ask(shelf, "hanna"))[0] == "hanna@1"
        versions.put_model(home, "new", "New", recipe_of(home))
        with pytest.raises(UsageError, match="has no version yet"):
            await ask(shelf, "new")
        await shelf.close()

    asyncio.run(main())


def test_a_base_that_is_another_one_is_not_answered_with(home: Home) -> None:
    recipe = recipe_of(home)
    add_version(home, recipe=recipe)
    (Path(recipe.base) / "config.json").unlink()

    async def main() -> None:
        with pytest.raises(Unavailable, match=r"config\.json is missing"):
            await ask(shelf_of(home, Engines()), "anna")

    asyncio.run(main())
