"""The engine that serves: llama.cpp in this process, on one base and any number of adapters, for many replies at once.

Prompts are rendered and tokenised here, never by llama.cpp. Imports neither torch nor transformers.
"""

from __future__ import annotations

import contextlib
import json
import queue
import secrets
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from homespun.bases.template import Template
from homespun.config import SamplingSection
from homespun.engines import ggufs, grammar
from homespun.engines.base import NOTHING, Finish, Generation, Piece, Prompt, Scored, Usage, Wanted, penalised
from homespun.engines.stops import Decoder, Speaker
from homespun.errors import EngineError, TooLong, UnknownName
from homespun.machine.hardware import usable_cores
from homespun.types import Turn

CONTEXT = 2048
"""Tokens that prompt and reply of one request may have together; memory for them is taken for every slot when the engine is loaded."""
BATCH = 256
"""Tokens of a prompt that are read in one go: so often a request can be given up while its prompt is read."""
ORDER = ("penalties", "temperature", "top_p", "min_p", "top_k")
"""Of the samplers. Top-p comes before the next two: as in engines/sampling.py, its share is one of all tokens, not of those left."""
NOBODY = "https://nobody.invalid"
"""The only origin whose pages a browser would let ask the server."""
FORCED = 1e6
"""Added to a logit, it makes a token certain."""
BEGINNING = threading.Lock()
"""llama.cpp keeps the tokenizer of its grammars in one place for all engines of a process, and does not lock it."""


