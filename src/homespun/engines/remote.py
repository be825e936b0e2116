"""Any server that speaks the OpenAI API: LM Studio, Ollama, vLLM, llama.cpp, or another homespun.

It is asked over HTTP, at the one address that it was given: no proxy of the environment is used and no redirect followed.
"""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from homespun.config import SamplingSection
from homespun.engines import grammar
from homespun.engines.base import NOTHING, Finish, Generation, Piece, Prompt, Scored, Usage, Wanted
from homespun.engines.stops import Speaker
from homespun.errors import EngineError, UsageError
from homespun.types import Turn

AGAIN = {408, 409, 429, 500, 502, 503, 504}
"""Answers after which it makes sense to ask once more."""
PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before the first new attempt, doubled for each after it; a server that names its own time is given that, up to the longest."""


@dataclass(frozen=True, slots=True)
class Server:
    base_url: str = "http://localhost:1234/v1"
    api_key: str = "lm-studio"
    timeout: float = 60.0
    """Seconds without a sign of it."""
    max_retries: int = 3


class RemoteEngine:
    """
    `Wanted.adapter` is asked for by its name as a model, as vLLM has it. A grammar that is a JSON schema goes along; others cannot. The
    stop bias cannot either: such a server knows tokens by its own numbers.

    Args:
        model: what is asked where no adapter is named.
        whole: ask for replies in one piece (the server's `stream: false`).
    """

    def __init__(self, server: Server, model: str, *, whole: bool = False) -> None:
        self.server, self.model, self._whole = server, model, whole
        headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
        try:
            self._client = httpx.Client(base_url=server.base_url, headers=headers, timeout=server.timeout, trust_env=False)
            self._name = f"the server at {self._client.base_url.copy_with(userinfo=b'', path='/')}".rstrip("/")
        except (httpx.InvalidURL, UnicodeEncodeError):
            raise UsageError("base_url or api_key cannot be used: an address looks like http://localhost:1234/v1") from None
        if self._client.base_url.scheme not in ("http", "https"):
            raise UsageError("base_url must begin with http:// or https://")

    def count(self, text: str) -> int:
        """About: four bytes a token, as in English."""
        return -(-len(text.encode()) // 4)

    def models(self) -> list[str]:
        with self._asking("GET", "models", None) as answer:
            answer.read()
            return [str(entry["id"]) for entry in _parsed(answer.text)["data"]]

    def stream(self, prompt: Prompt, sampling: SamplingSection, wanted: Wanted = NOTHING) -> Iterator[Piece]:
        """As the protocol says. Until the first piece came, a failure is followed by another attempt.

        Raises:
            EngineError: it does not answer, refuses, or breaks off.
            UsageError: the grammar is no JSON schema.
        """
        path = "completions" if isinstance(prompt, str) else "chat/completions"
        said = {"prompt": prompt} if isinstance(prompt, str) else {"messages": _messages(prompt)}
        body = {"model": wanted.adapter or self.model, **said, **_drawing(sampling), **_asked(wanted, path), **self._manner()}
        speaker = Speaker(sampling.stop)
        finish: Finish | None = None
        usage: Mapping[str, Any] = {}
        heard = ""
        with self._asking("POST", path, body) as answer:
            for chunk in self._chunks(answer):
                usage = chunk.get("usage") or usage
                for choice in chunk.get("choices", [])[:1]:
                    text = _text(choice)
                    heard += text
                    yield from speaker.hear(text, _scores(choice))
                    finish = _finish(choice) or finish
                if speaker.stopped:
                    break
        if finish is None and not speaker.stopped:
            raise EngineError(f"{self._name} broke off in the middle of a reply: ask again")
        yield from speaker.end()
        yield Piece("", finish="stop" if speaker.stopped else finish, usage=self._usage(usage, prompt, heard))

    def generate(self, conversations: Sequence[Sequence[Turn]], sampling: SamplingSection, wanted: Wanted = NOTHING) -> list[Generation]:
        """One after the other; each has a random stream of its own."""
        made = []
        for index, turns in enumerate(conversations):
            seed = None if sampling.seed is None else sampling.seed + 7919 * index
            pieces = list(self.stream(turns, sampling.model_copy(update={"seed": seed}), wanted))
            made.append(Generation("".join(piece.text for piece in pieces).strip(), pieces[-1].finish == "stop"))
        return made

    def log_likelihoods(self, turns: Sequence[Turn], candidates: Sequence[str]) -> list[float]:
        """
        Raises:
            EngineError: always.
        """
        raise EngineError("a remote server does not say how likely a given reply is: use the llamacpp or the torch engine for that")

    def close(self) -> None:
        self._client.close()

    def _manner(self) -> dict[str, Any]:
        return {"stream": False} if self._whole else {"stream": True, "stream_options": {"include_usage": True}}

    @contextlib.contextmanager
    def _asking(self, method: str, path: str, body: Mapping[str, Any] | None) -> Iterator[httpx.Response]:
        """An answer that has begun well."""
        with contextlib.ExitStack() as stack:
            for attempt in range(self.server.max_retries + 1):
                last = attempt == self.server.max_retries
                try:
                    answer = stack.enter_context(self._client.stream(method, path, json=body))
                except httpx.TransportError as error:
                    if last:
                        raise EngineError(f"{self._name} does not answer ({_reason(error)}): is it running?") from None
                    time.sleep(_pause(attempt, None))
                    continue
                if answer.status_code == 200:
                    break
                if last or answer.status_code not in AGAIN:
                    raise EngineError(f"{self._name} {self._refusal(answer)}")
                answer.close()
                time.sleep(_pause(attempt, answer.headers.get("retry-after")))
            try:
                yield answer
            except httpx.TransportError as error:
                raise EngineError(f"{self._name} broke off in the middle of a reply ({_reason(error)}): ask again") from None

    def _refusal(self, answer: httpx.Response) -> str:
        """What it told is not repeated, only its code: it could quote what was said."""
        if answer.status_code in (401, 403):
            return "refuses the API key: set the right one"
        code = ""
        with contextlib.suppress(ValueError, httpx.TransportError, AttributeError, TypeError):
            answer.read()
            told = json.loads(answer.text).get("error", {})
            code = next((f", {told[key]}" for key in ("code", "type") if isinstance(told.get(key), str)), "")
        if answer.status_code == 404:
            return f"has no such address or model{code}: check base_url and the model's name"
        return f"cannot answer this (status {answer.status_code}{code})"

    def _chunks(self, answer: httpx.Response) -> Iterator[Mapping[str, Any]]:
        """The parts of an answer, streamed or whole."""
        if self._whole:
            answer.read()
            yield _parsed(answer.text)
            return
        for line in answer.iter_lines():
            data = line.removeprefix("data:").strip()
            if not line.startswith("data:"):
                continue
            if data == "[DONE]":
                return
            chunk = _parsed(data)
            if "error" in chunk:
                raise EngineError(f"{self._name} broke off in the middle of a reply: ask again")
            yield chunk

    def _usage(self, told: Mapping[str, Any], prompt: Prompt, heard: str) -> Usage:
        asked = prompt if isinstance(prompt, str) else "".join(turn.text for turn in prompt)
        details = told.get("prompt_tokens_details") or {}
        return Usage(
            int(told.get("prompt_tokens") or self.count(asked)),
            int(told.get("completion_tokens") or self.count(heard)),
            int(details.get("cached_tokens") or 0),
        )


def _messages(turns: Sequence[Turn]) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.text} for turn in turns]


def _drawing(sampling: SamplingSection) -> dict[str, Any]:
    """The fields of the API, and those that LM Studio and llama.cpp add to it where they change anything."""
    body: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
    }
    more = {
        "stop": list(sampling.stop),
        "seed": sampling.seed,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repeat_penalty": sampling.repetition_penalty if sampling.repetition_penalty != 1 else None,
    }
    return body | {name: value for name, value in more.items() if value or (name == "seed" and value is not None)}


def _asked(wanted: Wanted, path: str) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if wanted.logprobs is not None:
        chat = path == "chat/completions"
        body |= {"logprobs": True, "top_logprobs": wanted.logprobs} if chat else {"logprobs": wanted.logprobs}
    if wanted.grammar is not None:
        schema = grammar.schema_in(wanted.grammar)
        if schema is None:
            raise UsageError("a remote server follows a JSON schema, but no grammar: use the llamacpp or the torch engine for that")
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema}}
    return body


def _text(choice: Mapping[str, Any]) -> str:
    said = choice.get("delta") or choice.get("message") or {}
    return said.get("content") or choice.get("text") or ""


def _finish(choice: Mapping[str, Any]) -> Finish | None:
    reason = choice.get("finish_reason")
    return None if reason is None else "length" if reason == "length" else "stop"


def _scores(choice: Mapping[str, Any]) -> list[Scored]:
    def one(token: Mapping[str, Any]) -> tuple[str, float]:
        return str(token["token"]), float(token["logprob"])

    content = (choice.get("logprobs") or {}).get("content") or []
    return [Scored(*one(token), tuple(one(other) for other in token.get("top_logprobs") or ())) for token in content]


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise EngineError("the server's answer is not what the OpenAI API promises: check base_url, which usually ends in /v1")
    return found


def _pause(attempt: int, told: str | None) -> float:
    """Seconds. A little longer by chance, so that not all come back at the same moment."""
    pause: float = PAUSE * 2**attempt * random.uniform(1, 1.25)
    with contextlib.suppress(TypeError, ValueError):
        pause = max(0.0, float(told or pause))
    return min(LONGEST_PAUSE, pause)


def _reason(error: httpx.TransportError) -> str:
    return "it takes too long" if isinstance(error, httpx.TimeoutException) else type(error).__name__
