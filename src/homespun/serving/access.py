"""Who may come in: the home's token, and who asks on whose behalf.

Everything needs the token, except whether the server is alive and the page to log in. A browser gets a cookie for it. Pages of other
servers get nothing: neither by their own name for this address (DNS rebinding: `Host`) nor from where they are (`Origin`).
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, cookie_parser
from starlette.responses import HTMLResponse, RedirectResponse, Response

from homespun.serving.options import ServeOptions

COOKIE = "homespun"
COOKIE_SECONDS = 90 * 24 * 3600
OPEN = frozenset({"/health", "/login"})

router = APIRouter(include_in_schema=False)


def cookie_of(token: str) -> str:
    """What a browser keeps: it opens this server's door as the token does, and no other's."""
    return hmac.new(token.encode(), b"homespun: a browser that has logged in", hashlib.sha256).hexdigest()


def has_token(headers: Mapping[str, str], token: str) -> bool:
    """Whether a request shows the token: as `Authorization: Bearer`, `X-API-Key` or in the cookie."""
    kind, _, given = headers.get("authorization", "").partition(" ")
    shown = [(given.strip() if kind.lower() == "bearer" else "", token), (headers.get("x-api-key", ""), token)]
    shown.append((cookie_parser(headers.get("cookie", "")).get(COOKIE, ""), cookie_of(token)))
    # Every comparison is made, so that how long it takes says nothing.
    same = [hmac.compare_digest(one.encode(), other.encode()) for one, other in shown]
    return any(same)


def host_is_ours(host: str, options: ServeOptions) -> bool:
    """Whether a request's `Host` is a name of this server. An address is always one: no page can have it as its name."""
    name = _name(host)
    try:
        ipaddress.ip_address(name)
        return True
    except ValueError:
        return name in {"localhost", options.host.lower(), *(one.lower() for one in options.hosts)}


def origin_is_ours(headers: Mapping[str, str], options: ServeOptions) -> bool:
    """Whether a browser asks for one of our own pages, or for one that the options allow. Programs send no `Origin`."""
    origin = headers.get("origin")
    if origin is None or origin in options.cors_origins:
        return True
    return bool(origin) and urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def _name(host: str) -> str:
    """Of "name:port", "[::1]:port" or one without a port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def client_of(connection: HTTPConnection) -> str:
    """Whom limits and turns in the line count as one: an address. There is one token for all."""
    return connection.client.host if connection.client else ""


def is_page(headers: Headers) -> bool:
    """Whether a person's browser waits for a page, and not a program for an answer."""
    return "text/html" in headers.get("accept", "")


@router.get("/login")
async def show_login(request: Request, token: str = "") -> Response:
    if token:
        return _let_in(request, token)
    return HTMLResponse(request.app.state.login_page(""))


@router.post("/login")
async def log_in(request: Request) -> Response:
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    return _let_in(request, form.get("token", [""])[0].strip())


def _let_in(request: Request, given: str) -> Response:
    """To the first page, with the cookie and without the token in the address."""
    token = request.app.state.house.options.token
    if not hmac.compare_digest(given.encode(), token.encode()):
        request.app.state.doorbell.take(client_of(request))
        return HTMLResponse(request.app.state.login_page("This is not the token."), 401)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(COOKIE, cookie_of(token), max_age=COOKIE_SECONDS, httponly=True, samesite="strict")
    return answer


def login_page(wrong: str = "") -> str:
    """A bare form for the token, and what was wrong with the last one. The web pages bring one in their own look."""
    return (
        '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>homespun</title>'
        f'<p role="alert">{escape(wrong)}</p><form method="post" action="/login"><label>The token that <code>homespun serve</code> printed '
        '<input name="token" type="password" required autofocus></label><button>Open</button></form></html>'
    )
