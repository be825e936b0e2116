"""The whole way in a browser with the real base: words, a plan, a short training, its report, and what a plan alone says."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

import pytest
from playwright.sync_api import Browser

from homespun.corpus import people
from homespun.home import Home
from homespun.registry import versions
from ui.pages_site import Site, opened


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(Home.create(tmp_path_factory.mktemp("train") / "home"), browser) as opened_site:
        yield opened_site


@pytest.mark.slow
def test_from_an_export_to_a_version_and_its_report_without_a_terminal(site: Site) -> None:
    with site.page("/start") as page:
        page.get_by_role("link", name="Add words").click()
        for name in ("WhatsApp Chat with Tuuli.txt", "result.json"):
            with resources.as_file(resources.files("homespun") / "sample" / name) as file:
                page.get_by_label("Choose exports to add").set_input_files([file])
                page.get_by_role("cell", name=name).wait_for(timeout=120_000)
        page.goto("/people")
        if people.owner(site.home) is None:
            page.get_by_role("button", name="Wren Kallio is me").click()
        page.get_by_role("link", name="Train a model of you").click()
        page.get_by_role("button", name="What will it take?").click()
        page.get_by_text("replies to learn from").wait_for(timeout=300_000)
        page.get_by_role("link", name="To the training").click()
        page.get_by_label("How long").click()
        page.get_by_role("option", name="2 minutes").click()
        page.get_by_role("button", name="Start the training").click()
        page.get_by_role("img", name="Loss over the steps").wait_for(timeout=300_000)
    with site.page("/train") as page:
        page.get_by_role("link", name="Watch").click()
        page.get_by_role("link", name="Read the report").click(timeout=1_500_000)
        page.get_by_text("learned from Wren Kallio").first.wait_for()
        page.goto("/data/wren")
        page.locator(".hp-mask b").first.wait_for()
    assert versions.get_version(site.home, "wren@1").verdict
