"""What tests of the pages share: a server's script in a process of its own, and a browser that complains of what nobody should see."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, ConsoleMessage, Page

from homespun.home import Home
from servers import free_port
from ui.chat_server import TOKEN

DESK, PHONE = (1280, 800), (390, 844)

Open = Callable[..., Page]


@dataclass(frozen=True, slots=True)
class Served:
    url: str
    home: Home


class start:
    """A server's script in a process of its own, for as long as the block lasts; its output is shown when it does not come up."""

    def __init__(self, script: Path, place: Path) -> None:
        self.port = free_port()
        self.log = place.with_name(f"{place.name}.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, str(script), str(place), str(self.port)], stdout=log, stderr=subprocess.STDOUT)

    def __enter__(self) -> str:
        url = f"http://127.0.0.1:{self.port}"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urlopen(f"{url}/health", timeout=1):
                    return url
            except (URLError, OSError):
                time.sleep(0.1)
        self.process.kill()
        raise AssertionError(f"the server did not start: {self.log.read_text()}")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


class visitor:
    def __init__(self, browser: Browser, url: str) -> None:
        self.browser, self.url = browser, url
        self.opened: list[Page] = []
        self.complaints: list[str] = []

    def __enter__(self) -> Open:
        return self.visit

    def visit(self, path: str = "/", size: tuple[int, int] = DESK, dark: bool = False) -> Page:
        width, height = size
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            has_touch=size == PHONE,
            reduced_motion="reduce",
        )
        context.request.get(f"{self.url}/login", params={"token": TOKEN})
        page = context.new_page()
        page.set_default_timeout(10_000)
        self.opened.append(page)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda asked: None if self._ours(asked.url) else self.complaints.append(f"asked for {asked.url}"))
        page.on("websocket", lambda socket: None if self._ours(socket.url) else self.complaints.append(f"opened {socket.url}"))
        page.goto(self.url + path)
        return page

    def _heard(self, said: ConsoleMessage) -> None:
        # A page that says that something is not there is itself not found.
        if said.type in ("error", "warning") and not ("status of 404" in said.text and "/chat/" in said.location["url"]):
            self.complaints.append(said.text)

    def _ours(self, url: str) -> bool:
        return url.startswith((self.url, self.url.replace("http", "ws", 1), "data:", "blob:"))

    def __exit__(self, kind: object, *_: object) -> None:
        for page in self.opened:
            page.context.close()
        if kind is None:
            assert self.complaints == []
