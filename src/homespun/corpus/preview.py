"""What redaction would do to a corpus, before anything is learned from it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from homespun.corpus.redact import Change, Redactor
from homespun.database.connection import connect
from homespun.database.schema import messages
from homespun.home import Home


@dataclass(frozen=True, slots=True)
class Changed:
    """A message that redaction changes; `spans` are places in `before`."""

    before: str
    after: str
    spans: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    messages: int
    """All of the corpus."""
    affected: int
    """Those with personal data in them."""
    counts: dict[str, int]
    """Finds by kind, the most frequent first."""
    shown: tuple[Changed, ...]


def preview(home: Home, last: int = 10, with_names: bool = False) -> Preview:
    """Count what would be replaced in a home's corpus, and show the newest `last` messages that would change.

    Only for what is shown are pseudonyms made, and they are the ones that a dataset will have.
    """
    redactor = Redactor(home, with_names)
    counts: Counter[str] = Counter()
    newest: deque[str] = deque(maxlen=last)
    total = affected = 0
    for text in _texts(home):
        kinds = redactor.kinds(text)
        counts.update(kinds)
        total += 1
        affected += bool(kinds)
        if kinds:
            newest.append(text)
    shown = tuple(Changed(text, redactor.redact(text), tuple(redactor.changes(text))) for text in newest)
    return Preview(total, affected, dict(counts.most_common()), shown)


def _texts(home: Home) -> Iterator[str]:
    """Every message, the oldest first."""
    with connect(home) as db:
        yield from db.execute(select(messages.c.text).order_by(messages.c.time, messages.c.position)).scalars()
