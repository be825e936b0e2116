"""The chat in a real browser, with an engine that says what it is asked to (chat_server.py)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from homespun.config import SamplingSection
from homespun.database.connection import connect
from homespun.database.schema import feedback, interactions
from homespun.serving import store
from homespun.ui.chat import CALM
from ui.browsing import PHONE, Open, Served

QUESTION = "when is the next ceilidh gig?"
ANSWER = "friday week, the net loft"


def say(page: Page, text: str, wait: bool = True) -> None:
    field = page.get_by_label("Message to Wren Kallio")
    field.fill(text)
    field.press("Enter")
    expect(page.locator(".chat-bubble").last).to_contain_text(text)
    if wait:
        over(page)


def over(page: Page) -> None:
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible(timeout=15_000)


def eventually(found: Callable[[], object], wanted: object) -> None:
    deadline = time.monotonic() + 10
    while found() != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found() == wanted


def replies(page: Page) -> list[str]:
    return page.locator(".chat-words").all_inner_texts()


def session(page: Page, name: str = "session") -> str:
    return parse_qs(urlsplit(page.url).query)[name][0]


def rows(served: Served, page: Page) -> list[tuple[str, str, str]]:
    """(role, status, text) of everything in the page's session, the replaced too."""
    with connect(served.home) as db:
        wanted = select(interactions).where(interactions.c.session == session(page)).order_by(interactions.c.position)
        return [(row.role, row.status, row.text) for row in db.execute(wanted)]


def thoughts(served: Served, page: Page) -> list[tuple[str, str, str | None]]:
    """(version, kind, text) of the feedback in the page's session."""
    with connect(served.home) as db:
        of_session = interactions.c.session == session(page)
        wanted = select(feedback).join(interactions, interactions.c.id == feedback.c.interaction).where(of_session).order_by(feedback.c.id)
        return [(row.version, row.kind, row.text) for row in db.execute(wanted)]


def test_a_reply_is_written_as_it_comes_says_what_it_is_and_what_it_looked_up(open_page: Open, served: Served) -> None:
    page = open_page()
    expect(page.get_by_text("This is wren@3, an avatar: not Wren Kallio")).to_be_visible()
    say(page, "tell me something long", wait=False)
    page.wait_for_function("document.querySelector('.chat-words')?.innerText.includes('word3')")
    first = replies(page)[0]
    expect(page.locator(".chat-words").first).to_contain_text("word60")
    assert "word60" not in first
    over(page)
    say(page, QUESTION)
    reply = page.locator(".chat-reply").last
    expect(reply.locator(".chat-who")).to_contain_text(re.compile("Wren Kallio.*avatar.*wren@3", re.DOTALL))
    reply.get_by_text("Looked up").click()
    expect(reply.locator("li").first).to_contain_text("christmas ceilidh next friday")
    expect(reply.locator("li").first).to_contain_text("2024-12-05")
    assert [row[:2] for row in rows(served, page)] == [("user", "complete"), ("assistant", "complete")] * 2


def test_escape_stops_a_reply_and_what_it_said_stays(open_page: Open, served: Served) -> None:
    page = open_page()
    say(page, "tell me something long", wait=False)
    page.wait_for_function("document.querySelector('.chat-words')?.innerText.includes('word5')")
    page.keyboard.press("Escape")
    over(page)
    role, status, text = rows(served, page)[-1]
    assert (role, status) == ("assistant", "stopped") and text.startswith("word0 word1") and "word149" not in text
    assert replies(page) == [text]


def test_editing_and_another_try_set_aside_what_came_after(open_page: Open, served: Served) -> None:
    page = open_page()
    say(page, "the first thing")
    say(page, "the second thing")
    page.get_by_role("button", name="Another try").last.click()
    eventually(lambda: [row[1] for row in rows(served, page)], ["complete", "complete", "replaced", "replaced", "complete", "complete"])
    over(page)
    page.get_by_role("button", name="Edit this message").first.click()
    field = page.get_by_label("Message to Wren Kallio")
    expect(field).to_have_value("the first thing")
    expect(field).to_be_focused()
    field.fill("the edited thing")
    field.press("Enter")
    eventually(lambda: replies(page), ["You said: the edited thing"])
    over(page)
    assert [text for _, status, text in rows(served, page) if status == "complete"] == ["the edited thing", "You said: the edited thing"]


def test_thoughts_are_kept_with_the_version_that_answered(open_page: Open, served: Served) -> None:
    page = open_page("/chat/wren@2")
    say(page, "hello")
    page.get_by_role("button", name="Good reply").click()
    expect(page.get_by_role("button", name="Good reply")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Better would be …").click()
    page.get_by_label("What it should have said").fill("ey up")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("Kept. Thank you.")).to_be_visible()
    page.get_by_role("button", name="Report that it told something private").click()
    page.get_by_label("What should it not have said?").fill("the address")
    page.get_by_role("button", name="Report it").click()
    expect(page.get_by_text("Reported.")).to_be_visible()
    page.get_by_role("button", name="Bad reply").click()
    expect(page.get_by_role("button", name="Good reply")).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(page.get_by_role("button", name="Bad reply")).to_have_attribute("aria-pressed", "true")
    assert thoughts(served, page) == [("wren@2", "edit", "ey up"), ("wren@2", "leak", "the address"), ("wren@2", "down", None)]


