"""From nothing to words: exports are dropped, read and told about; then who is who, what is in them, and what is private in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from homespun.corpus import people
from homespun.home import Home
from ui.pages_site import PHONE, Site, fits, opened

NASTY = "Zoë <script>alert('x')</script> \"Q\" 🦊"
CHAT = "".join(
    f"12/03/2024, {10 + number // 60}:{number % 60:02d} - {who}: {words}\n"
    for number, (who, words) in enumerate(
        [
            (NASTY, "<img src=x onerror=alert(1)> 100 % <b>sure</b>"),
            ("Ben O'Neil", "write to me at ben.oneil@example.org or ÄRGER"),
            *((NASTY if turn % 2 else "Ben O'Neil", f"message number {turn}") for turn in range(70)),
        ]
    )
)


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(Home.create(tmp_path_factory.mktemp("words") / "home"), browser) as opened_site:
        yield opened_site


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("exports") / "WhatsApp Chat with Zoë & <b>.txt"
    file.write_text(CHAT, encoding="utf-8")
    return file


def test_an_empty_home_says_everywhere_what_to_do_next(site: Site) -> None:
    for path, words in {
        "/people": "Nobody yet",
        "/corpus": "No words yet",
        "/privacy": "No words yet",
        "/train": "No words to learn from",
        "/data": "No model yet",
        "/versions": "No model yet",
        "/report": "No report yet",
        "/blind": "No model to test yet",
    }.items():
        with site.page(path) as page:
            page.get_by_role("heading", name=words).wait_for()
            assert page.locator(".hs-empty a").count() == 1


def test_exports_are_dropped_read_and_told_about(site: Site, chat: Path, tmp_path: Path) -> None:
    nonsense = tmp_path / "photo.jpg"
    nonsense.write_bytes(b"\xff\xd8\xff\x00nothing to read")
    with site.page("/words") as page:
        page.get_by_label("Choose exports to add").set_input_files([chat, nonsense])
        page.get_by_text("72 new messages, in 1 chat").wait_for(timeout=60_000)
        page.get_by_text("failed", exact=True).wait_for(timeout=60_000)
        assert page.get_by_role("alert").count() == 1
        page.get_by_text("Nobody is marked as you yet").wait_for()
        # Again: it says so, and adds nothing.
        page.get_by_label("Choose exports to add").set_input_files([chat])
        page.get_by_text("Nothing new: all 72 messages were here already.").wait_for(timeout=60_000)
        assert page.get_by_role("row").count() == 2
    assert list((site.home.path / "uploads").glob("*/*.txt")) == []


def test_a_page_may_close_while_an_export_is_read(site: Site, tmp_path: Path) -> None:
    other = tmp_path / "WhatsApp Chat with Cleo.txt"
    other.write_text("".join(CHAT.replace(NASTY, "Zoe").splitlines(keepends=True)[:40]), encoding="utf-8")
    with site.page("/words") as page, page.expect_response(lambda answer: "/words/upload" in answer.url):
        page.get_by_label("Choose exports to add").set_input_files([other])
    with site.page("/words") as page:
        page.get_by_text("WhatsApp Chat with Cleo.txt").first.wait_for()
        page.get_by_text("40 new messages").wait_for(timeout=60_000)


def test_what_is_too_large_is_refused_in_one_line(site: Site, tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    large.write_bytes(b"a" * (9 << 20))
    with site.page("/words") as page:
        page.get_by_label("Choose exports to add").set_input_files([large])
        page.get_by_role("alert").filter(has_text="large.txt: it is larger than 8 MB").wait_for()
        refused = page.request.put("/words/upload?name=../../large", data=b"a" * (9 << 20), headers={"Origin": site.address})
        assert refused.status == 413
        empty = page.request.put("/words/upload?name=empty", data=b"", headers={"Origin": site.address})
        assert "this file is empty" in empty.json()["error"]["message"]
    assert not [folder for folder in (site.home.path / "uploads").glob("*") if not list(folder.glob("photo.jpg"))]


def test_one_says_who_one_is_and_who_is_twice_there(site: Site) -> None:
    with site.page("/people") as page:
        page.get_by_role("button", name=f"{NASTY} is me").click()
        page.get_by_role("heading", level=1).wait_for()
        page.get_by_text(f"You are {NASTY}").wait_for()
        assert people.owner(site.home) == NASTY
        page.get_by_role("button", name="What Ben O'Neil is to you").click()
        page.get_by_label("Such as sister").fill("brother")
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Keep").click()
        page.get_by_text("your brother").wait_for()
        page.get_by_text("Perhaps the same person").wait_for()
        page.get_by_role("button", name="Same person", exact=True).click()
        page.get_by_text("They cannot be told apart again").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
        assert {person.name for person in people.list_people(site.home)} == {NASTY, "Ben O'Neil", "Zoe"}
        page.get_by_role("button", name="Same person", exact=True).click()
        page.get_by_role("button", name="Make them one", exact=True).last.click()
        page.get_by_text("2 people").wait_for()
    assert {person.name for person in people.list_people(site.home)} == {NASTY, "Ben O'Neil"}


def test_the_corpus_is_read_and_searched_and_stays_text(site: Site) -> None:
    with site.page("/corpus", PHONE) as page:
        page.get_by_label("Search every message").fill("ärger")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="2 messages with “ärger”").wait_for()
        assert page.locator("mark").first.inner_text() == "ÄRGER"
        page.locator(".hp-lines a", has_text="Zoë").click()
        page.locator(".hp-hit").wait_for()
        page.get_by_text("<img src=x onerror=alert(1)> 100 % <b>sure</b>").wait_for()
        assert page.locator(".hp-message img, .hp-message b").count() == 0
        page.get_by_role("link", name="After").click()
        page.get_by_text("page 2 of 2").wait_for()
        assert fits(page)


def test_an_address_is_never_a_script(site: Site) -> None:
    with site.page("/corpus/chat/1?page=1&at=');document.title='owned'//") as page:
        page.locator(".hp-message").first.wait_for()
        page.wait_for_timeout(300)
        assert page.title() == "Chat · homespun"
    with site.page("/corpus?q='\"><img src=x onerror=alert(1)>") as page:
        page.get_by_role("heading", name="0 messages with").wait_for()


def test_what_redaction_changes_is_shown_before_anything_is_learned(site: Site) -> None:
    with site.page("/privacy") as page:
        page.locator("del", has_text="ben.oneil@example.org").first.wait_for()
        assert "@" in page.locator("ins").first.inner_text()


@pytest.mark.parametrize("path", ["/start", "/words", "/people", "/corpus", "/privacy", "/train"])
def test_every_page_fits_a_phone_and_is_dark_where_one_wants(site: Site, path: str) -> None:
    with site.page(path, PHONE, "dark") as page:
        page.get_by_role("heading", level=1).wait_for()
        assert fits(page)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 23, 27)"
