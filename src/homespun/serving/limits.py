"""How often a client may ask: a bucket of tokens each, which fills by itself."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from homespun.serving.lanes import Full

KNOWN = 4096
"""Clients remembered; who was not seen for longest is forgotten first, and is then as good as new."""


class Limits:
    """`rate` requests per second on average, `burst` at once."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst, self._clock = rate, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Client -> (what is left, at that time)."""

    def take(self, client: str) -> None:
        """Raises Full where the client has asked too often."""
        now = self._clock()
        left, since = self._buckets.pop(client, (float(self.burst), now))
        left = min(self.burst, left + (now - since) * self.rate)
        self._buckets[client] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > KNOWN:
            self._buckets.popitem(last=False)
        if left < 1:
            raise Full("you ask faster than this server answers", (1 - left) / self.rate)
