"""Numbers about the corpus that help its owner decide."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from homespun.types import Conversation, Message

BINS: tuple[tuple[str, float], ...] = (
    ("under 1 minute", 60),
    ("1 to 5 minutes", 300),
    ("5 to 15 minutes", 900),
    ("15 to 30 minutes", 1800),
    ("30 to 60 minutes", 3600),
    ("1 to 4 hours", 4 * 3600),
    ("4 to 24 hours", 24 * 3600),
    ("over a day", float("inf")),
)


def silences(chats: Iterable[Sequence[Message]]) -> dict[str, int]:
    """How long the silences between neighbouring messages are."""
    counts = dict.fromkeys((name for name, _ in BINS), 0)
    for messages in chats:
        times = [message.time for message in messages if message.time is not None]
        for earlier, later in pairwise(sorted(times)):
            counts[next(name for name, most in BINS if later - earlier < most)] += 1
    return counts


def drawn(histogram: Mapping[str, int], gap: float, width: int = 40) -> str:
    """The histogram as bars, with a line where `gap` cuts."""
    most = max(1, *histogram.values())
    lines: list[str] = []
    cut = False
    for (name, end), count in zip(BINS, histogram.values(), strict=True):
        if not cut and end > gap:
            lines.append(f"  {'-' * (width + 24)}")
            cut = True
        lines.append(f"  {name:<17}{count:>7,} {'█' * round(width * count / most)}")
    return "\n".join(lines)


def summary(conversations: Sequence[Conversation], me: str | None) -> dict[str, float | int | str | None]:
    """Totals over the corpus."""
    messages = [message for conversation in conversations for message in conversation.messages]
    mine = [message for message in messages if message.speaker == me]
    return {
        "chats": len({conversation.chat for conversation in conversations}),
        "conversations": len(conversations),
        "messages": len(messages),
        "people": len({message.speaker for message in messages}),
        "words": sum(len(message.text.split()) for message in messages),
        "me": me,
        "my_messages": len(mine),
        "my_words": sum(len(message.text.split()) for message in mine),
        "my_median_words": statistics.median(len(message.text.split()) for message in mine) if mine else 0,
    }
