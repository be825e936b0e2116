"""From a thread to the event loop and back: nothing is lost, nothing goes on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from homespun.serving.pump import pump


def test_all_of_it_comes_in_order_and_the_error_last() -> None:
    def items() -> Iterator[int]:
        yield from range(1000)
        raise ValueError("enough")

    async def main() -> list[int]:
        found = []
        with pytest.raises(ValueError, match="enough"):
            async for item in pump(items):
                found.append(item)
        return found

    assert asyncio.run(main()) == list(range(1000))


@pytest.mark.parametrize("how", ["leave", "cancel"])
def test_leaving_closes_the_iterator_before_it_goes_on(how: str) -> None:
    closed, threads = threading.Event(), set[int]()

    def items() -> Iterator[int]:
        try:
            for item in range(10**6):
                threads.add(threading.get_ident())
                time.sleep(0.005)
                yield item
        finally:
            time.sleep(0.05)
            threads.add(threading.get_ident())
            closed.set()

    async def read() -> None:
        async with aclosing(pump(items)) as pumped:
            async for item in pumped:
                if item == 3 and how == "leave":
                    break
        assert closed.is_set()

    async def main() -> None:
        task = asyncio.create_task(read())
        if how == "cancel":
            await asyncio.sleep(0.05)
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert closed.is_set()
        assert how == "cancel" or task.exception() is None

    asyncio.run(main())
    assert len(threads) == 1 and threading.get_ident() not in threads


def test_the_loop_stays_free() -> None:
    def items() -> Iterator[int]:
        for item in range(3):
            time.sleep(0.1)
            yield item

    async def main() -> int:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.create_task(tick())
        assert [item async for item in pump(items)] == [0, 1, 2]
        ticking.cancel()
        return ticks

    assert asyncio.run(main()) >= 10
