"""The page on which one talks with a model. The address holds the session, so that a reload goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from itertools import zip_longest

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from homespun.errors import Busy, HomespunError, UnknownName
from homespun.feedback import select
from homespun.feedback import store as feedback
from homespun.registry import versions
from homespun.registry.versions import Model, Version
from homespun.serving import store
from homespun.serving.conversation import Asked
from homespun.serving.disclosure import notice
from homespun.serving.house import House
from homespun.serving.replies import Reply
from homespun.ui import frame, look, sessions, thoughts
from homespun.ui.chooser import choose
from homespun.ui.composer import Composer
from homespun.ui.sessions import address
from homespun.ui.turns import Hands, ReplyView, said


def register(house: House) -> None:
    def start() -> None:
        known = [model.name for model in versions.list_models(house.home) if model.versions]
        last = next((stored.model.partition("@")[0] for stored in store.sessions_of(house.home, limit=1)), None)
        if known:
            _page(house, last if last in known else known[0])
        else:
            _nobody(house)

    def chat(model: str, session: str = "", beside: str = "", speaker: str = "", calm: str = "") -> None:
        _page(house, model, session, beside, speaker, bool(calm))

    ui.page("/")(start)
    ui.page("/chat/{model}")(chat)


def _nobody(house: House) -> None:
    words = "Bring a chat export, say who you are in it, and train a model of how you write."
    with frame.page(house, "Chat", active="chat"), look.empty("chat_bubble", "Nobody to talk with yet", words):
        look.go("Begin with your words", "/start", "primary")


def _page(house: House, title: str, session: str = "", beside: str = "", speaker: str = "", calm: bool = False) -> None:
    try:
        version = versions.get_version(house.home, title)
        model = versions.get_model(house.home, version.model)
        stored, other = (store.get(house.home, one) if one else None for one in (session, beside))
    except HomespunError as error:
        ui.status_code(404 if isinstance(error, UnknownName) else 500)
        with frame.page(house, "Chat", active="chat"), look.empty("search_off", "This is not here", str(error)):
            look.go("To the start", "/")
        return
    with frame.page(house, f"Chat with {model.person}", active="chat", fill=True):
        ui.add_head_html(_style())
        ui.add_body_html(_script())
        Chat(house, title, model, version, stored, other, speaker or None, calm).build()


SHOWN = 100
"""Turns of a conversation that are there at first."""
CALM = 0.7
"""Temperature of calmer replies: usually it is as high as the person's own variety asks, which a small model pays for in sense."""


@dataclass(slots=True)
class Exchange:
    root: ui.element
    replies: list[ReplyView]
    """One, or with the base beside it, two."""
    text: str


@dataclass(slots=True)
class Pane:
    """A conversation on the page: the model's, or beside it that of the base."""

    base: bool
    session: str | None = None
    reply: Reply | None = None


