"""The engine that asks another server, against one that fails in every way. It runs on loopback, and nothing goes anywhere else."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from agreeing import greedy, said, usage

from helpers import conversation
from homespun.config import SamplingSection
from homespun.engines import grammar, lmstudio, remote
from homespun.engines.base import Wanted
from homespun.engines.remote import RemoteEngine, Server
from homespun.errors import EngineError, HomespunError, UnknownName, UsageError

TALK = conversation("What is the capital of France?")
WORDS = ["The ", "capital ", "is ", "Par", "is."]
KEY = "s3cret-k3y"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Fake

    def do_GET(self) -> None:
        self.answer(200, {"data": [{"id": "llama"}, {"id": "falcon"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body))
        if self.headers["Authorization"] != f"Bearer {KEY}":
            self.answer(401, {"error": {"message": f"wrong key {self.headers['Authorization']}", "code": "invalid_api_key"}})
            return
        mood = self.server.moods.pop(0) if self.server.moods else "well"
        if mood.isdigit():
            self.answer(int(mood), {"error": {"message": "capital of France?", "code": "overloaded"}}, {"Retry-After": "0.01"})
        elif mood == "slow":
            time.sleep(1.0)
        elif mood == "gone":
            self.connection.shutdown(socket.SHUT_RDWR)
        elif not body["stream"]:
            self.answer(200, {"choices": [{"message": {"content": "".join(WORDS)}, "finish_reason": "stop"}], "usage": self.usage()})
        else:
            self.stream(mood, body)

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def stream(self, mood: str, body: Any) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        key = "text" if "prompt" in body else "delta"
        for word in WORDS[: body["max_tokens"]] * (1000 if mood == "endless" else 1):
            self.send({"choices": [{key: word if key == "text" else {"content": word}, "finish_reason": None}]})
            if mood == "endless":
                time.sleep(0.01)
            if mood == "midway":
                return
            if mood == "error":
                self.send({"error": {"message": "capital of France?"}})
        self.send({"choices": [{key: "" if key == "text" else {}, "finish_reason": "length" if body["max_tokens"] < 5 else "stop"}]})
        self.send({"choices": [], "usage": self.usage()})
        self.wfile.write(b": a comment\n\ndata: [DONE]\n\n")

    def send(self, chunk: Any) -> None:
        try:
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()
        except OSError:
            self.server.left.set()
            raise

    def usage(self) -> dict[str, Any]:
        return {"prompt_tokens": 21, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 7}}

    def log_message(self, format: str, *args: Any) -> None: ...


class Fake(ThreadingHTTPServer):
    """`moods`: how it takes the next requests; then it is well."""

    daemon_threads = True
    moods: list[str]
    asked: list[tuple[str, Any]]
    left: threading.Event

    def handle_error(self, request: Any, client_address: Any) -> None: ...


@contextmanager
def serving() -> Iterator[Fake]:
    server = Fake(("127.0.0.1", 0), Handler)
    server.moods, server.asked, server.left = [], [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """It, with proxies in the environment that lead away, and no connection possible but to loopback."""
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: Any) -> None:
        assert address[0] in ("127.0.0.1", "::1"), f"a connection to {address}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_here)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://192.0.2.1:3128")
    monkeypatch.setattr(remote, "PAUSE", 0.01)
    with serving() as made:
        yield made


def engine_of(server: Fake, key: str = KEY, **options: Any) -> RemoteEngine:
    return RemoteEngine(Server(f"http://localhost:{server.server_port}/v1", key, 0.5, 2), "llama", **options)


def test_a_reply_comes_in_pieces_with_what_it_cost(server: Fake) -> None:
    with closing(engine_of(server)) as engine:
        assert engine.models() == ["llama", "falcon"]
        pieces = list(engine.stream(TALK, greedy(9)))
        assert [piece.text for piece in pieces[:-1]] == WORDS
        assert pieces[-1].finish == "stop" and (usage(pieces[-1]).prompt, usage(pieces[-1]).cached) == (21, 7)
        assert said(engine, "The capital", greedy(2))[1].finish == "length"
        assert engine.generate([TALK, TALK], greedy(9))[1].text == "".join(WORDS)
    with closing(engine_of(server, whole=True)) as engine:
        assert said(engine, TALK, greedy(9))[0] == "".join(WORDS)
    chat, text = server.asked[0], server.asked[1]
    assert chat[0] == "/v1/chat/completions" and chat[1]["messages"][1] == {"role": "user", "content": TALK[1].text}
    assert text[0] == "/v1/completions" and text[1]["prompt"] == "The capital"


def test_what_is_wanted_is_asked_for_by_the_names_of_the_api(server: Fake) -> None:
    sampling = SamplingSection(
        temperature=0.7, max_tokens=64, top_k=40, top_p=0.9, min_p=0.05, repetition_penalty=1.1, stop=("</s>",), seed=0
    )
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    with closing(engine_of(server)) as engine:
        said(engine, TALK, sampling, Wanted(adapter="anna", grammar=grammar.of_schema(schema), logprobs=3))
        said(engine, TALK, greedy(5))
        with pytest.raises(UsageError, match="JSON schema"):
            said(engine, TALK, greedy(5), Wanted(grammar='start: "a"'))
        with pytest.raises(EngineError, match="llamacpp"):
            engine.log_likelihoods(TALK, ["a"])
    (_, body), (_, plain) = server.asked
    expected = {
        "temperature": 0.7,
        "max_tokens": 64,
        "top_k": 40,
        "top_p": 0.9,
        "min_p": 0.05,
        "repeat_penalty": 1.1,
        "stop": ["</s>"],
        "seed": 0,
    }
    expected |= {"model": "anna", "stream": True, "logprobs": True, "top_logprobs": 3, "frequency_penalty": 0.0, "presence_penalty": 0.0}
    assert {name: body[name] for name in expected} == expected
    assert body["response_format"]["json_schema"]["schema"] == schema
    assert not plain.keys() & {"top_k", "repeat_penalty", "stop", "response_format", "logprobs"}


def test_a_stop_text_is_kept_out_whatever_the_server_does(server: Fake) -> None:
    with closing(engine_of(server)) as engine:
        text, last = said(engine, TALK, greedy(9, stop=("Paris",)))
        assert text == "The capital is " and last.finish == "stop"


@pytest.mark.parametrize("moods", [["500"], ["gone", "503"], ["429", "gone"], ["slow"]])
def test_it_is_asked_again_where_that_can_help(server: Fake, moods: list[str]) -> None:
    server.moods += moods
    with closing(engine_of(server)) as engine:
        assert said(engine, TALK, greedy(9))[0] == "".join(WORDS)
    assert len(server.asked) == len(moods) + 1


@pytest.mark.parametrize(
    ("moods", "told", "asked"),
    [
        (["500"] * 3, "status 500", 3),
        (["gone"] * 3, "does not answer", 3),
        (["slow"] * 3, "too long", 3),
        (["400"], "status 400", 1),
        (["404"], "no such address or model", 1),
        (["midway"], "broke off", 1),
        (["error"], "broke off", 1),
    ],
)
def test_a_failure_is_told_in_one_line_without_key_or_words(server: Fake, moods: list[str], told: str, asked: int) -> None:
    server.moods += moods
    with closing(engine_of(server)) as engine, pytest.raises(EngineError, match=told) as failed:
        said(engine, TALK, greedy(9))
    assert len(server.asked) == asked
    assert KEY not in str(failed.value) and "France" not in str(failed.value) and "\n" not in str(failed.value)


def test_a_wrong_key_is_told_as_one(server: Fake) -> None:
    with closing(engine_of(server, key="wr0ng")) as engine, pytest.raises(EngineError, match="API key") as refused:
        said(engine, TALK, greedy(9))
    assert "wr0ng" not in str(refused.value) and len(server.asked) == 1


def test_leaving_a_reply_leaves_the_server(server: Fake) -> None:
    server.moods += ["endless"]
    with closing(engine_of(server)) as engine:
        replies = engine.stream(TALK, greedy(9))
        next(replies)
        replies.close()  # type: ignore[attr-defined]
        assert server.left.wait(2)


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PAUSE", 0.01)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://anna:{KEY}@127.0.0.1:{taken.getsockname()[1]}/v1"
        with (
            closing(RemoteEngine(Server(address, max_retries=1), "llama")) as engine,
            pytest.raises(EngineError, match="is it running") as failed,
        ):
            said(engine, TALK, greedy(1))
    assert KEY not in str(failed.value)
    for wrong in ("localhost:1234", "ftp://localhost/v1", "http://[::1", ""):
        with pytest.raises(HomespunError):
            RemoteEngine(Server(wrong), "llama")


FILE = """{
  // LM Studio on this machine
  "server_config": {"base_url": "http://localhost:1234/v1", "api_key": "lm-studio", "timeout": 60, "max_retries": 3, "top_p": 0.5},
  "model_configs": {
    "llama": {"temperature": 0.7, "max_tokens": 2048, "top_k": 40, "top_p": 0.9, "repetition_penalty": 1.1, "frequency_penalty": 0.0,
              "presence_penalty": 0.0, "stop_sequences": ["<|endoftext|>", "</s>"], "stream": true},
    "falcon": {"temperature": 0.3, "max_tokens": 1024, "top_k": 50, "repetition_penalty": 1.05, "frequency_penalty": 0.1,
               "presence_penalty": 0.1, "stop_sequences": ["<|endoftext|>", "\\n\\n"], "stream": false},  /* a // b, */
  },
  "task_specific_configs": {
    "command_processing": {"model": "llama", "temperature": 0.6, "max_tokens": 512, "use_tools": true, "response_format": "text"},
    "data_extraction": {"model": "falcon", "use_tools": false, "response_format": "json_schema"}
  }
}"""


def test_lm_studios_file_is_read_as_it_stands(tmp_path: Path) -> None:
    """A task's word counts most, then the model's, then the server's."""
    file = tmp_path / "lm_studio_server_config.json"
    file.write_text(FILE, encoding="utf-8")
    found = lmstudio.read(file, task="command_processing")
    assert found.server == Server("http://localhost:1234/v1", "lm-studio", 60.0, 3)
    assert (found.model, found.stream, found.use_tools, found.response_format) == ("llama", True, True, "text")
    assert found.sampling == SamplingSection(
        temperature=0.6, max_tokens=512, top_k=40, top_p=0.9, min_p=0.0, repetition_penalty=1.1, stop=("<|endoftext|>", "</s>")
    )
    other = lmstudio.read(file, task="data_extraction")
    assert (other.model, other.stream, other.response_format, other.sampling.top_p) == ("falcon", False, "json_schema", 0.5)
    assert other.sampling.stop == ("<|endoftext|>", "\n\n") and other.sampling.frequency_penalty == 0.1
    assert lmstudio.read(file).model == "llama" and lmstudio.read(file, "falcon", "command_processing").model == "falcon"


