"""One reply as OpenAI's clients read it, chunk by chunk or whole: a class for chat, one for plain text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from homespun.engines.base import Finish, Piece, Scored
from homespun.serving.openai.bodies import Body, chat_scores, plain_scores
from homespun.serving.openai.tools import CallReader, Fragment


class Choice(Protocol):
    def opening(self) -> Iterator[Body]:
        """Chunks before anything is said."""
        ...

    def feed(self, piece: Piece) -> Iterator[Body]:
        """The chunks that a piece of the reply makes."""
        ...

    def whole(self) -> Body:
        """All that was fed, for those who did not want chunks."""
        ...


class ChatChoice:
    """Args:
    reader: finds calls of tools; None where there are none.
    refuses: what is said is a refusal, since it is not in the form that was asked for.
    """

    def __init__(self, index: int, scored: bool, reader: CallReader | None, refuses: bool) -> None:
        self.index, self._scored, self._reader = index, scored, reader
        self._says = "refusal" if refuses else "content"
        self._said = ""
        self._calls: list[Body] = []
        self._scores: list[Scored] = []
        self._finish: str | None = None

    def opening(self) -> Iterator[Body]:
        yield self._chunk({"role": "assistant", "content": "", "refusal": None})

    def feed(self, piece: Piece) -> Iterator[Body]:
        self._scores += piece.scores
        parts = [*(self._reader.feed(piece.text) if self._reader else [piece.text])]
        if piece.finish and self._reader:
            parts += self._reader.end()
        scores = piece.scores
        for part in parts:
            if part:
                yield self._chunk(self._delta(part), scores)
                scores = ()
        if piece.finish:
            self._finish = self._reason(piece.finish)
            yield self._chunk({}, scores, self._finish)

    def _reason(self, finish: Finish) -> str:
        return "tool_calls" if self._calls and finish == "stop" else finish

    def _delta(self, part: str | Fragment) -> Body:
        if isinstance(part, str):
            self._said += part
            return {self._says: part}
        if part.name is None:
            self._calls[part.index]["function"]["arguments"] += part.arguments
            return {"tool_calls": [{"index": part.index, "function": {"arguments": part.arguments}}]}
        call = {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": ""}}
        self._calls.append({**call, "function": {"name": part.name, "arguments": ""}})
        return {"tool_calls": [{"index": part.index, **call}]}

    def _chunk(self, delta: Body, scores: tuple[Scored, ...] = (), finish: str | None = None) -> Body:
        logprobs = chat_scores(scores) if self._scored and scores else None
        return {"index": self.index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}

    def whole(self) -> Body:
        message: Body = {"role": "assistant", "content": None, "refusal": None}
        message[self._says] = self._said.strip() if self._said or not self._calls else None
        if self._calls:
            message["tool_calls"] = self._calls
        logprobs = chat_scores(self._scores) if self._scored else None
        return {"index": self.index, "message": message, "logprobs": logprobs, "finish_reason": self._finish}


class TextChoice:
    """Args:
    echo: the prompt, where it is to stand before what continues it.
    """

    def __init__(self, index: int, scored: bool, echo: str) -> None:
        self.index, self._scored = index, scored
        self._said, self._echo = "", echo
        self._scores: list[Scored] = []
        self._finish: Finish | None = None

    def opening(self) -> Iterator[Body]:
        if self._echo:
            self._said = self._echo
            yield self._body(self._echo, [], 0, None)

    def feed(self, piece: Piece) -> Iterator[Body]:
        before = len(self._said)
        self._said += piece.text
        self._scores += piece.scores
        self._finish = piece.finish
        if piece.text or piece.finish:
            yield self._body(piece.text, piece.scores, before, piece.finish)

    def whole(self) -> Body:
        return self._body(self._said, self._scores, len(self._echo), self._finish)

    def _body(self, text: str, scores: list[Scored] | tuple[Scored, ...], offset: int, finish: Finish | None) -> Body:
        logprobs = plain_scores(scores, offset) if self._scored else None
        return {"index": self.index, "text": text, "logprobs": logprobs, "finish_reason": finish}
