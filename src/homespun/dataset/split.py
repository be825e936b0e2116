"""Who learns from what: whole conversations go to train, validation, gate or vault, by time, and near-duplicates stay on one side."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from homespun.config import DatasetSection
from homespun.types import Conversation, Split

OWN_TIMELINE = 10
"""A chat with this many conversations is split along its own time, so that part of every relationship is held out. Others are pooled."""

SPLITS: tuple[Split, ...] = ("train", "validation", "gate", "vault")

SHINGLE, PERMUTATIONS = 3, 64
SHORTEST = 6
"""Words. Shorter replies repeat because people repeat them ("Roger."), not because one text was copied."""


def split(conversations: Sequence[Conversation], replies: Mapping[str, int], options: DatasetSection) -> dict[str, Split]:
    """Conversation id -> split, for every conversation with at least one reply.

    Within a chat the order is train, validation, gate, vault: what a model is judged on is always later than what it learned from.

    Args:
        replies: conversation id -> how many replies of the person it holds.
    """
    by_chat: dict[str, list[Conversation]] = defaultdict(list)
    for conversation in conversations:
        if replies.get(conversation.id):
            by_chat[conversation.chat].append(conversation)
    pooled: list[Conversation] = []
    assigned: dict[str, Split] = {}
    for chat in by_chat.values():
        if len(chat) >= OWN_TIMELINE:
            assigned |= _along_time(chat, replies, options)
        else:
            pooled += chat
    return assigned | _along_time(pooled, replies, options)


def _along_time(conversations: Iterable[Conversation], replies: Mapping[str, int], options: DatasetSection) -> dict[str, Split]:
    """Cut by cumulative replies; a conversation goes where its middle falls.

    With few conversations a share can round to none: then the borders move until the vault, the gate and the validation part have
    one each, in this order of need and while train keeps half.
    """
    ordered = sorted(conversations, key=lambda conversation: conversation.start or 0.0)
    total = sum(replies[conversation.id] for conversation in ordered)
    middles: list[float] = []
    passed = 0
    for conversation in ordered:
        middles.append((passed + replies[conversation.id] / 2) / total)
        passed += replies[conversation.id]
    shares = (options.validation, options.gate, options.vault)
    held_out = options.gate + options.vault
    borders = ((1 - held_out) * (1 - options.validation), 1 - held_out, 1 - options.vault)
    starts = [bisect.bisect_right(middles, border) for border in borders]
    least = [0, 0, 0]
    end = len(ordered)
    for part in (2, 1, 0):
        least[part] = int(shares[part] > 0 and sum(least) < len(ordered) // 2)
        end = starts[part] = min(starts[part], end - least[part])
    begin = 1
    for part in range(3):
        starts[part] = max(starts[part], begin)
        begin = starts[part] + least[part]
    return {conversation.id: SPLITS[bisect.bisect_right(starts, place)] for place, conversation in enumerate(ordered)}


def near_duplicates(earlier: Iterable[str], later: Sequence[str], threshold: float) -> set[int]:
    """Which of `later` are near-copies (MinHash estimate of word 3-gram Jaccard >= threshold) of any of `earlier`. Long replies only."""
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)
    for number, text in enumerate(earlier):
        if sketch := _sketch(text):
            index.insert(number, sketch)
    return {number for number, text in enumerate(later) if (sketch := _sketch(text)) and index.query(sketch)}


def _sketch(text: str) -> Any:
    from datasketch import MinHash

    words = text.casefold().split()
    if len(words) < SHORTEST:
        return None
    sketch = MinHash(num_perm=PERMUTATIONS)
    sketch.update_batch([" ".join(words[start : start + SHINGLE]).encode() for start in range(len(words) - SHINGLE + 1)])
    return sketch