class LlamaCppEngine:
    """One server of llama.cpp. Any number of threads may ask it at the same time; `slots` of them are answered side by side."""

    def __init__(self, server: Any, template: Template, adapters: Sequence[str], limit: int, slots: int) -> None:
        self.template, self.adapters, self.limit = template, tuple(adapters), limit
        self._server = server
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="reply")
        self._asked: list[_Asked] = []
        self._lock = threading.Lock()

    def count(self, text: str) -> int:
        return self.template.count(text)

    def stream(self, prompt: Prompt, sampling: SamplingSection, wanted: Wanted = NOTHING) -> Iterator[Piece]:
        """As the protocol says. A reply that a grammar binds is not penalised: its quotes and braces must repeat.

        Raises:
            TooLong: the prompt leaves no room for a reply.
            UnknownName: no such adapter is loaded.
            UsageError: the grammar is none.
        """
        ids = self.template.ids(prompt) if isinstance(prompt, str) else self.template.prompt(prompt)
        request = self._request(ids, sampling, wanted)
        one_by_one = penalised(sampling) and not wanted.grammar
        speaker, state = Speaker(sampling.stop), _State()
        with contextlib.closing(self._penalised(request, sampling) if one_by_one else self._plain(request)) as states:
            for state in states:
                if state is READING:
                    yield Piece("")
                    continue
                yield from speaker.hear(state.text, state.scores if wanted.logprobs is not None else ())
                if speaker.stopped:
                    break
        yield from speaker.end()
        yield Piece("", finish="stop" if speaker.stopped else state.finish, usage=Usage(len(ids), state.completion, state.cached))

    def generate(self, conversations: Sequence[Sequence[Turn]], sampling: SamplingSection, wanted: Wanted = NOTHING) -> list[Generation]:
        """One reply to each conversation, `slots` side by side; each has a random stream of its own."""

        def reply(numbered: tuple[int, Sequence[Turn]]) -> Generation:
            index, turns = numbered
            seed = None if sampling.seed is None else sampling.seed + 7919 * index
            pieces = list(self.stream(turns, sampling.model_copy(update={"seed": seed}), wanted))
            return Generation("".join(piece.text for piece in pieces).strip(), pieces[-1].finish == "stop")

        return list(self._pool.map(reply, enumerate(conversations)))

    def log_likelihoods(self, turns: Sequence[Turn], candidates: Sequence[str], wanted: Wanted = NOTHING) -> list[float]:
        """One request for every token: llama.cpp tells the probability only of what it draws itself."""
        prompt = self.template.prompt(turns)
        replies = [[*self.template.ids(text), self.template.stop_id] for text in candidates]

        def mean(reply: list[int]) -> float:
            return sum(self._log_likelihood([*prompt, *reply[:place]], token, wanted) for place, token in enumerate(reply)) / len(reply)

        return list(self._pool.map(mean, replies))

    def _log_likelihood(self, ids: list[int], token: int, wanted: Wanted) -> float:
        """The token is forced. One that is half a character goes unmentioned then: it is found among all tokens, with another forced."""
        request = self._request(ids, SamplingSection(temperature=0, max_tokens=1), wanted)
        for forced, count in ((token, 1), (self.template.stop_id, self.template.tokenizer.get_vocab_size())):
            for chunk in self._chunks({**request, "logit_bias": [[forced, FORCED]], "n_probs": count}):
                for drawn in _drawn(chunk):
                    for told in (drawn, *drawn["top_logprobs"]):
                        if told["id"] == token:
                            return float(told["logprob"])
        raise EngineError("llama.cpp does not say how likely this reply is")

    def _request(self, ids: list[int], sampling: SamplingSection, wanted: Wanted) -> dict[str, Any]:
        if len(ids) >= self.limit:
            raise TooLong(len(ids), self.limit)
        if wanted.adapter is not None and wanted.adapter not in self.adapters:
            raise UnknownName("adapter", wanted.adapter, self.adapters)
        return {
            "prompt": ids,
            "n_predict": min(sampling.max_tokens, self.limit - len(ids)),
            "stream": True,
            "cache_prompt": True,
            "lora": [{"id": place, "scale": float(name == wanted.adapter)} for place, name in enumerate(self.adapters)],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "min_p": sampling.min_p,
            "top_k": sampling.top_k,
            "samplers": ORDER,
            "repeat_last_n": 0,
            "seed": secrets.randbits(31) if sampling.seed is None else sampling.seed % 2**31,
            "logit_bias": [[self.template.stop_id, sampling.stop_bias]] if sampling.stop_bias else [],
            # A grammar that is none would be ignored there.
            "grammar": f"%llguidance {{}}\n{grammar.checked(wanted.grammar)}" if wanted.grammar else "",
            "n_probs": 0 if wanted.logprobs is None else max(1, wanted.logprobs),
            "timings_per_token": True,
            "return_progress": True,
        }

    def _plain(self, request: Mapping[str, Any]) -> Generator[_State]:
        """The reply in one request."""
        with contextlib.closing(self._chunks(request)) as chunks:
            for chunk in chunks:
                progress = chunk.get("prompt_progress")
                if progress is None:
                    yield _state(chunk)
                elif 0 < progress["processed"] <= progress["total"] - BATCH:
                    yield READING

    def _penalised(self, request: Mapping[str, Any], sampling: SamplingSection) -> Generator[_State]:
        """The reply token by token, each in a request whose window of penalties is the reply so far.

        In one request llama.cpp would penalise what the prompt says too, and with it the stop token that ends every turn there.
        """
        read = _State()
        for read in self._plain({**request, "n_predict": 0}):
            if read is READING:
                yield read
        step = {
            **request,
            "repeat_penalty": sampling.repetition_penalty,
            "frequency_penalty": sampling.frequency_penalty,
            "presence_penalty": sampling.presence_penalty,
            "n_predict": 1,
            # Only so is the number of a token told that is half a character.
            "stream": False,
            "return_tokens": True,
            "verbose": True,
        }
        said: list[int] = []
        decoder = Decoder(self.template)
        for place in range(request["n_predict"]):
            changes = {"prompt": [*request["prompt"], *said], "repeat_last_n": place, "seed": request["seed"] + place}
            (chunk,) = self._chunks({**step, **changes})
            state = replace(_state(chunk), cached=read.cached)
            if state.finish == "stop":
                yield replace(state, text="", completion=place)
                return
            (token,) = chunk["__verbose"]["tokens"]
            said.append(token)
            yield replace(state, text=decoder.add(token), completion=place + 1)

    def _chunks(self, request: Mapping[str, Any]) -> Generator[dict[str, Any]]:
        """What llama.cpp answers, as it comes. Leaving early cancels the work: the server is told at its next chunk."""
        asked = _Asked(alone=bool(request["grammar"]))
        with self._lock:
            if self._server is None:
                raise EngineError("this engine is closed: ask again, and a new one answers")
            asked.thread = threading.Thread(target=asked.ask, args=(self._server, dict(request)), name="llama.cpp", daemon=True)
            self._asked = [one for one in self._asked if one.thread.is_alive()] + [asked]
            asked.thread.start()
        try:
            while (chunk := asked.chunks.get()) is not None:
                if "error" in chunk:
                    raise EngineError(f"llama.cpp refused the request: {chunk['error'].get('message', 'it does not say why')}")
                yield chunk
            if asked.cancelled:
                raise EngineError("this engine was closed while it answered: ask again")
        finally:
            asked.cancelled = True

    def close(self) -> None:
        """Gives up what is being written; memory is free again when this returns."""
        with self._lock:
            self._server, asked = None, self._asked
        for one in asked:
            one.cancelled = True
        for one in asked:
            one.thread.join()
        self._pool.shutdown()