def test_what_lm_studios_file_says_is_what_is_sent(server: Fake, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(FILE.replace("localhost:1234", f"localhost:{server.server_port}").replace("lm-studio", KEY), encoding="utf-8")
    for task in ("command_processing", "data_extraction"):
        found = lmstudio.read(file, task=task)
        with closing(RemoteEngine(found.server, found.model, whole=not found.stream)) as engine:
            said(engine, TALK, found.sampling)
    (_, command), (_, extraction) = server.asked
    assert {"repeat_penalty": 1.1, "top_k": 40, "temperature": 0.6, "max_tokens": 512, "stream": True}.items() <= command.items()
    assert command["stop"] == ["<|endoftext|>", "</s>"] and "repetition_penalty" not in command
    assert {"model": "falcon", "repeat_penalty": 1.05, "presence_penalty": 0.1, "stream": False}.items() <= extraction.items()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace('"timeout": 60', '"timeout": "soon"'), "server_config.timeout"),
        (lambda text: text.replace('"temperature": 0.7', '"temperature": 2.5'), "model_configs.llama.temperature"),
        (lambda text: text.replace('"use_tools": true', '"tools": true'), "command_processing.tools"),
        (lambda text: text.replace('"top_k": 50', '"top_k" 50'), "line 7"),
        (lambda text: "[]", "the file"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, change: Callable[[str], str], told: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(change(FILE), encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        lmstudio.read(file)


def test_what_the_file_does_not_have_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    with pytest.raises(UsageError, match="cannot read"):
        lmstudio.read(file)
    file.write_text(FILE, encoding="utf-8")
    with pytest.raises(UnknownName):
        lmstudio.read(file, task="data_extractoin")
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="names no model"):
        lmstudio.read(file)
