"""The server: every route of the API behind one door. The pages are put on top of it by who starts it (cli/serve.py)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi

import homespun
from homespun.config import Settings
from homespun.home import Home
from homespun.serving import access, refusals
from homespun.serving.disclosure import compile_all
from homespun.serving.guard import Guard
from homespun.serving.house import House, furnish
from homespun.serving.limits import Limits
from homespun.serving.loading import MakeEngine
from homespun.serving.openai import embeddings
from homespun.serving.openai import routes as openai
from homespun.serving.options import ServeOptions
from homespun.serving.routes import health, talking

ROUTERS = (health.router, access.router, openai.router, embeddings.router, talking.router)
WRONG_TOKENS = (0.2, 20)
"""Per second and client, and at once."""
OWN_HEADERS = ["X-Homespun-Version", "X-Homespun-Disclosure", "X-Homespun-Fallback", "Retry-After"]


def create_app(home: Home, settings: Settings, options: ServeOptions, make_engine: MakeEngine | None = None) -> FastAPI:
    """Args:
    make_engine: instead of llama.cpp; it is given a base's folder and the versions' folders by name.
    """
    app = FastAPI(
        title="homespun",
        version=homespun.__version__,
        summary="Talk with models of people, on your own machine.",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    house = app.state.house = furnish(home, settings, options, make_engine)
    app.state.login_page = access.login_page
    app.state.doorbell = Limits(*WRONG_TOKENS)
    refusals.install(app)
    for router in ROUTERS:
        app.include_router(router)
    if options.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=options.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type"],
            expose_headers=OWN_HEADERS,
        )
    app.add_middleware(Guard, house=house, doorbell=app.state.doorbell)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    house: House = app.state.house
    following = asyncio.create_task(house.shelf.follow())
    # Its rules take a second to be read: not while somebody waits.
    reading = asyncio.create_task(asyncio.to_thread(compile_all))
    try:
        yield
    finally:
        following.cancel()
        await asyncio.gather(following, reading, return_exceptions=True)
        await house.shelf.close()


def _described(app: FastAPI) -> dict[str, Any]:
    """OpenAPI as it is: what is wrong with a request is answered with 400 and OpenAI's body, not with FastAPI's 422."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas["Error"] = ERROR
        refused = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
        for operations in schema["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
                for answer in operation["responses"].values():
                    # FastAPI takes a stream for one string.
                    answer.get("content", {}).get("text/event-stream", {}).pop("schema", None)
                operation["responses"]["default"] = {"description": "It was not done, and why.", **refused}
        app.openapi_schema = schema
    return app.openapi_schema


ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
