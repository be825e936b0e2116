"""Talking in a session: what is said is kept before it is answered, and the reply is kept while it is written.

Socket, echo routes and pages all come through `converse`, so a rule that holds here holds everywhere. A session answers one message at
a time; another one that comes meanwhile is refused, not queued: who writes it has not seen the reply yet.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import anyio
import anyio.to_thread
from pydantic import ValidationError

from homespun.config import SamplingSection
from homespun.engines.base import Piece
from homespun.errors import Busy, HomespunError, TooLong, UnknownName, UsageError
from homespun.home import Home
from homespun.retrieval.passages import Passage
from homespun.serving import store
from homespun.serving.lanes import Full
from homespun.serving.loading import Unavailable
from homespun.serving.prompt import REMEMBERED, Prepared, answer, prepare
from homespun.serving.pump import pump
from homespun.serving.session import Opened

if TYPE_CHECKING:
    from homespun.serving.house import House
    from homespun.serving.shelf import Borrowed

LONGEST = 16_000
"""Characters of a message."""
LONGEST_NAME = 100
SAVED_EVERY = 1.0
"""Seconds between two times that a growing reply is kept: so much of it a killed server loses."""
Reason = Literal["stop", "length", "stopped"]
"""How a reply ended: by itself, at the length cap, or because somebody stopped it."""
Code = Literal["invalid", "unknown", "busy", "too_long", "full", "unavailable", "failed"]
_log = logging.getLogger("homespun")


@dataclass(frozen=True, slots=True)
class Asked:
    model: str
    """A name, for the live version, or MODEL@VERSION."""
    text: str
    """Empty, with `replaces`: the same once more."""
    session: str | None = None
    """None begins a new one."""
    speaker: str | None = None
    """Who is talking, if it is somebody the model knows; it holds for the whole session."""
    base: bool = False
    """Ask the untrained base instead."""
    client: str = ""
    """Whom it is counted for, in the line and in the limits."""
    replaces: str | None = None
    """An earlier turn, which is edited or tried again."""
    sampling: Mapping[str, object] = field(default_factory=dict)
    """What is different from the recipe's."""


@dataclass(frozen=True, slots=True)
class Queued:
    position: int
    """1 is next."""


@dataclass(frozen=True, slots=True)
class Started:
    """What was said is kept, and will not be lost."""

    session: str
    interaction: str
    """The reply."""
    version: str
    fallback: bool
    """The base answers, because the version cannot."""
    disclosure: str | None
    """What whoever talks with an avatar has to be told."""
    question: str
    """What was said, as an interaction."""
    base: bool
    """The base answers, for whatever reason."""


@dataclass(frozen=True, slots=True)
class Said:
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """Something that the reply can draw on."""

    text: str
    date: str
    to: str
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    reason: Reason
    text: str
    """All of it."""


@dataclass(frozen=True, slots=True)
class Failed:
    message: str
    """One line that says what to do."""
    code: Code
    error: HomespunError
    """For whoever would rather raise it."""

    @property
    def retry_after(self) -> int | None:
        """Seconds, where it is worth another try."""
        return self.error.retry_after if isinstance(self.error, Full) else None


CODES: tuple[tuple[type[HomespunError], Code], ...] = (
    (UnknownName, "unknown"),
    (UsageError, "invalid"),
    (Busy, "busy"),
    (TooLong, "too_long"),
    (Full, "full"),
    (Unavailable, "unavailable"),
)
Event = Queued | Started | Looked | Said | Ended | Failed


async def converse(house: House, asked: Asked) -> AsyncGenerator[Event]:
    """Say something in a session, and follow the reply. The last event is Ended or Failed; nothing is raised.

    Use it in `contextlib.aclosing`: leaving early, or being cancelled, stops the engine, and what was said is kept as stopped.
    """
    try:
        house.limits.take(asked.client)
        await anyio.to_thread.run_sync(_check, house.home, asked)
        with house.lanes.join(asked.client) as place:
            async for position in place.waits():
                yield Queued(position)
            async with house.shelf.borrow(asked.model, base=asked.base) as borrowed, aclosing(_reply(house, asked, borrowed)) as events:
                async for event in events:
                    yield event
    except HomespunError as error:
        yield failure(error)
    except Exception as error:  # its text could quote what was said
        _log.error("a reply failed: %s", type(error).__name__)
        yield failure(HomespunError("something went wrong in the server: try it again"))


def failure(error: HomespunError) -> Failed:
    """An error as an event."""
    return Failed(str(error), next((code for kind, code in CODES if isinstance(error, kind)), "failed"), error)


