"""The one place of colours, type and spacing, and the few building blocks that every page is made of.

Rules of style are in `look.css`; colours are here, each as (light, dark), so that tests can compute their contrast. Words that come from
people or models are only ever set as text, never as HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import Any, Literal
from urllib.parse import quote

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

Tone = Literal["neutral", "accent", "good", "warn", "bad"]
ButtonKind = Literal["primary", "secondary", "quiet", "danger"]

PALETTE: Mapping[str, tuple[str, str]] = {
    "paper": ("#f7f7f4", "#15171b"),
    "surface": ("#ffffff", "#1d2026"),
    "sunken": ("#efefea", "#101216"),
    "faint": ("#e9e9e3", "#2a2e36"),
    "line": ("#e1e1da", "#30343c"),
    "edge": ("#83878f", "#767c88"),
    "ink": ("#1e2127", "#ebebe8"),
    "muted": ("#5b6069", "#a4a9b3"),
    "accent": ("#3b499f", "#aab5f7"),
    "accent-hover": ("#2f3b85", "#c0c9fb"),
    "on-accent": ("#ffffff", "#161a38"),
    "accent-soft": ("#e8eaf7", "#292e4e"),
    "good": ("#22633f", "#7fcb9d"),
    "good-soft": ("#e2f0e7", "#1b3226"),
    "warn": ("#7d5100", "#e3b765"),
    "warn-soft": ("#f7ecd5", "#382c14"),
    "bad": ("#a12d25", "#f39d94"),
    "bad-soft": ("#f9e5e2", "#42211e"),
}
"""Name of a CSS variable -> (light, dark). `edge` draws what must be seen (3:1), `line` what only divides."""

FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke="#5a69c9" stroke-width="2.6" stroke-linecap="round">'
    '<path d="M16 16c0-2 3-2 3 .6 0 3.6-6 3.9-6.4-.4C12.2 10.7 22.5 10 23 16.6c.5 8-13.7 8.7-14.5-.2C7.7 6 21.5 2.8 26 11.5"/>'
    '<path d="M26 11.5c2 4.5.5 10-3 13.5"/></svg>'
)


@cache
def head() -> str:
    """What every page has in its head: colours, rules, and the reader's choice of light or dark before anything is drawn."""
    colours = "".join(f"--{name}:light-dark({light},{dark});" for name, (light, dark) in PALETTE.items())
    rules = (resources.files("homespun.ui") / "look.css").read_text(encoding="utf-8")
    chosen = "document.documentElement.dataset.theme=(document.cookie.match(/(?:^|; )theme=(light|dark)/)||[])[1]||''"
    mark = f"--mark:url('data:image/svg+xml,{quote(FAVICON)}')"
    return f"<style>:root{{color-scheme:light dark;{colours}{mark}}}\n{rules}</style><script>{chosen}</script>"


def text(tag: str, words: str, classes: str = "") -> TextElement:
    """Any HTML element with words in it: `text("p", "…")`, `text("h2", "…", "hs-section")`."""
    return TextElement(tag=tag, text=words).classes(classes)


def title(words: str, below: str = "") -> None:
    """The one heading of a page, with a line about it."""
    text("h1", words, "hs-title")
    if below:
        text("p", below, "hs-lead")


def section(words: str) -> TextElement:
    return text("h2", words, "hs-section")


def muted(words: str) -> TextElement:
    """Said, and not in the way."""
    return text("p", words, "hs-muted")


def card(classes: str = "") -> ui.element:
    """`with card(): …`"""
    return ui.element("section").classes(f"hs-card {classes}")


def row(classes: str = "") -> ui.element:
    """Things beside each other, that wrap."""
    return ui.element("div").classes(f"hs-row {classes}")


def stack(classes: str = "") -> ui.element:
    """Things below each other."""
    return ui.element("div").classes(f"hs-stack {classes}")


def button(words: str, on_click: Callable[..., Any] | None = None, kind: ButtonKind = "secondary", icon: str | None = None) -> ui.button:
    """A button with words on it. `icon` is a name of Material Symbols, such as "add"."""
    made = ui.button(words, on_click=on_click, color=None, icon=_icon(icon) if icon else None)
    return made.props("flat no-caps :ripple=false").classes(f"hs-button hs-{kind}")


def go(words: str, address: str, kind: ButtonKind = "secondary") -> ui.link:
    """A link that looks like a button."""
    return ui.link(words, address).classes(f"hs-button hs-link hs-{kind}")


def icon_button(icon: str, label: str, on_click: Callable[..., Any] | None = None) -> ui.button:
    """A button with only a picture; `label` is what it is called when pointed at or read out."""
    made = ui.button(on_click=on_click, color=None, icon=_icon(icon)).props("flat no-caps :ripple=false").classes("hs-icon-button")
    return name(made, label)


def name(element: Any, label: str) -> Any:
    """What an element is called by a screen reader, and shown when it is pointed at. Give it again to rename it."""
    element.props["aria-label"] = label
    element.props["title"] = label
    element.update()
    return element


