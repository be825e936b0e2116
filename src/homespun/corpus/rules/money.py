"""Payment cards and bank accounts in text, told from other numbers by their check digits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from homespun.corpus.rules.network import Hit

_GAP = r"[ \u00a0\u202f.\-]?"
_CARD = re.compile(rf"(?<![\w+])(?<!\d[.,:/-])(?:\d{_GAP}){{13,18}}\d(?!\w|[.,]\d)")
_CARDS = (
    (re.compile(r"4"), {16, 19}),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), {16}),
    (re.compile(r"3[47]"), {15}),
    (re.compile(r"3(?:0[0-5]|[689])"), {14, 16}),
    (re.compile(r"35(?:2[89]|[3-8])"), {16, 17, 18, 19}),
    (re.compile(r"6(?:011|4[4-9]|5|2)"), {16, 17, 18, 19}),
    (re.compile(r"5018|5020|5038|5893|6304|6759|676[1-3]"), {16, 17, 18, 19}),
)
"""First digits and lengths in use: Visa, Mastercard, American Express, Diners, JCB, Discover and UnionPay, Maestro (ISO/IEC 7812).
The Visa cards of 13 digits are gone, and what has 13 digits today is the bar code of a product."""

_IBAN_START = re.compile(r"(?<![^\W_])[A-Z]{2}\d{2}(?=[ \u00a0\u202f.\-]?[A-Z0-9])", re.IGNORECASE)
_IBAN_REST = re.compile(rf"(?:{_GAP}[A-Z0-9])+", re.IGNORECASE)
_LENGTHS = {
    length: countries.split()
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL SD FK",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        33: "RU",
    }.items()
}
IBAN_LENGTH = {country: length for length, countries in _LENGTHS.items() for country in countries}
"""Characters by country (the SWIFT registry)."""


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + sum(sum(divmod(2 * value, 10)) for value in values[1::2])) % 10 == 0


def cards(text: str) -> Iterator[Hit]:
    """Card numbers in any grouping."""
    for found in _CARD.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        fits = any(len(digits) in lengths and start.match(digits) for start, lengths in _CARDS)
        if fits and luhn(digits) and len(set(digits)) > 1:
            yield found.start(), found.end(), digits


def ibans(text: str) -> Iterator[Hit]:
    """Account numbers with two right check digits, spaced or not (ISO 13616)."""
    for start in _IBAN_START.finditer(text):
        left = IBAN_LENGTH.get(start[0][:2].upper(), 0) - 4
        rest = _IBAN_REST.match(text, start.end())
        if left < 0 or rest is None:
            continue
        places = [place for place in range(*rest.span()) if text[place].isalnum()][:left]
        end = places[-1] + 1
        value = (start[0] + "".join(text[place] for place in places)).upper()
        if len(places) == left and not text[end : end + 1].isalnum() and iban_is_right(value):
            yield start.start(), end, value


def iban_is_right(value: str) -> bool:
    return int("".join(str(int(character, 36)) for character in value[4:] + value[:4])) % 97 == 1
