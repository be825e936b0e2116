"""Whether it is alive, whether it can answer, and what it counted."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from homespun.serving.house import House
from homespun.serving.metrics import CONTENT_TYPE

router = APIRouter(tags=["health"])


@router.get("/health")
async def health() -> dict[str, str]:
    """For whoever watches the process; without the token."""
    return {"status": "alive"}


@router.get("/ready", responses={503: {"description": "Nothing is loaded yet."}})
async def ready(request: Request) -> Response:
    """What is loaded, and who waits for it."""
    house: House = request.app.state.house
    engines = [{"base": one.base, "versions": list(one.versions), "users": one.users} for one in house.shelf.loaded()]
    failed = [{"version": title, "reason": reason} for title, reason in house.shelf.failures()]
    now: dict[str, Any] = {"running": house.lanes.running, "waiting": house.lanes.waiting}
    return JSONResponse({"ready": bool(engines), "engines": engines, "failed": failed, **now}, 200 if engines else 503)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """In the form that Prometheus reads."""
    house: House = request.app.state.house
    text = house.metrics.text(house.lanes.waiting, house.lanes.running, len(house.shelf.loaded()))
    return Response(text, media_type=CONTENT_TYPE)
