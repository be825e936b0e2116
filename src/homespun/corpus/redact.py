"""Personal data out of text, consistent pseudonyms in: one for each original in any spelling, remembered by the home and by nobody else."""

from __future__ import annotations

import hmac
import itertools
import re
import secrets
from collections import Counter
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from random import Random

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as insert_or_ignore

from homespun.corpus import fakes, names, naming, pii
from homespun.corpus.pii import Span
from homespun.corpus.rules import address, phone
from homespun.database.connection import connect
from homespun.database.schema import accounts, messages, pseudonyms
from homespun.home import Home

_ROUNDS = 8
"""A pseudonym and what stands beside it could look like something new; so it is looked again until nothing is found."""

_TRIES = 100
_CUE = "phone number "
"""What makes the rules for numbers see the most."""


@dataclass(frozen=True, slots=True)
class Change:
    """What redaction does to text[start:end]."""

    start: int
    end: int
    kind: str
    replacement: str


class Redactor:
    """Redacts text with the pseudonyms of a home, and makes new ones where it meets what it has not met.

    Args:
        with_names: people of the corpus get other names too; `restore` gives them back their own.
    """

    def __init__(self, home: Home, with_names: bool = False) -> None:
        self.home = home
        self._known: dict[tuple[str, str], str] = {}
        self._ours: set[str] = set()
        self._people: dict[str, tuple[str, str]] = {}
        self._writing: Connection | None = None
        self._originals: set[tuple[str, str]] = set()
        with connect(home) as db:
            self._salt = _salt(db)
            self.regions = _regions(db)
            for row in db.execute(select(pseudonyms).where(pseudonyms.c.kind.in_(pii.KINDS))):
                self._remember(row.kind, row.original, row.replacement)
        self.learn() if with_names else self._see_names()

    def learn(self, others: Iterable[str] = ()) -> None:
        """Give a pseudonym to everybody in the corpus, and to others by their names."""
        with connect(self.home) as db:
            self._people = naming.give_names(db, self._draw, others)
        self._see_names()

    def redact(self, text: str) -> str:
        """The text with pseudonyms; nothing else in it changes. What is redacted already stays as it is."""
        for _ in range(_ROUNDS):
            spans = pii.find(text, self.regions)
            changes = self._contact(spans)
            if not changes:
                break
            text = apply(text, changes)
        return apply(text, self._named(text, spans))

    def redact_all(self, texts: Iterable[str]) -> list[str]:
        """Redact texts that belong together: no pseudonym is what another of them really holds.

        The home's map is written once: a transaction for each new pseudonym would take most of the time.
        """
        held = list(texts)
        self._originals.update((span.kind, span.value) for text in held for span in pii.find(text, self.regions))
        with connect(self.home) as self._writing:
            try:
                return [self.redact(text) for text in held]
            finally:
                self._writing = None

    def restore(self, text: str) -> str:
        """Give people their own names back."""
        found = names.places(text, self._pseudonyms)
        return apply(text, (Change(match.start(), match.end(), "name", self._back[match[0]]) for match in found))

    def name(self, speaker: str) -> str:
        """What to call somebody of the corpus instead, by the name, handle or phone number that they write under."""
        return self._labels.get(speaker) or self.redact(speaker)

    def changes(self, text: str) -> list[Change]:
        """What `redact` does to each part of a text, in order."""
        spans = pii.find(text, self.regions)
        return sorted([*self._contact(spans), *self._named(text, spans)], key=lambda change: change.start)

    def kinds(self, text: str) -> list[str]:
        """The kinds of what `redact` would replace; makes no pseudonym."""
        spans = pii.find(text, self.regions)
        found = names.places(text, self._names, ((span.start, span.end) for span in spans)) if self._people else ()
        return [*(span.kind for span in spans if not self._is_ours(span)), *("name" for _ in found)]

    def _contact(self, spans: Iterable[Span]) -> list[Change]:
        theirs = [span for span in spans if not self._is_ours(span)]
        self._originals.update((span.kind, span.value) for span in theirs)
        return [Change(span.start, span.end, span.kind, fakes.written_as(span.kind, self._replacement(span), span.text)) for span in theirs]

    def _named(self, text: str, spans: Iterable[Span]) -> list[Change]:
        found = names.places(text, self._names, ((span.start, span.end) for span in spans)) if self._people else ()
        return [Change(match.start(), match.end(), "name", self._to[match[0]]) for match in found]

    def _is_ours(self, span: Span) -> bool:
        if span.kind != "phone":
            return span.value in self._ours
        digits = re.sub(r"\D", "", span.text)
        return any(digits[-length:] in self._ours for length in range(5, len(digits) + 1))

    def _replacement(self, span: Span) -> str:
        if (span.kind, span.value) not in self._known:
            with nullcontext(self._writing) if self._writing else connect(self.home) as db:
                self._remember(span.kind, span.value, self._store(db, span))
        return self._known[span.kind, span.value]

    def _store(self, db: Connection, span: Span) -> str:
        """The replacement in the home's map: a new one, or what another process put there a moment ago."""
        stored = select(pseudonyms.c.replacement).where(pseudonyms.c.kind == span.kind, pseudonyms.c.original == span.value)
        for attempt in itertools.count():
            if found := db.execute(stored).scalar():
                return str(found)
            made = fakes.fake(span.kind, span.text, span.value, self._draw(span.kind, span.value, attempt), attempt)
            as_original = (span.kind, _value(span.kind, made))
            taken = _plain(span.kind, made) in self._ours or as_original in self._known or as_original in self._originals
            if not taken and made != span.text and (attempt >= _TRIES or self._reads_whole(span, made)):
                row = {"kind": span.kind, "original": span.value, "replacement": made}
                db.execute(insert_or_ignore(pseudonyms).on_conflict_do_nothing(), row)
        raise AssertionError("attempts do not end")

    def _reads_whole(self, span: Span, made: str) -> bool:
        """Whether the rules see all of a pseudonym as one thing or nothing at all in it: else a part would be replaced the next time."""
        written = fakes.written_as(span.kind, made, span.text)
        seen = [*pii.find(written, self.regions), *pii.find(_CUE + written, self.regions)]
        return all(one.text == written and one.kind == span.kind for one in seen)

    def _draw(self, kind: str, original: str, attempt: int = 0) -> Random:
        """Chance that only this home can repeat: without its salt nobody can try out what a pseudonym stands for."""
        return Random(hmac.digest(self._salt, f"{kind}\0{original}\0{attempt}".encode(), "sha256"))

    def _remember(self, kind: str, original: str, replacement: str) -> None:
        self._known[kind, original] = replacement
        self._ours.add(_plain(kind, replacement))

    def _see_names(self) -> None:
        anywhere: dict[str, str] = {}
        handles: dict[str, str] = {}
        words: dict[str, str] = {}
        for original, (kind, replacement) in self._people.items():
            if kind == "first" and original.casefold() in names.WORDS:
                words[original] = replacement
            elif kind == "handle" and original.isalpha():
                handles[original] = replacement
            else:
                anywhere |= names.spellings(original, replacement) if kind != "handle" else {original: replacement}
        self._to = words | handles | anywhere
        self._back = {replacement: original for original, replacement in self._to.items()}
        self._names = names.matcher(anywhere, [*words, *handles], words)
        self._pseudonyms = names.matcher(self._back)
        self._labels = {original: replacement for original, (_, replacement) in self._people.items()}