def test_the_base_answers_the_same_beside_the_avatar(open_page: Open, served: Served) -> None:
    page = open_page()
    say(page, "before")
    page.get_by_role("button", name="Compare with the base").click()
    expect(page.get_by_role("button", name="Compare with the base")).to_have_attribute("aria-pressed", "true")
    say(page, QUESTION)
    assert [text[:22] for text in replies(page)] == ["You said: before", ANSWER[:22], "I'm excited to hear th"]
    expect(page.locator(".chat-reply").last.locator(".chat-who")).to_contain_text(re.compile("smollm2.*base", re.DOTALL))
    page.reload()
    expect(page.locator(".chat-pair")).to_have_count(1)
    assert len(replies(page)) == 3
    beside = session(page, "beside")
    page.get_by_role("button", name="Compare with the base").click()
    expect(page.locator(".chat-pair")).to_have_count(0)
    assert beside not in {one.id for one in store.sessions_of(served.home)}


def test_what_a_model_writes_is_text_and_nothing_else(open_page: Open) -> None:
    page = open_page()
    say(page, "<i>html</i>, please")
    text = """<img src="/x.png" onerror="document.title='owned'"><script>document.title='owned'</script><b>bold</b> [a](http://a.test)"""
    for _ in ("as it came", "read back"):
        assert replies(page) == [text]
        assert page.locator(".chat-turns").locator("img, script, b, i:not(.q-icon), a").count() == 0
        assert page.title() == "Chat with Wren Kallio · homespun"
        page.reload()
        expect(page.locator(".chat-words")).to_have_count(1)


def test_a_reload_and_a_dropped_line_lose_nothing(open_page: Open, served: Served) -> None:
    page = open_page()
    say(page, "tell me something long", wait=False)
    page.wait_for_function("document.querySelector('.chat-words')?.innerText.includes('word5')")
    page.reload()
    expect(page.locator(".chat-words")).to_contain_text("word5")
    page.evaluate("""() => {
        const popup = document.getElementById('popup');
        const shown = () => { window.told ||= popup.ariaHidden === 'false' && popup.role === 'status'; };
        new MutationObserver(shown).observe(popup, {attributes: true});
        window.socket.io.engine.close();
    }""")
    page.wait_for_function("window.told")
    over(page)
    expect(page.get_by_text("Connection lost")).to_be_hidden()
    assert replies(page) == [" ".join(f"word{number}" for number in range(150))]
    assert [row[:2] for row in rows(served, page)] == [("user", "complete"), ("assistant", "complete")]


def test_one_clear_line_when_it_breaks_off_and_a_way_to_try_again(open_page: Open, served: Served) -> None:
    page = open_page()
    say(page, "break now")
    expect(page.get_by_role("alert")).to_contain_text("the engine stopped: start the server again")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(1)
    eventually(lambda: [row[1] for row in rows(served, page)], ["replaced", "replaced", "complete", "failed"])


def test_who_waits_is_told_their_place(open_page: Open) -> None:
    first, second, third = open_page(), open_page(), open_page()
    say(first, "something long", wait=False)
    say(second, "something long too", wait=False)
    say(third, "hello", wait=False)
    expect(third.get_by_text("Waiting: number 1 in line")).to_be_visible()
    first.get_by_role("button", name="Stop the reply").click()
    expect(third.locator(".chat-words")).to_have_text("You said: hello")
    second.get_by_role("button", name="Stop the reply").click()
    over(second)


def test_a_session_can_be_forgotten_exported_and_deleted(open_page: Open, served: Served) -> None:
    page = open_page()
    say(page, "a thing to be deleted")
    here = session(page)
    more = page.get_by_role("button", name="More about this conversation")
    more.click()
    with page.expect_download() as download:
        page.get_by_text("Export as a file").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2 and '"Wren Kallio"' in lines[1]
    more.click()
    page.get_by_text("Forget what was said so far").click()
    expect(page.get_by_text("What stands above is no longer remembered")).to_be_visible()
    assert store.remembered(served.home, here, 10) == []
    more.click()
    page.get_by_text("Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url("**/chat/wren")
    expect(page.locator(".chat-sessions").get_by_text("a thing to be deleted")).to_have_count(0)
    assert here not in {one.id for one in store.sessions_of(served.home)}


def test_somebody_it_knows_can_talk_with_a_version_by_number(open_page: Open, served: Served) -> None:
    page = open_page()
    page.get_by_role("button", name="choose model, version and who you are").click()
    for field, choice in (("Version", "Version 1"), ("You are", "Tuuli, sister")):
        page.get_by_role("combobox", name=field).click()
        page.get_by_role("option", name=choice).click()
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("wren@1 · you are Tuuli")).to_be_visible()
    say(page, "hi")
    expect(page.locator(".chat-who")).to_contain_text("wren@1")
    assert store.get(served.home, session(page)).speaker == "Tuuli"


