"""Phone numbers in text: with a country code, or as one of several countries writes its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

from homespun.corpus.rules.network import Hit

_COUNTRIES = "US GB DE FR ES IT NL BE AT CH SE NO DK FI PL PT IE BR MX IN AU"
REGIONS = tuple(_COUNTRIES.split())
"""Whose national formats are known by default. Where two would do, it is of the first, or else of whose usual format it has."""

FICTION = {
    1: tuple(f"{area}55501" for area in (202, 212, 303, 312, 404, 415, 503, 617, 702, 808)),
    33: ("19900", "26191", "35301", "46571", "53649", "63998"),
    44: ("7700900", "2079460", "1134960", "1214960", "1314960", "1414960", "1614960", "1632960", "2890180", "2920180"),
    46: ("70174062", "70174065", "3139006", "4062804", "8465004", "9803192"),
    49: ("3023125", "4066969", "2214710", "6990009", "8999998", "17139200"),
    61: ("25550", "35550", "75550", "85550", "27010", "37010", "77010", "87010"),
    353: ("2091",),
}
"""Country code -> beginnings of numbers that the regulators keep free for fiction (NANPA, Arcep, Ofcom, PTS, BNetzA, ACMA, ComReg)."""
_LENGTHS = {1: 10, 33: 9, 44: 10, 46: 9, 49: 10, 61: 9, 353: 9}

_SEPARATOR = r"[ \u00a0\u202f./()\u2010-\u2013-]"
_RUN = re.compile(rf"(?<![\w#$€£¥])(?<!\d[.,:/-])\(?(?:\+|00)?\(?\d(?:{_SEPARATOR}{{0,3}}\d){{6,28}}(?!\w|[.,:]\d|\s?[%°€$£¥])")
_GROUP = re.compile(r"\(?\+?\(?\d+\)?")
_ABOUT = re.compile(
    r"(?<![^\W_])(?:call\w*|phone|tel\w*|mobile?|cell|contact|numbers?|nummer\w*|numéro|numero|número|handy\w*|whatsapp|wa\.me|phone=|text|"
    r"ring|ruf\w*|anruf\w*|sms|m[óo]vil\w*|t[ée]l\w*|cel\w*|portable|appel\w*|ll[aá]ma\w*|chiama\w*|zap|bel|puh\w*|soita|numer|zadzwoń|fax|"
    r"ringa?|reach|dial|signal|me at|wa)(?![^\W_])[^\n]{0,24}$|[📞☎📱][^\n]{0,6}$",
    re.IGNORECASE,
)
_THREES = ([3, 3, 3], [3, 2, 2, 2])
_NO_TRUNK = {"US", "CA", "ES", "PT", "PL", "DK", "NO", "IT", "BR", "MX", "IN"}
"""Where one writes nothing before a number to call it from inside the country."""
_SET_AS = {"US": ([3, 3, 4], [1, 3, 3, 4]), "ES": _THREES, "PT": _THREES, "PL": _THREES, "IT": ([3, 3, 4], [3, 7], [3, 6], [3, 2, 2, 3])}
_SET_AS |= {"NO": ([3, 2, 3],), "BR": ([2, 5, 4], [2, 4, 4]), "MX": ([2, 4, 4], [3, 3, 4]), "IN": ([5, 5],)}
"""How they set them there. Four pairs, as in Denmark, can be too much else."""


def phones(text: str, regions: Sequence[str] = REGIONS) -> Iterator[Hit]:
    """Phone numbers; the value is E.164."""
    for run in _RUN.finditer(text):
        groups = [(run.start() + group.start(), run.start() + group.end()) for group in _GROUP.finditer(run[0])]
        about = _ABOUT.search(text[max(0, run.start() - 40) : run.start()]) is not None
        alone = run[0] == text.strip() and run[0].isdecimal()
        at = 0
        while at < len(groups):
            end, value = _longest(text, groups, at, tuple(regions), about or alone)
            if value:
                yield groups[at][0], groups[end - 1][1], value
            elif text[groups[at][0]] in "+0(":
                # Where a number begins and is none, its rest is none either.
                end = next((later for later in range(end, len(groups)) if text[groups[later][0]] == "+"), len(groups))
            at = end


def _longest(text: str, groups: Sequence[tuple[int, int]], at: int, regions: tuple[str, ...], about: bool) -> tuple[int, str]:
    """The longest number that begins with group `at`: the group after it, and its value; or the next group and nothing.

    A tail of one or two digits belongs to it only where its country sets them so, or nothing else will do. Only what says itself that
    it is a number, by a plus, zero or parenthesis in front, can be a part of a longer run of digits.
    """
    start = groups[at][0]
    begins = text[start] in "+0("
    ends = [end for end in range(len(groups), at, -1) if begins or (at == 0 and end == len(groups))]
    if all(stop - first == 2 for first, stop in groups[at:]) and len(groups) not in (4, 5, 10):
        # Six numbers of a lottery are not a French phone number and one more.
        return at + 1, ""
    for short_tail in (False, True):
        for end in ends:
            written = text[start : groups[end - 1][1]]
            value = _value(written, regions, about, True)
            if not value and (short_tail or re.search(r"\d{3}\)?$", written)):
                value = _value(written, regions, about, False)
            if value:
                return end, value
    return at + 1, ""


@lru_cache(maxsize=4096)
def _value(written: str, regions: tuple[str, ...], about: bool, exact: bool) -> str:
    """E.164 of a number, or nothing."""
    digits = re.sub(r"\D", "", written)
    if not 7 <= len(digits) <= 17:
        return ""
    if "+" in written[:3]:
        number = _parsed(written, None)
        return _e164(number) if number and len(digits) >= 9 and (_in_use(number) or phonenumbers.is_possible_number(number)) else ""
    if written.startswith("00"):
        number = _parsed("+" + written[2:], None)
        return _e164(number) if number and _in_use(number) else ""
    if (
        about
        and digits[0] != "0"
        and written[1:2].isdecimal()
        and len(digits) >= 11
        and (number := _parsed("+" + digits, None))
        and _in_use(number)
    ):
        return _e164(number)
    parts = re.findall(r"\d+", written)
    if re.fullmatch(r"\d{1,3}(?:[ .]000)+|\d+(?:\.\d+){3}", written) and max(map(int, parts)) < 256:
        return ""
    groups = [len(part) for part in parts]
    for region in regions:
        trunk = digits[0] == "0"
        if not trunk and region not in _NO_TRUNK:
            continue
        number = _parsed(written, region)
        if number and phonenumbers.country_code_for_region(region) == number.country_code and _in_use(number, region):
            set_well = _likely(groups, trunk, region) or (about and min(groups) > 1)
            if set_well and (not exact or region == regions[0] or groups == _usual(number)):
                return _e164(number)
    return ""


def _usual(number: PhoneNumber) -> list[int]:
    return [len(group) for group in re.findall(r"\d+", phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL))]


def _likely(groups: list[int], trunk: bool, region: str) -> bool:
    """Whether the digits are set as a phone number, and hardly as anything else."""
    if trunk:
        return sum(groups) >= 9 and min(groups[0], groups[-1], max(groups)) > 1
    return groups in _SET_AS.get(region, ())


def _parsed(written: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(written, region)
    except NumberParseException:
        return None


def _in_use(number: PhoneNumber, region: str | None = None) -> bool:
    """Given out by the regulator, or kept free for fiction and therefore in every example."""
    if is_fiction(number.country_code or 0, phonenumbers.national_significant_number(number)):
        return True
    return phonenumbers.is_valid_number(number) if region is None else phonenumbers.is_valid_number_for_region(number, region)


def is_fiction(country: int, national: str) -> bool:
    return len(national) == _LENGTHS.get(country) and national.startswith(FICTION[country])


def fiction(country: int, length: int) -> tuple[str, ...]:
    """Beginnings of fictional numbers of a country with so many digits."""
    return FICTION[country] if _LENGTHS.get(country) == length else ()


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def national(value: str) -> tuple[int, str]:
    """(country code, national number) of an E.164 value."""
    number = phonenumbers.parse(value, None)
    return number.country_code or 0, phonenumbers.national_significant_number(number)


def region(written: str) -> str | None:
    """The country (ISO 3166) of a number with a country code, if it is one in use."""
    number = _parsed(written, None)
    return phonenumbers.region_code_for_number(number) if number and _in_use(number) else None