class _Asked:
    """A request on its way. `alone`: no other of these begins before this one has."""

    thread: threading.Thread

    def __init__(self, *, alone: bool) -> None:
        self.chunks: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.cancelled = False
        self._alone = alone

    def ask(self, server: Any, request: dict[str, Any]) -> None:
        if self._alone:
            BEGINNING.acquire()
        try:
            server.handle_completions(request, self._hear)
        except Exception as error:  # whatever comes across from C++
            self.chunks.put({"error": {"message": str(error)}})
        self._begun()
        self.chunks.put(None)

    def _hear(self, chunk: dict[str, Any]) -> bool:
        """llama.cpp gives up the request when this says so."""
        self._begun()
        self.chunks.put(chunk)
        return self.cancelled

    def _begun(self) -> None:
        if self._alone:
            self._alone = False
            BEGINNING.release()


@dataclass(frozen=True, slots=True)
class _State:
    """Of a reply after one more token."""

    text: str = ""
    scores: tuple[Scored, ...] = ()
    completion: int = 0
    """Tokens by now, the stop token left out."""
    cached: int = 0
    finish: Finish | None = None


READING = _State()
"""The prompt is still being read."""


def _state(chunk: Mapping[str, Any]) -> _State:
    choice, timings = chunk["choices"][0], chunk["timings"]
    finish: Finish | None = choice["finish_reason"]
    return _State(
        choice["text"],
        tuple(_scored(token) for token in _drawn(chunk)),
        timings["predicted_n"] - (finish == "stop"),
        timings["cache_n"],
        finish,
    )


def _drawn(chunk: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tokens of a chunk with their probabilities."""
    return (chunk["choices"][0]["logprobs"] or {}).get("content") or []


def _scored(token: Mapping[str, Any]) -> Scored:
    top = tuple((_text(other), float(other["logprob"])) for other in token["top_logprobs"])
    return Scored(_text(token), float(token["logprob"]), top)


def _text(token: Mapping[str, Any]) -> str:
    return bytes(token["bytes"]).decode(errors="replace")


def load(
    base_gguf: Path,
    adapters: Mapping[str, Path],
    folder: Path,
    *,
    threads: int | None = None,
    slots: int = 8,
    context: int = CONTEXT,
) -> LlamaCppEngine:
    """llama.cpp with a base and all adapters that it will ever have.

    Args:
        base_gguf: the base, merged with nothing.
        adapters: name -> LoRA as GGUF.
        folder: where the base's tokenizer and chat template are.
        threads: that compute; by default all cores that may be used but one. llama.cpp's threads wait for each other by turning in
            circles: where another process wants a core too, one thread too many makes all of them several times slower.
        slots: replies side by side. More requests than that wait.
        context: tokens of one prompt and its reply together.

    Raises:
        EngineError: a file cannot be used; says which.
    """
    import xllamacpp

    ggufs.check(base_gguf, adapters)
    template = Template(folder)
    params = xllamacpp.CommonParams()
    params.model.path = str(base_gguf)
    params.model_alias = {"base"}
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(file), 1.0) for file in adapters.values()]
    limit = min(context, _reach(folder))
    params.n_ctx, params.n_parallel = limit * slots, slots
    params.n_batch = params.n_ubatch = BATCH
    for processor in (params.cpuparams, params.cpuparams_batch):
        processor.n_threads = threads or max(1, usable_cores() - 1)
    # Prompts kept in memory would be found again by their tokens alone, whichever adapter read them.
    params.cache_ram_mib, params.cache_idle_slots = 0, False
    params.fit_params, params.warmup, params.verbosity = False, False, -1
    _shut(params)
    try:
        server = xllamacpp.Server(params)
    except RuntimeError:
        files = ", ".join(str(file) for file in (base_gguf, *adapters.values()))
        raise EngineError(
            f"llama.cpp cannot load {files}: a file is damaged, or memory is short; delete them to have them made anew"
        ) from None
    return LlamaCppEngine(server, template, list(adapters), limit, slots)


def _shut(params: Any) -> None:
    """The server opens a port, which nobody needs: it answers nothing at all to those who do not know its key and its prefix."""
    params.hostnames, params.port, params.n_threads_http = ["127.0.0.1"], 0, 1
    params.api_keys, params.api_prefix = [secrets.token_urlsafe(32)], f"/{secrets.token_hex(16)}"
    params.cors_origins, params.cors_credentials = NOBODY, False
    params.ui = params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False


def _reach(folder: Path) -> int:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return int(config.get("max_position_embeddings", CONTEXT))
