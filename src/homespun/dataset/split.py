"""Who learns from what: whole conversations go to train, validation, gate or vault, by time, and near-duplicates stay on one side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from homespun.config import DatasetSection
from homespun.types import Conversation, Split

OWN_TIMELINE = 10
"""A chat with this many conversations is split along its own time, so that part of every relationship is held out. Others are pooled."""

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
    pooled.sort(key=lambda conversation: conversation.start or 0.0)
    return assigned | _along_time(pooled, replies, options)


def _along_time(conversations: Sequence[Conversation], replies: Mapping[str, int], options: DatasetSection) -> dict[str, Split]:
    """Cut by cumulative replies; a conversation goes where its middle falls."""
    total = sum(replies[conversation.id] for conversation in conversations)
    held_out = options.gate + options.vault
    borders: list[tuple[float, Split]] = [
        ((1 - held_out) * (1 - options.validation), "train"),
        (1 - held_out, "validation"),
        (1 - options.vault, "gate"),
        (1.0, "vault"),
    ]
    assigned: dict[str, Split] = {}
    passed = 0
    for conversation in conversations:
        middle = (passed + replies[conversation.id] / 2) / total
        assigned[conversation.id] = next(name for border, name in borders if middle <= border)
        passed += replies[conversation.id]
    return assigned | _at_least_one(conversations, assigned, options)


def _at_least_one(conversations: Sequence[Conversation], assigned: Mapping[str, Split], options: DatasetSection) -> dict[str, Split]:
    """With few conversations a share can round to none: then the last ones go to vault, gate and validation, while train keeps half."""
    wanted: list[tuple[Split, float]] = [("vault", options.vault), ("gate", options.gate), ("validation", options.validation)]
    missing = [name for name, share in wanted if share and name not in assigned.values()]
    room = len(conversations) // 2
    if not missing or room == 0:
        return {}
    return {conversation.id: name for (name, share), conversation in zip(wanted[:room], reversed(conversations), strict=False) if share}


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
