"""The door: who has the token comes in, and nobody else, by whatever way; and what comes in has a size."""

from __future__ import annotations

import logging
import socket
import stat
import time
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from homespun.errors import UsageError
from homespun.home import Home
from homespun.serving import access, guard
from homespun.serving import app as serving_app
from homespun.serving.access import COOKIE, cookie_of, has_token, host_is_ours
from homespun.serving.app import create_app
from homespun.serving.options import ServeOptions
from homespun.serving.tokens import FILE, token_of
from homespun.types import Turn
from houses import TOKEN, Slow, add_version, options, served, settings_of

BEARER = {"Authorization": f"Bearer {TOKEN}"}
HERE = "http://127.0.0.1:8420"


def client_of(home: Home, **changes: object) -> TestClient:
    app = create_app(home, settings_of(home), options(**changes), lambda folder, adapters: Slow(adapters))
    return TestClient(app, base_url=HERE, follow_redirects=False, raise_server_exceptions=False)


@pytest.fixture
def client(home: Home) -> TestClient:
    add_version(home)
    return client_of(home)


def test_a_home_has_one_token_that_only_its_owner_reads(home: Home) -> None:
    token = token_of(home)
    assert token_of(home) == token and len(token) >= 32
    assert stat.S_IMODE((home.path / FILE).stat().st_mode) == 0o600
    assert token_of(Home.create(home.path.parent / "other")) != token
    (home.path.parent / "own").write_text("short\n")
    with pytest.raises(UsageError, match="holds no safe token"):
        token_of(home, home.path.parent / "own")


@pytest.mark.parametrize("way", [BEARER, {"X-API-Key": TOKEN}, {"Cookie": f"{COOKIE}={cookie_of(TOKEN)}"}])
def test_there_are_three_ways_to_show_it(client: TestClient, way: dict[str, str]) -> None:
    assert client.get("/v1/models", headers=way).status_code == 200


@pytest.mark.parametrize(
    "way",
    [
        {},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer"},
        {"X-API-Key": ""},
        {"Cookie": f"{COOKIE}={TOKEN}"},
        {"Cookie": f"{COOKIE}="},
        {"Authorization": "Bearer \xe9".encode("latin-1")},
    ],
)
def test_without_it_every_route_is_closed(home: Home, way: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_app, "WRONG_TOKENS", (1e6, 10**6))
    client = client_of(home)
    paths = {*client.app.openapi()["paths"], "/", "/nowhere", "/api/openapi.json"} - access.OPEN  # type: ignore[attr-defined]
    assert len(paths) > 15
    for path in paths:
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            answer = client.request(method, path, headers=way)
            assert answer.status_code == 401 and answer.json()["error"]["code"] == "invalid_api_key", path
            assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get("/v1/models?token=" + TOKEN, headers=way).status_code == 401, "never in an address"


def test_who_guesses_is_slowed_down_and_nobody_else(client: TestClient) -> None:
    codes = [client.get("/v1/models", headers={"X-API-Key": f"guess{number}"}).status_code for number in range(30)]
    assert codes[0] == 401 and codes[-1] == 429
    assert client.get("/v1/models", headers=BEARER).status_code == 200


def test_a_browser_logs_in_once_and_the_token_leaves_the_address(client: TestClient) -> None:
    page = {"Accept": "text/html"}
    assert client.get("/", headers=page).headers["location"] == "/login"
    assert "form" in client.get("/login").text
    opened = client.get(f"/login?token={TOKEN}")
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    cookie = opened.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and TOKEN.lower() not in cookie
    assert client.get("/v1/models").status_code == 200, "by the cookie"
    client.cookies.clear()
    assert client.post("/login", data={"token": "wrong"}).status_code == 401
    assert client.post("/login", data={"token": f" {TOKEN} "}).headers["location"] == "/"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "[", "a:b:c", "homespun.local"])
