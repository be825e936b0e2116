"""Sessions over HTTP: list, read, export, delete, stop."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Query, Response

from homespun.serving import store
from homespun.serving.routes.given import Id, TheHouse, TheReplies

MOST = 1000
"""Rows of one answer."""

router = APIRouter(prefix="/api/ai-echo/sessions")

Limit = Annotated[int, Query(ge=1, le=MOST)]


@dataclass(frozen=True, slots=True)
class Opened:
    session: store.Stored
    messages: list[store.Interaction]
    """The newest, oldest of them first."""


@dataclass(frozen=True, slots=True)
class Stopped:
    stopped: bool
    """Whether a reply was being written."""


@router.get("")
async def list_sessions(
    house: TheHouse,
    model: Annotated[str | None, Query(max_length=100)] = None,
    limit: Limit = 50,
    start: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> list[store.Stored]:
    """The newest first."""
    return await anyio.to_thread.run_sync(store.sessions_of, house.home, model, limit, start)


@router.get("/{session}")
async def read_session(
    session: Id, house: TheHouse, limit: Limit = 100, before: Annotated[int | None, Query(ge=0, le=1 << 53)] = None
) -> Opened:
    """Args:
    before: only messages before this position; the first of one answer gives the next.
    """

    def read() -> Opened:
        return Opened(store.get(house.home, session), store.history(house.home, session, limit, before))

    return await anyio.to_thread.run_sync(read)


@router.get("/{session}/export", response_class=Response, responses={200: {"content": {"application/jsonl": {}}}})
async def export_session(session: Id, house: TheHouse) -> Response:
    """JSONL, as `homespun add` reads it."""
    rows = await anyio.to_thread.run_sync(store.export, house.home, session)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return Response(lines, media_type="application/jsonl", headers={"Content-Disposition": f'attachment; filename="{session}.jsonl"'})


@router.post("/{session}/stop")
async def stop_reply(session: Id, house: TheHouse, replies: TheReplies) -> Stopped:
    """End the reply that is being written; what it said stays."""
    stored = await anyio.to_thread.run_sync(store.get, house.home, session)
    if await replies.stop(session):
        return Stopped(True)
    if stored.writing:
        await anyio.to_thread.run_sync(store.release, house.home, session)
    return Stopped(stored.writing)


@router.delete("/{session}", status_code=204)
async def delete_session(session: Id, house: TheHouse, replies: TheReplies) -> None:
    """With all that was said and thought in it; overwritten on the disk."""
    await replies.stop(session)
    await anyio.to_thread.run_sync(store.remove, house.home, session)
