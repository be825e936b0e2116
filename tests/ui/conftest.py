"""The pages in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from homespun.home import Home
from ui.browsing import Open, Served, start, visitor

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"


# The package and not the session: while playwright runs, no other event loop can run in this thread.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "no Chromium here: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS.split(), "--disable-dev-shm-usage"])
        yield running
        running.close()


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The chat's own server (chat_server.py)."""
    place = tmp_path_factory.mktemp("served") / "home"
    with start(Path(__file__).with_name("chat_server.py"), place) as url:
        yield Served(url, Home(place))


@pytest.fixture
def open_page(browser: Browser, served: Served) -> Iterator[Open]:
    """`open_page(path, size=…, dark=…)`: a browser of its own, logged in. What it complains of, or asks of anybody else, fails the test."""
    with visitor(browser, served.url) as visit:
        yield visit
