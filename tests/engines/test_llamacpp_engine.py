"""llama.cpp in this process: what it opens, what it holds, and how it is let go. On a tiny random model."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from agreeing import greedy, said, usage, write_adapter

from helpers import conversation, random_adapter, step_of
from homespun.engines import llamacpp
from homespun.engines.base import Wanted
from homespun.engines.llamacpp import LlamaCppEngine
from homespun.errors import EngineError
from homespun.export import gguf, weights

TALK = conversation("Hello there, how are you?")
LONG = conversation("hello there " * 700)
ENDLESS = {"stop_bias": -100.0}


@pytest.fixture(scope="module")
def files(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Path]]:
    folder = tmp_path_factory.mktemp("ggufs")
    gguf.write(folder / "base.gguf", tiny_folder, weights.read(tiny_folder), "F16", "tiny")
    tensors = step_of(tiny_folder).adapter.tensors
    return folder / "base.gguf", {
        name: write_adapter(folder / name, tiny_folder, random_adapter(tensors, seed, 0.3)) for seed, name in enumerate("ab")
    }


@pytest.fixture
def one(files: tuple[Path, dict[str, Path]], tiny_folder: Path) -> Iterator[LlamaCppEngine]:
    """With a single slot: who waits, waits for the one before."""
    made = llamacpp.load(*files, tiny_folder, threads=1, slots=1, context=4096)
    yield made
    made.close()


def test_the_port_refuses_everything(one: LlamaCppEngine) -> None:
    """Whatever the path and method, without the key or with a wrong one; only a browser's question about origins is answered, with no."""
    address = one._server.listening_address
    assert urlsplit(address).hostname == "127.0.0.1"
    paths = ("/", "/health", "/v1/health", "/v1/models", "/models", "/slots", "/props", "/metrics", "/lora-adapters", "/v1/completions")
    for path in (*paths, "/completion", "/tokenize", "/index.html", "/tools", "/v1/stream", "/api/tags", "/v1/chat/completions"):
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            for headers in ({}, {"Authorization": "Bearer guess"}, {"Origin": "http://evil.example"}):
                data = json.dumps({"prompt": "hi", "n_predict": 1}).encode() if method == "POST" else None
                request = urllib.request.Request(f"{address}{path}", data, headers, method=method)
                try:
                    with urllib.request.urlopen(request, timeout=5) as answer:
                        status, origin, body = answer.status, answer.headers.get("Access-Control-Allow-Origin"), answer.read()
                except urllib.error.HTTPError as refused:
                    status, origin, body = refused.code, refused.headers.get("Access-Control-Allow-Origin"), b""
                assert status in (401, 404) or (method == "OPTIONS" and not body), (method, path, status, body)
                assert origin in (None, llamacpp.NOBODY), (method, path, origin)


def test_leaving_a_reply_frees_its_slot(one: LlamaCppEngine) -> None:
    """While it is written, while its prompt is read, and from another thread's point of view at once."""
    for prompt, first in ((TALK, "text"), (LONG, "")):
        replies = one.stream(prompt, greedy(3000, **ENDLESS))
        piece = next(replies)
        assert bool(piece.text) == bool(first)
        replies.close()  # type: ignore[attr-defined]
        start = time.monotonic()
        said(one, conversation("And you?"), greedy(1))
        assert time.monotonic() - start < 2


def test_a_prefix_is_read_once_and_never_with_another_adapter(one: LlamaCppEngine) -> None:
    bare, first = said(one, TALK, greedy(4))
    again, second = said(one, TALK, greedy(4))
    assert again == bare and usage(first).cached == 0 and usage(second).cached == usage(second).prompt - 1
    dressed, third = said(one, TALK, greedy(4), Wanted(adapter="a"))
    assert usage(third).cached == 0
    assert said(one, TALK, greedy(4), Wanted(adapter="b"))[0] != dressed != bare
    assert said(one, TALK, greedy(4))[0] == bare


def test_what_an_adapter_read_is_not_found_again_by_another(one: LlamaCppEngine) -> None:
    """Not even after the slot has read something else meanwhile."""
    long, other = conversation("hello there " * 100), conversation("what a day " * 100)
    expected = said(one, long, greedy(6), Wanted(adapter="b"))[0]
    for prompt, adapter in ((long, "a"), (other, "b")):
        said(one, prompt, greedy(6), Wanted(adapter=adapter))
    found, last = said(one, long, greedy(6), Wanted(adapter="b"))
    assert found == expected and usage(last).cached < 60


def test_closing_one_engine_leaves_another_alone(files: tuple[Path, dict[str, Path]], tiny_folder: Path, one: LlamaCppEngine) -> None:
    """As when a new version takes over; what the closed one was writing ends with a word, and so does what is asked of it later."""
    other = llamacpp.load(*files, tiny_folder, threads=1, slots=2, context=2048)
    expected, _ = said(one, TALK, greedy(6))
    writing = other.stream(TALK, greedy(1500, **ENDLESS))
    next(writing)
    start = time.monotonic()
    other.close()
    assert time.monotonic() - start < 2
    with pytest.raises(EngineError, match="ask again"):
        list(writing)
    with pytest.raises(EngineError, match="closed"):
        list(other.stream(TALK, greedy(2)))
    assert said(one, TALK, greedy(6))[0] == expected


def test_no_thread_is_left_behind(one: LlamaCppEngine) -> None:
    for _ in range(3):
        said(one, TALK, greedy(2))
    replies = one.stream(TALK, greedy(1000, **ENDLESS))
    next(replies)
    one.close()
    assert not [thread for thread in threading.enumerate() if thread.name in ("llama.cpp", "reply")]


def test_files_that_cannot_be_used_are_named(files: tuple[Path, dict[str, Path]], tiny_folder: Path, tmp_path: Path) -> None:
    base, adapters = files
    cut, text = tmp_path / "cut.gguf", tmp_path / "text.gguf"
    cut.write_bytes(base.read_bytes()[: base.stat().st_size // 2])
    text.write_text("no model")
    short = tmp_path / "short.gguf"
    short.write_bytes(base.read_bytes()[:60])
    for wrong in (cut, text, short, tmp_path / "absent.gguf", adapters["a"]):
        with pytest.raises(EngineError, match=wrong.name):
            llamacpp.load(wrong, {}, tiny_folder, threads=1, slots=1)
    for wrong in (text, short, base):
        with pytest.raises(EngineError, match=wrong.name):
            llamacpp.load(base, {"anna": wrong}, tiny_folder, threads=1, slots=1)


def test_a_reply_is_as_long_as_its_room(one: LlamaCppEngine) -> None:
    """At the limit it ends with "length", whatever was asked."""
    prompt = "hello " * 2000
    room = one.limit - one.count(prompt)
    _, last = said(one, prompt + "hello " * (room - 5), greedy(100, **ENDLESS))
    assert last.finish == "length" and usage(last).completion == one.limit - usage(last).prompt
