"""Messages that point to one another, in a spool: each chain becomes a chat, called by its first message."""

from __future__ import annotations

import hashlib
import sqlite3
from array import array
from collections.abc import Iterable

_LINKS = "SELECT {} FROM link JOIN message a ON a.ref = link.before JOIN message b ON b.ref = link.after"


def follow(db: sqlite3.Connection) -> None:
    """Gives every message its chat and its place in it. Times say in which direction the links point; without any, to the later one."""
    db.execute("CREATE INDEX message_ref ON message (ref)")
    backward = db.execute(_LINKS.format("total((b.time < a.time) - (b.time > a.time)) > 0")).fetchone()[0]
    size = db.execute("SELECT coalesce(max(number), 0) + 1 FROM message").fetchone()[0]
    first, place = _walked(db.execute(_LINKS.format("b.number, a.number" if backward else "a.number, b.number")), size)
    db.create_function("digest", 3, lambda *parts: hashlib.sha256(repr(parts).encode()).hexdigest()[:16], deterministic=True)
    db.execute("CREATE TEMP TABLE chain (number INTEGER PRIMARY KEY, first INTEGER, place INTEGER)")
    db.executemany("INSERT INTO chain VALUES (?, ?, ?)", ((n, first[n], place[n]) for n in range(1, size)))
    db.execute(
        "UPDATE message SET place = chain.place, chat = iif(top.id = '', digest(top.date, top.speaker, top.text), top.id) "
        "FROM chain JOIN message top ON top.number = chain.first WHERE chain.number = message.number"
    )
    db.execute(
        "INSERT OR IGNORE INTO room SELECT chat, group_concat(name, ', '), NULL FROM "
        "(SELECT DISTINCT chat, name FROM message JOIN person ON key = speaker) GROUP BY chat"
    )
    db.execute("DROP TABLE chain")


def _walked(links: Iterable[tuple[int, int]], size: int) -> tuple[array[int], array[int]]:
    """For each message the first of its chain, and how many came before it. Of several before one, one counts; a circle is cut open."""
    before, first, place = (array("q", bytes(8 * size)) for _ in range(3))
    for earlier, later in links:
        before[later] = earlier
    for number in range(1, size):
        path: list[int] = []
        while number and not first[number]:
            first[number] = number
            path.append(number)
            number = before[number]
        known = number != 0 and number not in path
        top, start = (first[number], place[number] + 1) if known else (path[-1], 0)
        for position, step in enumerate(reversed(path), start):
            first[step], place[step] = top, position
    return first, place
