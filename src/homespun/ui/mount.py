"""The pages on the app of the API: one server, one port, one door (serving/access.py keeps it)."""

from __future__ import annotations

import pkgutil
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from nicegui import Client, ui
from nicegui import app as nicegui
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

import homespun.ui
from homespun.ui import frame, login, look

if TYPE_CHECKING:
    from fastapi import FastAPI

    from homespun.serving.house import House

RECONNECT = 10.0
"""Seconds that a page may be without its connection and go on as if nothing was; after that it loads anew."""


def mount(app: FastAPI, house: House) -> None:
    """Put the pages on `app`: once in a process, and after every route of the API, since pages answer all other addresses.

    Every module of this folder with a `register(house)` is asked for its pages. Nothing is kept on the server about who looks at them:
    the choice of light or dark is a cookie, everything else is in the address and in the home.
    """
    for module in pkgutil.iter_modules(homespun.ui.__path__, "homespun.ui."):
        register = getattr(import_module(module.name), "register", None)
        if register:
            register(house)
    app.state.login_page = login.page
    nicegui.add_exception_handler(404, partial(_not_here, house))
    ui.run_with(
        app,
        title="homespun",
        favicon=look.FAVICON,
        dark=None,
        language="en-US",
        reconnect_timeout=RECONNECT,
        tailwind=False,
        show_welcome_message=False,
    )


def _not_here(house: House, request: Request, error: Exception) -> Response:
    """A page for people; programs and the parts of other pages get a line."""
    if request.url.path.startswith("/_nicegui") or "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse("not found", 404)
    with (
        Client(ui.page(""), request=request) as client,
        frame.page(house, "Not here"),
        look.empty("search_off", "There is nothing at this address", "It may have been deleted."),
    ):
        look.go("To the start", "/")
    answer: Response = client.build_response(request, 404)
    return answer
