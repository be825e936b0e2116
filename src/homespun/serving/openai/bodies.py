"""What OpenAI's clients read: replies, chunks of replies, and lists of models, as plain values."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from homespun.engines.base import Scored, Usage
from homespun.home import digest
from homespun.serving.prompt import Prepared
from homespun.serving.shelf import Borrowed

Body = dict[str, Any]
PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


@dataclass(frozen=True, slots=True)
class Frame:
    """What is the same in every chunk of one answer."""

    kind: str
    """ "chat.completion" or "text_completion"."""
    model: str
    fingerprint: str
    about: Mapping[str, Any]
    """Ours: who answered."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: int = field(default_factory=lambda: int(time.time()))

    def body(self, choices: Sequence[Body], chunk: bool = False, **more: Any) -> Body:
        name = "chat.completion.chunk" if chunk and self.kind == "chat.completion" else self.kind
        prefix = "chatcmpl" if self.kind == "chat.completion" else "cmpl"
        return {
            "id": f"{prefix}-{self.id}",
            "object": name,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": list(choices),
            **more,
        }


def frame(kind: str, model: str, borrowed: Borrowed, prepared: Prepared) -> Frame:
    """Args:
    model: as the client called it.
    """
    opened = borrowed.opened
    print_ = f"fp_{digest(opened.title, opened.recipe.base, opened.adapter)[:12]}"
    return Frame(kind, model, print_, about(borrowed, prepared))


def about(borrowed: Borrowed, prepared: Prepared) -> Body:
    """Who answered, whether it is a stand-in, and what it could draw on."""
    opened = borrowed.opened
    sources = [
        {"text": opened.view.restore(one.text), "date": one.date, "to": opened.view.restore(one.to), "messages": list(one.messages)}
        for one in prepared.told
    ]
    return {"version": opened.title, "disclosure": opened.notice, "fallback": borrowed.fallback, "sources": sources}


def headers(borrowed: Borrowed) -> dict[str, str]:
    """The same for programs that pass on text alone. In ASCII: other letters as in an address, %C3%A9."""
    found = {"X-Homespun-Version": quote(borrowed.opened.title, safe=PRINTABLE)}
    if borrowed.opened.notice:
        found["X-Homespun-Disclosure"] = quote(borrowed.opened.notice, safe=PRINTABLE)
    if borrowed.fallback:
        found["X-Homespun-Fallback"] = "true"
    return found


def usage(used: Iterable[Usage]) -> Body:
    """Of all replies to one request, whose prompt is counted once for each that read it anew."""
    seen = list(used)
    prompt, completion = max((one.prompt for one in seen), default=0), sum(one.completion for one in seen)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": max((one.cached for one in seen), default=0)},
    }


def chat_scores(scores: Iterable[Scored]) -> Body:
    content = [{**_score(one.text, one.logprob), "top_logprobs": [_score(*other) for other in one.top]} for one in scores]
    return {"content": content, "refusal": None}


def _score(text: str, logprob: float) -> Body:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def plain_scores(scores: Sequence[Scored], offset: int) -> Body:
    """As /v1/completions has them. `offset`: characters that stand before."""
    offsets = []
    for one in scores:
        offsets.append(offset)
        offset += len(one.text)
    return {
        "tokens": [one.text for one in scores],
        "token_logprobs": [one.logprob for one in scores],
        "top_logprobs": [dict(one.top) for one in scores],
        "text_offset": offsets,
    }


def model_body(name: str, created: int) -> Body:
    return {"id": name, "object": "model", "created": created, "owned_by": "homespun"}
