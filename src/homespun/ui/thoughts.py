"""What a reader thinks of a reply: thumbs, how it should have been, and that it told something private."""

from __future__ import annotations

from homespun.feedback import store
from homespun.home import Home
from homespun.ui import look


async def better(home: Home, reply: str, text: str) -> None:
    """Ask how it should have been; the answer is kept with the reply."""
    with look.dialog("Better would be") as box:
        field = look.text_area("What it should have said", text)
        look.text("p", "It is kept with the version that answered.", "hs-muted hs-small")
        with look.row("hs-end"):
            look.button("Cancel", lambda: box.submit(None), "quiet")
            look.button("Keep it", lambda: box.submit(field.value), "primary")
    words = await box
    box.delete()
    if words and words.strip() and words.strip() != text.strip():
        store.add(home, reply, "edit", words.strip())
        look.toast("Kept. Thank you.")


async def leak(home: Home, reply: str) -> None:
    """Ask what should not have been told."""
    with look.dialog("Something private was told") as box:
        look.text("p", "The report is kept with the version that answered.", "hs-muted")
        field = look.text_area("What should it not have said? (you may leave this empty)")
        with look.row("hs-end"):
            look.button("Cancel", lambda: box.submit(None), "quiet")
            look.button("Report it", lambda: box.submit(field.value or ""), "danger")
    words = await box
    box.delete()
    if words is not None:
        store.add(home, reply, "leak", words.strip() or None)
        look.toast("Reported.")