def test_calmer_replies_stay_calmer_until_one_wants_them_otherwise(open_page: Open) -> None:
    page = open_page()
    say(page, "how warm")
    more = page.get_by_role("button", name="More about this conversation")
    more.click()
    page.get_by_text("Calmer replies").click()
    expect(page.get_by_text("· calmer")).to_be_visible()
    say(page, "how warm now")
    page.reload()
    say(page, "how warm still")
    assert replies(page) == [f"at {SamplingSection().temperature}", f"at {CALM}", f"at {CALM}"]
    more.click()
    page.get_by_text("Replies as varied as theirs").click()
    expect(page.get_by_text("· calmer")).to_have_count(0)


def test_everything_can_be_done_with_the_keyboard(open_page: Open, served: Served) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("two")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("lines")
    page.keyboard.press("Enter")
    expect(page.locator(".chat-words")).to_have_text("You said: two\nlines")
    over(page)
    assert rows(served, page)[0][2] == "two\nlines"
    thumb = page.get_by_role("button", name="Good reply")
    for _ in range(12):
        if thumb.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Shift+Tab")
    assert thumb.evaluate("element => getComputedStyle(element).boxShadow") != "none", "where the focus is must be seen"
    page.keyboard.press("Enter")
    expect(thumb).to_have_attribute("aria-pressed", "true")


def test_a_finished_reply_is_read_out_once_and_everything_has_a_name(open_page: Open) -> None:
    page = open_page()
    page.evaluate("""() => {
        const status = document.querySelector('.chat-main > [role=status]');
        window.heard = [];
        new MutationObserver(() => heard.push(status.innerText)).observe(status, {childList: true, characterData: true, subtree: true});
    }""")
    say(page, "something long")
    page.wait_for_function("window.heard.length > 0")
    assert len(page.evaluate("window.heard")) == 1 and page.evaluate("window.heard[0]").startswith("Wren Kallio: word0")
    nameless = """[...document.querySelectorAll('button, a[href], textarea, input, [role=button], [role=combobox]')]
        .filter(one => one.checkVisibility() && !one.ariaLabel && !one.labels?.length)
        .filter(one => !one.innerText.replace(one.querySelector('.q-icon')?.innerText, '').trim())
        .map(one => one.outerHTML)"""
    assert page.evaluate(nameless) == []
    for landmark in ("banner", "main", "navigation", "complementary"):
        assert page.get_by_role(landmark).count() >= 1, landmark
    assert page.get_by_role("heading", level=1).count() == 1


def test_a_phone_shows_all_of_it_and_nothing_sideways(open_page: Open) -> None:
    page = open_page(size=PHONE)
    say(page, QUESTION)
    say(page, "what goes wrong with accordions?")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    expect(page.get_by_role("navigation", name="Pages, at the bottom").get_by_role("link", name="Chat")).to_be_visible()
    page.get_by_role("button", name="Conversations").click()
    expect(page.get_by_role("dialog").get_by_role("link", name=QUESTION).first).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Compare with the base").click()
    expect(page.get_by_role("button", name="Compare with the base")).to_have_attribute("aria-pressed", "true")
    say(page, "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch" * 5)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_light_and_dark_follow_the_system_until_somebody_chooses(open_page: Open, dark: bool) -> None:
    page = open_page(dark=dark)
    ground = "getComputedStyle(document.body).backgroundColor"
    light_paper, dark_paper = "rgb(247, 247, 244)", "rgb(21, 23, 27)"
    assert page.evaluate(ground) == (dark_paper if dark else light_paper)
    say(page, QUESTION)
    say(page, "& what goes wrong with accordions?")
    page.get_by_role("button", name="Colours: as the system").click()
    page.get_by_role("button", name="Colours: light").click()
    for _ in ("at once", "after a reload"):
        expect(page.get_by_role("button", name="Colours: dark")).to_be_visible()
        eventually(lambda: page.evaluate(ground), dark_paper)
        page.reload()


def test_what_is_not_there_is_said_so(open_page: Open) -> None:
    page = open_page("/chat/nobody")
    expect(page.get_by_role("heading", name="This is not here")).to_be_visible()
    page.goto(page.url.replace("nobody", "wren?session=gone"))
    expect(page.get_by_role("heading", name="This is not here")).to_be_visible()
    page.goto(page.url.replace("wren?session=gone", "wren/elsewhere"))
    expect(page.get_by_role("heading", name="There is nothing at this address")).to_be_visible()
