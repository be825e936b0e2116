"""From a request to replies: admitted, in its turn, by what is loaded. It ends all of that when it is left, whyever that is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Send

from homespun.config import SamplingSection
from homespun.engines.base import Piece, Wanted
from homespun.serving.house import House
from homespun.serving.prompt import Prepared, answer
from homespun.serving.pump import pump
from homespun.serving.shelf import Borrowed

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """One reply that is wanted."""

    prepared: Prepared
    sampling: SamplingSection
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Begun:
    borrowed: Borrowed
    asks: Sequence[Ask]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the reply to ask `index`."""

    index: int
    piece: Piece


async def replies(
    house: House, client: str, title: str, base: bool, asks: Callable[[Borrowed], Sequence[Ask]]
) -> AsyncGenerator[Begun | Part, None]:
    """First what answers, then one reply after the other. Use it in `contextlib.aclosing`.

    Args:
        asks: what is wanted of what answers; called in a thread.

    Raises:
        Full: too much is asked at once.
        HomespunError: as `Shelf.borrow`, `asks` and the engine.
    """
    start = time.monotonic()
    house.limits.take(client)
    with house.lanes.join(client) as place:
        await place.turn()
        async with house.shelf.borrow(title, base) as borrowed:
            wanted = await anyio.to_thread.run_sync(asks, borrowed)
            if borrowed.fallback:
                house.metrics.fallback()
            yield Begun(borrowed, wanted)
            first = True
            for index, ask in enumerate(wanted):
                async with aclosing(pump(partial(answer, borrowed.opened, ask.prepared, ask.sampling, ask.wanted))) as pieces:
                    async for piece in pieces:
                        if first and piece.text:
                            house.metrics.first_token(time.monotonic() - start)
                            first = False
                        if piece.usage:
                            house.metrics.tokens(piece.usage.prompt, piece.usage.completion)
                        yield Part(index, piece)


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """What the work gives, or None: it is stopped when the client is gone."""

    async def leaving() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working, gone = asyncio.ensure_future(work), asyncio.ensure_future(leaving())
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, gone):
            task.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


class EventStream(StreamingResponse):
    """Server-sent events. When they are over, or the client gone, what makes them is ended at once.

    Args:
        source: what `content` reads from; it is closed too, also where nothing was read.
    """

    media_type = "text/event-stream"

    def __init__(
        self, content: AsyncGenerator[str, None], source: AsyncGenerator[Any, None], headers: Mapping[str, str], status_code: int = 200
    ) -> None:
        super().__init__(content, status_code, headers)
        self._made_by = (content, source)

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        finally:
            with anyio.CancelScope(shield=True):
                for one in self._made_by:
                    await one.aclose()
