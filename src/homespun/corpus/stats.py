"""Numbers about the corpus that help its owner decide."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import case, func, select, true

from homespun.database.connection import connect
from homespun.database.schema import chats, messages
from homespun.home import Home
from homespun.types import Conversation

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

MOST = 10_000


def silences(home: Home, of: Collection[int] = ()) -> tuple[dict[str, int], int]:
    """How long the silences between neighbouring messages are, and into how many conversations they cut.

    Args:
        of: ids of chats; all by default, and where they are too many for one question.
    """
    before = func.lag(messages.c.time).over(partition_by=messages.c.chat, order_by=(messages.c.time, messages.c.position))
    chosen = messages.c.chat.in_(of) if 0 < len(of) <= MOST else true()
    pairs = select(messages.c.chat, (messages.c.time - before).label("silence")).where(chosen, messages.c.time.is_not(None)).subquery()
    bin = case(*((pairs.c.silence < most, number) for number, (_, most) in enumerate(BINS[:-1])), else_=len(BINS) - 1)
    histogram = select(bin, func.count()).where(pairs.c.silence.is_not(None)).group_by(bin)
    cuts = select(func.count()).select_from(pairs.join(chats, chats.c.id == pairs.c.chat)).where(pairs.c.silence > chats.c.gap)
    with connect(home) as db:
        counts = dict.fromkeys((name for name, _ in BINS), 0)
        for number, count in db.execute(histogram):
            counts[BINS[number][0]] = count
        held = select(func.count(messages.c.chat.distinct())).where(chosen)
        return counts, db.execute(cuts).scalar_one() + db.execute(held).scalar_one()


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
