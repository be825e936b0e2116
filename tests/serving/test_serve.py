"""`homespun serve` as a process of its own: it starts, says where it is, and starts again however it was ended."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pexpect
import pytest

from homespun.cli.app import run
from homespun.home import Home
from homespun.serving.qr import lan_address, picture
from homespun.serving.tokens import FILE, token_of

COMMAND = [sys.executable, "-m", "homespun", "serve", "--port", "0"]


@contextlib.contextmanager
def serving(home: Home, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and its address as it says it."""
    environment = {**os.environ, "HOMESPUN_OFFLINE": "1"}
    process = subprocess.Popen(
        [*COMMAND, "--home", str(home.path), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home.path.parent,
        env=environment,
    )
    try:
        assert process.stdout
        said = process.stdout.readline() + process.stdout.readline()
        found = re.search(r"http://\S+?(?=/)", said)
        assert found, (said, process.stderr and process.stderr.read())
        yield process, found[0]
    finally:
        process.kill()
        process.communicate()


def test_it_starts_again_after_it_was_killed(home: Home) -> None:
    for end in (signal.SIGKILL, signal.SIGINT):
        with serving(home) as (process, address):
            token = token_of(home)
            with httpx.Client(base_url=address, timeout=30) as client:
                assert client.get("/health").json() == {"status": "alive"}
                assert client.get("/v1/models", headers={"X-API-Key": token}).status_code == 200
                assert client.get("/v1/models").status_code == 401
                page = client.get(f"/login?token={token}", follow_redirects=True, headers={"Accept": "text/html"})
                assert page.status_code == 200 and "_nicegui" in page.text, "the pages are there"
                assert "connect-src 'self'" in page.headers["content-security-policy"]
            process.send_signal(end)
            out, err = process.communicate(timeout=30)
            assert token not in out + err, "what is no terminal may be a log"
            assert process.returncode == (-9 if end == signal.SIGKILL else 0), err
            assert "Traceback" not in err
    assert (home.path / FILE).stat().st_mode & 0o077 == 0
    assert not list(home.path.parent.glob(".nicegui*")), "nothing is left where it was started"


def test_on_a_terminal_it_shows_the_token_and_the_way_for_a_phone(home: Home) -> None:
    child = pexpect.spawn(
        sys.executable, [*COMMAND[1:], "--home", str(home.path), "--lan"], encoding="utf-8", timeout=60, dimensions=(60, 200)
    )
    try:
        child.expect(r"/login\?token=(\S+)")
        assert child.match[1] == token_of(home)
        child.expect("your phone opens this" if lan_address() else "no network")
    finally:
        child.terminate(force=True)


def test_a_picture_of_an_address_can_be_read(tmp_path: Path) -> None:
    shown = picture("http://192.168.1.20:8420/login?token=abcdefghijklmnopqrstuvwxyz012345")
    lines = shown.splitlines()
    assert 15 <= len(lines) <= 25 and len({len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines if line.strip()}) <= 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "203.0.113.1"], "cannot listen on 203.0.113.1"),
        (["--token-file", "HERE/nowhere"], "cannot read a token from"),
        (["--host", "0.0.0.0", "--token-file", "HERE/short"], "holds no safe token"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(home: Home, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    (home.path.parent / "short").write_text("secret")
    given = [argument.replace("HERE", str(home.path.parent)) for argument in arguments]
    assert run(["serve", "--home", str(home.path), *given]) == 2
    said = capsys.readouterr().err
    assert says in said and len(said.splitlines()) == 1 and "secret" not in said
