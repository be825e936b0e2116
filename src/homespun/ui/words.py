"""Adding words: exports are dropped here, and what was kept of each, and what was not and why, is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import JSONResponse
from nicegui import app, ui
from nicegui.events import GenericEventArguments

from homespun.config import seconds_of
from homespun.corpus import imports, people
from homespun.corpus.stats import BINS
from homespun.errors import HomespunError
from homespun.serving import uploads
from homespun.ui import look, parts
from homespun.ui.intake import Export, Intake

if TYPE_CHECKING:
    from homespun.serving.house import House

UPLOAD = "/words/upload"
GAP = "30m"
"""The silence that ends a conversation, unless somebody says otherwise (`homespun add --gap`)."""
HOW = (
    ("WhatsApp", "Open the chat, then ⋮ or its name, Export chat, without media. One chat is one file."),
    ("Telegram", "Telegram Desktop: Settings, Advanced, Export Telegram data, as machine-readable JSON. Drop result.json."),
    ("Signal", "The plaintext export of Android, or signal-export. Zip the folder."),
    ("Messenger, Instagram", "Download your information, format JSON. Drop the zip."),
    ("Discord", "Settings, Data & Privacy, Request data; or DiscordChatExporter, format JSON."),
    ("Mail", "takeout.google.com, Mail; or any mbox file."),
    ("Anything else", "A text file with NAME: text on each line, a table with who, what and when, or Markdown notes."),
)
SEND = """async event => {
  const field = event.target, files = [...field.files];
  for (const file of files) {
    if (file.size > LIMIT) {
      emit({name: file.name, share: 1, error: 'it is larger than MOST, the most this server takes; `homespun add` takes it'});
      continue;
    }
    await new Promise(done => {
      const request = new XMLHttpRequest();
      request.open('PUT', (window.path_prefix || '') + 'ADDRESS?name=' + encodeURIComponent(file.name.slice(0, 300)));
      request.upload.onprogress = at => emit({name: file.name, share: at.loaded / at.total});
      request.onloadend = () => {
        let answer = {};
        try { answer = JSON.parse(request.responseText) } catch { }
        const error = answer.error?.message || (request.status === 200 ? '' : 'it did not arrive: the connection broke');
        emit({name: file.name, share: 1, error});
        done();
      };
      request.send(file);
    });
  }
  field.value = '';
}"""
"""Sends the chosen files one after the other, as they are: they are written to the disk while they come."""


def register(house: House) -> None:
    intake = Intake(house.home)

    async def receive(request: Request, name: str = "export") -> JSONResponse:
        try:
            upload = await uploads.receive(house.home, name, request.stream(), house.options.max_upload)
        except HomespunError as error:
            return JSONResponse({"error": {"message": str(error)}}, 400)
        intake.take(name, upload)
        return JSONResponse({"upload": upload})

    async def words_page() -> None:
        with parts.page(house, "Words", "words", "words"):
            look.title("Words", "Drop the chats you exported. They stay on this machine, and a model learns from what you wrote in them.")
            await _Words(house, intake).show()

    app.put(UPLOAD, include_in_schema=False)(receive)
    parts.serve("/words", words_page)


class _Words:
    """What is on its way, drawn again whenever that changes."""

    def __init__(self, house: House, intake: Intake) -> None:
        self.home, self.intake = house.home, intake
        self.sending: dict[str, float] = {}
        self.bars: dict[str, ui.linear_progress] = {}
        self.refused: dict[str, str] = {}
        self.shown: object = None
        _drop(self._sent, house.options.max_upload)
        self.way = look.stack().props('aria-live="polite"')
        self.below = look.stack()
        self.timer = ui.timer(0.6, self._look)

    async def show(self) -> None:
        self._draw()
        await self._totals()

    def _sent(self, event: GenericEventArguments) -> None:
        name = str(event.args["name"])
        if name in self.sending and event.args["share"] < 1:
            self.sending[name] = self.bars[name].value = float(event.args["share"])
            return
        self.refused.pop(name, None)
        if event.args["share"] < 1:
            self.sending[name] = float(event.args["share"])
        else:
            self.sending.pop(name, None)
        if event.args.get("error"):
            self.refused[name] = str(event.args["error"])
        self._draw()

    async def _look(self) -> None:
        now = [(export.upload, export.state, export.error) for export in self.intake.exports]
        if now != self.shown:
            self._draw()
            await self._totals()

    def _draw(self) -> None:
        self.shown = [(export.upload, export.state, export.error) for export in self.intake.exports]
        self.way.clear()
        with self.way:
            for name, error in self.refused.items():
                look.error(f"{name}: {error}")
            for name, share in self.sending.items():
                with look.card("hs-stack"):
                    look.text("p", name, "hs-plain")
                    self.bars[name] = look.progress(f"Sending {name}", share)
            for export in self.intake.exports:
                with look.card("hs-stack"):
                    self._export(export)

    def _export(self, export: Export) -> None:
        with look.row("hs-between"):
            look.text("p", export.name, "hs-section hs-plain")
            tone: look.Tone = "good" if export.state == "added" else "bad" if export.state == "failed" else "accent"
            look.badge(export.state, tone)
        if export.state == "failed":
            look.error(export.error, lambda: self.intake.again(export))
        elif export.state == "added":
            result(export.result)
        else:
            look.muted(export.error or "Messages are counted while they are read.")
            look.progress("Reading", None)

    async def _totals(self) -> None:
        there = await parts.off_loop(imports.list_imports, self.home)
        owner = await parts.off_loop(people.owner, self.home)
        self.below.clear()
        with self.below:
            if there:
                _next(owner)
                look.section("Added so far")
                rows = [(one.source, one.format, f"{one.messages:,}", parts.moment(one.created)) for one in reversed(there)]
                parts.table(("From", "Format", "Messages", "When"), rows, numbers=(2,))
            with ui.element("details").classes("hp-more").props("" if there else "open"):
                look.text("summary", "How do I export my chats?")
                with look.card():
                    look.facts(HOW)


def _drop(sent: Any, limit: int) -> None:
    with ui.element("div").classes("hp-drop"):
        look.icon("upload_file")
        look.text("strong", "Drop exports here, or choose files")
        look.text("span", f"Chats as text, JSON or zip; several at once; up to {_size(limit)} each", "hs-muted hs-small")
        field = ui.element("input").props('type="file" multiple aria-label="Choose exports to add"')
        field.on("change", sent, js_handler=SEND.replace("ADDRESS", UPLOAD).replace("LIMIT", str(limit)).replace("MOST", _size(limit)))


def _size(limit: int) -> str:
    return f"{limit >> 30} GB" if limit >= 1 << 30 else f"{limit >> 20} MB"


def _next(owner: str | None) -> None:
    with look.card("hs-row hs-between"):
        if owner:
            look.text("p", f"You are {owner}.", "hp-grow")
            parts.link_button("People", "/people", "quiet")
            parts.link_button("Train a model", "/train", "primary")
        else:
            look.text("p", "Nobody is marked as you yet: a model of you learns from your messages alone.", "hp-grow")
            parts.link_button("Say who you are", "/people", "primary")


def result(told: Mapping[str, Any]) -> None:
    """What an import kept and what it left out, in words."""
    kept, added, known = (int(told.get(name, 0)) for name in ("kept", "added", "already_there"))
    chats, conversations = int(told.get("chats", 0)), int(told.get("conversations", 0))
    where = f"in {parts.counted(chats, 'chat')} and {parts.counted(conversations, 'conversation')}"
    news = f"{parts.counted(added, 'new message')}, {where} ({told.get('format', '')})."
    look.text("p", news if added else f"Nothing new: all {kept:,} messages were here already.")
    if added and known:
        look.muted(f"{known:,} were here already.")
    if mine := int(told.get("mine", 0)):
        look.muted(f"{mine:,} are yours.")
    skipped = sorted(dict(told.get("skipped", {})).items(), key=lambda item: -item[1])
    if skipped:
        with ui.element("ul").classes("hs-small"):
            for reason, count in skipped:
                look.text("li", f"{count:,} left out: {reason}")
    for note in told.get("notes", ()):
        look.note(str(note), "warn")
    if added and any(told.get("silences", {}).values()):
        with ui.element("details").classes("hp-more"):
            look.text("summary", "Silences between messages")
            silences(told["silences"])


def silences(histogram: Mapping[str, int]) -> None:
    """How long people were silent; a conversation ends where the line is."""
    most = max(1, *histogram.values())
    cut = False
    with ui.element("div").classes("hp-bars"):
        for name, end in BINS:
            if not cut and end > seconds_of(GAP):
                ui.element("hr").props('aria-label="A conversation ends here"')
                cut = True
            count = int(histogram.get(name, 0))
            look.text("span", name)
            ui.element("i").style(f"width: {100 * count / most:.1f}%").props('aria-hidden="true"')
            look.text("b", f"{count:,}")
    look.muted("A conversation ends where nobody wrote for 30 minutes: at the dashed line.").classes("hs-small")