def apply(text: str, changes: Iterable[Change]) -> str:
    """The text after changes that are in order."""
    parts, done = [], 0
    for change in changes:
        parts += [text[done : change.start], change.replacement]
        done = change.end
    return "".join([*parts, text[done:]])


def _plain(kind: str, replacement: str) -> str:
    """By what a replacement is known again in a text."""
    if kind == "phone":
        return fakes.phone_tail(replacement)
    return address.plain(replacement) if kind == "address" else replacement


def _value(kind: str, replacement: str) -> str:
    """As which it would be kept if it were an original."""
    return replacement.replace(" ", "") if kind == "phone" else _plain(kind, replacement)


def _salt(db: Connection) -> bytes:
    row = {"kind": "salt", "original": "", "replacement": secrets.token_hex(32)}
    db.execute(insert_or_ignore(pseudonyms).on_conflict_do_nothing(), row)
    return bytes.fromhex(db.execute(select(pseudonyms.c.replacement).where(pseudonyms.c.kind == "salt")).scalar_one())


def _regions(db: Connection) -> tuple[str, ...]:
    """The countries of the numbers that the corpus has with a country code, the most frequent first, then the usual ones."""
    known = [*db.execute(select(accounts.c.account).where(accounts.c.account.startswith("tel:+"))).scalars()]
    known += db.execute(select(messages.c.text).where(messages.c.text.contains("+"))).scalars()
    numbers = (number for text in known for number in re.findall(r"\+\d[\d ().-]{8,18}\d", text))
    counted = Counter(filter(None, map(phone.region, numbers)))
    return tuple(dict.fromkeys([*(region for region, _ in counted.most_common()), *phone.REGIONS]))
