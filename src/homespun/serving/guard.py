"""What every request passes before any route sees it, and every answer before it leaves. Of what is in them it says nothing to anybody."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from homespun.serving import access
from homespun.serving.house import House
from homespun.serving.lanes import Full
from homespun.serving.limits import Limits
from homespun.serving.refusals import refusal

HEADERS, ADDRESS = 16_384, 4096
"""Bytes of all headers, and of the path and query."""
SLOWEST = 20_000
"""Bytes per second of a body that may take longer than `body_seconds`."""
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: with that, browsers hide the origin of our own forms too.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
NO_PAGE = "default-src 'none'; frame-ancestors 'none'"
PAGE = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' {sockets}; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""NiceGUI writes its scripts into the page, and Vue compiles its templates there."""

log = logging.getLogger("homespun.serving")


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, house: House, doorbell: Limits) -> None:
        self.app, self.house = app, house
        self.doorbell = doorbell
        """How often somebody may come with a wrong token."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        start, status = time.monotonic(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"].endswith("response.start"):
                status = message["status"]
                _harden(message, scope)
            await send(message)

        try:
            refused = self._refused(HTTPConnection(scope))
            if refused:
                await refused(scope, receive, sending)
            else:
                await self.app(scope, self._measured(scope, receive), sending)
        except Exception as error:
            # Its text could quote what somebody wrote; where it happened cannot.
            log.error("%s at %s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)[-3:]))
            if status == 500 and scope["type"] == "http":
                await refusal(500, "something went wrong here; the log of the server says where", "server_error")(scope, receive, sending)
        finally:
            if scope["type"] == "http":
                self.house.metrics.request(getattr(scope.get("route"), "path", "other"), status, time.monotonic() - start)

    def _refused(self, asked: HTTPConnection) -> Response | None:
        """What is said to a request that goes no further."""
        options, headers = self.house.options, asked.headers
        if _size(headers.raw) > HEADERS:
            return refusal(431, "the headers of this request are too long", "invalid_request_error")
        if len(asked.scope.get("raw_path") or b"") + len(asked.scope["query_string"]) > ADDRESS:
            return refusal(414, "the address of this request is too long", "invalid_request_error")
        if len(headers.getlist("host")) != 1 or not access.host_is_ours(headers["host"], options):
            return refusal(421, "this server is not called so: use its address, or start it with --name", "invalid_request_error")
        if not access.origin_is_ours(headers, options):
            return refusal(403, "pages of other servers may not ask this one", "invalid_request_error", code="origin_not_allowed")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._most(asked.scope):
            return _too_long()
        return self._without_token(asked)

    def _without_token(self, asked: HTTPConnection) -> Response | None:
        headers, preflight = asked.headers, asked.scope.get("method") == "OPTIONS"
        if asked.scope["path"] in access.OPEN or (preflight and headers.get("origin") in self.house.options.cors_origins):
            return None
        if access.has_token(headers, self.house.options.token):
            return None
        if asked.scope["type"] == "http" and asked.scope["method"] == "GET" and access.is_page(headers):
            return RedirectResponse("/login", 303)
        shown = "authorization" in headers or "x-api-key" in headers
        if shown:
            try:
                self.doorbell.take(access.client_of(asked))
            except Full as error:
                return refusal(429, str(error), "rate_limit_error", retry_after=error.retry_after)
        text = "this is not the token of this server" if shown else "this server wants its token, as `Authorization: Bearer …`"
        return refusal(401, text, "invalid_request_error", code="invalid_api_key")

    def _most(self, scope: Scope) -> int:
        return self.house.options.max_upload if "/upload" in scope["path"] else self.house.options.max_body

    def _measured(self, scope: Scope, receive: Receive) -> Receive:
        """`receive` for a body that may be neither longer nor slower than it should."""
        if scope["type"] != "http":
            return receive
        most, got, whole = self._most(scope), 0, False
        start = time.monotonic()

        async def receiving() -> Message:
            nonlocal got, whole
            if whole:
                return await receive()
            left = start + self.house.options.body_seconds + got / SLOWEST - time.monotonic()
            try:
                message = await asyncio.wait_for(receive(), max(left, 0.001))
            except TimeoutError:
                raise HTTPException(408, "this request comes too slowly") from None
            got += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if got > most:
                raise HTTPException(413, "this request is too long")
            return message

        return receiving


def _too_long() -> Response:
    return refusal(413, "this request is too long", "invalid_request_error", code="request_too_large")


def _size(headers: Iterable[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) for name, value in headers)


def _harden(message: Message, scope: Scope) -> None:
    headers = MutableHeaders(raw=message.setdefault("headers", []))
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    if headers.get("content-type", "").startswith("text/html"):
        host = Headers(scope=scope).get("host", "")
        # Safari does not count a WebSocket of the same server as 'self'.
        headers["content-security-policy"] = PAGE.format(sockets=f"ws://{host} wss://{host}")
    else:
        headers["content-security-policy"] = NO_PAGE
    headers.setdefault("cache-control", "no-store")
