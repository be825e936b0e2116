"""How a server is run: where it listens, who may come in, and how much it takes on at once."""

from __future__ import annotations

from dataclasses import dataclass

PORT = 8420
MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class ServeOptions:
    token: str
    """What a client shows to come in (serving/access.py)."""
    host: str = "127.0.0.1"
    port: int = PORT
    hosts: tuple[str, ...] = ()
    """Names and addresses by which it may be called, beside localhost and `host`. Any other is refused: a page on the internet could
    have its own name lead here (DNS rebinding)."""
    cors_origins: tuple[str, ...] = ()
    """Origins of other pages that may call it; by default none."""
    slots: int = 8
    """Replies written at the same time."""
    waiting: int = 64
    """Requests that may wait for that; one more is sent away."""
    rate: float = 4.0
    """Generating requests per second and client, on average, ..."""
    burst: int = 60
    """... and so many at once."""
    max_body: int = 2 * MEGABYTE
    """Bytes of a request."""
    max_upload: int = 4096 * MEGABYTE
    """Bytes of an export that a page sends."""
    body_seconds: float = 30.0
    """Longest wait for the next part of a request's body."""
    threads: int | None = None
    """Of the engine; None: as many as this machine computes best with."""
