"""OpenAI's routes for models and replies: `NAME` is a model's live version, `NAME@3` its third, `NAME:base` what it was made from."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from homespun.corpus import people
from homespun.engines import grammar
from homespun.engines.base import Usage, Wanted
from homespun.errors import HomespunError, UnknownName
from homespun.serving.access import client_of
from homespun.serving.house import House
from homespun.serving.openai import embeddings
from homespun.serving.openai import tools as calling
from homespun.serving.openai.bodies import Body, Frame, frame, headers, model_body, usage
from homespun.serving.openai.choices import ChatChoice, Choice, TextChoice
from homespun.serving.openai.tools import CallReader
from homespun.serving.openai.types import WITHIN_A_FORM, ChatMessage, ChatRequest, CompletionRequest, Drawing
from homespun.serving.prompt import prepare, prepare_text
from homespun.serving.refusals import failed
from homespun.serving.replying import Ask, Begun, EventStream, Part, replies, unless_gone
from homespun.serving.shelf import Borrowed
from homespun.types import Turn

router = APIRouter(prefix="/v1", tags=["OpenAI"])

BASE = ":base"
TEXT_TOKENS = 16
"""Of a completion, where the client says nothing: OpenAI's number."""
STREAMS: dict[int | str, dict[str, object]] = {200: {"content": {"text/event-stream": {}}}}
GONE = 499
"""Nobody reads it; nginx's number for a client that left."""


@router.get("/models")
async def models(request: Request) -> Body:
    """Every model by its name (its live version), its versions, what it was made from, and what embeds."""
    house: House = request.app.state.house
    return {"object": "list", "data": await _models(house)}


@router.get("/models/{model}")
async def model(request: Request, model: str) -> Body:
    listed = {one["id"]: one for one in await _models(request.app.state.house)}
    if model not in listed:
        raise UnknownName("model", model, listed)
    return listed[model]


async def _models(house: House) -> list[Body]:
    found = []
    for model, versions in await house.shelf.models():
        if versions:
            created = {version.title: int(datetime.fromisoformat(version.created).timestamp()) for version in versions}
            names = (model.name, *created, f"{model.name}{BASE}")
            found += [model_body(name, created.get(name, max(created.values()))) for name in names]
    return found + embeddings.models()


@router.post("/chat/completions", responses=STREAMS)
async def chat(request: Request, wanted: ChatRequest) -> Response:
    house: House = request.app.state.house

    def asks(borrowed: Borrowed) -> list[Ask]:
        return _chat_asks(house, wanted, borrowed)

    def choice(index: int, ask: Ask) -> Choice:
        reader = CallReader() if wanted.tools and ask.prepared.said is None else None
        return ChatChoice(index, bool(wanted.logprobs), reader, wanted.wants_json and ask.prepared.said is not None)

    return await _answered(request, wanted, "chat.completion", asks, choice)


