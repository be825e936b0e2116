"""The engine with the exact numerics of training: used right after it, and by every evaluation."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from homespun.bases import adapter, hub
from homespun.bases.load import load_model
from homespun.bases.template import Template
from homespun.config import Recipe, SamplingSection, Settings
from homespun.engines import grammar
from homespun.engines.base import NOTHING, Generation, Piece, Prompt, Usage, Wanted
from homespun.engines.drawing import Drawn
from homespun.errors import UnknownName
from homespun.machine.hardware import fastest_dtype, usable_cores
from homespun.types import Turn

BATCH = 12
"""Replies generated side by side."""

Weights = Mapping[str, Tensor]
"""An adapter's tensors by their PEFT names."""


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
        self.model: Any = load_model(folder, dtype)
        self.adapter = adapter.add(self.model, targets, rank, alpha, seed=0)
        self.limit: int = getattr(self.model.config, "max_position_embeddings", 2048)
        self.adapters = adapters
        self._used: Weights | None = None
        self._worn: Weights | None = None
        self._lock = threading.Lock()

    def use(self, weights: Weights | None) -> None:
        """Answer with this adapter from now on; None is the bare base."""
        self._used = self._worn = weights
        self.adapter.set(weights)

    def count(self, text: str) -> int:
        return self.template.count(text)

    def close(self) -> None:
        del self.model

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
        new, cache = ids, None
        while reply.finish is None:
            with self._wearing(wanted.adapter):
                out = self.model(input_ids=torch.tensor([new]), past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache = out.past_key_values
            yield from reply.take(out.logits[0, -1])
            new = reply.said[-1:]
        yield Piece("", finish=reply.finish, usage=Usage(len(ids), len(reply.said)))

    def _drawn(self, ids: list[int], sampling: SamplingSection, wanted: Wanted) -> Drawn:
        follower = grammar.Follower(wanted.grammar, self._tokenizer) if wanted.grammar else None
        return Drawn(self.template, ids, self.limit, sampling, wanted, follower)

    @functools.cached_property
    def _tokenizer(self) -> grammar.Tokenizer:
        return grammar.tokenizer(self.template.tokenizer.to_str(), self.template.stop_id, self.model.config.vocab_size)

    @contextlib.contextmanager
    def _wearing(self, name: str | None) -> Iterator[None]:
        """Within: the model has this adapter, and no other thread computes."""
        if name is not None and name not in self.adapters:
            raise UnknownName("adapter", name, self.adapters)
        weights = self._used if name is None else self.adapters[name]
        with self._lock:
            if weights is not self._worn:
                self.adapter.set(weights)
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
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        done: dict[int, tuple[Drawn, str]] = {}
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            seeds = [None if sampling.seed is None else sampling.seed + 7919 * index for index in chosen]
            replies = [
                self._drawn(prompts[index], sampling.model_copy(update={"seed": seed}), wanted)
                for index, seed in zip(chosen, seeds, strict=True)
            ]
            with self._wearing(wanted.adapter):
                done |= zip(chosen, zip(replies, self._batch(replies), strict=True), strict=True)
        return [done[index] for index in range(len(prompts))]

    def _batch(self, replies: Sequence[Drawn]) -> list[str]:
        """Draw all to their end, side by side. Returns their texts."""
        ids, mask = _left_padded([reply.prompt for reply in replies], self.template.stop_id)
        texts = [""] * len(replies)
        running = list(range(len(replies)))
        position = _positions(mask)
        cache: Any = None
        while True:
            out = self.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=position,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache = out.past_key_values
            for row, index in enumerate(running):
                texts[index] += "".join(piece.text for piece in replies[index].take(out.logits[row, -1]))
            kept = [row for row, index in enumerate(running) if replies[index].finish is None]
            if not kept:
                return texts
            rows = torch.tensor(kept)
            if len(kept) < len(running):
                cache.batch_select_indices(rows)
            running = [running[row] for row in kept]
            ids = torch.tensor([replies[index].said[-1:] for index in running])
            mask = torch.cat([mask[rows], torch.ones(len(kept), 1, dtype=mask.dtype)], 1)
            position = position[rows, -1:] + 1

    @torch.inference_mode()
    def log_likelihoods(self, turns: Sequence[Turn], candidates: Sequence[str], wanted: Wanted = NOTHING) -> list[float]:
        """Mean log-probability in nats per token of each candidate reply (with its stop token) after the same conversation, read once."""
        prompt = self.template.prompt(turns)
        replies = [[*self.template.ids(text), self.template.stop_id] for text in candidates]
        longest = _rounded(max(len(reply) for reply in replies), 16)
        before, mask = _left_padded([prompt], self.template.stop_id)
        ids = torch.tensor([reply + [self.template.stop_id] * (longest - len(reply)) for reply in replies])
        # Padding is on the right: causal attention keeps it from every real token.
        seen = torch.cat([mask.expand(len(replies), -1), torch.ones_like(ids)], 1)
        places = _positions(seen)[:, -longest:]
        with self._wearing(wanted.adapter):
            first = self.model(input_ids=before, attention_mask=mask, position_ids=_positions(mask), use_cache=True, logits_to_keep=1)
            cache = first.past_key_values
            cache.batch_repeat_interleave(len(replies))
            out = self.model(input_ids=ids, attention_mask=seen, position_ids=places, past_key_values=cache, use_cache=True)
        logits = torch.cat([first.logits.expand(len(replies), 1, -1), out.logits[:, :-1]], 1)
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


def _left_padded(prompts: list[list[int]], pad: int) -> tuple[Tensor, Tensor]:
    """(n, longest) ids and their mask, by length: in some bases padding is the stop token itself."""
    longest = _rounded(max(len(prompt) for prompt in prompts), 32)
    ids = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return ids, mask


def _rounded(length: int, to: int) -> int:
    """Up: CPU kernels are compiled for every new shape (training/batches.py)."""
    return -(-length // to) * to


def _positions(mask: Tensor) -> Tensor:
    """(n, length) of every token in its own row, padding left out."""
    return (mask.long().cumsum(-1) - 1).clamp(min=0)
