"""Tools: what the model is told of them, and the calls in what it writes, as they are written (engines/grammar.py has the form)."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homespun.engines.grammar import CLOSE, OPEN
from homespun.serving.openai.types import Call

_HEAD = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*')


def told(tools: Sequence[Mapping[str, Any]]) -> str:
    """What stands in the system line, in the words that Hermes, Qwen and SmolLM were trained with."""
    lines = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    return (
        f"You may call functions. Their signatures:\n<tools>\n{lines}\n</tools>\n"
        f'To call one, answer with {OPEN}{{"name": …, "arguments": {{…}}}}{CLOSE} and nothing else.'
    )


def written(calls: Sequence[Call]) -> str:
    """Calls of an earlier turn, as the model wrote them."""
    return "\n".join(f'{OPEN}{{"name": {json.dumps(call.function.name)}, "arguments": {call.function.arguments}}}{CLOSE}' for call in calls)


def answered(text: str) -> str:
    """What a tool gave back."""
    return f"<tool_response>{text}</tool_response>"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of a call. The first of each call has its id and name."""

    index: int
    arguments: str = ""
    id: str | None = None
    name: str | None = None


class CallReader:
    """Reads a reply piece by piece: calls of tools, or else the text that it is. One that is cut short gives what there is of it."""

    def __init__(self) -> None:
        self.calls = 0
        self._waiting = ""
        self._says: bool | None = None
        """Whether it is text; None while its first characters could be either."""
        self._within: _Object | None = None

    def feed(self, text: str) -> Iterator[str | Fragment]:
        self._waiting += text
        if self._says is None:
            self._says = self._decide()
        if self._says:
            said, self._waiting = self._waiting, ""
            if said:
                yield said
        elif self._says is False:
            yield from self._read()

    def end(self) -> Iterator[str]:
        """What was held back because it could have become a call."""
        if self._says is None and self._waiting:
            yield self._waiting

    def _decide(self) -> bool | None:
        start = self._waiting.lstrip()
        if start.startswith(OPEN):
            return False
        return None if OPEN.startswith(start) else True

    def _read(self) -> Iterator[Fragment]:
        while True:
            if self._within is None:
                _, opened, rest = self._waiting.partition(OPEN)
                head = _HEAD.match(rest) if opened else None
                if head is None:
                    return
                self._waiting, self._within = rest[head.end() :], _Object()
                yield Fragment(self.calls, "", f"call_{uuid.uuid4().hex[:24]}", json.loads(head[1]))
                self.calls += 1
            taken = self._within.take(self._waiting)
            if taken:
                yield Fragment(self.calls - 1, self._waiting[:taken])
            self._waiting = self._waiting[taken:]
            if not self._within.ended:
                return
            self._within = None


class _Object:
    """Finds where a JSON object ends."""

    def __init__(self) -> None:
        self.depth, self.quoted, self.escaped, self.ended = 0, False, False, False

    def take(self, text: str) -> int:
        """Characters of `text` that still belong to it."""
        for place, letter in enumerate(text):
            if self.escaped:
                self.escaped = False
            elif self.quoted:
                self.escaped, self.quoted = letter == "\\", letter != '"'
            elif letter == '"':
                self.quoted = True
            elif letter in "{}[]":
                self.depth += 1 if letter in "{[" else -1
                if self.depth == 0:
                    self.ended = True
                    return place + 1
        return len(text)
