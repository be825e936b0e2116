"""Words that are to be forgotten, and all that learned from them."""

from __future__ import annotations

from homespun.corpus import delete
from homespun.corpus.delete import Forgotten
from homespun.home import Home
from homespun.registry import lineage
from homespun.registry.lineage import Stale


def forget(home: Home, chosen: Forgotten, may_return: bool = False) -> Stale:
    """Remove words from the corpus, and mark what learned from them."""
    found = lineage.learned_from(home, chosen.messages)
    # Marked first: a command that is killed in between leaves too many marks and no hidden words.
    stale = lineage.make_stale(home, found, f"it learned from {chosen.what}, which was forgotten")
    delete.forget(home, chosen, may_return)
    return stale
