"""The echo routes: chat for programs that know nothing of tokens and turns. docs/api.md has them all."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import quote

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from homespun.errors import UnknownName, UsageError
from homespun.serving import jobs, store
from homespun.serving.access import client_of
from homespun.serving.conversation import LONGEST, LONGEST_NAME, Asked, Ended, Event, Failed, Looked, Queued, Said, Source, Started
from homespun.serving.house import House
from homespun.serving.openai.bodies import PRINTABLE
from homespun.serving.replies import Reply
from homespun.serving.replying import EventStream
from homespun.serving.routes.given import Id, TheHouse, TheReplies, model_meant

NEWEST = 100
"""Messages of the history that one answer holds."""

router = APIRouter(prefix="/api")


class EchoBody(BaseModel):
    message: str = Field(min_length=1, max_length=LONGEST)
    session_id: Id | None = None
    """None begins a new session."""
    model: str | None = Field(default=None, max_length=100)
    """A name, or MODEL@VERSION; by default the session's, or the only one there is."""
    speaker: str | None = Field(default=None, alias="with", max_length=LONGEST_NAME)


class ResetBody(BaseModel):
    session_id: Id


@dataclass(frozen=True, slots=True)
class EchoReply:
    reply: str
    session_id: str
    interaction_id: str
    """Of the reply, for feedback."""
    model_version: str
    response_source: str
    """`model`, or `base` where that answers in its place."""
    disclosure: str | None
    sources: tuple[Source, ...]
    finish_reason: str
    response_time_ms: int


@dataclass(frozen=True, slots=True)
class History:
    messages: list[store.Interaction]
    statistics: dict[str, int]


@dataclass(frozen=True, slots=True)
class Removed:
    deleted: int
    """Sessions."""


@dataclass(frozen=True, slots=True)
class TrainingStatus:
    job_id: str
    status: str
    """running, done, failed or cancelled."""
    progress: float
    """Of the training, from 0 to 1."""
    step: int | None
    steps: int | None
    loss: float | None
    """Of the newest step, nats per token."""
    validation_loss: float | None
    """The best so far."""
    started_at: str
    completed_at: str | None
    error: str | None
    version: str | None
    """What was made."""


@router.post("/ai-echo/chat")
async def chat(body: EchoBody, request: Request, response: Response, house: TheHouse, replies: TheReplies) -> EchoReply:
    """Say something and wait for all of the reply."""
    start = time.monotonic()
    reply = replies.start(house, await _asked(body, request, house))
    async with aclosing(reply.follow()) as events:
        async for _, event in events:
            if isinstance(event, Failed):
                raise event.error
    whole = _whole(reply, start)
    response.headers.update(_headers(reply))
    return whole


@router.post("/ai-echo/stream", response_class=EventStream)
async def stream(body: EchoBody, request: Request, house: TheHouse, replies: TheReplies) -> Response:
    """The same as server-sent events: connected, status, session_created, chunk, complete, error, end."""
    start = time.monotonic()
    reply = replies.start(house, await _asked(body, request, house))
    events = reply.follow()
    _, first = await anext(events)
    if isinstance(first, Failed):
        await events.aclose()
        raise first.error
    source = _told(first, events)
    headers = {} if isinstance(first, Queued) else _headers(reply)
    return EventStream(_events(reply, source, body.session_id is None, start), source, headers)


@router.get("/ai-echo/history")
async def history(
    house: TheHouse,
    conversation: Annotated[Id | None, Query(alias="conversationId")] = None,
    model: Annotated[str | None, Query(max_length=100)] = None,
) -> History:
    """The newest messages, oldest of them first: of one session, of a model, or all."""

    def read() -> History:
        messages = store.history(house.home, conversation, NEWEST) if conversation else store.latest(house.home, model, NEWEST)
        return History(messages, store.statistics(house.home, model))

    return await anyio.to_thread.run_sync(read)


