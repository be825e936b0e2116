"""Day or month first, and which headers of a WhatsApp file are no messages of its own."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from homespun.errors import SourceError
from homespun.sources.whatsapp_headers import NOBODY, Headers
from homespun.types import ImportReport

ORDERS = {"day-first": (2, 1, 0), "month-first": (2, 0, 1), "year-first": (0, 1, 2)}
"""Where year, month and day stand in a date."""
_LATE = 50
"""Messages in a row that are earlier than one before them, from which on the earlier time is the right one."""
_EPOCH = date(1970, 1, 1).toordinal()

Days = Sequence[float | None]
"""Of each date, the seconds from 1970 to its midnight; None if there is no such day."""


def settle(headers: Headers, report: ImportReport, name: str) -> Days:
    """The days in the order that fits the chat best: with the fewest impossible dates, the fewest steps back, the shortest span.

    Raises:
        SourceError: no date is possible in the order asked for, or there is none.
    """
    wanted = report.format.partition(":")[2]
    days = {order: _days(headers.dates, order) for order in ([wanted] if wanted else ORDERS)}
    uses = Counter(headers.date)
    impossible = {order: sum(uses[number] for number, day in enumerate(days[order]) if day is None) for order in days}
    fewest = min(impossible.values())
    if fewest == len(headers.date):
        raise SourceError("no line looks like a message of WhatsApp, such as `31/12/2024, 21:05 - Anna: Hello`")
    left = {order: days[order] for order in days if impossible[order] == fewest}
    best = next(iter(left)) if len(left) == 1 else _likeliest(headers, left, report, name)
    return days[best]


def _days(dates: Sequence[tuple[int, int, int]], order: str) -> Days:
    year, month, day = ORDERS[order]
    days: list[float | None] = []
    for fields in dates:
        try:
            ordinal = date(fields[year] + 2000 * (fields[year] < 100), fields[month], fields[day]).toordinal()
            days.append((ordinal - _EPOCH) * 86400.0)
        except ValueError:
            days.append(None)
    return days


def _likeliest(headers: Headers, ways: Mapping[str, Days], report: ImportReport, name: str) -> str:
    steps, span = {}, {}
    for order, days in ways.items():
        steps[order], span[order] = _course(_times(headers, days))
    # Hardly any locale writes a year first with two digits.
    rare = {order: order == "year-first" and all(fields[0] < 100 for fields in headers.dates) for order in ways}
    best = min(ways, key=lambda order: (steps[order], rare[order], span[order]))
    for other in sorted({"day-first", "month-first"} & set(ways) - {best}):
        if steps[other] == steps[best] and ways[other] != ways[best]:
            first = "/".join(map(str, headers.dates[0]))
            report.notes.append(
                f"the dates of {name!r} could be {best} or {other}, and {first} was read as {best}: "
                f"if that is wrong, add it with --as whatsapp:{other}"
            )
    return best


def _times(headers: Headers, days: Days) -> Iterator[float]:
    return (day + clock for number, clock in zip(headers.date, headers.clock, strict=True) if (day := days[number]) is not None)


def _course(times: Iterator[float]) -> tuple[int, float]:
    """Steps back in time, and the span from the earliest to the latest."""
    steps = 0
    previous = low = high = next(times)
    for time in times:
        if time < previous:
            steps += 1
            low = min(low, time)
        elif time > high:
            high = time
        previous = time
    return steps, high - low


def messages(headers: Headers, days: Days) -> Sequence[int]:
    """The rows that begin a message; an impossible date, or a header in a pasted transcript, belongs to the message above.

    A header is taken for pasted if it is earlier than what stands above it, and by someone who never writes in turn.
    """
    latest, late = float("-inf"), 0
    behind: list[int] = []
    members: set[int] = set()
    apart: set[int] = set()
    for row, (number, clock, author) in enumerate(zip(headers.date, headers.clock, headers.author, strict=True)):
        if (day := days[number]) is None:
            apart.add(row)
            continue
        time = day + clock
        late = 0 if time >= latest else late + 1
        if 0 < late <= _LATE and author != NOBODY:
            behind.append(row)
            continue
        latest = time
        members.add(author)
    # In a monologue nobody has taken turns yet, so nothing can be told.
    if len(members - {NOBODY}) > 1:
        apart.update(row for row in behind if headers.author[row] not in members)
    rows = range(len(headers.date))
    return array("Q", (row for row in rows if row not in apart)) if apart else rows
