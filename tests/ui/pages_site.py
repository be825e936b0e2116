"""A server with every page and a browser before it, for the tests of the pages beside the chat."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from homespun.home import Home

TOKEN = "a-token-that-only-tests-know"
DESK, PHONE = {"width": 1180, "height": 860}, {"width": 390, "height": 844}


@dataclass
class Site:
    home: Home
    address: str
    browser: Browser
    wrong: list[str] = field(default_factory=list)
    """What a browser complained about, and every request that went elsewhere."""

    @contextlib.contextmanager
    def page(self, path: str, size: Any = DESK, scheme: Any = "light") -> Iterator[Page]:
        """A page of somebody who is logged in. At its end nothing may have gone wrong in it."""
        context = self.browser.new_context(viewport=size, color_scheme=scheme, base_url=self.address, reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"/login?token={TOKEN}")
        page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith((self.address, "data:", "blob:")) else self.wrong.append(asked.url))
        page.goto(path)
        try:
            yield page
            assert not self.wrong
        finally:
            self.wrong.clear()
            context.close()


@contextlib.contextmanager
def opened(home: Home, browser: Browser, real: bool = False) -> Iterator[Site]:
    """A server of its own for a home.

    Args:
        real: `homespun serve` as users start it, instead of a server whose engine needs no base.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = home.path.with_suffix(".log")
    command = [str(Path(__file__).with_name("pages_server.py")), str(home.path), str(port)]
    if real:
        (token := home.path.with_suffix(".token")).write_text(TOKEN)
        command = ["-m", "homespun", "serve", "--home", str(home.path), "--port", str(port), "--token-file", str(token)]
    with log.open("wb") as out:
        server = subprocess.Popen([sys.executable, *command], stdout=out, stderr=out)
    try:
        _wait(f"http://127.0.0.1:{port}/health", server, log)
        yield Site(home, f"http://127.0.0.1:{port}", browser)
    finally:
        server.terminate()
        server.wait(20)
    # What went wrong in the server is not always seen in the page.
    assert "Traceback" not in log.read_text(encoding="utf-8", errors="replace"), log.read_text(encoding="utf-8", errors="replace")


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=5).close()
            return
        time.sleep(0.1)
    raise AssertionError("the server did not start")


def fits(page: Page) -> bool:
    """Whether nothing sticks out of the window's side."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
