"""All that somebody does who never opens a terminal again after `homespun serve`: the real command, base and browser.

`HOMESPUN_SCREENSHOTS=1` keeps what the pages showed for docs/web.md: whatever is seen there, a model that was trained here has said.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from homespun.corpus import people
from homespun.home import Home
from homespun.registry import versions
from ui.pages_site import DESK, PHONE, Site, fits, opened

SCREENSHOTS = Path(__file__).parents[2] / "docs" / "screenshots"
QUESTIONS = ("hi! are you at the workshop today?", "what goes wrong with accordions?", "are you a bot?")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(Home.create(tmp_path_factory.mktemp("way") / "home"), browser, real=True) as opened_site:
        yield opened_site


def test_from_an_export_to_a_chat_without_a_terminal(site: Site) -> None:
    for step in (bring_words, start_a_training, watch_it, look_at_rows, take_the_blind_test, go_live, talk):
        step(site)


def bring_words(site: Site) -> None:
    with site.page("/start") as page:
        page.get_by_role("link", name="Add words").click()
        for name in ("WhatsApp Chat with Tuuli.txt", "result.json"):
            with resources.as_file(resources.files("homespun") / "sample" / name) as file:
                page.get_by_label("Choose exports to add").set_input_files([file])
                page.get_by_role("cell", name=name).wait_for(timeout=120_000)
        keep(page, "words")
        page.goto("/people")
        if people.owner(site.home) is None:
            page.get_by_role("button", name="Wren Kallio is me").click()
        page.get_by_role("link", name="Train a model of you").wait_for()


def start_a_training(site: Site) -> None:
    with site.page("/people") as page:
        page.get_by_role("link", name="Train a model of you").click()
        page.get_by_role("button", name="What will it take?").click()
        page.get_by_text("replies to learn from").wait_for(timeout=300_000)
        page.get_by_role("link", name="To the training").click()
        page.get_by_label("How long").click()
        page.get_by_role("option", name="2 minutes").click()
        page.get_by_role("button", name="Start the training").click()
        page.get_by_role("img", name="Loss over the steps").wait_for(timeout=300_000)


def watch_it(site: Site) -> None:
    with site.page("/train") as page:
        page.get_by_role("link", name="Watch").click()
        page.get_by_role("img", name="Loss over the steps").wait_for(timeout=300_000)
        page.get_by_role("link", name="Read the report").wait_for(timeout=1_500_000)
        keep(page, "train")
        page.get_by_role("link", name="Read the report").click()
        page.get_by_text("learned from Wren Kallio").first.wait_for()
        keep(page, "report")


def look_at_rows(site: Site) -> None:
    with site.page("/data/wren") as page:
        page.locator(".hp-mask b").first.wait_for()


def take_the_blind_test(site: Site) -> None:
    with site.page("/blind/wren@1") as page:
        page.get_by_role("button", name="Prepare the test").click()
        page.get_by_role("link", name="Take the test").click(timeout=600_000)
        for number in range(1, 21):
            page.get_by_text(f"{number} of 20", exact=True).wait_for()
            page.keyboard.press("?")
        page.get_by_text("You found the real one").wait_for()


def go_live(site: Site) -> None:
    """Two minutes of training on two chats may be too little for the gate: then a person says why it may answer all the same."""
    version = versions.get_version(site.home, "wren@1")
    assert version.verdict
    with site.page("/versions/wren") as page:
        if not version.is_live:
            page.get_by_role("button", name="Let wren@1 go live").click()
            if version.verdict != "pass":
                page.get_by_label("Why").fill("to try it")
            page.get_by_role("dialog").get_by_role("button", name="Go live").click()
        page.get_by_text("wren@1 answers").wait_for()
        keep(page, "versions")


def talk(site: Site) -> None:
    with site.page("/chat/wren") as page:
        for answered, question in enumerate(QUESTIONS, 1):
            field = page.get_by_label("Message to Wren Kallio")
            field.fill(question)
            field.press("Enter")
            expect(page.get_by_role("group", name="About this reply")).to_have_count(answered, timeout=120_000)
        keep(page, "chat-light")
        conversation = page.url.removeprefix(site.address)
    for name, size, scheme in (("chat-dark", DESK, "dark"), ("chat-phone", PHONE, "light")):
        with site.page(conversation, size, scheme) as page:
            page.get_by_text(QUESTIONS[-1]).wait_for()
            assert fits(page)
            keep(page, name)


def keep(page: Page, name: str) -> None:
    if os.environ.get("HOMESPUN_SCREENSHOTS"):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        file = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=file, animations="disabled")
        assert file.stat().st_size < 200_000
