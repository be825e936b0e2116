"""An export, read back by the program that it is for: llama.cpp for a GGUF, transformers for a folder."""

from __future__ import annotations

import contextlib
import math
import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from homespun.errors import CheckFailed
from homespun.types import Turn

SLOTS = 4
CONTEXT = 1024
"""Tokens of one prompt and its reply."""
FORCED = 1e6
"""Added to a logit, it makes a token certain."""
Dialogue = tuple[list[int], list[int]]
"""A prompt and the reply to it, in tokens."""


@dataclass(frozen=True, slots=True)
class Answer:
    said: list[int]
    """The likeliest tokens after the prompt, a stop token included."""
    scores: list[float]
    """The log-probability (nats) of every token of the dialogue's reply, before anything changed it."""


class Reader(Protocol):
    def tokens(self, text: str) -> list[int]: ...

    def prompt(self, turns: Sequence[Turn]) -> str:
        """As the export's own chat template renders a conversation that is to be answered."""
        ...

    def answers(self, dialogues: Sequence[Dialogue], count: int) -> list[Answer]:
        """To each prompt, of at most `count` tokens."""
        ...


class LlamaCpp:
    """One GGUF in llama.cpp, with or without a LoRA."""

    def __init__(self, http: Any) -> None:
        self._http = http

    def tokens(self, text: str) -> list[int]:
        return list(self._post("/tokenize", {"content": text, "add_special": False, "parse_special": True})["tokens"])

    def prompt(self, turns: Sequence[Turn]) -> str:
        return str(self._post("/apply-template", {"messages": _messages(turns)})["prompt"])

    def answers(self, dialogues: Sequence[Dialogue], count: int) -> list[Answer]:
        harmless = self.tokens("a")[0]

        def answer(dialogue: Dialogue, slot: int) -> Answer:
            prompt, reply = dialogue
            said = self._complete(prompt, slot, n_predict=count)["tokens"]
            return Answer(said, [self._score([*prompt, *reply[:place]], token, slot, harmless) for place, token in enumerate(reply)])

        # In a slot of its own a prompt is read once. One request at a time: a second one for the same slot would spoil the first.
        def share(slot: int) -> list[Answer]:
            return [answer(dialogue, slot) for dialogue in dialogues[slot::SLOTS]]

        with ThreadPoolExecutor(SLOTS) as pool:
            shares = list(pool.map(share, range(SLOTS)))
        return [shares[number % SLOTS][number // SLOTS] for number in range(len(dialogues))]

    def _score(self, prompt: Sequence[int], token: int, slot: int, harmless: int) -> float:
        """llama.cpp tells a probability only of what it draws itself, so the token is drawn by force.

        Of one that is a part of a character it tells none; that is looked up among those that could have been drawn instead of another.
        """
        for drawn, listed in ((token, 1), (harmless, 1_000), (harmless, 1_000_000)):
            done = self._complete(prompt, slot, n_predict=1, n_probs=listed, logit_bias=[[drawn, FORCED]])
            for place in done.get("completion_probabilities", []):
                for one in (place, *place["top_logprobs"]):
                    if one["id"] == token:
                        return math.nan if one["logprob"] is None else float(one["logprob"])
        raise CheckFailed("llama.cpp does not tell how likely a token is with the export: nothing was kept")

    def _complete(self, prompt: Sequence[int], slot: int, **more: Any) -> dict[str, Any]:
        asked = {"prompt": list(prompt), "id_slot": slot, "temperature": 0, "cache_prompt": True, "return_tokens": True, **more}
        return self._post("/completion", asked)

    def _post(self, path: str, value: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._http.post(path, json=value)
        if answer.status_code != 200:
            what = {"/tokenize": "tokenizer", "/apply-template": "chat template"}.get(path, "weights")
            raise CheckFailed(f"llama.cpp cannot work with the {what} of the export: nothing was kept")
        return dict(answer.json())


@contextlib.contextmanager
def llama_cpp(file: Path, lora: Path | None = None, threads: int = 1) -> Iterator[LlamaCpp]:
    """
    Raises:
        CheckFailed: llama.cpp cannot load it.
    """
    import httpx
    import xllamacpp

    key, prefix = secrets.token_urlsafe(32), f"/{secrets.token_hex(16)}"
    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(lora), 1.0)] if lora else []
    params.n_ctx, params.n_parallel = CONTEXT * SLOTS, SLOTS
    for processor in (params.cpuparams, params.cpuparams_batch):
        processor.n_threads = threads
    params.fit_params, params.warmup, params.verbosity, params.ui = False, False, -1, False
    params.hostnames, params.port, params.n_threads_http = ["127.0.0.1"], 0, 1
    params.api_keys, params.api_prefix, params.cors_origins = [key], prefix, "https://nobody.invalid"
    try:
        server = xllamacpp.Server(params)
    except RuntimeError:
        raise CheckFailed(f"llama.cpp cannot load {file.name} as it was written: nothing was kept") from None
    with httpx.Client(
        base_url=f"{server.listening_address}{prefix}", headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=600
    ) as http:
        yield LlamaCpp(http)


class Transformers:
    """A folder in transformers, in float32."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer

    def tokens(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def prompt(self, turns: Sequence[Turn]) -> str:
        return str(self._tokenizer.apply_chat_template(_messages(turns), tokenize=False, add_generation_prompt=True))

    def answers(self, dialogues: Sequence[Dialogue], count: int) -> list[Answer]:
        found = []
        for prompt, reply in dialogues:
            table = log_probabilities(self._model, prompt, reply)
            scores = [float(row[token]) for row, token in zip(table, reply, strict=True)]
            found.append(Answer(greedy(self._model, prompt, count, self._tokenizer.eos_token_id), scores))
        return found


def transformers(folder: Path) -> Transformers:
    from transformers import AutoTokenizer

    from homespun.bases.load import load_model

    return Transformers(load_model(folder), AutoTokenizer.from_pretrained(folder))


def log_probabilities(model: Any, prompt: Sequence[int], reply: Sequence[int]) -> Any:
    """(tokens of the reply, vocabulary) tensor: what a transformers model holds of every place of the reply."""
    import torch

    with torch.inference_mode():
        ids = torch.tensor([[*prompt, *reply[:-1]]])
        logits = model(input_ids=ids, use_cache=False, logits_to_keep=len(reply)).logits[0]
        return torch.log_softmax(logits.float(), -1)


def greedy(model: Any, prompt: Sequence[int], count: int, stop: int) -> list[int]:
    import torch

    found: list[int] = []
    ids, cache = torch.tensor([list(prompt)]), None
    with torch.inference_mode():
        while len(found) < count and stop not in found:
            out = model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache, token = out.past_key_values, out.logits[0, -1].argmax()
            found.append(int(token))
            ids = token.reshape(1, 1)
    return found


def _messages(turns: Sequence[Turn]) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.text} for turn in turns]