def icon(symbol: str, classes: str = "") -> ui.icon:
    return ui.icon(_icon(symbol)).classes(f"hs-icon {classes}")


def badge(words: str, tone: Tone = "neutral") -> TextElement:
    return text("span", words, f"hs-badge hs-tone-{tone}")


@contextmanager
def empty(symbol: str, heading: str, words: str) -> Iterator[None]:
    """What is shown where nothing is yet: what would be here and, in its body, the button that gets it."""
    with ui.element("div").classes("hs-empty"):
        icon(symbol)
        text("h2", heading)
        text("p", words)
        with row("hs-centre"):
            yield


def error(words: str, retry: Callable[..., Any] | None = None) -> ui.element:
    """One line that says what went wrong, read out at once, with a way to try again."""
    with ui.element("div").classes("hs-error").props('role="alert"') as line:
        icon("error")
        text("span", words)
        if retry:
            button("Try again", retry, "quiet")
    return line


def note(words: str, tone: Tone = "accent") -> ui.element:
    """A line to be aware of."""
    with ui.element("div").classes(f"hs-note hs-tone-{tone}").props('role="note"') as line:
        text("span", words)
    return line


def progress(label: str, value: float | None = 0.0) -> ui.linear_progress:
    """A bar from 0 to 1; None where it is not known how long it takes."""
    bar = ui.linear_progress(value or 0.0, show_value=False, size="6px", color=None).classes("hs-progress")
    if value is None:
        bar.props("indeterminate")
    name(bar, label)
    return bar


def table(header: Sequence[str], rows: Iterable[Sequence[str | Callable[[], Any]]], numbers: Collection[int] = ()) -> ui.element:
    """A table that scrolls sideways where it must.

    Args:
        rows: cells are words, or functions that build what is in them.
        numbers: columns, from 0, that are set to the right.
    """
    with (
        ui.element("div").classes("hs-table-room").props('tabindex="0" role="region" aria-label="Table"'),
        ui.element("table").classes("hs-table") as made,
    ):
        with ui.element("thead"), ui.element("tr"):
            for place, words in enumerate(header):
                text("th", words, "hs-number" if place in numbers else "").props('scope="col"')
        with ui.element("tbody"):
            for cells in rows:
                with ui.element("tr"):
                    for place, cell in enumerate(cells):
                        _cell(cell, "hs-number" if place in numbers else "")
    return made


def _cell(cell: str | Callable[[], Any], classes: str) -> None:
    if isinstance(cell, str):
        text("td", cell, classes)
        return
    with ui.element("td").classes(classes):
        cell()


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """What is known of one thing: (name, value) below each other."""
    with ui.element("dl").classes("hs-facts"):
        for key, value in pairs:
            text("dt", key)
            text("dd", value)


def text_input(label: str, value: str = "", on_change: Callable[..., Any] | None = None, placeholder: str = "") -> ui.input:
    return _field(ui.input(label, value=value, on_change=on_change, placeholder=placeholder or None))


def text_area(label: str, value: str = "", on_change: Callable[..., Any] | None = None, placeholder: str = "") -> ui.textarea:
    return _field(ui.textarea(label, value=value, on_change=on_change, placeholder=placeholder or None).props("autogrow"))


def select(label: str, options: Any, value: Any = None, on_change: Callable[..., Any] | None = None) -> ui.select:
    """`options`: a list, or value -> what is shown."""
    made = ui.select(options, label=label, value=value, on_change=on_change)
    return _field(made.props('options-dense dropdown-icon="sym_r_expand_more" popup-content-class="hs-menu"'))


def _field(made: Any) -> Any:
    return made.props("outlined dense stack-label hide-bottom-space").classes("hs-field")


@contextmanager
def dialog(heading: str) -> Iterator[ui.dialog]:
    """`with dialog("Rename") as box: …; box.open()`. Escape closes it, and the focus returns to where it was."""
    with ui.dialog().classes("hs-dialog").props(f'aria-label="{heading}"') as box, ui.element("div").classes("hs-card hs-stack"):
        text("h2", heading, "hs-section")
        yield box


async def confirm(heading: str, words: str, yes: str, danger: bool = False) -> bool:
    """Ask before something that cannot be taken back."""
    with dialog(heading) as box:
        text("p", words)
        with row("hs-end"):
            button("Cancel", lambda: box.submit(False), "quiet")
            button(yes, lambda: box.submit(True), "danger" if danger else "primary")
    answer = await box
    box.delete()
    return bool(answer)


def toast(words: str, tone: Literal["good", "bad"] = "good") -> None:
    """A line that goes away by itself."""
    ui.notify(words, position="bottom", classes=f"hs-toast hs-tone-{tone}", timeout=3500 if tone == "good" else 7000)


def _icon(symbol: str) -> str:
    return f"sym_r_{symbol}"
