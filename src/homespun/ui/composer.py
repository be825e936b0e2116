"""Where one writes: Enter sends, Shift+Enter breaks the line, and the same place stops a reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import events, ui

from homespun.ui import look

LONGEST = 8000
"""Characters of a message; the models read about a tenth of that."""
_KEYS = """(event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  emit(event.target.value);
}"""


class Composer:
    """Args:
    name: whom the message goes to.
    send: given what was written.
    """

    def __init__(
        self, name: str, send: Callable[[str], Awaitable[None]], stop: Callable[[], Awaitable[None]], leave: Callable[[], None]
    ) -> None:
        self._send, self.name, self.writing = send, name, False
        with ui.element("div").classes("chat-composer").props('role="group" aria-label="Your message"'):
            with ui.element("div").classes("chat-editing") as self.editing:
                look.text("span", "You are changing a message. What came after it is set aside.")
                look.button("Leave it", leave, "quiet")
            self.editing.visible = False
            with ui.element("div").classes("chat-box"):
                self.field = ui.textarea(placeholder=f"Write to {name}").props(f"autogrow borderless dense rows=1 maxlength={LONGEST}")
                self.field.classes("chat-field").props["aria-label"] = f"Message to {name}"
                self.field.on("keydown", self._entered, js_handler=_KEYS)
                self.send_button = look.icon_button("arrow_upward", "Send", self._clicked).classes("chat-send")
                self.stop_button = look.icon_button("stop", "Stop the reply", stop).classes("chat-send chat-stop")
                self.stop_button.visible = False
            look.text("p", "Enter sends, Shift + Enter breaks the line, / comes here, Esc stops", "chat-keys hs-muted")

    async def _entered(self, event: events.GenericEventArguments) -> None:
        await self._give(str(event.args or ""))

    async def _clicked(self) -> None:
        await self._give(str(self.field.value or ""))

    async def _give(self, text: str) -> None:
        if text.strip() and not self.writing:
            await self._send(text.strip()[:LONGEST])

    def busy(self, writing: bool) -> None:
        self.writing = writing
        self.send_button.visible, self.stop_button.visible = not writing, writing

    def fill(self, text: str, editing: bool = False) -> None:
        self.field.set_value(text)
        self.editing.visible = editing
        if editing:
            self.field.run_method("focus")