class Chat:
    """One open page.

    Args:
        title: whom it talks with, as the address says: "anna" (whatever is live) or "anna@3".
        stored: the session it shows; None before anything was said.
        beside: the session of the base beside it.
        speaker: who talks, while there is no session that says it.
        calm: draw replies at a lower temperature than the recipe's.
    """

    log: ui.element
    aloud: ui.element
    about: TextElement
    mood: ui.menu_item
    list: ui.element
    composer: Composer

    def __init__(
        self,
        house: House,
        title: str,
        model: Model,
        version: Version,
        stored: store.Stored | None,
        beside: store.Stored | None,
        speaker: str | None,
        calm: bool,
    ) -> None:
        self.house, self.home, self.title, self.model, self.version = house, house.home, title, model, version
        self.speaker = stored.speaker if stored else speaker
        self.calm = calm
        self.since = stored.since if stored else 0
        self.panes = [Pane(False, stored.id if stored else None)] + ([Pane(True, beside.id)] if beside else [])
        self.exchanges: list[Exchange] = []
        self.editing: Exchange | None = None
        self.hands = Hands(self._again, self._think, partial(thoughts.better, self.home), partial(thoughts.leak, self.home))
        self.shown = SHOWN
        self.client = ui.context.client.ip or ""
        self.following: set[asyncio.Task[None]] = set()
        ui.context.client.on_delete(self._leave)

    @property
    def session(self) -> str | None:
        return self.panes[0].session

    # The page

    def build(self) -> None:
        with ui.element("div").classes("chat"):
            with ui.element("aside").classes("chat-side").props('aria-label="Conversations"') as self.list:
                sessions.listed(self.home, self.title, self.session)
            with ui.element("div").classes("chat-main"):
                self._head()
                with ui.element("div").classes("chat-log").props('tabindex="0" role="region" aria-label="Conversation"'):
                    self.log = ui.element("div").classes("chat-turns")
                self.aloud = look.text("div", "", "hs-hidden").props('role="status" aria-live="polite"')
                self.composer = Composer(self.model.person, self._send, self._stop, self._leave_edit)
        with self.log:
            self._beginning()
        self._restore()

    def _head(self) -> None:
        with ui.element("div").classes("chat-head"):
            look.icon_button("menu", "Conversations", self._sheet).classes("chat-only-phone")
            with ui.element("div").classes("chat-whom"):
                with ui.element("h1"), look.button(self.model.person, lambda: choose(self.home, self.title, self.speaker), "quiet") as whom:
                    look.icon("expand_more")
                look.name(whom, f"{self.model.person}: choose model, version and who you are").props('aria-haspopup="dialog"')
                self.about = look.text("p", self._about(), "hs-muted hs-small")
            compare = look.icon_button("compare", "Compare with the base", self._compare)
            compare.props(f'aria-pressed="{str(len(self.panes) > 1).lower()}"')
            with look.icon_button("more_horiz", "More about this conversation"), ui.menu().props("auto-close"):
                ui.menu_item("New conversation", lambda: ui.navigate.to(self._at(speaker=self.speaker)))
                self.mood = ui.menu_item(self._mood(), self._change_mood)
                ui.menu_item("Export as a file", self._export)
                ui.menu_item("Forget what was said so far", self._reset)
                ui.menu_item("Delete", self._delete)

    def _about(self) -> str:
        live = ", live" if self.version.is_live else ""
        return f"{self.version.title}{live} · you are {self.speaker or 'somebody new'}{' · calmer' if self.calm else ''}"

    def _mood(self) -> str:
        return "Replies as varied as theirs" if self.calm else "Calmer replies"

    def _change_mood(self) -> None:
        self.calm = not self.calm
        self.about.text = self._about()
        self.mood.text = self._mood()
        ui.navigate.history.replace(self._address())

    def _beginning(self) -> None:
        with ui.element("div").classes("chat-beginning"):
            look.text("span", self.model.person[:1].upper(), "chat-face").props('aria-hidden="true"')
            look.text("p", f"Write to {self.model.person}’s avatar", "chat-invitation")
            look.text("p", notice(self.model.person, self.version.title), "chat-notice")

    def _sheet(self) -> None:
        with ui.dialog().props('position="left" aria-label="Conversations"') as box, ui.element("div").classes("chat-sheet"):
            sessions.listed(self.home, self.title, self.session)
        box.open()

    def _restore(self) -> None:
        """Everything said so far, and the reply that is still being written."""
        mine, *others = [_paired(store.history(self.home, pane.session, self.shown)) if pane.session else [] for pane in self.panes]
        if mine and mine[0][0].position > 0:
            with self.log:
                look.button("Show what came before", self._earlier, "quiet")
        # The base may have been asked only since some message: what came last belongs together.
        beside = [[*([None] * (len(mine) - len(other))), *(turn for _, turn in other)] for other in others]
        thumbs = select.thumbs(self.home, [turn.id for pairs in (mine, *others) for _, turn in pairs if turn])
        forgotten = not self.since
        for place, (question, answer) in enumerate(mine):
            if question.position >= self.since and not forgotten:
                forgotten = True
                self._divider()
            turns = [answer, *(column[place] for column in beside)]
            exchange = self._exchange(question.text, [pane for pane, turn in zip(self.panes, turns, strict=True) if turn or not pane.base])
            for view, turn in zip(exchange.replies, [turn for turn in turns if turn], strict=False):
                self._show(view, turn, thumbs.get(turn.id))
        if not forgotten:
            self._divider()
        self._settle()

    def _show(self, view: ReplyView, turn: store.Interaction, thumb: str | None) -> None:
        reply = self.house.replies.of(turn.session)
        if turn.status == "writing" and reply:
            self._follow(next(pane for pane in self.panes if pane.session == turn.session), view, reply)
        else:
            view.stored(turn, not (turn.version or "").startswith(f"{self.model.name}@"), thumb)

    def _earlier(self) -> None:
        self.shown *= 4
        self._leave()
        self.exchanges.clear()
        self.log.clear()
        with self.log:
            self._beginning()
        self._restore()

    def _divider(self) -> None:
        with self.log:
            look.text("p", "What stands above is no longer remembered", "chat-divider")

    def _exchange(self, text: str, panes: Sequence[Pane]) -> Exchange:
        with self.log, ui.element("div").classes("chat-exchange") as root:
            made = Exchange(root, [], text)
            said(text, partial(self._edit, made))
            with ui.element("div").classes("chat-pair" if len(panes) > 1 else "chat-single"):
                made.replies = [self._reply(pane) for pane in panes]
        self.exchanges.append(made)
        return made

    def _reply(self, pane: Pane) -> ReplyView:
        name = self.model.recipe.base if pane.base else self.model.person
        return ReplyView(self.home, self.hands, name, self.version.title, not pane.base, self._say)

    def _say(self, words: str) -> None:
        self.aloud.text = words

    def _leave(self) -> None:
        """Replies go on without the page."""
        for task in self.following:
            task.cancel()

    # Talking

    async def _send(self, text: str) -> None:
        editing, self.editing = self.editing, None
        self.composer.fill("")
        replaced = self._cut(editing) if editing else []
        self._begin(text, replaced)

    def _begin(self, text: str, replaced: list[str]) -> None:
        """Say it in every pane.

        Args:
            replaced: the reply of each pane that this is another try of.
        """
        for pane in self.panes:
            pane.session = pane.session or store.create(self.home, self.model.name, self.speaker).id
        exchange = self._exchange(text, self.panes)
        sampling = {"temperature": CALM} if self.calm else {}
        for pane, view, earlier in zip_longest(self.panes, exchange.replies, replaced[: len(self.panes)]):
            asked = Asked(self.title, text, pane.session, self.speaker, pane.base, self.client, earlier or None, sampling)
            try:
                self._follow(pane, view, self.house.replies.start(self.house, asked))
            except Busy as error:
                view.failed(str(error))
        self._settle()
        ui.navigate.history.replace(self._address())
        ui.run_javascript("chatToEnd()")

    def _follow(self, pane: Pane, view: ReplyView, reply: Reply) -> None:
        async def follow() -> None:
            await view.follow(reply)
            self._settle()

        pane.reply = reply
        task = asyncio.create_task(follow())
        self.following.add(task)
        task.add_done_callback(self.following.discard)

    def _settle(self) -> None:
        """Show whether a reply is being written, and once none is, the list as it is now."""
        writing = any(pane.reply and pane.reply.over is None for pane in self.panes)
        self.composer.busy(writing)
        if not writing:
            self.list.clear()
            with self.list:
                sessions.listed(self.home, self.title, self.session)

    async def _stop(self) -> None:
        for pane in self.panes:
            if pane.session:
                await self.house.replies.stop(pane.session)

    def _cut(self, exchange: Exchange) -> list[str]:
        """Take an exchange and all after it off the page. Returns its replies."""
        place = self.exchanges.index(exchange)
        for gone in self.exchanges[place:]:
            gone.root.delete()
        del self.exchanges[place:]
        return [view.id for view in exchange.replies]

    async def _again(self, view: ReplyView) -> None:
        if not self.composer.writing:
            exchange = next(one for one in self.exchanges if view in one.replies)
            self._begin(exchange.text, self._cut(exchange))

    def _edit(self, exchange: Exchange) -> None:
        if not self.composer.writing:
            self.editing = exchange
            self.composer.fill(exchange.text, editing=True)

    def _leave_edit(self) -> None:
        self.editing = None
        self.composer.fill("")

    async def _think(self, reply: str, kind: str) -> None:
        feedback.add(self.home, reply, kind)

    # The conversation as a whole

    def _address(self) -> str:
        return self._at(session=self.session, beside=self.panes[1].session if len(self.panes) > 1 else None)

    def _at(self, **wanted: str | None) -> str:
        return address(self.title, calm="1" if self.calm else None, **wanted)

    def _compare(self) -> None:
        """With the base beside it, or without: then what the base said is gone."""
        if len(self.panes) > 1:
            store.remove(self.home, str(self.panes[1].session))
            ui.navigate.to(self._at(session=self.session, speaker=self.speaker))
            return
        other = store.create(self.home, self.model.name, self.speaker)
        ui.navigate.to(self._at(session=self.session, beside=other.id, speaker=self.speaker))

    def _export(self) -> None:
        if self.session:
            sessions.download(self.home, self.session)

    def _reset(self) -> None:
        for pane in self.panes:
            if pane.session and self.exchanges:
                self.since = store.reset(self.home, pane.session).since
        if self.exchanges:
            self._divider()

    async def _delete(self) -> None:
        if self.session and await sessions.delete(self.home, [pane.session for pane in self.panes if pane.session]):
            ui.navigate.to(self._at(speaker=self.speaker))


def _paired(turns: list[store.Interaction]) -> list[tuple[store.Interaction, store.Interaction | None]]:
    """Every question with its reply."""
    pairs: list[tuple[store.Interaction, store.Interaction | None]] = []
    for turn in turns:
        if turn.role == "user":
            pairs.append((turn, None))
        elif pairs and pairs[-1][1] is None:
            pairs[-1] = pairs[-1][0], turn
    return pairs


@cache
def _style() -> str:
    return f"<style>{(resources.files('homespun.ui') / 'chat.css').read_text(encoding='utf-8')}</style>"


@cache
def _script() -> str:
    return f"<script>{(resources.files('homespun.ui') / 'chat.js').read_text(encoding='utf-8')}</script>"
