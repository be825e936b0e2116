"""The engine with the exact numerics of training: used right after it, and by every evaluation."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from homespun.bases import hub
from homespun.bases.adapter import FlatAdapter
from homespun.bases.template import Template
from homespun.config import AdapterSection, Recipe, SamplingSection, Settings
from homespun.engines import grammar, networks
from homespun.engines.base import NOTHING, Generation, Piece, Prompt, Usage, Wanted
from homespun.engines.drawing import Drawn
from homespun.engines.networks import Network, Padded, Weights
from homespun.errors import UnknownName
from homespun.machine.hardware import fastest_dtype, usable_cores
from homespun.types import Turn

ROWS = 24
"""Replies written side by side, at most: more cost more memory and hardly less time."""
CACHE = 400_000_000
"""Bytes that their keys and values may take, about; fewer are written side by side where prompts are long or the base is large."""
ROUND = 16
"""Candidates are padded to a multiple: CPU kernels are compiled for every new shape (training/batches.py)."""


class TorchEngine:
    """One base in memory, whose adapter can be changed at any time: base, version and impostors are compared on the same weights.

    Args:
        adapters: those that `Wanted.adapter` may name. Without a name the reply comes from what `use` was given, or the bare base.
    """

    def __init__(
        self,
        folder: Path,
        targets: Sequence[str],
        rank: int,
        alpha: float,
        dtype: str,
        threads: int,
        adapters: Mapping[str, Weights] = {},
    ) -> None:
        torch.set_num_threads(threads)
        self.template = Template(folder)
        self._config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.limit: int = self._config.get("max_position_embeddings", 2048)
        self.adapters = adapters
        base = folder, targets, AdapterSection(rank=rank, alpha=alpha), dtype
        self._load_padded = functools.partial(Padded, *base, self.template.stop_id)
        self._network: Network = networks.fused(*base, threads, self.limit) or self._padded
        self._used: Weights | None = None
        self._worn: Weights | None = None
        self._behind = False
        self._lock = threading.Lock()

    @functools.cached_property
    def _padded(self) -> Padded:
        return self._load_padded()

    @property
    def model(self) -> Any:
        """The same base and adapter as a model of transformers, loaded when somebody asks for it."""
        if self._behind and self._padded is not self._network:
            self._padded.wear(self._used)
        self._behind = False
        return self._padded.model

    @property
    def adapter(self) -> FlatAdapter:
        """Of `model`."""
        return self._padded.adapter

    def use(self, weights: Weights | None) -> None:
        """Answer with this adapter from now on; None is the bare base."""
        self._used = self._worn = weights
        self._behind = True
        self._network.wear(weights)

    def count(self, text: str) -> int:
        return self.template.count(text)

    def close(self) -> None:
        self.__dict__.pop("_padded", None)
        del self._network

    @torch.inference_mode()
    def stream(self, prompt: Prompt, sampling: SamplingSection, wanted: Wanted = NOTHING) -> Iterator[Piece]:
        """As the protocol says. Many threads may ask at the same time; their replies are written in turns, a token each.

        Raises:
            TooLong: the prompt leaves no room for a reply.
            UnknownName: no such adapter is loaded.
            UsageError: the grammar is none.
        """
        ids = self.template.ids(prompt) if isinstance(prompt, str) else self.template.prompt(prompt)
        reply = self._drawn(ids, sampling, wanted)
        with self._wearing(wanted.adapter):
            reading = self._network.read([ids])
        logits = reading.logits[0]
        while True:
            yield from reply.take(logits)
            if reply.finish is not None:
                break
            with self._wearing(wanted.adapter):
                logits = reading.add(torch.tensor([reply.said[-1:]]))[0, -1]
        yield Piece("", finish=reply.finish, usage=Usage(len(ids), len(reply.said)))

    def _drawn(self, ids: list[int], sampling: SamplingSection, wanted: Wanted) -> Drawn:
        follower = grammar.Follower(wanted.grammar, self._tokenizer) if wanted.grammar else None
        return Drawn(self.template, ids, self.limit, sampling, wanted, follower)

    @functools.cached_property
    def _tokenizer(self) -> grammar.Tokenizer:
        return grammar.tokenizer(self.template.tokenizer.to_str(), self.template.stop_id, self._config["vocab_size"])

    @contextlib.contextmanager
    def _wearing(self, name: str | None) -> Iterator[None]:
        """Within: the model has this adapter, and no other thread computes."""
        if name is not None and name not in self.adapters:
            raise UnknownName("adapter", name, self.adapters)
        weights = self._used if name is None else self.adapters[name]
        with self._lock:
            if weights is not self._worn:
                self._network.wear(weights)
                self._worn = weights
            yield

    def generate(self, conversations: Sequence[Sequence[Turn]], sampling: SamplingSection, wanted: Wanted = NOTHING) -> list[Generation]:
        """Every reply has a random stream of its own, so that it does not depend on what else is in the batch."""
        replies = self._in_batches([self.template.prompt(turns) for turns in conversations], sampling, wanted)
        return [Generation(text.strip(), reply.finish == "stop") for reply, text in replies]

    def continue_greedily(self, conversations: Sequence[Sequence[Turn]], openings: Sequence[Sequence[int]], count: int) -> list[list[int]]:
        """The likeliest tokens, one after the other, of each reply that begins with the ids of its opening.

        `count` of them, or fewer where the reply ends; its stop token is left out.
        """
        prompts = [[*self.template.prompt(turns), *opening] for turns, opening in zip(conversations, openings, strict=True)]
        return [reply.said for reply, _ in self._in_batches(prompts, SamplingSection(temperature=0.0, max_tokens=count, seed=0), NOTHING)]

    @torch.inference_mode()
    def _in_batches(self, prompts: Sequence[list[int]], sampling: SamplingSection, wanted: Wanted) -> list[tuple[Drawn, str]]:
        """What follows each prompt; prompts of similar length side by side."""
        done: dict[int, tuple[Drawn, str]] = {}
        for chosen in self._side_by_side([len(prompt) for prompt in prompts], sampling.max_tokens):
            seeds = [None if sampling.seed is None else sampling.seed + 7919 * index for index in chosen]
            replies = [
                self._drawn(prompts[index], sampling.model_copy(update={"seed": seed}), wanted)
                for index, seed in zip(chosen, seeds, strict=True)
            ]
            with self._wearing(wanted.adapter):
                done |= zip(chosen, zip(replies, self._batch(replies), strict=True), strict=True)
        return [done[index] for index in range(len(prompts))]

    def _side_by_side(self, lengths: Sequence[int], room: int) -> Iterator[list[int]]:
        """Indices in parts, the longest first."""
        order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
        while order:
            rows = max(1, min(ROWS, CACHE // (self._network.token_bytes * (lengths[order[0]] + room))))
            yield order[:rows]
            order = order[rows:]

    def _batch(self, replies: Sequence[Drawn]) -> list[str]:
        """Draw all to their end, side by side, the longest prompt first. Returns their texts."""
        texts = [""] * len(replies)
        running = list(range(len(replies)))
        reading = self._network.read([reply.prompt for reply in replies])
        logits = reading.logits
        while True:
            for row, index in enumerate(running):
                texts[index] += "".join(piece.text for piece in replies[index].take(logits[row]))
            over = [row for row, index in enumerate(running) if replies[index].finish is not None]
            if len(over) == len(running):
                return texts
            if over:
                running = [running[row] for row in reading.drop(over)]
            logits = reading.add(torch.tensor([replies[index].said[-1:] for index in running]))[:, -1]

    @torch.inference_mode()
    def log_likelihoods(self, turns: Sequence[Turn], candidates: Sequence[str], wanted: Wanted = NOTHING) -> list[float]:
        """Mean log-probability in nats per token of each candidate reply (with its stop token) after the same conversation, read once."""
        prompt = self.template.prompt(turns)
        replies = [[*self.template.ids(text), self.template.stop_id] for text in candidates]
        longest = -(-max(len(reply) for reply in replies) // ROUND) * ROUND
        # Padding is on the right: causal attention keeps it from every real token.
        ids = torch.tensor([reply + [self.template.stop_id] * (longest - len(reply)) for reply in replies])
        with self._wearing(wanted.adapter):
            reading = self._network.read([prompt])
            reading.repeat(len(replies))
            logits = torch.cat([reading.logits.expand(len(replies), -1)[:, None], reading.add(ids)[:, :-1]], 1)
        means = []
        for row, reply in enumerate(replies):
            scores = torch.log_softmax(logits[row, : len(reply)].float(), -1)
            means.append(float(scores.gather(1, torch.tensor(reply)[:, None]).mean()))
        return means


def load(recipe: Recipe, settings: Settings, threads: int | None = None, adapters: Mapping[str, Weights] = {}) -> TorchEngine:
    """The recipe's base as this machine computes best, with a fresh adapter, and others by name."""
    folder, options = hub.resolve(recipe.base, settings), recipe.adapter
    dtype = fastest_dtype(settings.cache) if recipe.training.dtype == "auto" else recipe.training.dtype
    targets, cores = hub.targets(recipe.base), threads or usable_cores()
    return TorchEngine(folder, targets, options.rank, options.alpha, dtype, cores, adapters)
