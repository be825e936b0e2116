"""What is counted, in a form that Prometheus reads: numbers, never anybody's words."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE

__all__ = ["CONTENT_TYPE", "Metrics"]

SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)


class Metrics:
    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._requests = Counter("homespun_requests", "Requests that were answered", ("route", "status"), registry=registry)
        self._seconds = Histogram(
            "homespun_request_seconds", "From request to answer's end", ("route",), buckets=SECONDS, registry=registry
        )
        self._first = Histogram("homespun_first_token_seconds", "From request to a reply's first token", buckets=SECONDS, registry=registry)
        self._tokens = Counter("homespun_tokens", "Tokens read and written", ("kind",), registry=registry)
        self._fallbacks = Counter("homespun_fallbacks", "Replies of a base whose version could not be loaded", registry=registry)
        self._waiting = Gauge("homespun_waiting", "Requests that wait for an engine", registry=registry)
        self._running = Gauge("homespun_running", "Replies that are being written", registry=registry)
        self._engines = Gauge("homespun_engines", "Engines that are loaded", registry=registry)

    def request(self, route: str, status: int, seconds: float) -> None:
        """`route` as it is declared, such as /v1/models/{model}."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def first_token(self, seconds: float) -> None:
        self._first.observe(seconds)

    def tokens(self, prompt: int, completion: int) -> None:
        self._tokens.labels("prompt").inc(prompt)
        self._tokens.labels("completion").inc(completion)

    def fallback(self) -> None:
        self._fallbacks.inc()

    def text(self, waiting: int, running: int, engines: int) -> bytes:
        """All of it, with what is so now."""
        self._waiting.set(waiting)
        self._running.set(running)
        self._engines.set(engines)
        return generate_latest(self.registry)