def test_a_name_that_is_not_ours_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/health", headers={"Host": host}).status_code == 421
    assert client.get("/v1/models", headers={"Host": host, **BEARER}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8420", "127.0.0.1:1", "[::1]:8420", "192.168.1.7:8420"])
def test_our_names_and_any_address_are_not(client: TestClient, host: str) -> None:
    assert client.get("/v1/models", headers={"Host": host, **BEARER}).status_code == 200


@given(st.text(max_size=30))
def test_any_text_can_be_a_host_or_a_token(text: str) -> None:
    assert host_is_ours(text, ServeOptions(TOKEN)) in (True, False)
    assert has_token({"authorization": text, "x-api-key": text, "cookie": text}, TOKEN) is False


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:8420.evil.example", "http://127.0.0.1"])
def test_pages_of_others_may_not_ask_with_our_cookie(client: TestClient, origin: str) -> None:
    cookie = {"Cookie": f"{COOKIE}={cookie_of(TOKEN)}"}
    assert client.post("/v1/chat/completions", json={}, headers={"Origin": origin, **cookie}).status_code == 403
    assert client.get("/v1/models", headers={"Origin": HERE, **cookie}).status_code == 200
    asked = client.options("/v1/models", headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
    assert asked.status_code == 403 and "access-control-allow-origin" not in asked.headers


def test_origins_that_the_owner_names_may(home: Home) -> None:
    client, friend = client_of(home, cors_origins=("http://friend.example",)), {"Origin": "http://friend.example"}
    asked = client.options(
        "/v1/models", headers={**friend, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-api-key"}
    )
    assert asked.status_code == 200 and asked.headers["access-control-allow-origin"] == "http://friend.example"
    assert client.get("/v1/models", headers=friend).status_code == 401
    assert client.get("/v1/models", headers={**friend, **BEARER}).headers["access-control-allow-origin"] == "http://friend.example"


def test_sockets_are_behind_the_same_door(client: TestClient) -> None:
    for headers in ({}, {"Origin": "http://evil.example", **BEARER}, {"Host": "evil.example", **BEARER}):
        with pytest.raises(Exception) as refused, client.websocket_connect("/ws/chat", headers=headers):
            pass
        assert getattr(refused.value, "status_code", None) in (401, 403, 421) or "WebSocketDisconnect" in repr(refused.value)


def test_bodies_have_a_size_whether_they_tell_it_or_not(home: Home) -> None:
    client = client_of(home, max_body=1000)

    def chunks() -> Iterator[bytes]:
        for _ in range(10):
            yield b"x" * 200

    for path in ("/v1/chat/completions", "/v1/embeddings", "/login"):
        for content in (b"x" * 1001, chunks()):
            answer = client.post(path, content=content, headers=BEARER)
            assert answer.status_code == 413 and answer.json()["error"]["code"] == "request_too_large", path
    assert client.post("/v1/chat/completions", content=b"x" * 1000, headers=BEARER).status_code == 400
    assert client.get("/v1/models", headers={**BEARER, "Content-Length": "-1"}).status_code in (400, 413)


def test_headers_and_addresses_have_one_too(client: TestClient) -> None:
    assert client.get("/health", headers={"X-Long": "x" * guard.HEADERS}).status_code == 431
    assert client.get(f"/health?{'x' * guard.ADDRESS}").status_code == 414


def test_a_body_that_trickles_is_given_up(home: Home) -> None:
    app = create_app(home, settings_of(home), options(body_seconds=0.3), lambda folder, adapters: Slow(adapters))
    with served(app) as address, socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as line:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {TOKEN}\r\nContent-Length: 100\r\n\r\n"
        line.sendall(head.encode())
        start = time.monotonic()
        line.settimeout(5)
        line.sendall(b"{")
        assert line.recv(4096).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - start < 3


def test_what_leaves_is_neither_kept_nor_framed(client: TestClient) -> None:
    for path, kind in (("/login", "page"), ("/v1/models", "answer"), ("/nowhere", "answer")):
        headers = client.get(path, headers=BEARER).headers
        assert headers["cache-control"] == "no-store" and headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin", "with no-referrer a browser would hide the origin of the form to log in"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert ("default-src 'self'" if kind == "page" else "default-src 'none'") in headers["content-security-policy"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.sampled_from(["..", ".", "%2e%2e", "etc", "passwd", "\\", "anna@1", "\0", "C:", "~", "token"]), min_size=1, max_size=6
    )
)
def test_no_parameter_leads_to_a_file(client: TestClient, steps: Sequence[str]) -> None:
    for form in ("/".join(steps), quote("/".join(steps), safe="")):
        if not form.isprintable():
            continue
        for path in ("/v1/models/{}", "/api/jobs/{}", "/api/ai-echo/sessions/{}", "/api/ai-echo/sessions/{}/export"):
            answer = client.get(path.format(form), headers=BEARER)
            assert answer.status_code < 500 and TOKEN not in answer.text and "root:" not in answer.text


def test_neither_token_nor_words_reach_a_log(home: Home, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    add_version(home)
    secret = "my secret is xyzzy"

    def breaks(turns: Sequence[Turn]) -> str:
        if turns[-1].text == secret:
            raise ValueError(f"could not read {turns[-1].text!r}")
        return "yes"

    app = create_app(home, settings_of(home), options(), lambda folder, adapters: Slow(adapters, breaks))
    with caplog.at_level(logging.DEBUG), served(app) as address, httpx.Client(base_url=address) as client:
        message = {"model": "anna", "messages": [{"role": "user", "content": secret}]}
        answer = client.post("/v1/chat/completions", json=message, headers=BEARER)
        assert answer.status_code == 500 and "xyzzy" not in answer.text
        client.post("/v1/chat/completions", content=secret, headers=BEARER)
        client.get(f"/login?token={TOKEN}")
        client.get(f"/v1/models?token={TOKEN}&q={quote(secret)}", headers={"X-API-Key": "wrong"})
    logged = "".join(f"{record.getMessage()} {record.exc_info}" for record in caplog.records if record.name.startswith("homespun"))
    printed = capfd.readouterr()
    assert "ValueError at" in logged, "where it happened is there"
    for text in (logged, printed.out, printed.err):
        assert "xyzzy" not in text and TOKEN not in text
