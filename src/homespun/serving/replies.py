"""Replies under way, apart from whoever follows them: a line can drop, and another one goes on where it was."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

import anyio

from homespun.errors import Busy
from homespun.serving.conversation import Asked, Ended, Event, Failed, Said, Started, converse
from homespun.serving.store import WRITING

if TYPE_CHECKING:
    from homespun.serving.house import House

KEPT = 120.0
"""Seconds that the events of a reply that is over can still be followed; then there is what the database has."""


class Reply:
    """The events of a reply, numbered from 1. All are kept while it is followed: the cap of its length bounds them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.started: Started | None = None
        self.over: float | None = None
        """Since when it is, in monotonic seconds."""
        self.scope = anyio.CancelScope()
        self._more = asyncio.Event()

    async def follow(self, after: int = 0) -> AsyncGenerator[tuple[int, Event]]:
        """Its events and their numbers, from the one behind `after` to the last. Any number of followers may be at it."""
        while True:
            while after < len(self.events):
                after += 1
                yield after, self.events[after - 1]
            if self.over is not None:
                return
            await self._more.wait()

    @property
    def text(self) -> str:
        """So far."""
        return "".join(event.text for event in self.events if isinstance(event, Said)).strip()

    def add(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Started):
            self.started = event
        if isinstance(event, Ended | Failed):
            self.over = time.monotonic()
        more, self._more = self._more, asyncio.Event()
        more.set()


class Replies:
    """Of one house. Everything happens on the event loop's thread."""

    def __init__(self) -> None:
        self._of: dict[str, Reply] = {}
        """The newest of each session."""
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, house: House, asked: Asked) -> Reply:
        """Say something; the reply is written whether or not anybody follows it.

        Raises:
            Busy: a reply is being written in this session.
        """
        self._sweep()
        if asked.session in self._of and self._of[asked.session].over is None:
            raise Busy(WRITING)
        reply = Reply()
        if asked.session is not None:
            self._of[asked.session] = reply
        task = asyncio.get_running_loop().create_task(self._write(house, asked, reply))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return reply

    def of(self, session: str) -> Reply | None:
        """The newest reply of a session, if it is under way, or was not long ago."""
        return self._of.get(session)

    async def stop(self, session: str) -> bool:
        """End the reply that is being written in a session; what it said stays. False: none was, here."""
        reply = self._of.get(session)
        if reply is None or reply.over is not None:
            return False
        reply.scope.cancel()
        async with aclosing(reply.follow(len(reply.events))) as rest:
            async for _ in rest:
                pass
        return True

    async def close(self) -> None:
        """End them all."""
        for reply in self._of.values():
            reply.scope.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write(self, house: House, asked: Asked, reply: Reply) -> None:
        try:
            with reply.scope:
                async with aclosing(converse(house, asked)) as events:
                    async for event in events:
                        if isinstance(event, Started):
                            self._of[event.session] = reply
                        reply.add(event)
        finally:
            if reply.over is None:
                reply.add(Ended("stopped", reply.text))

    def _sweep(self) -> None:
        now = time.monotonic()
        self._of = {session: reply for session, reply in self._of.items() if reply.over is None or now - reply.over < KEPT}
