"""From the tokens of a reply to the text that may be shown: whole characters, and never a text that ends the reply."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from homespun.bases.template import Template
from homespun.engines.base import Piece, Scored


class Decoder:
    """Tokens go in one by one; text comes out when its characters are whole."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._said: list[int] = []
        self._start = self._shown = 0

    def add(self, token: int) -> str:
        self._said.append(token)
        # The token before the new ones goes along: some tokenizers write the first of a text without its space.
        before = self._template.decode(self._said[self._start : self._shown])
        text = self._template.decode(self._said[self._start :])
        if text.endswith("\ufffd"):
            return ""
        self._start, self._shown = self._shown, len(self._said)
        return text[len(before) :]


class StopFinder:
    """Text goes in as it is written and comes out when it can be no part of a stop text. The stop text that is complete first counts."""

    def __init__(self, stops: Iterable[str]) -> None:
        self.stops = tuple(stop for stop in stops if stop)
        self.held = ""
        self.found = False

    def feed(self, text: str) -> str:
        """What may be shown by now. After a stop text nothing is."""
        self.held += text
        if self.found or not self.stops:
            return self._release(0 if self.found else len(self.held))
        places = [(start + len(stop), start) for stop in self.stops if (start := self.held.find(stop)) >= 0]
        if places:
            self.found = True
            return self._release(min(places)[1])
        return self._release(len(self.held) - max(self._begun(stop) for stop in self.stops))

    def rest(self) -> str:
        """What was held back, when nothing more comes."""
        return self._release(0 if self.found else len(self.held))

    def _begun(self, stop: str) -> int:
        """How many characters of `stop` the text ends with."""
        longest = min(len(stop) - 1, len(self.held))
        return next((size for size in range(longest, 0, -1) if self.held.endswith(stop[:size])), 0)

    def _release(self, count: int) -> str:
        shown, self.held = self.held[:count], "" if self.found else self.held[count:]
        return shown


class Speaker:
    """Makes the pieces of a reply from the text of its tokens: a token's score comes with the first of its characters that is shown."""

    def __init__(self, stops: Iterable[str]) -> None:
        self._finder = StopFinder(stops)
        self._waiting: list[tuple[int, Scored]] = []
        self._heard = self._shown = 0

    @property
    def stopped(self) -> bool:
        return self._finder.found

    def hear(self, text: str, scores: Sequence[Scored] = ()) -> list[Piece]:
        """One piece, or none while nothing can be shown."""
        self._waiting += [(self._heard, score) for score in scores]
        self._heard += len(text)
        return self._show(self._finder.feed(text))

    def end(self) -> list[Piece]:
        """The last piece with text, if any was held back."""
        return self._show(self._finder.rest())

    def _show(self, text: str) -> list[Piece]:
        self._shown += len(text)
        ready = tuple(score for start, score in self._waiting if start < self._shown)
        self._waiting = [(start, score) for start, score in self._waiting if start >= self._shown]
        return [Piece(text, ready)] if text else []
