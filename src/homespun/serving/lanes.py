"""The line in front of the engines: bounded, and fair to every client however much another one asks."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterator

from homespun.errors import HomespunError

USUAL = 5.0
"""Seconds that a reply takes, until some have been seen."""
REMEMBERS = 0.2
"""Weight of the newest reply in the mean of how long they take."""


class Full(HomespunError):
    """Too much is asked at once; worth another try in `retry_after` seconds."""

    def __init__(self, text: str, retry_after: float) -> None:
        self.retry_after = max(1, round(retry_after))
        super().__init__(f"{text}: try again in {self.retry_after} s")


class Place:
    """A place in the line, and then in a lane."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.started: float | None = None
        self._moved = asyncio.Event()
        self.position = 0
        """1 is next; 0 once it is its turn."""

    async def waits(self) -> AsyncIterator[int]:
        """Its position, now and whenever it has changed, until it is its turn."""
        while self.started is None:
            self._moved.clear()
            yield self.position
            await self._moved.wait()

    async def turn(self) -> None:
        """Wait for it."""
        async for _ in self.waits():
            pass

    def move(self, position: int) -> None:
        if position == 0:
            self.started = time.monotonic()
        elif position == self.position:
            return
        self.position = position
        self._moved.set()


class Lanes:
    """`slots` places that work; up to `waiting` more wait, and clients take turns. One client may fill half the line.

    Everything happens on the event loop's thread.
    """

    def __init__(self, slots: int, waiting: int) -> None:
        self.slots, self.limit = slots, waiting
        self.running = 0
        self._line: OrderedDict[str, deque[Place]] = OrderedDict()
        self._seconds = USUAL

    @property
    def waiting(self) -> int:
        return sum(map(len, self._line.values()))

    @contextlib.contextmanager
    def join(self, client: str) -> Iterator[Place]:
        """A place for as long as the block lasts: first `await place.turn()`, or follow `place.waits()`, then work.

        Raises:
            Full: the line is.
        """
        self._check(client)
        place = Place(client)
        self._line.setdefault(client, deque()).append(place)
        self._advance()
        try:
            yield place
        finally:
            self._leave(place)

    def _check(self, client: str) -> None:
        if self.running < self.slots:
            return
        own = len(self._line.get(client, ()))
        if self.waiting >= self.limit or own >= max(1, self.limit // 2):
            raise Full("too many requests are waiting already", self._seconds * (1 + own / self.slots))

    def _leave(self, place: Place) -> None:
        if place.started is None:
            own = self._line[place.client]
            own.remove(place)
            if not own:
                del self._line[place.client]
        else:
            self.running -= 1
            self._seconds += REMEMBERS * (time.monotonic() - place.started - self._seconds)
        self._advance()

    def _advance(self) -> None:
        while self._line and self.running < self.slots:
            client, own = self._line.popitem(last=False)
            self.running += 1
            own.popleft().move(0)
            if own:
                self._line[client] = own
        for position, place in enumerate(self._order(), 1):
            place.move(position)

    def _order(self) -> Iterator[Place]:
        """Everybody who waits, in the order in which they will be called: the first of each client, then the second, …"""
        lines = [list(own) for own in self._line.values()]
        for turn in range(max(map(len, lines), default=0)):
            yield from (own[turn] for own in lines if turn < len(own))