@router.post("/completions", responses=STREAMS)
async def complete(request: Request, wanted: CompletionRequest) -> Response:
    def asks(borrowed: Borrowed) -> list[Ask]:
        sampling = wanted.sampling(borrowed.opened.recipe.sampling, TEXT_TOKENS)
        return [
            Ask(prepare_text(borrowed.opened, prompt), one, Wanted(logprobs=wanted.logprobs))
            for prompt in wanted.prompts
            for one in wanted.seeded(sampling)
        ]

    def choice(index: int, ask: Ask) -> Choice:
        echo = wanted.prompts[index // (wanted.n or 1)] if wanted.echo else ""
        return TextChoice(index, wanted.logprobs is not None, echo)

    return await _answered(request, wanted, "text_completion", asks, choice)


def _chat_asks(house: House, wanted: ChatRequest, borrowed: Borrowed) -> list[Ask]:
    opened = borrowed.opened
    form = _form(wanted)
    prepared = prepare(opened, _turns(wanted), wanted.speaker or _known(house, wanted.user), whole=not opened.is_avatar)
    sampling = wanted.sampling(opened.recipe.sampling, WITHIN_A_FORM if form else None)
    asked = Wanted(grammar=form, logprobs=(wanted.top_logprobs or 0) if wanted.logprobs else None)
    return [Ask(prepared, one, asked) for one in wanted.seeded(sampling)]


def _known(house: House, user: str | None) -> str | None:
    """Who an OpenAI client speaks for, if that is the name of somebody here and not, say, a number of an account."""
    try:
        return people.find_person(house.home, user) if user and user != people.ME else None
    except UnknownName:
        return None


def _form(wanted: ChatRequest) -> str | None:
    """The grammar that the reply must follow."""
    if wanted.tools and wanted.tool_choice != "none":
        return grammar.of_tools(wanted.tools, wanted.tool_choice or "auto", parallel=wanted.parallel_tool_calls is not False)
    if wanted.response_format is None or not wanted.wants_json:
        return None
    schema = wanted.response_format.json_schema
    return grammar.of_schema(schema.schema_ if schema else grammar.ANYTHING)


def _turns(wanted: ChatRequest) -> list[Turn]:
    tools = [Turn("system", calling.told(wanted.tools))] if wanted.tools and wanted.tool_choice != "none" else []
    return tools + [_turn(message) for message in wanted.messages]


def _turn(message: ChatMessage) -> Turn:
    if message.role == "tool":
        return Turn("user", calling.answered(message.text))
    if message.role == "assistant":
        return Turn("assistant", "\n".join(part for part in (message.text, calling.written(message.tool_calls or ())) if part))
    return Turn("user" if message.role == "user" else "system", message.text)


async def _answered(
    request: Request, wanted: Drawing, kind: str, asks: Callable[[Borrowed], Sequence[Ask]], choice: Callable[[int, Ask], Choice]
) -> Response:
    """What was asked for, whole or as a stream. A stream begins with its first token: what goes wrong before has a status of its own."""
    title = wanted.model.removesuffix(BASE)
    source = replies(request.app.state.house, client_of(request), title, wanted.model != title, asks)
    if not wanted.stream:
        return await unless_gone(request, _whole(source, wanted, kind, choice)) or Response(status_code=GONE)
    start = await unless_gone(request, _start(source))
    if start is None:
        return Response(status_code=GONE)
    begun, first = start
    shape = frame(kind, wanted.model, begun.borrowed, begun.asks[0].prepared)
    choices = [choice(index, ask) for index, ask in enumerate(begun.asks)]
    return EventStream(_events(source, first, shape, choices, wanted.with_usage), source, headers(begun.borrowed))


async def _start(source: AsyncGenerator[Begun | Part, None]) -> tuple[Begun, Part]:
    begun, first = await anext(source), await anext(source)
    assert isinstance(begun, Begun) and isinstance(first, Part)
    return begun, first


async def _whole(source: AsyncGenerator[Begun | Part, None], wanted: Drawing, kind: str, choice: Callable[[int, Ask], Choice]) -> Response:
    async with aclosing(source):
        begun = await anext(source)
        assert isinstance(begun, Begun)
        choices = [choice(index, ask) for index, ask in enumerate(begun.asks)]
        for one in choices:
            list(one.opening())
        used: list[Usage] = []
        async for part in source:
            assert isinstance(part, Part)
            list(choices[part.index].feed(part.piece))
            used += [part.piece.usage] if part.piece.usage else []
    shape = frame(kind, wanted.model, begun.borrowed, begun.asks[0].prepared)
    answer = shape.body([one.whole() for one in choices], usage=usage(used), homespun=shape.about)
    return JSONResponse(answer, headers=headers(begun.borrowed))


async def _events(
    source: AsyncGenerator[Begun | Part, None], first: Part, shape: Frame, choices: Sequence[Choice], with_usage: bool
) -> AsyncGenerator[str, None]:
    used: list[Usage] = []
    more = {"usage": None} if with_usage else {}
    try:
        for one in choices:
            for body in one.opening():
                yield _event(shape.body([body], chunk=True, **more, homespun=shape.about))
        part: Begun | Part | None = first
        while isinstance(part, Part):
            for body in choices[part.index].feed(part.piece):
                yield _event(shape.body([body], chunk=True, **more))
            used += [part.piece.usage] if part.piece.usage else []
            part = await anext(source, None)
        if with_usage:
            yield _event(shape.body([], chunk=True, usage=usage(used)))
        yield "data: [DONE]\n\n"
    except HomespunError as error:
        yield _event(failed(error))


def _event(body: Body) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False, separators=(',', ':'))}\n\n"
