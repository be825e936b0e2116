"""The server as a whole: what its description says is what it does, it stays quick while it writes, and it counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from homespun.home import Home
from homespun.serving.app import create_app
from homespun.types import Turn
from houses import TOKEN, Slow, add_version, options, served, settings_of

BEARER = {"Authorization": f"Bearer {TOKEN}"}
HERE = "http://127.0.0.1:8420"
FEW, MANY = 4, 100
"""Requests that are made up for each operation."""


@pytest.fixture
def slow(home: Home) -> Iterator[str]:
    """A server whose replies take two seconds."""
    add_version(home)

    def answer(turns: Sequence[Turn]) -> str:
        return "no" if turns[-1].text == "Hello" else "word " * 40

    app = create_app(home, settings_of(home), options(slots=10), lambda folder, adapters: Slow(adapters, answer, 0.05))
    with served(app) as address:
        yield address


def test_everything_else_stays_quick_while_ten_replies_are_written(slow: str) -> None:
    body = {"model": "anna", "stream": True, "messages": [{"role": "user", "content": "tell me"}]}

    async def read(client: httpx.AsyncClient) -> int:
        async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            return len([line async for line in answer.aiter_lines() if "content" in line])

    async def main() -> tuple[list[int], list[float], str]:
        async with httpx.AsyncClient(base_url=slow, headers=BEARER, timeout=60) as client:
            await client.post("/v1/chat/completions", json={**body, "stream": False, "max_tokens": 1})
            streams = [asyncio.create_task(read(client)) for _ in range(10)]
            await asyncio.sleep(0.5)
            seconds = []
            for path in ("/health", "/ready", "/v1/models", "/metrics", "/v1/models/anna@1") * 6:
                start = time.perf_counter()
                assert (await client.get(path)).status_code == 200
                seconds.append(time.perf_counter() - start)
            counted = (await client.get("/metrics")).text
            assert not any(stream.done() for stream in streams), "they were being written all the while"
            return await asyncio.gather(*streams), seconds, counted

    chunks, seconds, counted = asyncio.run(main())
    assert min(chunks) >= 40
    assert sorted(seconds)[-3] < 0.2
    assert "homespun_running 10.0" in counted and 'homespun_requests_total{route="/v1/models/{model}",status="200"}' in counted


def test_too_many_are_sent_away_and_told_when_to_come_back(home: Home) -> None:
    add_version(home)
    body = {"model": "anna", "messages": [{"role": "user", "content": "tell me"}]}
    app = create_app(home, settings_of(home), options(slots=1, waiting=2), lambda folder, adapters: Slow(adapters, pause=0.1))

    async def main() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=address, headers=BEARER, timeout=60) as client:
            await client.post("/v1/chat/completions", json=body)
            return await asyncio.gather(*(client.post("/v1/chat/completions", json=body) for _ in range(6)))

    with served(app) as address:
        answers = asyncio.run(main())
        assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429, 429, 429]
        sent_away = next(answer for answer in answers if answer.status_code == 429)
        assert int(sent_away.headers["retry-after"]) >= 1 and sent_away.json()["error"]["code"] == "rate_limit_exceeded"
        assert asyncio.run(main())[0].status_code == 200, "and the line is empty again"


def test_without_an_engine_it_is_alive_and_not_ready(home: Home) -> None:
    add_version(home)

    def none(folder: object, adapters: object) -> Slow:
        raise RuntimeError("out of memory")

    with TestClient(create_app(home, settings_of(home), options(), none), base_url=HERE, headers=BEARER) as client:
        answer = client.post("/v1/chat/completions", json={"model": "anna", "messages": [{"role": "user", "content": "hello"}]})
        assert answer.status_code == 503 and answer.headers["retry-after"]
        assert client.get("/ready").status_code == 503 and client.get("/health").json() == {"status": "alive"}


@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_whatever_is_asked_is_answered_as_described(home: Home, examples: int) -> None:
    """Schemathesis makes up requests from the description, right and wrong ones: none may be answered with an error of the server."""
    add_version(home)
    app = create_app(home, settings_of(home), options(), lambda folder, adapters: Slow(adapters))
    tried = 0
    with TestClient(app, base_url=HERE, headers=BEARER) as client:
        schema = schemathesis.openapi.from_dict(client.get("/api/openapi.json").json())
        for found in schema.get_all_operations():
            operation = found.ok()  # type: ignore[union-attr]
            if operation.path != "/api/jobs":
                _try(operation, client, examples)
                tried += 1
    assert tried >= 20


def _try(operation: Any, client: TestClient, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def attempt(case: Any) -> None:
        answer = client.request(**{**case.as_transport_kwargs(base_url=HERE), "cookies": None})
        assert answer.status_code < 500, operation.label
        if answer.status_code >= 400:
            assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
        # What a schema cannot say, such as that top_logprobs needs logprobs, may be refused too.
        case.validate_response(answer, excluded_checks=[positive_data_acceptance])

    attempt()
