"""Likelihoods of very many texts that begin alike, such as every number a sentence could end in, in few forward passes.

A forward pass over a tree: the tokens of every different beginning are laid out once, and attention lets each token see only what it
follows (tree attention, Miao et al. 2024, arXiv 2305.09781). Ten thousand six-digit numbers take 3,000 places instead of 60,000.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from homespun.engines.torch import TorchEngine
from homespun.evaluation.bootstrap import Floats
from homespun.types import Turn

PLACES = 1024
"""Tokens of texts in one forward pass. The mask is a square of them."""
ROUND = 128
"""CPU kernels are compiled for every new shape (training/batches.py)."""
HEAD_ROWS = 1024
"""Tokens that are looked up at a time: more places than these never have their logits over the vocabulary at once."""

Ids = tuple[int, ...]


def log_likelihoods(engine: TorchEngine, turns: Sequence[Turn], texts: Sequence[str]) -> Floats:
    """(texts,) log-probability in nats, summed over its tokens, that the next reply begins with each text.

    The stop token does not count: whatever could follow is left open.
    """
    prompt = engine.template.prompt(turns)
    rows = [tuple(engine.template.ids(text)) for text in texts]
    found: dict[Ids, float] = {}
    for part in _parts(sorted(set(rows))):
        found |= _read(engine, prompt, part)
    return np.array([found[row] for row in rows])


def _parts(rows: Sequence[Ids]) -> Iterator[list[Ids]]:
    """Neighbours in the alphabet together, as many as fit into one pass. The last token of a text needs no place."""
    part: list[Ids] = []
    places = 0
    for row in rows:
        new = len(row) - 1 - (_shared(part[-1], row) if part else 0)
        if part and places + new > PLACES:
            yield part
            part, places, new = [], 0, len(row) - 1
        part.append(row)
        places += max(new, 0)
    if part:
        yield part


def _shared(one: Ids, other: Ids) -> int:
    """Tokens that both begin with."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


@torch.inference_mode()
def _read(engine: TorchEngine, prompt: Sequence[int], rows: Sequence[Ids]) -> dict[Ids, float]:
    """The log-likelihood of every row, and of whatever rows begin with, after the prompt."""
    ids, parents = list(prompt), list(range(-1, len(prompt) - 1))
    places: dict[Ids, int] = {(): len(prompt) - 1}
    beginnings = dict.fromkeys(row[:end] for row in rows for end in range(1, len(row) + 1))
    for before in dict.fromkeys(beginning[:-1] for beginning in beginnings):
        if before:
            parents.append(places[before[:-1]])
            places[before] = len(ids)
            ids.append(before[-1])
    log_p = _next_tokens(engine, ids, parents, [(places[beginning[:-1]], beginning[-1]) for beginning in beginnings])
    found: dict[Ids, float] = {(): 0.0}
    for beginning, value in zip(beginnings, log_p, strict=True):
        found[beginning] = found[beginning[:-1]] + value
    return found


def _next_tokens(engine: TorchEngine, ids: Sequence[int], parents: Sequence[int], asked: Sequence[tuple[int, int]]) -> list[float]:
    """Log-probability of each (place, token): that the token follows there.

    Args:
        ids, parents: of every place, its token and the place that it follows, which comes before it; -1: nothing does.
    """
    padding = -len(ids) % ROUND
    sees = torch.eye(len(ids) + padding, dtype=torch.bool)
    for place, parent in enumerate(parents):
        if parent >= 0:
            sees[place] |= sees[parent]
    dtype = engine.model.dtype
    mask = torch.zeros(sees.shape, dtype=dtype).masked_fill_(~sees, torch.finfo(dtype).min)
    out = engine.model.base_model(
        input_ids=torch.tensor([[*ids, *[0] * padding]]),
        attention_mask=mask[None, None],
        position_ids=(sees.sum(1) - 1)[None],
        use_cache=False,
    )
    hidden, head = out.last_hidden_state[0], engine.model.get_output_embeddings().weight
    found: dict[tuple[int, int], float] = {}
    by_place = sorted(set(asked))
    for start in range(0, len(by_place), HEAD_ROWS):
        some = by_place[start : start + HEAD_ROWS]
        places = sorted({place for place, _ in some})
        log_p = torch.log_softmax((hidden[places] @ head.t()).float(), -1)
        rows = [bisect_left(places, place) for place, _ in some]
        found |= zip(some, log_p[rows, [token for _, token in some]].tolist(), strict=True)
    return [found[one] for one in asked]
