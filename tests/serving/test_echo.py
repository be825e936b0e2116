"""The echo routes, sessions and feedback over HTTP, as another program uses them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import AUTH, SlowEngine, anna, serving

from homespun.config import Recipe
from homespun.home import Home
from homespun.registry import versions
from homespun.serving import store


@pytest.fixture
def engine() -> SlowEngine:
    return SlowEngine()


@pytest.fixture
def client(home: Home, base_folder: Path, engine: SlowEngine) -> Iterator[httpx.Client]:
    anna(home)
    with serving(home, engine) as server, httpx.Client(base_url=server.http, headers=AUTH, timeout=60) as made:
        yield made


def said(client: httpx.Client, message: str, **more: object) -> dict[str, Any]:
    answer = client.post("/api/ai-echo/chat", json={"message": message, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def events(client: httpx.Client, **body: object) -> list[tuple[str, dict[str, Any]]]:
    with client.stream("POST", "/api/ai-echo/stream", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = "".join(answer.iter_text())
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def test_a_message_is_answered_with_all_that_is_promised(client: httpx.Client, engine: SlowEngine) -> None:
    answer = client.post("/api/ai-echo/chat", json={"message": "hello", "with": "Ben", "userId": "ignored"})
    first = answer.json()
    assert first["reply"] == "you said: hello" and first["model_version"] == "anna@1" and first["response_source"] == "model"
    assert first["disclosure"].startswith("This is anna@1") and first["sources"] == [] and first["finish_reason"] == "stop"
    assert isinstance(first["response_time_ms"], int)
    assert answer.headers["x-homespun-version"] == "anna%401" or answer.headers["x-homespun-version"] == "anna@1"
    assert "avatar" in answer.headers["x-homespun-disclosure"]
    again = said(client, "and again", session_id=first["session_id"])
    assert again["session_id"] == first["session_id"]
    assert [turn.text for turn in engine.seen[-1]][1:] == ["hello", "you said: hello", "and again"]
    assert "with Ben" in engine.seen[-1][0].text


def test_a_stream_has_the_events_of_the_original(client: httpx.Client) -> None:
    found = events(client, message="one two three")
    names = [name for name, _ in found]
    assert names == ["connected", "session_created", "status", *["chunk"] * 5, "complete", "end"]
    complete = found[-2][1]
    assert "".join(data["content"] for name, data in found if name == "chunk").strip() == complete["reply"]
    assert found[1][1] == {"session_id": complete["session_id"]}
    assert "session_created" not in [name for name, _ in events(client, message="more", session_id=complete["session_id"])]


def test_history_reset_export_and_deletion(client: httpx.Client, engine: SlowEngine) -> None:
    session = said(client, "one")["session_id"]
    other = said(client, "elsewhere")["session_id"]
    said(client, "two", session_id=session)
    whole = client.get("/api/ai-echo/history").json()
    assert [turn["text"] for turn in whole["messages"]] == [
        *("one", "you said: one", "elsewhere", "you said: elsewhere", "two", "you said: two")
    ]
    assert whole["statistics"] == {"sessions": 2, "messages": 6}
    alone = client.get("/api/ai-echo/history", params={"conversationId": session}).json()["messages"]
    assert [turn["text"] for turn in alone] == ["one", "you said: one", "two", "you said: two"]

    assert client.post("/api/ai-echo/reset-context", json={"session_id": session}).json()["since"] == 4
    said(client, "afresh", session_id=session)
    assert [turn.text for turn in engine.seen[-1]][1:] == ["afresh"]

    assert [one["id"] for one in client.get("/api/ai-echo/sessions").json()] == [session, other]
    assert [one["first"] for one in client.get("/api/ai-echo/sessions", params={"limit": 1, "start": 1}).json()] == ["elsewhere"]
    page = client.get(f"/api/ai-echo/sessions/{session}", params={"limit": 2, "before": 4}).json()
    assert page["session"]["model"] == "anna" and [turn["text"] for turn in page["messages"]] == ["two", "you said: two"]
    lines = client.get(f"/api/ai-echo/sessions/{session}/export").text.splitlines()
    assert [json.loads(line)["speaker"] for line in lines] == ["You", "Anna"] * 3

    assert client.delete("/api/ai-echo/history").status_code == 400
    assert client.delete(f"/api/ai-echo/sessions/{other}").status_code == 204
    assert client.delete("/api/ai-echo/history", params={"conversationId": session}).json() == {"deleted": 1}
    said(client, "again")
    assert client.delete("/api/ai-echo/history", params={"confirm": "true"}).json() == {"deleted": 1}
    assert client.get("/api/ai-echo/history").json() == {"messages": [], "statistics": {"sessions": 0, "messages": 0}}


@pytest.mark.parametrize(
    ("status", "method", "path", "body"),
    [
        (400, "POST", "/api/ai-echo/chat", {}),
        (400, "POST", "/api/ai-echo/chat", {"message": ""}),
        (400, "POST", "/api/ai-echo/chat", {"message": "   "}),
        (400, "POST", "/api/ai-echo/chat", {"message": 7}),
        (400, "POST", "/api/ai-echo/chat", {"message": "x" * 16_001}),
        (400, "POST", "/api/ai-echo/chat", {"message": "hi", "session_id": "../../etc/passwd"}),
        (404, "POST", "/api/ai-echo/chat", {"message": "hi", "session_id": "0" * 32}),
        (404, "POST", "/api/ai-echo/chat", {"message": "hi", "model": "nobody"}),
        (404, "POST", "/api/ai-echo/stream", {"message": "hi", "model": "anna@7"}),
        (404, "POST", "/api/ai-echo/reset-context", {"session_id": "0" * 32}),
        (404, "GET", f"/api/ai-echo/sessions/{'0' * 32}", None),
        (404, "GET", f"/api/ai-echo/sessions/{'0' * 32}/export", None),
        (404, "DELETE", f"/api/ai-echo/sessions/{'0' * 32}", None),
        (400, "GET", "/api/ai-echo/sessions/no-id", None),
        (400, "GET", "/api/ai-echo/sessions?limit=0", None),
        (404, "GET", f"/api/training/status?jobId={'0' * 32}", None),
        (404, "GET", "/api/training/status", None),
        (404, "POST", "/api/feedback", {"interaction": "0" * 32, "kind": "up"}),
        (400, "POST", "/api/feedback", {"interaction": "0" * 32, "kind": "meh"}),
        (404, "POST", "/api/jobs", {"verb": "forget", "arguments": {}}),
        (404, "POST", "/api/jobs", {"verb": "train", "arguments": {"model": "anna", "home": "/"}}),
        (400, "POST", "/api/jobs", {"verb": "train", "arguments": {"model": "--help"}}),
        (404, "POST", f"/api/jobs/{'0' * 32}/cancel", None),
        (400, "POST", "/api/uploads?name=x.txt", None),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(client: httpx.Client, status: int, method: str, path: str, body: object) -> None:
    answer = client.request(method, path, json=body) if body is not None else client.request(method, path)
    assert answer.status_code == status, answer.text
    message = answer.json()["error"]["message"]
    assert message and "\n" not in message


def test_of_two_models_one_has_to_be_named(client: httpx.Client, home: Home) -> None:
    session = said(client, "hi")["session_id"]
    versions.put_model(home, "ben", "Ben", Recipe())
    answer = None
    for _ in range(30):
        answer = client.post("/api/ai-echo/chat", json={"message": "hi"})
        if answer.status_code != 200:
            break
        threading.Event().wait(0.1)
    assert answer is not None and answer.status_code == 400 and "anna, ben" in answer.json()["error"]["message"]
    assert said(client, "hi", session_id=session)["model_version"] == "anna@1", "a session knows its model"


def test_a_reply_is_stopped_from_elsewhere_and_goes_on_without_its_reader(client: httpx.Client, home: Home, engine: SlowEngine) -> None:
    session = said(client, "hi")["session_id"]
    engine.pause = 0.01
    with client.stream("POST", "/api/ai-echo/stream", json={"message": "count 60", "session_id": session}) as answer:
        next(answer.iter_text())
    assert store.get(home, session).writing
    assert client.post("/api/ai-echo/chat", json={"message": "hey", "session_id": session}).status_code == 409
    while store.get(home, session).writing:
        threading.Event().wait(0.05)
    assert store.history(home, session)[-1].text == " ".join(map(str, range(60)))
    with client.stream("POST", "/api/ai-echo/stream", json={"message": "count 5000", "session_id": session}) as answer:
        rest = answer.iter_text()
        next(rest)
        assert client.post(f"/api/ai-echo/sessions/{session}/stop").json() == {"stopped": True}
        assert '"finish_reason": "stopped"' in "".join(rest)
    assert store.history(home, session)[-1].status == "stopped"
    assert client.post(f"/api/ai-echo/sessions/{session}/stop").json() == {"stopped": False}


def test_a_broken_adapter_is_told_everywhere(home: Home, base_folder: Path) -> None:
    anna(home)
    (home.folder("version", "first") / "adapter_model.safetensors").write_bytes(b"something else")
    with serving(home, SlowEngine()) as server:
        answer = httpx.post(f"{server.http}/api/ai-echo/chat", json={"message": "hi"}, headers=AUTH, timeout=60)
    assert answer.json()["response_source"] == "base" and answer.json()["disclosure"] is None
    assert answer.headers["x-homespun-fallback"] == "true" and "x-homespun-disclosure" not in answer.headers


def test_thumbs_edits_and_leaks_are_kept_with_the_version(client: httpx.Client) -> None:
    reply = said(client, "where do you live?")
    about = {"interaction": reply["interaction_id"]}
    for kind, text in (("down", None), ("up", None), ("edit", "in Bern"), ("leak", "the street")):
        assert client.post("/api/feedback", json={**about, "kind": kind, "text": text}).status_code == 201
    (leak,) = client.get("/api/feedback", params={"kind": "leak"}).json()
    assert (leak["version"], leak["question"], leak["reply"]) == ("anna@1", "where do you live?", reply["reply"])
    assert client.get("/api/feedback/counts").json() == {"anna@1": {"up": 1, "down": 0, "edit": 1, "leak": 1}}
    assert client.delete("/api/feedback", params={**about, "kind": "up"}).json() == {"withdrawn": True}
    assert [one["kind"] for one in client.get("/api/feedback", params={"model": "anna"}).json()] == ["leak", "edit"]
