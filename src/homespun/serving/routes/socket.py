"""Chat over a WebSocket: JSON frames, docs/api.md has the protocol.

A reply belongs to the server, not to the line it is asked on: when that drops, the reply goes on, and whoever comes back resumes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, Literal, ParamSpec, TypeVar

import anyio
import anyio.abc
import anyio.to_thread
from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.websockets import WebSocketDisconnect

from homespun.errors import HomespunError, UsageError
from homespun.serving import store
from homespun.serving.access import client_of
from homespun.serving.conversation import Asked, Ended, Event, Failed, Looked, Queued, Said, Started, failure
from homespun.serving.disclosure import notice
from homespun.serving.house import House
from homespun.serving.replies import Replies, Reply
from homespun.serving.routes.given import TheHouse, TheReplies, model_meant

LARGEST = 128 * 1024
"""Characters of a frame. A larger one gets an error, unless the server does not even read it (`ws_max_size`)."""
MISTAKES = 8
"""Frames that cannot be read, until the line is closed."""
HELLO_SECONDS = 15.0
SEND_SECONDS = 20.0
"""For the other side to read what is sent; the network holds some of it meanwhile."""
BAD_FRAMES, NO_HELLO, TOO_SLOW = 1008, 4001, 4008
"""Close codes."""

P = ParamSpec("P")
T = TypeVar("T")

router = APIRouter()


class _Frame(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Hello(_Frame):
    """The first frame: a new session with a model, or one that is there."""

    type: Literal["hello"]
    model: str | None = Field(default=None, max_length=100)
    session: str | None = Field(default=None, max_length=64)
    speaker: str | None = Field(default=None, alias="with", max_length=100)
    base: bool = False


class Resume(_Frame):
    """Or the first frame of a line after one that dropped: the frames of the newest reply behind number `after`."""

    type: Literal["resume"]
    session: str = Field(max_length=64)
    reply: str | None = Field(default=None, max_length=64)
    """The one in which `after` counts. If the newest is another, all of that is sent."""
    after: int = Field(default=0, ge=0)
    base: bool = False


class Message(_Frame):
    type: Literal["message"]
    text: str = ""
    replaces: str | None = Field(default=None, max_length=64)


class Cancel(_Frame):
    type: Literal["cancel"]


class Ping(_Frame):
    type: Literal["ping"]


Sent = Annotated[Hello | Resume | Message | Cancel | Ping, Field(discriminator="type")]
Frame: TypeAdapter[Hello | Resume | Message | Cancel | Ping] = TypeAdapter(Sent)


class _Closed(Exception):
    """The line is to be closed."""

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(reason)


@router.websocket("/ws/chat")
async def chat(websocket: WebSocket, house: TheHouse, replies: TheReplies) -> None:
    await websocket.accept()
    line = _Line(websocket, house, replies)
    await line.serve()
    # Somebody who does not read does not read this either, and somebody who left is not there.
    with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
        async with asyncio.timeout(1):
            await websocket.close(line.end.code, line.end.reason)


class _Line:
    """One connection: it is in one session at a time."""

    def __init__(self, websocket: WebSocket, house: House, replies: Replies) -> None:
        self.websocket, self.house, self.replies = websocket, house, replies
        self.session: store.Stored | None = None
        self.asked_of = ""
        """A model or a version."""
        self.base = False
        self.mistakes = 0
        self.end = _Closed(1000, "")
        self.following = anyio.CancelScope()
        self.one_by_one = anyio.Lock()
        """The end of a reply is sent before the next one's beginning."""
        self.tasks: anyio.abc.TaskGroup

    async def serve(self) -> None:
        async with anyio.create_task_group() as self.tasks:
            await self._unless_it_ends(self._read)

    async def _unless_it_ends(self, work: Callable[[], Awaitable[None]]) -> None:
        """Whatever ends the line ends all that is done for it."""
        try:
            await work()
        except (_Closed, WebSocketDisconnect) as error:
            self.end = error if isinstance(error, _Closed) else self.end
            self.tasks.cancel_scope.cancel()

    async def _read(self) -> None:
        while True:
            try:
                async with asyncio.timeout(None if self.session else HELLO_SECONDS):
                    message = await self.websocket.receive()
            except TimeoutError:
                raise _Closed(NO_HELLO, "say hello first") from None
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            try:
                await self._take(_parsed(message.get("text")))
            except UsageError as error:
                await self._refuse(error)
                self.mistakes += 1
                if self.mistakes >= MISTAKES:
                    raise _Closed(BAD_FRAMES, "too many frames that cannot be read") from None
            except HomespunError as error:
                await self._refuse(error)

    async def _take(self, frame: Hello | Resume | Message | Cancel | Ping) -> None:
        match frame:
            case Ping():
                await self._send({"type": "pong"})
            case Hello():
                await self._hello(frame)
            case Resume():
                await self._resume(frame)
            case Message():
                self._message(frame)
            case Cancel():
                await self._cancel()

    async def _hello(self, frame: Hello) -> None:
        if frame.session is None:
            self.house.limits.take(client_of(self.websocket))
            model = await model_meant(self.house, frame.model)
            await self._enter(await _in_thread(store.create, self.house.home, model, frame.speaker), frame.base, model)
        else:
            await self._enter(await _in_thread(store.get, self.house.home, frame.session), frame.base, frame.model)

    async def _resume(self, frame: Resume) -> None:
        session = await _in_thread(store.get, self.house.home, frame.session)
        await self._enter(session, frame.base)
        if reply := self.replies.of(session.id):
            same = frame.reply is None or (reply.started is not None and reply.started.interaction == frame.reply)
            self._follow(reply, frame.after if same else 0)
            return
        turns = await _in_thread(store.history, self.house.home, session.id, 1)
        if turns and turns[-1].role == "assistant" and turns[-1].status != "writing":
            reason = "stop" if turns[-1].status == "complete" else turns[-1].status
            await self._send({"type": "ended", "n": None, "reply": turns[-1].id, "reason": reason, "text": turns[-1].text})

    async def _enter(self, session: store.Stored, base: bool, asked_of: str | None = None) -> None:
        self.following.cancel()
        known = {model.name: model for model, _ in await self.house.shelf.models()}
        model, version = known.get(session.model), await self.house.shelf.version(asked_of or session.model)
        avatar = model is not None and model.recipe.kind == "avatar" and not base
        self.session, self.base, self.asked_of = session, base, asked_of or session.model
        await self._send(
            {
                "type": "hello",
                "session": session.id,
                "model": session.model,
                "version": version.title,
                "with": session.speaker,
                "disclosure": notice(model.person, version.title) if model and avatar else None,
                "writing": session.writing,
            }
        )

    def _message(self, frame: Message) -> None:
        session = self._in_session()
        client = client_of(self.websocket)
        asked = Asked(self.asked_of, frame.text, session.id, base=self.base, client=client, replaces=frame.replaces)
        self._follow(self.replies.start(self.house, asked), 0)

    async def _cancel(self) -> None:
        session = self._in_session()
        if not await self.replies.stop(session.id) and (await _in_thread(store.get, self.house.home, session.id)).writing:
            await _in_thread(store.release, self.house.home, session.id)

    def _in_session(self) -> store.Stored:
        if self.session is None:
            raise UsageError('there is no session yet: begin with {"type": "hello", "model": "…"}')
        return self.session

    def _follow(self, reply: Reply, after: int) -> None:
        self.following = anyio.CancelScope()
        self.tasks.start_soon(self._unless_it_ends, partial(self._send_all, reply, after, self.following))

    async def _send_all(self, reply: Reply, after: int, scope: anyio.CancelScope) -> None:
        with scope:
            async with self.one_by_one:
                await self._send_each(reply, after)

    async def _send_each(self, reply: Reply, after: int) -> None:
        writing = reply.over is None
        if writing:
            await self._send({"type": "typing", "on": True})
        async with aclosing(reply.follow(after)) as events:
            async for number, event in events:
                await self._send({**frame_of(event), "n": number})
        if writing:
            await self._send({"type": "typing", "on": False})

    async def _refuse(self, error: HomespunError) -> None:
        await self._send(frame_of(failure(error)))

    async def _send(self, frame: Mapping[str, Any]) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.websocket.send_text(json.dumps(frame, ensure_ascii=False))
        except TimeoutError:
            raise _Closed(TOO_SLOW, "you read too slowly; the reply is kept") from None