@router.delete("/ai-echo/history")
async def forget(
    house: TheHouse,
    replies: TheReplies,
    conversation: Annotated[Id | None, Query(alias="conversationId")] = None,
    confirm: bool = False,
) -> Removed:
    """Delete one session, or with `confirm=true` all of them. What was said is overwritten on the disk."""
    if conversation is not None:
        await replies.stop(conversation)
        await anyio.to_thread.run_sync(store.remove, house.home, conversation)
        return Removed(1)
    if not confirm:
        raise UsageError("this deletes every session: say confirm=true, or name one as conversationId")
    await replies.close()
    return Removed(await anyio.to_thread.run_sync(store.remove_all, house.home))


@router.post("/ai-echo/reset-context")
async def reset(body: ResetBody, house: TheHouse) -> store.Stored:
    """From now on, nothing that was said so far is told to the model. It is still shown."""
    return await anyio.to_thread.run_sync(store.reset, house.home, body.session_id)


@router.get("/training/status")
async def training_status(house: TheHouse, job: Annotated[Id | None, Query(alias="jobId")] = None) -> TrainingStatus:
    """How a training goes: the one named, or the newest."""

    def find() -> jobs.Job:
        if job is not None:
            return jobs.get(house.home, job)
        newest = next((one for one in jobs.list_jobs(house.home) if one.verb == "train"), None)
        if newest is None:
            raise UnknownName("job", "train", (), hint="nothing was trained from here yet")
        return newest

    return _status(await anyio.to_thread.run_sync(find))


def _status(job: jobs.Job) -> TrainingStatus:
    now, result = job.progress, job.result or {}
    share = 1.0 if job.status == "done" else now.share if now else 0.0
    step, steps, loss, best = (now.step, now.steps, now.loss, now.validation) if now else (None, None, None, None)
    error, version = result.get("error"), result.get("version")
    return TrainingStatus(job.id, job.status, round(share, 4), step, steps, loss, best, job.created, job.ended, error, version)


async def _asked(body: EchoBody, request: Request, house: House) -> Asked:
    model = body.model
    if model is None and body.session_id:
        model = (await anyio.to_thread.run_sync(store.get, house.home, body.session_id)).model
    return Asked(await model_meant(house, model), body.message, body.session_id, body.speaker, client=client_of(request))


def _headers(reply: Reply) -> dict[str, str]:
    """As the OpenAI routes have them."""
    started = reply.started
    if started is None:
        return {}
    found = {"X-Homespun-Version": quote(started.version, safe=PRINTABLE)}
    if started.disclosure:
        found["X-Homespun-Disclosure"] = quote(started.disclosure, safe=PRINTABLE)
    return {**found, "X-Homespun-Fallback": "true"} if started.fallback else found


def _whole(reply: Reply, start: float) -> EchoReply:
    """Of one that has ended."""
    started, end = reply.started, reply.events[-1]
    if started is None or not isinstance(end, Ended):
        raise UsageError("the reply was stopped before it began: send the message again")
    sources = next((event.sources for event in reply.events if isinstance(event, Looked)), ())
    elapsed = round((time.monotonic() - start) * 1000)
    source = "base" if started.base else "model"
    return EchoReply(
        end.text, started.session, started.interaction, started.version, source, started.disclosure, sources, end.reason, elapsed
    )


async def _told(first: Event, events: AsyncGenerator[tuple[int, Event]]) -> AsyncGenerator[Event, None]:
    async with aclosing(events):
        yield first
        async for _, event in events:
            yield event


async def _events(reply: Reply, source: AsyncGenerator[Event, None], new: bool, start: float) -> AsyncGenerator[str, None]:
    yield _sse("connected", {})
    async for event in source:
        match event:
            case Queued(position):
                yield _sse("status", {"status": "queued", "position": position})
            case Started():
                if new:
                    yield _sse("session_created", {"session_id": event.session})
                about = {"interaction_id": event.interaction, "model_version": event.version, "disclosure": event.disclosure}
                yield _sse("status", {"status": "writing", **about})
            case Said(text):
                yield _sse("chunk", {"content": text})
            case Ended() if reply.started:
                yield _sse("complete", asdict(_whole(reply, start)))
            case Failed():
                yield _sse("error", {"code": event.code, "message": event.message})
    yield _sse("end", {})


def _sse(name: str, data: Mapping[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