async def _reply(house: House, asked: Asked, borrowed: Borrowed) -> AsyncGenerator[Event]:
    """What is kept of it is kept before it is told, the end too."""
    opened, home, began = borrowed.opened, house.home, time.monotonic()
    sampling = _sampling(opened.recipe.sampling, asked.sampling)
    session, question, turn = await _begun(home, asked, opened.title)
    kept = _Kept(home, turn.id)
    reason: Reason = "stopped"
    try:
        yield Started(session.id, turn.id, opened.title, borrowed.fallback, opened.notice, question.id, not opened.trained)
        if borrowed.fallback:
            house.metrics.fallback()
        async with aclosing(pump(partial(_written, home, opened, session, sampling))) as items:
            async for item in items:
                if isinstance(item, Prepared):
                    looked = tuple(_source(opened, passage) for passage in item.told)
                    kept.sources = [message for source in looked for message in source.messages]
                    yield Looked(looked)
                    continue
                if item.text:
                    if not kept.text:
                        house.metrics.first_token(time.monotonic() - began)
                    kept.text += item.text
                    yield Said(item.text)
                    await kept.save_if_due()
                if item.finish:
                    reason = item.finish
                    house.metrics.tokens(item.usage.prompt if item.usage else 0, item.usage.completion if item.usage else 0)
        kept.status = "complete"
    except Exception:
        kept.status = "failed"
        raise
    finally:
        with anyio.CancelScope(shield=True):
            await kept.save()
    yield Ended(reason, kept.text.strip())


@dataclass(slots=True)
class _Kept:
    """The row of a reply."""

    home: Home
    id: str
    text: str = ""
    status: store.Status = "stopped"
    """How it ends, unless something else happens."""
    sources: list[str] = field(default_factory=list)
    saved: float = field(default_factory=time.monotonic)

    async def save_if_due(self) -> None:
        if time.monotonic() - self.saved > SAVED_EVERY:
            await anyio.to_thread.run_sync(store.write, self.home, self.id, self.text, "writing", self.sources)
            self.saved = time.monotonic()

    async def save(self) -> None:
        await anyio.to_thread.run_sync(store.write, self.home, self.id, self.text.strip(), self.status, self.sources)


def _check(home: Home, asked: Asked) -> None:
    """What can be said before it has waited for its turn.

    Raises:
        UsageError, UnknownName, Busy: what is wrong with it.
    """
    if not asked.text.strip() and asked.replaces is None:
        raise UsageError("the message is empty: write something")
    if len(asked.text) > LONGEST:
        raise UsageError(f"the message is longer than {LONGEST:,} characters: say it in parts")
    if not all(map(_storable, (asked.text, asked.speaker or ""))):
        raise UsageError("the message holds half a letter (a lone surrogate): send it as UTF-8")
    if asked.speaker is not None and (len(asked.speaker) > LONGEST_NAME or not asked.speaker.isprintable() or not asked.speaker.strip()):
        raise UsageError(f"the name of who is talking is one line of at most {LONGEST_NAME} letters")
    if asked.session is None:
        if asked.replaces is not None:
            raise UsageError("a new session has nothing to replace: name the session too")
        return
    session = store.get(home, asked.session)
    if session.model != asked.model.partition("@")[0]:
        raise UsageError(f"this session is one with {session.model}: begin a new one for another model")
    if asked.speaker not in (None, session.speaker):
        raise UsageError("somebody else began this session: begin a new one to be another person")
    if session.writing:
        raise Busy(store.WRITING)


async def _begun(home: Home, asked: Asked, version: str) -> tuple[store.Stored, store.Interaction, store.Interaction]:
    """As _begin, which no cancelling interrupts: a reply that is begun has to be ended."""
    beginning = asyncio.ensure_future(asyncio.to_thread(_begin, home, asked, version))
    try:
        return await asyncio.shield(beginning)
    except asyncio.CancelledError:
        with anyio.CancelScope(shield=True):
            _, _, turn = await beginning
            await _Kept(home, turn.id).save()
        raise


def _begin(home: Home, asked: Asked, version: str) -> tuple[store.Stored, store.Interaction, store.Interaction]:
    """The session, what was said in it, and the reply that is to be written: all kept from here on."""
    session = store.get(home, asked.session) if asked.session else store.create(home, asked.model, asked.speaker)
    return session, *store.ask(home, session.id, asked.text.strip(), version, asked.replaces)


def _written(home: Home, opened: Opened, session: store.Stored, sampling: SamplingSection) -> Iterator[Prepared | Piece]:
    """Slow: for a thread. What the reply can draw on, then the reply."""
    prepared = prepare(opened, store.remembered(home, session.id, REMEMBERED), session.speaker)
    yield prepared
    yield from answer(opened, prepared, sampling)


def _storable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _sampling(usual: SamplingSection, changes: Mapping[str, object]) -> SamplingSection:
    if not changes:
        return usual
    try:
        return SamplingSection.model_validate({**usual.model_dump(), **changes})
    except ValidationError as error:
        first: Any = error.errors()[0]
        raise UsageError(f"sampling.{first['loc'][0]}: {first['msg']}") from None


def _source(opened: Opened, passage: Passage) -> Source:
    """In people's own names."""
    view = opened.view
    return Source(view.restore(passage.text), passage.date, view.restore(passage.to), tuple(passage.messages))