def frame_of(event: Event) -> dict[str, Any]:
    match event:
        case Queued(position):
            return {"type": "queued", "position": position}
        case Started():
            values = asdict(event)
            return {"type": "started", "reply": values.pop("interaction"), **values}
        case Said(text):
            return {"type": "token", "text": text}
        case Looked(sources):
            return {"type": "sources", "sources": [asdict(source) for source in sources]}
        case Ended(reason, text):
            return {"type": "ended", "reason": reason, "text": text}
        case Failed():
            waits = {"retry_after": event.retry_after} if event.retry_after else {}
            return {"type": "error", "code": event.code, "message": event.message, **waits}


def _parsed(text: str | None) -> Hello | Resume | Message | Cancel | Ping:
    """Raises UsageError, in one line without what was sent."""
    if text is None:
        raise UsageError("frames are text with JSON: this one is binary")
    if len(text) > LARGEST:
        raise UsageError(f"a frame has at most {LARGEST:,} characters: say it in parts")
    try:
        return Frame.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        if first["type"] == "json_invalid":
            raise UsageError("this frame is not valid JSON") from None
        if first["type"].startswith("union_tag"):
            raise UsageError('a frame has a "type": hello, resume, message, cancel or ping') from None
        where = ".".join(str(part) for part in first["loc"][1:]) or "frame"
        raise UsageError(f"{where}: {first['msg']}") from None


async def _in_thread(function: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    return await anyio.to_thread.run_sync(partial(function, *given, **named))
