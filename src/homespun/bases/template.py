"""The chat template's one home: text, token ids and the loss mask are made here together.

Training, evaluation and generation all render through this module, so that none can disagree with another.
Needs only `tokenizers` and `jinja2`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from homespun.errors import BaseError
from homespun.types import Turn

NEVER_STOPS = "this base's chat template does not end a reply with its stop token: a model trained so would never stop"


@dataclass(frozen=True, slots=True)
class Rendered:
    """Token ids, and for every token the number of the target turn it belongs to (1, 2, …), or 0 where nothing is learned."""

    ids: list[int]
    target: list[int]
    weights: list[float] = field(default_factory=list)
    """Of the target turns, in order; empty where all count the same."""

    def __len__(self) -> int:
        return len(self.ids)


class Template:
    """Renders turns for one base.

    Raises:
        BaseError: the base has no chat template, or its template does not supervise a stop token.
    """

    def __init__(self, folder: Path) -> None:
        self.tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        options = _read_json(folder / "tokenizer_config.json")
        stop = _token_text(options.get("eos_token"))
        source = _read_text(folder / "chat_template.jinja") or options.get("chat_template")
        stop_id = self.tokenizer.token_to_id(stop) if stop else None
        if not isinstance(source, str) or stop is None or stop_id is None:
            raise BaseError(f"{folder} has no chat template or no stop token: use the instruct variant of this base")
        self.stop, self.stop_id = stop, stop_id
        self._variables = {"bos_token": _token_text(options.get("bos_token")), "eos_token": self.stop}
        special = (token.content for token in self.tokenizer.get_added_tokens_decoder().values() if token.special)
        self._special = re.compile("|".join(map(re.escape, special)))
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
        environment.globals["raise_exception"] = _raise
        self._template = environment.from_string(source)

    def text(self, turns: Sequence[Turn], reply: bool = False) -> str:
        """The rendered text; `reply` appends the opening of the model's next turn."""
        messages = [{"role": turn.role, "content": self._harmless(turn.text)} for turn in turns]
        return self._template.render(messages=messages, add_generation_prompt=reply, **self._variables)

    def _harmless(self, text: str) -> str:
        """What people write stays what they wrote: a "<|im_end|>" of theirs must not end anything (a zero-width space breaks it)."""
        return self._special.sub(lambda found: f"{found[0][0]}\u200b{found[0][1:]}", text)

    def prompt(self, turns: Sequence[Turn]) -> list[int]:
        """Ids of a conversation up to where the model begins to answer."""
        return self.ids(self.text(turns, reply=True))

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def count(self, text: str) -> int:
        return len(self.ids(text))

    def decode(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    def render(self, turns: Sequence[Turn]) -> Rendered:
        """Ids and mask of a whole conversation. A target covers the turn's text and its stop token, and nothing else."""
        text = self.text(turns)
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        ids, offsets = encoding.ids, encoding.offsets  # each look at them copies them
        target = [0] * len(ids)
        number, token = 0, 0
        for index, turn in enumerate(turns):
            if not turn.target:
                continue
            number += 1
            start, end = self._span(text, turns, index)
            while token < len(target) and offsets[token][0] < start:
                token += 1
            if token and offsets[token - 1][1] > start:
                raise BaseError(
                    "this base's tokenizer glues the opening of a reply to its first word: homespun cannot tell its replies apart"
                )
            first = token
            while token < len(target) and offsets[token][1] <= end:
                target[token] = number
                token += 1
            if token == first or ids[token - 1] != self.stop_id:
                raise BaseError(NEVER_STOPS)
        return Rendered(ids, target, [turn.weight for turn in turns if turn.target])

    def _span(self, text: str, turns: Sequence[Turn], index: int) -> tuple[int, int]:
        """Characters [start, end) of turn `index`: from after the opening of the reply to after its stop token."""
        opening = self.text(turns[:index], reply=True)
        end = text.find(self.stop, len(opening))
        if not text.startswith(opening):
            raise BaseError("this base's chat template rewrites earlier turns: homespun cannot tell its replies apart")
        if end < 0:
            raise BaseError(NEVER_STOPS)
        return len(opening), end + len(self.stop)


def _read_text(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _read_json(file: Path) -> dict[str, Any]:
    text = _read_text(file)
    return dict(json.loads(text)) if text else {}


def _token_text(token: object) -> str | None:
    """Tokenizer configurations write a special token as a string or as an object."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else None


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)
