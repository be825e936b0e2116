"""A real client of `websockets` against a real server: what is promised in docs/api.md."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import served
import websockets.exceptions
from served import AUTH, Served, SlowEngine, anna, serving
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as dial

from homespun.home import Home
from homespun.serving import store
from homespun.serving.routes import socket as chat

Frame = dict[str, Any]


@pytest.fixture
def engine() -> SlowEngine:
    return SlowEngine(0.005)


@pytest.fixture
def server(home: Home, base_folder: Path, engine: SlowEngine) -> Iterator[Served]:
    anna(home)
    with serving(home, engine) as running:
        yield running


def open_line(address: str, **more: Any) -> ClientConnection:
    line: ClientConnection = dial(address, additional_headers=AUTH, open_timeout=30, **more)
    return line


def say(line: ClientConnection, **frame: object) -> None:
    line.send(json.dumps(frame))


def hear(line: ClientConnection) -> Frame:
    return dict(json.loads(line.recv(timeout=30)))


def until(line: ClientConnection, *types: str) -> list[Frame]:
    """Every frame up to the first of one of these types."""
    frames: list[Frame] = []
    while not frames or frames[-1]["type"] not in types:
        frames.append(hear(line))
    return frames


def hello(line: ClientConnection, **more: object) -> Frame:
    say(line, type="hello", **more)
    return until(line, "hello")[-1]


def words(frames: list[Frame]) -> str:
    return "".join(frame["text"] for frame in frames if frame["type"] == "token").strip()


def test_a_reply_comes_in_numbered_frames(server: Served, home: Home) -> None:
    with open_line(server.ws) as line:
        session = hello(line, model="anna", **{"with": "Ben"})
        assert session["version"] == "anna@1" and session["with"] == "Ben" and not session["writing"]
        assert session["disclosure"].startswith("This is anna@1, an avatar: not Anna")
        say(line, type="message", text="hello there")
        frames = until(line, "typing", "ended")
        assert frames[-1] == {"type": "typing", "on": True}
        frames = until(line, "ended")
        assert [frame["n"] for frame in frames] == list(range(1, len(frames) + 1))
        kinds = [frame["type"] for frame in frames]
        assert kinds[:2] == ["started", "sources"] and kinds.count("token") > 2
        assert words(frames) == frames[-1]["text"] == "you said: hello there" and frames[-1]["reason"] == "stop"
        assert hear(line) == {"type": "typing", "on": False}
        say(line, type="ping")
        assert hear(line) == {"type": "pong"}
        (asked, reply) = store.history(home, session["session"])
        assert (asked.id, reply.id) == (frames[0]["question"], frames[0]["reply"])


def test_what_is_said_before_the_last_reply_was_read_comes_in_order(server: Served) -> None:
    with open_line(server.ws) as line:
        session = hello(line, model="anna")["session"]
        for turn in range(5):
            say(line, type="message", text=f"turn {turn}")
            frames = until(line, "ended")
            assert words(frames) == f"you said: turn {turn}"
            assert [frame["type"] for frame in frames].count("typing") == (1 if turn == 0 else 2)
        say(line, type="message", text="count 2000")
        until(line, "token")
        other = hello(line, model="anna")["session"]
        assert other != session
        say(line, type="message", text="here now")
        assert words(until(line, "ended")) == "you said: here now", "nothing comes from the other session any more"


def test_nobody_comes_in_without_the_token(server: Served) -> None:
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        dial(server.ws)
    assert refused.value.response.status_code == 401


def test_ten_clients_at_once_are_all_answered_and_none_hears_another(server: Served) -> None:
    def talk(number: int) -> list[str]:
        with open_line(server.ws) as line:
            hello(line, model="anna")
            heard = []
            for turn in range(2):
                say(line, type="message", text=f"I am {number}, turn {turn}")
                heard.append(words(until(line, "ended")))
            return heard

    with ThreadPoolExecutor(10) as pool:
        for number, heard in enumerate(pool.map(talk, range(10))):
            assert heard == [f"you said: I am {number}, turn {turn}" for turn in range(2)]


def test_a_reply_can_be_cancelled_and_what_was_said_stays(server: Served, home: Home, engine: SlowEngine) -> None:
    with open_line(server.ws) as line:
        session = hello(line, model="anna")["session"]
        say(line, type="message", text="count 2000")
        until(line, "token")
        say(line, type="message", text="and this?")
        assert until(line, "error")[-1]["code"] == "busy"
        say(line, type="cancel")
        ended = until(line, "ended")[-1]
        assert ended["reason"] == "stopped" and ended["text"].startswith("0")
        assert engine.begun == engine.ended
        reply = store.history(home, session)[-1]
        assert (reply.status, reply.text) == ("stopped", ended["text"])
        say(line, type="message", text="go on", replaces=reply.id)
        assert words(until(line, "ended")) == "you said: go on"
        assert [turn.text for turn in store.history(home, session)] == ["go on", "you said: go on"]


def test_a_dropped_line_is_resumed_where_it_was(server: Served, home: Home) -> None:
    with open_line(server.ws) as line:
        session = hello(line, model="anna")["session"]
        say(line, type="message", text="count 150")
        heard = [frame for frame in until(line, "token") if "n" in frame]
        line.socket.close()
    with open_line(server.ws) as line:
        say(line, type="resume", session=session, after=heard[-1]["n"])
        assert until(line, "hello")[-1]["writing"]
        heard += [frame for frame in until(line, "ended") if "n" in frame]
    assert [frame["n"] for frame in heard] == list(range(1, len(heard) + 1))
    whole = " ".join(map(str, range(150)))
    assert words(heard) == heard[-1]["text"] == whole
    assert store.history(home, session)[-1].text == whole

    with open_line(server.ws) as line:  # when all is over, too
        say(line, type="resume", session=session, after=heard[-2]["n"], reply=heard[0]["reply"])
        assert until(line, "ended")[1:] == [heard[-1]]
        say(line, type="resume", session=session, after=7, reply="another")
        assert words(until(line, "ended")) == whole


def test_after_a_restart_what_was_kept_is_sent(home: Home, base_folder: Path) -> None:
    anna(home)
    session = store.create(home, "anna").id
    _, reply = store.ask(home, session, "hello", "anna@1")
    store.write(home, reply.id, "half of i", "writing")
    with serving(home, SlowEngine()) as server, open_line(server.ws) as line:
        say(line, type="resume", session=session, after=3)
        assert not until(line, "hello")[-1]["writing"]
        assert hear(line) == {"type": "ended", "n": None, "reply": reply.id, "reason": "stopped", "text": "half of i"}


@pytest.mark.parametrize(
    "bad",
    [
        "no json",
        "[]",
        "{}",
        '{"type": "fly"}',
        '{"type": "message", "text": 7}',
        '{"type": "message", "text": "\\ud800"}',
        '{"type": "ping", "more": 1}',
        b"\x00\x01",
        json.dumps({"type": "message", "text": "x" * 17_000}),
        json.dumps({"type": "message", "text": "y" * (chat.LARGEST + 1)}),
        '{"type": "message", "text": "  "}',
        '{"type": "resume", "session": "nothing", "after": 0}',
        '{"type": "hello", "model": "nobody"}',
        "[" * 5000,
    ],
)
def test_a_bad_frame_gets_one_clear_line_and_harms_nothing(server: Served, bad: str | bytes) -> None:
    with open_line(server.ws) as line:
        hello(line, model="anna")
        line.send(bad)
        error = until(line, "error")[-1]
        assert error["message"] and "\n" not in error["message"] and len(error["message"]) < 200
        say(line, type="message", text="still there?")
        assert words(until(line, "ended")) == "you said: still there?"


def test_bad_frames_without_end_close_the_line(server: Served) -> None:
    with open_line(server.ws) as line:
        for _ in range(chat.MISTAKES):
            line.send("no json")
        with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
            until(line, "never")
        assert closed.value.rcvd and closed.value.rcvd.code == chat.BAD_FRAMES
    with open_line(server.ws) as line:
        line.send("z" * (1 << 18) + "more than the server reads")
        with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
            until(line, "never")
        assert closed.value.rcvd and closed.value.rcvd.code == 1009


def test_who_says_no_hello_or_does_not_read_is_sent_away_and_holds_nobody_up(
    home: Home, base_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "HELLO_SECONDS", 0.3)
    monkeypatch.setattr(chat, "SEND_SECONDS", 0.5)
    monkeypatch.setattr(served, "answer", lambda turns: ("w" * 50_000 + " ") * 200 if turns[-1].text == "flood" else "fine")
    anna(home)
    engine = SlowEngine()
    engine.answer = served.answer
    with serving(home, engine) as server:
        with open_line(server.ws) as line, pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
            until(line, "never")
        assert closed.value.rcvd and closed.value.rcvd.code == chat.NO_HELLO

        with open_line(server.ws, max_queue=1, compression=None) as stalled, open_line(server.ws) as other:
            session = hello(stalled, model="anna")["session"]
            hello(other, model="anna")
            say(stalled, type="message", text="flood")
            for _ in range(3):
                say(other, type="message", text="and me?")
                assert words(until(other, "ended")) == "fine"
            deadline = time.monotonic() + 20
            while store.get(home, session).writing and time.monotonic() < deadline:
                time.sleep(0.05)
            kept = store.history(home, session)[-1]
            assert kept.status == "complete" and len(kept.text) > 200 * 50_000, "it is finished and kept, whoever reads it"
            time.sleep(1)
            with pytest.raises(websockets.exceptions.ConnectionClosed):
                until(stalled, "ended")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_killed_server_loses_no_message_that_it_took(home: Home, base_folder: Path) -> None:
    anna(home)
    port = free_port()

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, served.__file__, str(home.path), str(port), "0.005"])

    def line() -> ClientConnection:
        for _ in range(600):
            try:
                return open_line(f"ws://127.0.0.1:{port}/ws/chat")
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the server did not start")

    process = start()
    taken: dict[str, list[str]] = {}
    try:
        with ExitStack() as lines:
            for number in range(3):
                one = lines.enter_context(line())
                session = hello(one, model="anna")["session"]
                for turn in range(number):
                    say(one, type="message", text=f"line {turn}")
                    until(one, "ended")
                say(one, type="message", text="count 5000")
                until(one, "started")
                taken[session] = [*(f"line {turn}" for turn in range(number)), "count 5000"]
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)
        process = start()
        with line() as again:
            for session, said in taken.items():
                turns = store.history(home, session)
                assert [turn.text for turn in turns if turn.role == "user"] == said
                assert [turn.status for turn in turns] == ["complete"] * (len(turns) - 1) + ["stopped"]
            say(again, type="hello", session=session)
            assert not until(again, "hello")[-1]["writing"]
            say(again, type="message", text="still here?")
            assert words(until(again, "ended")).endswith("still here?")
    finally:
        process.kill()
        process.wait(10)
