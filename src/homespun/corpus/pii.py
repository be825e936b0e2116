"""Personal data in text, found by rules: what reaches a person, pays for them, names them to a state, or opens their doors.

People's names are not here: the corpus knows who is in it (redact.py). `names_by_model` finds others, where presidio is installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from homespun.corpus.rules import address, money, national, network, phone, secrets
from homespun.corpus.rules.network import Hit
from homespun.corpus.rules.phone import REGIONS
from homespun.errors import UsageError

Rule = Callable[[str], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class Span:
    """One find: `text` is what stands at start:end."""

    start: int
    end: int
    kind: str
    text: str
    value: str
    """One spelling for all: E.164 of a phone number, a mail address in lower case, the bare digits of a card."""


_AS_WRITTEN: dict[str, Rule] = {"key": secrets.keys, "iban": money.ibans, "mail": network.mails, "ip": network.addresses}
_PLAIN: dict[str, Rule] = {
    "card": money.cards,
    "id": national.ids,
    "code": secrets.codes,
    "phone": phone.phones,
    "address": address.places,
}
"""Rules for numbers. They are not shown the numbers of links, dates and times."""
KINDS = ("key", "password", "iban", "mail", "card", "ip", "id", "code", "phone", "address")
"""The strongest first: where two overlap, the stronger is right."""

_MAY_HOLD = re.compile(r"[\d@]|[\[({](?:at|ät)[\])}]|\s[\[({]\s?at", re.IGNORECASE)
_CODE_OR_DATE = re.compile(
    r"(?:https?://|www\.)(?!(?:wa\.me|api\.whatsapp\.com|t\.me/\+)|(?:www\.)?\S*[?&](?:phone|tel)=)\S+"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    r"|(?<![\d.+/-])(?:(?:19|20)\d\d([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])|(?:0?[1-9]|[12]\d|3[01])([-/.])(?:0?[1-9]|1[0-2])\2(?:19|20)?\d\d"
    r"|(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])/(?:19|20)?\d\d)(?![\d]|[./-]\d)(?:[T ]\d{1,2}[:.h]\d\d)?"
    r"|(?<![\d.:])\d{1,2}:\d\d(?::\d\d)?(?!\d)",
    re.IGNORECASE,
)


def find(text: str, regions: Sequence[str] = REGIONS) -> list[Span]:
    """Everything found in `text`, in order, not overlapping.

    Args:
        regions: countries (ISO 3166) whose phone numbers are known without a country code, the likeliest first.
    """
    found: list[Span] = []
    if _MAY_HOLD.search(text):
        found += _spans(text, text, _AS_WRITTEN)
        plain = _CODE_OR_DATE.sub(lambda match: "x" * len(match[0]), text)
        if re.search(r"\d", plain):
            rules = _PLAIN if regions is REGIONS else _PLAIN | {"phone": lambda text: phone.phones(text, regions)}
            found += _spans(text, plain, rules)
    found += _spans(text, text, {"password": secrets.passwords})
    return _strongest(found) if len(found) > 1 else found


def _spans(text: str, shown: str, rules: dict[str, Rule]) -> Iterator[Span]:
    for kind, rule in rules.items():
        for start, end, value in rule(shown):
            yield Span(start, end, kind, text[start:end], value)


def _strongest(found: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(found, key=lambda span: (KINDS.index(span.kind), span.start - span.end, span.start)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)


def names_by_model(text: str, language: str = "en") -> list[Span]:
    """Names of people as presidio sees them: also of those who never wrote a message, and some that are none.

    Raises:
        UsageError: presidio, or its model of the language, is not installed.
    """
    results = _presidio(language).analyze(text=text, language=language, entities=["PERSON"])
    named = [(one.start, one.end, text[one.start : one.end]) for one in results]
    return [Span(start, end, "name", name, name) for start, end, name in sorted(named)]


@lru_cache(maxsize=1)
def _presidio(language: str) -> Any:
    try:
        return import_module("presidio_analyzer").AnalyzerEngine(supported_languages=[language])
    except (ImportError, OSError, SystemExit):
        raise UsageError(f"finding names by model needs presidio and its {language} model: pip install 'homespun[pii]'") from None
