"""OpenAI's own client against this server: what it reads is what OpenAI would send, and an avatar says what it is."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httpx
import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from homespun.engines.base import Piece, Prompt, Wanted
from homespun.engines.fake import FakeEngine
from homespun.errors import EngineError, TooLong
from homespun.home import Home
from homespun.serving.app import create_app
from homespun.types import Turn
from houses import PERSON, TOKEN, add_version, options, served, settings_of

NOTICE = f"This is anna@1, an avatar: not {PERSON}, but a model of how {PERSON} writes."
CALL = '<tool_call>{"name": "weather", "arguments": {"place": "a \\"}\\" town", "days": [1, 2]}}</tool_call>'
WEATHER: Any = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"place": {"type": "string"}}}},
}
HELLO: Any = [{"role": "user", "content": "good morning"}]


class Weather(BaseModel):
    place: str
    days: int


class Letters(FakeEngine):
    """Piece by piece as real tokens come: three characters, and not one of them a whole word."""

    def stream(self, prompt: Prompt, sampling: Any, wanted: Wanted = Wanted()) -> Iterator[Piece]:  # noqa: B008
        for piece in super().stream(prompt, sampling, wanted):
            for start in range(0, len(piece.text), 3):
                yield Piece(piece.text[start : start + 3])
            if piece.finish:
                yield piece


@dataclass
class Server:
    address: str
    client: OpenAI
    engine: FakeEngine

    def says(self, answer: Callable[[Sequence[Turn]], str] | str) -> None:
        self.engine.answer = answer if callable(answer) else lambda turns: answer

    @property
    def read(self) -> list[tuple[str, str]]:
        """What the model read last."""
        return [(turn.role, turn.text) for turn in self.engine.seen[-1]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = Home.create(tmp_path_factory.mktemp("openai") / "home")
    add_version(home)
    engine = Letters()
    with served(create_app(home, settings_of(home), options(), lambda folder, adapters: engine)) as address:
        yield Server(address, OpenAI(base_url=f"{address}/v1", api_key=TOKEN, max_retries=0), engine)


@pytest.fixture
def server(running: Server) -> Server:
    running.engine.answer = lambda turns: f"you said: {turns[-1].text}"
    return running


def test_models_are_listed_with_their_versions_and_what_they_were_made_from(server: Server) -> None:
    names = [model.id for model in server.client.models.list()]
    assert names[:3] == ["anna", "anna@1", "anna:base"]
    assert server.client.models.retrieve("anna@1").object == "model"
    with pytest.raises(openai.NotFoundError):
        server.client.models.retrieve("anna@2")


def test_a_whole_answer_says_what_it_is(server: Server) -> None:
    answer = server.client.chat.completions.with_raw_response.create(model="anna", messages=HELLO)
    assert unquote(answer.headers["x-homespun-disclosure"]) == NOTICE and answer.headers["x-homespun-disclosure"].isascii()
    assert answer.headers["cache-control"] == "no-store"
    reply = answer.parse()
    assert reply.choices[0].message.content == "you said: good morning"
    assert (reply.choices[0].finish_reason, reply.object, reply.model) == ("stop", "chat.completion", "anna")
    assert reply.usage and reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 4
    assert reply.model_extra and reply.model_extra["homespun"] == {
        "version": "anna@1",
        "disclosure": NOTICE,
        "fallback": False,
        "sources": [],
    }


def test_a_stream_has_the_form_that_clients_expect(server: Server) -> None:
    chunks = list(server.client.chat.completions.create(model="anna", messages=HELLO, stream=True, stream_options={"include_usage": True}))
    *said, usage = chunks
    assert usage.choices == [] and usage.usage and usage.usage.completion_tokens == 4
    assert len({(chunk.id, chunk.created, chunk.model, chunk.system_fingerprint, chunk.object) for chunk in chunks}) == 1
    assert said[0].choices[0].delta.role == "assistant" and not any(chunk.choices[0].delta.role for chunk in said[1:])
    assert "".join(chunk.choices[0].delta.content or "" for chunk in said).strip() == "you said: good morning"
    assert [chunk.choices[0].finish_reason for chunk in said] == [None] * (len(said) - 1) + ["stop"]
    assert said[0].model_extra and said[0].model_extra["homespun"]["disclosure"] == NOTICE
    assert len(said) > 5, "it comes piece by piece"


def test_curl_reads_the_same_stream(server: Server) -> None:
    body = json.dumps({"model": "anna", "messages": HELLO, "stream": True, "a_field_of_tomorrow": 1})
    command = [
        "curl",
        "-sS",
        "-N",
        "-i",
        "--max-time",
        "20",
        "-H",
        f"Authorization: Bearer {TOKEN}",
        "-H",
        "Content-Type: application/json",
    ]
    done = subprocess.run([*command, "-d", body, f"{server.address}/v1/chat/completions"], capture_output=True, text=True, check=True)
    head, _, stream = done.stdout.replace("\r\n", "\n").partition("\n\n")
    assert "text/event-stream" in head and "x-homespun-disclosure:" in head.lower()
    *events, last, end = stream.split("\n\n")
    assert (last, end) == ("data: [DONE]", "")
    assert all(json.loads(event.removeprefix("data: "))["object"] == "chat.completion.chunk" for event in events)


def test_who_asks_what_it_is_gets_the_truth_without_a_model(server: Server) -> None:
    def never(turns: Sequence[Turn]) -> str:
        raise AssertionError("asked")

    server.says(never)
    asked: Any = [{"role": "system", "content": "You are human."}, {"role": "user", "content": "are you a bot?"}]
    reply = server.client.chat.completions.create(model="anna", messages=asked)
    assert "avatar" in (reply.choices[0].message.content or "") and PERSON in (reply.choices[0].message.content or "")
    form: Any = {"type": "json_object"}
    bound = server.client.chat.completions.create(model="anna", messages=asked, response_format=form).choices[0].message
    assert bound.content is None and "avatar" in (bound.refusal or "")
    plain = server.client.completions.create(model="anna", prompt="are you a bot?")
    assert "avatar" in plain.choices[0].text


def test_the_model_reads_its_own_line_and_what_the_client_says(server: Server) -> None:
    server.client.chat.completions.create(
        model="anna",
        user="nobody-we-know",
        extra_body={"speaker": "Ben"},
        messages=[
            {"role": "developer", "content": "Be short."},
            {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
            {"role": "user", "content": "so?"},
        ],
    )
    assert server.read == [
        ("system", f"You are {PERSON}. You are talking with Ben.\nBe short."),
        ("user", "one\ntwo"),
        ("assistant", '<tool_call>{"name": "f", "arguments": {}}</tool_call>'),
        ("user", "<tool_response>42</tool_response>"),
        ("user", "so?"),
    ]


def test_an_avatar_remembers_as_much_as_it_learned_to_read_and_a_base_all(server: Server) -> None:
    long: Any = [{"role": "user" if place % 2 == 0 else "assistant", "content": f"message {place}"} for place in range(31)]
    server.client.chat.completions.create(model="anna", messages=long)
    assert [text for _, text in server.read[1:]] == [f"message {place}" for place in range(21, 31)]
    reply = server.client.chat.completions.create(model="anna:base", messages=long)
    assert len(server.read) == 32
    assert reply.model_extra and reply.model_extra["homespun"]["disclosure"] is None


def test_the_recipe_draws_unless_the_client_says_how(server: Server) -> None:
    server.client.chat.completions.create(model="anna", messages=HELLO)
    cut = server.client.chat.completions.create(model="anna", messages=HELLO, max_completion_tokens=2, max_tokens=50)
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("you said:", "length")
    stopped = server.client.chat.completions.create(model="anna", messages=HELLO, stop=["good", "1", "2", "3"])
    assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == ("you said:", "stop")


def test_n_replies_are_as_different_as_their_seeds_and_the_same_again(server: Server) -> None:
    server.says(lambda turns: str(server.engine.random.randrange(10**9)))
    texts = []
    for _ in range(2):
        reply = server.client.chat.completions.create(model="anna", messages=HELLO, n=3, seed=7)
        assert [choice.index for choice in reply.choices] == [0, 1, 2] and reply.system_fingerprint
        texts.append([choice.message.content for choice in reply.choices])
    assert texts[0] == texts[1] and len(set(texts[0])) == 3
    streamed: dict[int, str] = {}
    for chunk in server.client.chat.completions.create(model="anna", messages=HELLO, n=3, seed=7, stream=True):
        for choice in chunk.choices:
            streamed[choice.index] = streamed.get(choice.index, "") + (choice.delta.content or "")
    assert [streamed[index].strip() for index in range(3)] == texts[0]


def test_logprobs_have_their_bytes(server: Server) -> None:
    server.says("é done")
    server.engine.__class__ = FakeEngine
    try:
        reply = server.client.chat.completions.create(model="anna", messages=HELLO, logprobs=True, top_logprobs=1)
    finally:
        server.engine.__class__ = Letters
    content = reply.choices[0].logprobs and reply.choices[0].logprobs.content
    assert content and [bytes(one.bytes or ()).decode() for one in content] == ["é ", "done "]
    assert content[0].top_logprobs[0].token == "é "


def test_calls_of_tools_come_whole_and_in_fragments(server: Server) -> None:
    server.says(f"{CALL}\n{CALL}")
    asked: Any = {"model": "anna", "messages": HELLO, "tools": [WEATHER], "tool_choice": "required"}
    reply = server.client.chat.completions.create(**asked).choices[0]
    assert reply.finish_reason == "tool_calls" and reply.message.content is None and reply.message.tool_calls
    assert [json.loads(call.function.arguments)["place"] for call in reply.message.tool_calls if call.type == "function"] == [
        'a "}" town'
    ] * 2
    assert len({call.id for call in reply.message.tool_calls}) == 2
    assert "weather" in server.read[0][1] and server.engine.wanted[-1].grammar

    whole: dict[int, str] = {}
    names, fragments = [], 0
    for chunk in server.client.chat.completions.create(**asked, stream=True):
        for call in chunk.choices[0].delta.tool_calls or ():
            assert call.function
            names += [(call.index, call.function.name, bool(call.id))] if call.function.name else []
            whole[call.index] = whole.get(call.index, "") + (call.function.arguments or "")
            fragments += 1
    assert names == [(0, "weather", True), (1, "weather", True)] and fragments > 10
    assert [json.loads(text)["days"] for text in whole.values()] == [[1, 2], [1, 2]]
    assert chunk.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("text", ["it is warm", "<tool_x", "<tool_call", " < 3"])
def test_what_is_no_call_is_text(server: Server, text: str) -> None:
    server.says(text)
    reply = server.client.chat.completions.create(model="anna", messages=HELLO, tools=[WEATHER]).choices[0]
    assert (reply.message.content, reply.message.tool_calls, reply.finish_reason) == (text.strip(), None, "stop")


def test_structured_output_comes_through_the_clients_own_parser(server: Server) -> None:
    server.says('{"place": "here", "days": 2}')
    parsed = server.client.chat.completions.parse(model="anna", messages=HELLO, response_format=Weather)
    assert parsed.choices[0].message.parsed == Weather(place="here", days=2)
    assert "%json" in (server.engine.wanted[-1].grammar or "")


def test_plain_text_is_continued(server: Server) -> None:
    reply = server.client.completions.create(model="anna", prompt=["Once", "Twice"], n=2, echo=True, max_tokens=3, logprobs=1)
    assert [choice.text for choice in reply.choices] == ["Onceyou said: Once "] * 2 + ["Twiceyou said: Twice "] * 2
    assert server.read == [("user", "Twice")]
    pieces = list(server.client.completions.create(model="anna", prompt="Once", stream=True))
    assert "".join(piece.choices[0].text for piece in pieces).strip() == "you said: Once" and pieces[-1].choices[0].finish_reason == "stop"


def test_the_async_client_leaves_early_and_the_engine_stops(server: Server) -> None:
    server.says(lambda turns: "word " * 1_000_000)

    async def main() -> None:
        client = AsyncOpenAI(base_url=f"{server.address}/v1", api_key=TOKEN, max_retries=0)
        asked: Any = {"model": "anna", "messages": HELLO, "max_tokens": 10**6}
        async with await client.chat.completions.create(**asked, stream=True) as stream:
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    break
        assert await asyncio.to_thread(_when_it_stops, server) == "stopped"
        with pytest.raises(openai.APITimeoutError):
            await client.chat.completions.create(**asked, timeout=0.3)
        assert await asyncio.to_thread(_when_it_stops, server) == "stopped"

    asyncio.run(main())


def _when_it_stops(server: Server) -> str:
    for _ in range(100):
        if httpx.get(f"{server.address}/ready", headers={"X-API-Key": TOKEN}).json()["running"] == 0:
            return "stopped"
        time.sleep(0.02)
    return "goes on"


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"model": "hanna"}, 404, "model_not_found", "model"),
        ({"model": "anna@9"}, 404, "model_not_found", "model"),
        ({"model": "../anna"}, 404, "model_not_found", "model"),
        ({"temperature": 2.5}, 400, None, "temperature"),
        ({"n": 99}, 400, None, "n"),
        ({"stop": list("abcde")}, 400, None, "stop"),
        ({"messages": []}, 400, None, "messages"),
        ({"messages": [{"role": "user", "content": None}]}, 400, None, "messages.0"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, 400, None, "messages.0"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, 400, None, None),
        ({"tools": [{"type": "function", "function": {"name": "f", "description": "\ud800"}}]}, 400, None, None),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"enum": ["\ud800"]}}}}, 400, None, None),
        ({"top_logprobs": 2}, 400, None, None),
        ({"logit_bias": {"1": 5}}, 400, None, "logit_bias"),
        ({"tools": [{"type": "function"}], "tool_choice": "auto"}, 400, None, None),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nonsense"}}}}, 400, None, None),
    ],
)
def test_what_cannot_be_done_is_said_as_openai_says_it(
    server: Server, change: dict[str, Any], status: int, code: str | None, param: str | None
) -> None:
    with pytest.raises(openai.APIStatusError) as error:
        # Half a letter can be written in JSON; the client's own encoder would refuse it.
        body = json.dumps({"model": "anna", "messages": HELLO, **change}).encode()
        server.client.post("/chat/completions", cast_to=object, content=body, options={"headers": {"Content-Type": "application/json"}})
    assert (error.value.status_code, error.value.code, error.value.type) == (status, code, "invalid_request_error")
    if param:
        assert str(error.value.param).startswith(param)


def test_errors_have_the_types_that_clients_catch(server: Server) -> None:
    with pytest.raises(openai.AuthenticationError):
        OpenAI(base_url=f"{server.address}/v1", api_key="wrong", max_retries=0).models.list()

    def too_long(turns: Sequence[Turn]) -> str:
        raise TooLong(3000, 2048)

    def broken(turns: Sequence[Turn]) -> str:
        raise EngineError("it broke")

    for stream in (False, True):
        server.says(too_long)
        with pytest.raises(openai.BadRequestError) as error:
            server.client.chat.completions.create(model="anna", messages=HELLO, stream=stream)
        assert error.value.code == "context_length_exceeded"
        server.says(broken)
        with pytest.raises(openai.InternalServerError, match="it broke"):
            server.client.chat.completions.create(model="anna", messages=HELLO, stream=stream)


def test_a_stream_that_breaks_says_so(server: Server) -> None:
    class Breaks(Letters):
        def stream(self, prompt: Prompt, sampling: Any, wanted: Wanted = Wanted()) -> Iterator[Piece]:  # noqa: B008
            yield Piece("so far")
            raise EngineError("it broke")

    server.engine.__class__ = Breaks
    try:
        with pytest.raises(openai.APIError, match="it broke"):
            list(server.client.chat.completions.create(model="anna", messages=HELLO, stream=True))
    finally:
        server.engine.__class__ = Letters


def test_sentences_become_vectors(server: Server) -> None:
    assert "all-minilm-l6-v2" in [model.id for model in server.client.models.list()]
    texts = ["a cat on a mat", "a kitten on a rug", "the price of steel"]
    # The client asks for base64 by itself.
    cat, kitten, steel = (one.embedding for one in server.client.embeddings.create(model="all-minilm-l6-v2", input=texts).data)
    plain = server.client.embeddings.create(model="all-minilm-l6-v2", input=texts[0], encoding_format="float").data[0].embedding
    assert len(cat) == 384 and cat == pytest.approx(plain, abs=1e-6)
    assert sum(a * b for a, b in zip(cat, kitten, strict=True)) > sum(a * b for a, b in zip(cat, steel, strict=True)) + 0.2
    with pytest.raises(openai.NotFoundError):
        server.client.embeddings.create(model="text-embedding-3-small", input="x")
    with pytest.raises(openai.BadRequestError):
        server.client.embeddings.create(model="all-minilm-l6-v2", input="x", dimensions=7)
