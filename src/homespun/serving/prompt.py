"""From a conversation to what the model reads, and from what it writes to what is answered. Every way to talk goes through here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from homespun.config import SamplingSection
from homespun.corpus.view import View
from homespun.dataset.turns import system_turn
from homespun.engines.base import NOTHING, Piece, Prompt, Usage, Wanted
from homespun.retrieval.grounding import BUDGET
from homespun.retrieval.passages import Passage
from homespun.serving.disclosure import asks_what_it_is, disclosure
from homespun.types import Turn

if TYPE_CHECKING:
    from homespun.serving.session import Opened

REMEMBERED = 10
"""Messages of history sent along, at most; fewer where they would not fit the tokens the model learned to read."""
HELD_BACK = 3
"""Words: a name has rarely more."""


@dataclass(frozen=True, slots=True)
class Prepared:
    turns: Prompt
    """What the model reads, in the names it knows."""
    told: tuple[Passage, ...] = ()
    """What it can draw on, in the same names."""
    said: str | None = None
    """The whole answer, where a rule gives it and no model is asked."""


def prepare(opened: Opened, turns: Sequence[Turn], speaker: str | None = None, whole: bool = False) -> Prepared:
    """The system line, as much of the conversation as is remembered, and what is known about its newest message.

    An avatar that is asked what it is says so, without a model; and "I don't know" where its recipe wants that. It can take a while
    (it searches): not for the event loop.

    Args:
        turns: in people's own names; the newest is last. Their system turns are added to the avatar's own line.
        speaker: who is talking, if it is somebody the person knows.
        whole: all of it is sent, however long.
    """
    newest = turns[-1]
    asked = newest.role == "user"
    if asked and opened.is_avatar and (language := asks_what_it_is(newest.text, opened.person)):
        return Prepared((), said=disclosure(language, opened.person, opened.title))
    prompt = _remembered(opened, turns, speaker, whole)
    if opened.memory is None or not asked:
        return Prepared(tuple(prompt))
    prompt, told = opened.memory.told(prompt, opened.engine.count)
    said = opened.memory.unknown(prompt[-1].text, told) if opened.recipe.retrieval.abstain else None
    return Prepared(tuple(prompt), tuple(told), said)


def prepare_text(opened: Opened, text: str) -> Prepared:
    """Text that is to be continued as it stands; an avatar that it asks what it is says so."""
    if opened.is_avatar and (language := asks_what_it_is(text, opened.person)):
        return Prepared("", said=disclosure(language, opened.person, opened.title))
    return Prepared(opened.view.hide(text))


def _remembered(opened: Opened, turns: Sequence[Turn], speaker: str | None, whole: bool) -> list[Turn]:
    """The system line and as much of the history as is remembered, oldest cut first, the newest message always in."""
    view, count = opened.view, opened.engine.count
    own = system_turn(opened.recipe, view.name(opened.person), view.name(speaker) if speaker else None)
    added = [view.hide(turn.text) for turn in turns if turn.role == "system"]
    said = [replace(turn, text=view.hide(turn.text)) for turn in turns if turn.role != "system"]
    system = replace(own, text="\n".join((own.text, *added)))
    if whole:
        return [system, *said]
    room = opened.recipe.dataset.max_tokens - (BUDGET if opened.memory else 0) - sum(map(count, added))
    kept: list[Turn] = []
    for turn in reversed(said[-REMEMBERED:]):
        room -= count(turn.text)
        if room < 0 and kept:
            break
        kept.insert(0, turn)
    return [system, *kept]


def answer(opened: Opened, prepared: Prepared, sampling: SamplingSection, wanted: Wanted = NOTHING) -> Iterator[Piece]:
    """The reply, piece by piece, in people's own names. Closing it stops the engine.

    Args:
        wanted: beyond the adapter, which is the opened version's.
    """
    if prepared.said is not None:
        yield Piece(prepared.said)
        yield Piece("", finish="stop", usage=Usage(0, 0))
        return
    pieces = opened.engine.stream(prepared.turns, sampling, replace(wanted, adapter=opened.adapter))
    try:
        yield from restored(pieces, opened.view)
    finally:
        if close := getattr(pieces, "close", None):
            close()


def restored(pieces: Iterator[Piece], view: View) -> Iterator[Piece]:
    """The same with people's own names. Where names are hidden, the last words wait: the next piece may belong to them."""
    if not view.names:
        yield from pieces
        return
    written, given = "", 0
    for piece in pieces:
        written += piece.text
        sure = view.restore(written if piece.finish else " ".join(written.split(" ")[:-HELD_BACK]))
        yield replace(piece, text=sure[given:])
        given = max(given, len(sure))
