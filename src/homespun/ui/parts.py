"""What the pages beside the chat share: the ways within a part of the site, work off the event loop, and failures in one line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from nicegui import run, ui

from homespun.errors import HomespunError, UnknownName
from homespun.ui import look
from homespun.ui.frame import page as framed

if TYPE_CHECKING:
    from homespun.serving.house import House

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that a page may take to be built."""
WAYS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "words": (
        ("words", "Add", "/words"),
        ("people", "People", "/people"),
        ("corpus", "Read", "/corpus"),
        ("privacy", "Personal data", "/privacy"),
    ),
    "train": (("train", "Train", "/train"), ("data", "What is learned", "/data")),
    "report": (("report", "Report", "/report"), ("blind", "Blind test", "/blind")),
}
"""Part of the site -> (key, label, address) of its pages."""


@contextmanager
def page(house: House, title: str, active: str, part: str = "", wide: bool = False) -> Iterator[None]:
    """The frame of a page, with the ways within its part of the site.

    Args:
        active: of frame.NAVIGATION.
        part: of WAYS[active].
    """
    ui.add_head_html(f"<style>{_style()}</style>")
    with framed(house, title, active=active, wide=wide):
        if ways := WAYS.get(active):
            with ui.element("nav").classes("hp-ways").props('aria-label="In this part"'):
                for key, label, address in ways:
                    with ui.link(target=address) as link:
                        look.text("span", label)
                    if key == part:
                        link.props('aria-current="page"')
        yield


def serve(address: str, build: Callable[..., Awaitable[None]]) -> None:
    """Make a page of a function. Reading a large corpus may take it some seconds."""
    ui.page(address, response_timeout=PATIENCE)(build)


@cache
def _style() -> str:
    return (resources.files("homespun.ui") / "pages.css").read_text(encoding="utf-8")


async def off_loop(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run what reads files or the database in a thread, so that the server goes on serving."""
    found: T = await run.io_bound(work, *args, **kwargs)
    return found


async def attempt(where: ui.element, action: Callable[[], Awaitable[object]], retry: Callable[[], object] | None = None) -> bool:
    """Do something that may be refused: what is refused says why, in one line, in `where`. Returns whether it was done."""
    where.clear()
    try:
        await action()
    except HomespunError as error:
        with where:
            look.error(str(error), retry)
        return False
    return True


@contextmanager
def told() -> Iterator[None]:
    """While a page is built: show a failure of the body as one line in the place where its content would have been."""
    try:
        yield
    except HomespunError as error:
        ui.status_code(404 if isinstance(error, UnknownName) else 409)
        look.error(str(error))


def link_button(words: str, address: str, kind: look.ButtonKind = "secondary", icon: str | None = None) -> ui.button:
    """A button that is a link: it can be opened in another tab."""
    made = look.button(words, kind=kind, icon=icon)
    made.props["href"] = address
    return made


def table(
    header: Sequence[str], rows: Iterable[Sequence[str | Callable[[], Any]]], numbers: Collection[int] = (), classes: str = ""
) -> None:
    """A table whose rows become cards on a phone, where every cell says what it is."""
    made = look.table(header, rows, numbers).classes(f"hp-cards {classes}")
    for line in made.default_slot.children[1].default_slot.children:
        for label, cell in zip(header, line.default_slot.children, strict=True):
            cell.props["data-label"] = label


def drawing(svg: str) -> ui.html:
    """A plot of ui/plots.py."""
    return ui.html(svg, sanitize=False).classes("hp-drawing")


def prose(markdown: str) -> ui.markdown:
    """Our own Markdown, in which names of people may stand: what looks like HTML in it stays text."""
    return ui.markdown(escape(markdown, quote=False).replace("&gt;", ">")).classes("hp-prose")


def figure(value: str, words: str) -> None:
    """One number that is worth a look, with what it is."""
    with ui.element("div").classes("hp-figure"):
        look.text("p", value, "hp-value")
        look.text("p", words, "hs-muted hs-small")


def pager(address: str, number: int, more: bool, label: str) -> None:
    """Ways to the page before and the page after.

    Args:
        address: with `{}` for the number of the page, from 1.
    """
    if number == 1 and not more:
        return
    with ui.element("nav").classes("hs-row hs-between hp-pager").props('aria-label="Pages of this list"'):
        before = link_button("Before", address.format(number - 1), "quiet", "chevron_left")
        look.text("span", label, "hs-muted hs-small")
        after = link_button("After", address.format(number + 1), "quiet", "chevron_right")
    before.set_enabled(number > 1)
    after.set_enabled(more)


def day(seconds: float | None) -> str:
    """3 May 2024, in UTC as everything of the corpus is."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%-d %b %Y") if seconds is not None else ""


def moment(when: float | str | None) -> str:
    """3 May 2024, 14:05; of seconds or of what the database writes."""
    if when is None:
        return ""
    found = datetime.fromisoformat(when) if isinstance(when, str) else datetime.fromtimestamp(when, UTC)
    return found.strftime("%-d %b %Y, %H:%M")


def lasting(seconds: float) -> str:
    """About so long: 40 s, 5 min, 1 h 20 min."""
    if seconds < 90:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def counted(count: int, one: str, more: str = "") -> str:
    return f"{count:,} {one if count == 1 else more or one + 's'}"
