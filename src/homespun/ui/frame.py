"""What all pages have in common: the header with the name and the way around, the choice of light or dark, and the place for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nicegui import ui

from homespun.ui import look

if TYPE_CHECKING:
    from homespun.serving.house import House

NAVIGATION = (
    ("chat", "Chat", "chat_bubble", "/"),
    ("words", "Words", "menu_book", "/words"),
    ("train", "Train", "model_training", "/train"),
    ("versions", "Versions", "history", "/versions"),
    ("report", "Report", "bar_chart", "/report"),
)
"""(key, label, icon, address) of what can be gone to from everywhere."""

THEMES = {"": ("As the system", "contrast", None), "light": ("Light", "light_mode", False), "dark": ("Dark", "dark_mode", True)}
"""What the cookie holds -> (label, icon, Quasar's own switch). Clicking goes to the next one."""


@contextmanager
def page(house: House, title: str, *, active: str = "", wide: bool = False, fill: bool = False) -> Iterator[None]:
    """The frame of a page; what is built in its body is the content.

    Args:
        active: key of NAVIGATION that this page belongs to.
        wide: for tables and plots.
        fill: the content is as high as the window and scrolls inside.
    """
    ui.page_title(f"{title} · homespun")
    ui.add_head_html(look.head())
    # NiceGUI shows its notice of a lost connection by this attribute alone, which screen readers pass over.
    ui.add_body_html("<script type='module'>document.getElementById('popup').setAttribute('role', 'status')</script>")
    _header(active)
    _bottom(active)
    with ui.element("div").classes(f"hs-main {'hs-wide' if wide else ''} {'hs-fill' if fill else ''}") as main:
        ui.skip_link("Skip to the content", target=main)
        yield


def _header(active: str) -> None:
    with ui.header().classes("hs-header"), ui.element("div").classes("hs-bar"):
        with ui.link(target="/").classes("hs-word").props('aria-label="homespun, to the start"'):
            ui.element("span").classes("hs-mark").props('aria-hidden="true"')
            look.text("span", "homespun")
        _navigation(active, "Pages")
        _theme_switch()


def _bottom(active: str) -> None:
    """The same way around, at the thumb. The style shows it on phones only."""
    with ui.footer().classes("hs-bottom"):
        _navigation(active, "Pages, at the bottom")


def _navigation(active: str, label: str) -> None:
    with ui.element("nav").classes("hs-nav").props(f'aria-label="{label}"'):
        for key, words, symbol, address in NAVIGATION:
            with ui.link(target=address) as link:
                look.icon(symbol)
                look.text("span", words)
            if key == active:
                link.props('aria-current="page"')


def _theme_switch() -> None:
    request = ui.context.client.request
    chosen = request.cookies.get("theme", "") if request else ""
    state = {"now": chosen if chosen in THEMES else ""}
    quasar = ui.dark_mode(THEMES[state["now"]][2])

    def label() -> str:
        return f"Colours: {THEMES[state['now']][0].lower()}"

    def next_one() -> None:
        order = list(THEMES)
        state["now"] = order[(order.index(state["now"]) + 1) % len(order)]
        quasar.value = THEMES[state["now"]][2]
        button.props(f"icon=sym_r_{THEMES[state['now']][1]}")
        look.name(button, label())
        ui.run_javascript(
            f"document.cookie='theme={state['now']};path=/;max-age=31536000;samesite=strict';"
            f"document.documentElement.dataset.theme='{state['now']}'"
        )

    button = look.icon_button(THEMES[state["now"]][1], label(), next_one)
