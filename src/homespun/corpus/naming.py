"""Which name each person of the corpus gets instead, kept in the home's map."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property
from random import Random

from sqlalchemy import Connection, delete, insert, select

from homespun.corpus import names
from homespun.database.schema import identities, messages, pseudonyms

KINDS = ("first", "family", "handle", "name")
"""Words of names, handles, and names of several words. What stands for the last is made of what stands for its words."""

Draw = Callable[[str, str], Random]


def give_names(db: Connection, draw: Draw, others: Iterable[str] = ()) -> dict[str, tuple[str, str]]:
    """original -> (kind, replacement) of every first name, handle and full name, new ones for who has none yet."""
    everybody = sorted({*db.execute(select(identities.c.name)).scalars(), *others})
    work = _Names(db, draw, everybody)
    for identity in everybody:
        words = names.name_words(identity)
        if words:
            work.full(identity, words)
        elif names.is_handle(identity):
            work.give("handle", identity)
    return {original: (kind, new) for (kind, original), new in work.given.items() if kind != "family"}


class _Names:
    """The map of names while it is completed."""

    def __init__(self, db: Connection, draw: Draw, everybody: Iterable[str]) -> None:
        self.db, self.draw = db, draw
        self.people = {word for identity in everybody for word in [identity.casefold(), *re.findall(r"[^\W\d_]+", identity.casefold())]}
        rows = db.execute(select(pseudonyms).where(pseudonyms.c.kind.in_(KINDS))).all()
        self.given: dict[tuple[str, str], str] = {(row.kind, row.original): row.replacement for row in rows}
        self._take_back()
        self.taken = {replacement.casefold() for replacement in self.given.values()}

    def _take_back(self) -> None:
        """A pseudonym that somebody new is really called by cannot stand for somebody else."""
        for (kind, original), replacement in list(self.given.items()):
            if not self.people.isdisjoint(replacement.casefold().split()):
                del self.given[kind, original]
                self.db.execute(delete(pseudonyms).where(pseudonyms.c.kind == kind, pseudonyms.c.original == original))

    @cached_property
    def said(self) -> set[str]:
        """Words of the corpus: a pseudonym that is one of them would be taken for it."""
        bundled = {name.casefold() for name in names.FIRST + names.FAMILY}
        texts = self.db.execute(select(messages.c.text)).scalars()
        return {word for text in texts for word in re.findall(r"[^\W\d_]+", text.casefold()) if word in bundled}

    @cached_property
    def unused(self) -> tuple[list[str], list[str]]:
        """Bundled first and family names that can still be given."""
        barred = self.said | self.people | self.taken
        first, family = ([name for name in bundled if name.casefold() not in barred] for bundled in (names.FIRST, names.FAMILY))
        return first, family

    def full(self, identity: str, words: list[str]) -> None:
        """A person by first name and, where they are called by more, by all of it."""
        first = words[0].capitalize() if words[0].isupper() and len(words[0]) > 2 and words[0].lower() != words[0].upper() else words[0]
        new = [self.give("first", first)]
        for word in words[1:]:
            is_name = len(word) > 1 and (word[0].isupper() or word.lower() == word.upper())
            new.append(self.give("family", word) if is_name else word)
        if len(words) > 1 and new[1:] != words[1:]:
            self._keep("name", " ".join(words), " ".join(new))

    def give(self, kind: str, original: str) -> str:
        if (kind, original) not in self.given:
            self._keep(kind, original, self._free(kind, self.draw(kind, original)))
        return self.given[kind, original]

    def _free(self, kind: str, random: Random) -> str:
        """A name that stands for nobody yet: a bundled one; when all are used, one made of two."""
        bundled = names.FAMILY if kind == "family" else names.FIRST
        unused = self.unused[kind == "family"] if kind != "handle" else []
        while True:
            if kind == "handle":
                made = f"{random.choice(bundled).lower()}{random.randrange(10, 10_000)}"
            elif unused:
                return unused.pop(random.randrange(len(unused)))
            else:
                made = random.choice(bundled) + random.choice(bundled).lower()
            folded = made.casefold()
            if not {folded, folded + "s", folded.removesuffix("s")} & (self.taken | self.people):
                return made

    def _keep(self, kind: str, original: str, replacement: str) -> None:
        if (kind, original) not in self.given:
            self.given[kind, original] = replacement
            self.taken.add(replacement.casefold())
            self.db.execute(insert(pseudonyms), {"kind": kind, "original": original, "replacement": replacement})
