"""From a thread to the event loop: what a blocking iterator gives, without blocking anybody else."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from typing import TypeVar

import anyio

T = TypeVar("T")


async def pump(make: Callable[[], Iterable[T]]) -> AsyncGenerator[T, None]:
    """What the iterator gives, which is made and run in a thread of its own. Use it in `contextlib.aclosing`.

    Leaving early closes the iterator, after the item it is at, and waits for that: when this is over, nothing of it runs any more.
    """
    loop = asyncio.get_running_loop()
    items: asyncio.Queue[tuple[T] | BaseException | None] = asyncio.Queue()
    left, ended = threading.Event(), asyncio.Event()

    def put(item: tuple[T] | BaseException | None) -> None:
        items.put_nowait(item)
        if not isinstance(item, tuple):
            ended.set()

    def work() -> None:
        # The loop is gone only where the whole server is.
        with contextlib.suppress(RuntimeError):
            try:
                for item in _closing(make, left):
                    loop.call_soon_threadsafe(put, (item,))
                loop.call_soon_threadsafe(put, None)
            except BaseException as error:
                loop.call_soon_threadsafe(put, error)

    threading.Thread(target=work, name="homespun-pump", daemon=True).start()
    try:
        while (item := await items.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item[0]
    finally:
        left.set()
        with anyio.CancelScope(shield=True):
            await ended.wait()


def _closing(make: Callable[[], Iterable[T]], left: threading.Event) -> Iterator[T]:
    """What it gives until `left`; it is closed in any case."""
    items = iter(make())
    try:
        while not left.is_set():
            try:
                item = next(items)
            except StopIteration:
                return
            yield item
    finally:
        if close := getattr(items, "close", None):
            close()
