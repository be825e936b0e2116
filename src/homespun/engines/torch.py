"""The engine with the exact numerics of training: used right after it, and by every evaluation."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from homespun.bases import adapter, hub
from homespun.bases.load import load_model
from homespun.bases.template import Template
from homespun.config import Recipe, SamplingSection, Settings
from homespun.engines.base import NOTHING, Generation, Piece, Prompt, Usage, Wanted
from homespun.engines.sampling import next_token
from homespun.machine.hardware import fastest_dtype, usable_cores
from homespun.types import Turn

BATCH = 12
"""Replies generated side by side."""


class TorchEngine:
    """One base in memory, whose adapter can be changed at any time: base, version and impostors are compared on the same weights."""

    def __init__(self, folder: Path, targets: Sequence[str], rank: int, alpha: float, dtype: str, threads: int) -> None:
        torch.set_num_threads(threads)
        self.template = Template(folder)
        self.model: Any = load_model(folder, dtype)
        self.adapter = adapter.add(self.model, targets, rank, alpha, seed=0)
        self.limit: int = getattr(self.model.config, "max_position_embeddings", 2048)

    def use(self, weights: Mapping[str, Tensor] | None) -> None:
        """Answer with this adapter from now on; None is the bare base."""
        self.adapter.set(weights)

    def count(self, text: str) -> int:
        return self.template.count(text)

    def close(self) -> None:
        del self.model

    @torch.inference_mode()
    def stream(self, prompt: Prompt, sampling: SamplingSection, wanted: Wanted = NOTHING) -> Iterator[Piece]:
        generator = _generator(sampling.seed)
        ids = self.template.ids(prompt) if isinstance(prompt, str) else self.template.prompt(prompt)
        said: list[int] = []
        shown = ""
        for token in self._tokens(ids, sampling, generator):
            said.append(token)
            text = self.template.decode(said)
            # A character of several bytes may still be half there.
            if not text.endswith("\ufffd") and len(text) > len(shown):
                yield Piece(text[len(shown) :])
                shown = text
        yield Piece("", finish="length" if len(said) == sampling.max_tokens else "stop", usage=Usage(len(ids), len(said)))

    def _tokens(self, prompt: list[int], sampling: SamplingSection, generator: torch.Generator) -> Iterator[int]:
        said: list[int] = []
        cache = None
        ids = torch.tensor([prompt])
        for _ in range(min(sampling.max_tokens, self.limit - len(prompt))):
            out = self.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache = out.past_key_values
            token = next_token(out.logits[0, -1], sampling, generator, said, self.template.stop_id)
            if token == self.template.stop_id:
                return
            said.append(token)
            yield token
            ids = torch.tensor([[token]])

    def generate(self, conversations: Sequence[Sequence[Turn]], sampling: SamplingSection) -> list[Generation]:
        """Every reply has a random stream of its own, so that it does not depend on what else is in the batch."""
        replies = self._in_batches([self.template.prompt(turns) for turns in conversations], sampling)
        return [Generation(self.template.decode(ids).strip(), stopped) for ids, stopped in replies]

    def continue_greedily(self, conversations: Sequence[Sequence[Turn]], openings: Sequence[Sequence[int]], count: int) -> list[list[int]]:
        """The likeliest tokens, one after the other, of each reply that begins with the ids of its opening.

        `count` of them, or fewer where the reply ends; its stop token is left out.
        """
        prompts = [[*self.template.prompt(turns), *opening] for turns, opening in zip(conversations, openings, strict=True)]
        return [ids for ids, _ in self._in_batches(prompts, SamplingSection(temperature=0.0, max_tokens=count, seed=0))]

    @torch.inference_mode()
    def _in_batches(self, prompts: Sequence[list[int]], sampling: SamplingSection) -> list[tuple[list[int], bool]]:
        """(ids, whether it ended by itself) of what follows each prompt; prompts of similar length side by side."""
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        done: dict[int, tuple[list[int], bool]] = {}
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            generators = [_generator(None if sampling.seed is None else sampling.seed + 7919 * index) for index in chosen]
            for index, reply in zip(chosen, self._batch([prompts[index] for index in chosen], sampling, generators), strict=True):
                done[index] = reply
        return [done[index] for index in range(len(prompts))]

    def _batch(
        self, prompts: list[list[int]], sampling: SamplingSection, generators: list[torch.Generator]
    ) -> list[tuple[list[int], bool]]:
        ids, mask = _left_padded(prompts, self.template.stop_id)
        said: list[list[int]] = [[] for _ in prompts]
        stopped = [False] * len(prompts)
        running = list(range(len(prompts)))
        position = _positions(mask)
        cache: Any = None
        stop = self.template.stop_id
        for _ in range(min(sampling.max_tokens, self.limit - ids.shape[1])):
            out = self.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=position,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache = out.past_key_values
            tokens = [next_token(out.logits[row, -1], sampling, generators[index], said[index], stop) for row, index in enumerate(running)]
            kept = []
            for row, (index, token) in enumerate(zip(running, tokens, strict=True)):
                if token == stop:
                    stopped[index] = True
                else:
                    said[index].append(token)
                    kept.append(row)
            if not kept:
                break
            rows = torch.tensor(kept)
            if len(kept) < len(running):
                cache.batch_select_indices(rows)
            running = [running[row] for row in kept]
            ids = torch.tensor([[tokens[row]] for row in kept])
            mask = torch.cat([mask[rows], torch.ones(len(kept), 1, dtype=mask.dtype)], 1)
            position = position[rows, -1:] + 1
        return list(zip(said, stopped, strict=True))

    @torch.inference_mode()
    def log_likelihoods(self, turns: Sequence[Turn], candidates: Sequence[str]) -> list[float]:
        """Mean log-probability in nats per token of each candidate reply (with its stop token) after the same conversation, read once."""
        prompt = self.template.prompt(turns)
        replies = [[*self.template.ids(text), self.template.stop_id] for text in candidates]
        longest = _rounded(max(len(reply) for reply in replies), 16)
        before, mask = _left_padded([prompt], self.template.stop_id)
        first = self.model(input_ids=before, attention_mask=mask, position_ids=_positions(mask), use_cache=True, logits_to_keep=1)
        cache = first.past_key_values
        cache.batch_repeat_interleave(len(replies))
        ids = torch.tensor([reply + [self.template.stop_id] * (longest - len(reply)) for reply in replies])
        # Padding is on the right: causal attention keeps it from every real token.
        seen = torch.cat([mask.expand(len(replies), -1), torch.ones_like(ids)], 1)
        places = _positions(seen)[:, -longest:]
        out = self.model(input_ids=ids, attention_mask=seen, position_ids=places, past_key_values=cache, use_cache=True)
        logits = torch.cat([first.logits.expand(len(replies), 1, -1), out.logits[:, :-1]], 1)
        means = []
        for row, reply in enumerate(replies):
            scores = torch.log_softmax(logits[row, : len(reply)].float(), -1)
            means.append(float(scores.gather(1, torch.tensor(reply)[:, None]).mean()))
        return means


def load(recipe: Recipe, settings: Settings, threads: int | None = None) -> TorchEngine:
    """The recipe's base with a fresh adapter, as this machine computes best."""
    folder, options = hub.resolve(recipe.base, settings), recipe.adapter
    dtype = fastest_dtype(settings.cache) if recipe.training.dtype == "auto" else recipe.training.dtype
    return TorchEngine(folder, hub.targets(recipe.base), options.rank, options.alpha, dtype, threads or usable_cores())


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


def _generator(seed: int | None) -> torch.Generator:
    return torch.Generator().manual_seed(random.getrandbits(48) if seed is None else seed)
