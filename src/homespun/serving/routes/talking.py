"""Everything about sessions, feedback and jobs as one router, with what it needs while the server runs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import anyio.to_thread
from fastapi import APIRouter, FastAPI

from homespun.database.connection import kept_open
from homespun.home import Home
from homespun.serving import jobs, store
from homespun.serving.routes import echo, feedback, sessions, socket
from homespun.serving.routes import jobs as jobs_routes


@contextlib.asynccontextmanager
async def _open(app: FastAPI) -> AsyncIterator[None]:
    with kept_open(app.state.house.home):
        await anyio.to_thread.run_sync(_recover, app.state.house.home)
        try:
            yield
        finally:
            await app.state.house.replies.close()


def _recover(home: Home) -> None:
    """What a server that was killed left behind."""
    store.recover(home)
    jobs.recover(home)


router = APIRouter(lifespan=_open)
for part in (echo, sessions, feedback, jobs_routes, socket):
    router.include_router(part.router)
