"""Numbers by which a state or its insurances know a person, told from other numbers by their check digits.

Where a number has none, or one that every tenth or eleventh number fits by chance, the words before it must say what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date

from homespun.corpus.rules.money import luhn
from homespun.corpus.rules.network import Hit

Check = Callable[[str], bool]


def _digits(value: str) -> list[int]:
    return [int(digit) for digit in value]


def _weighted(value: str, weights: tuple[int, ...]) -> int:
    return sum(digit * weight for digit, weight in zip(_digits(value), weights, strict=False))


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        return bool(date(year, month, day))
    except ValueError:
        return False


def us_ssn(value: str) -> bool:
    """Social security number: nothing but numbers never given out can be told."""
    return value[:3] not in ("000", "666") and value[0] != "9" and value[3:5] != "00" and value[5:] != "0000"


def uk_nino(value: str) -> bool:
    return re.match(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]", value) is not None


def de_tax(value: str) -> bool:
    """Steuer-ID: one digit of the first ten comes two or three times; check digit of ISO 7064 mod 11,10."""
    repeated = sorted(value[:10].count(digit) for digit in set(value[:10]))
    if value[0] == "0" or repeated[-1] not in (2, 3) or repeated[-2:-1] != [1]:
        return False
    product = 10
    for digit in _digits(value[:10]):
        total = (digit + product) % 10 or 10
        product = 2 * total % 11
    return (11 - product) % 10 == int(value[10])


def es_nif(value: str) -> bool:
    """DNI and NIE: the letter is the number modulo 23."""
    number = value[:-1].translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == value[-1]


_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def it_cf(value: str) -> bool:
    """Codice fiscale: the last letter is a sum over the others, odd places by a table."""
    worth = [int(character, 36) - 10 * character.isalpha() for character in value[:15]]
    total = sum(_ODD[one] for one in worth[::2]) + sum(worth[1::2])
    return chr(ord("A") + total % 26) == value[15]


def fr_nir(value: str) -> bool:
    """INSEE: sex, year, month, place, number, and a key modulo 97. Corsica writes 2A and 2B."""
    number = value[:13].replace("2A", "19").replace("2B", "18")
    return number.isdecimal() and value[0] in "12" and 1 <= int(value[3:5]) <= 99 and 97 - int(number) % 97 == int(value[13:])


def nl_bsn(value: str) -> bool:
    return _weighted(value, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and int(value) > 0


def pl_pesel(value: str) -> bool:
    century = {0: 1900, 1: 2000, 2: 2100, 3: 2200, 4: 1800}[int(value[2]) // 2]
    born = _is_date(century + int(value[:2]), int(value[2:4]) % 20, int(value[4:6]))
    return born and (10 - _weighted(value[:10], (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10) % 10 == int(value[10])


def se_pnr(value: str) -> bool:
    """Personnummer; a coordination number has 60 more in the day."""
    short = value.replace("+", "")[-10:]
    day = int(short[4:6])
    return _is_date(2000, int(short[2:4]), day - 60 * (day > 60)) and luhn(short)


def fi_hetu(value: str) -> bool:
    """Date, number, check character; between them the sign of a century other than 1900."""
    date_and_number, check = value[:6] + value[-4:-1], value[-1]
    return _is_date(2000, int(value[2:4]), int(value[:2])) and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(date_and_number) % 31] == check


def br_cpf(value: str) -> bool:
    first = _weighted(value[:9], tuple(range(10, 1, -1))) * 10 % 11 % 10
    second = _weighted(value[:10], tuple(range(11, 1, -1))) * 10 % 11 % 10
    return len(set(value)) > 1 and value[9:] == f"{first}{second}"


def no_fnr(value: str) -> bool:
    day = int(value[:2])
    first = -_weighted(value[:9], (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    second = -_weighted(value[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return _is_date(2000, int(value[2:4]), day - 40 * (day > 40)) and value[9:] == f"{first}{second}"


def be_nn(value: str) -> bool:
    born = int(value[2:4]) <= 12 and int(value[4:6]) <= 31
    return born and int(value[9:]) in (97 - int(value[:9]) % 97, 97 - int("2" + value[:9]) % 97)


def ch_ahv(value: str) -> bool:
    return (10 - _weighted(value[:12], (1, 3) * 6) % 10) % 10 == int(value[12])


_CUE = r"(?<![^\W_])(?:{})(?![^\W_])[^\d\n]{{0,30}}"
_WORDS = {
    "ssn": _CUE.format(r"ssn|social security|soc\.? ?sec"),
    "tax": _CUE.format(r"steuer-?id\w*|steuer-?nummer|steuerliche \w+|idnr\.?|tin|tax ?id"),
    "bsn": _CUE.format(r"bsn|burgerservicenummer|sofi-?nummer"),
}
_SHAPES: tuple[tuple[str, str, Check], ...] = (
    ("", r"\d{3}-\d{2}-\d{4}", us_ssn),
    ("ssn", r"\d{3} ?\d{2} ?\d{4}", us_ssn),
    ("", r"[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]", uk_nino),
    ("", r"\d{2} \d{3} \d{3} \d{3}", de_tax),
    ("tax", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", de_tax),
    ("", r"(?:\d{8}|[XYZ][ -]?\d{7}|\d{2}\.\d{3}\.\d{3})[ -]?[A-HJ-NP-TV-Z]", es_nif),
    ("", r"[A-Z]{6} ?\d{2}[A-EHLMPRST]\d{2} ?[A-Z]\d{3}[A-Z]", it_cf),
    ("", r"[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}", fr_nir),
    ("bsn", r"\d{9}|\d{3}[. ]\d{3}[. ]\d{3}|\d{4}[. ]\d{2}[. ]\d{3}", nl_bsn),
    ("", r"\d{11}", pl_pesel),
    ("", r"(?:(?:19|20)\d{6}|\d{6})[-+]\d{4}|(?:19|20)\d{10}", se_pnr),
    ("", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", fi_hetu),
    ("", r"\d{3}\.\d{3}\.\d{3}[-.]\d{2}|\d{9}-\d{2}|\d{11}", br_cpf),
    ("", r"\d{6} ?\d{5}", no_fnr),
    ("", r"\d{2}\.\d{2}\.\d{2}[-. ]\d{3}[. ]\d{2}|\d{6}-\d{3}[.-]\d{2}", be_nn),
    ("", r"756\.?\d{4}\.?\d{4}\.?\d{2}", ch_ahv),
)
_RULES = tuple(
    (re.compile(rf"{_WORDS[cue] if cue else ''}(?<![\w+])(?<!\d[.,:/-])(?P<id>{shape})(?!\w|[.,:/-]\d)", re.IGNORECASE), check)
    for cue, shape, check in _SHAPES
)
_BARE = tuple((re.compile(shape, re.IGNORECASE), check) for _, shape, check in _SHAPES)


def ids(text: str) -> Iterator[Hit]:
    for pattern, check in _RULES:
        for found in pattern.finditer(text):
            value = _plain(found["id"])
            if check(value):
                yield found.start("id"), found.end("id"), value


def fits_any(text: str) -> bool:
    """Whether a text would be right as a number of some state, whatever the words around it."""
    return any(pattern.fullmatch(text) and check(_plain(text)) for pattern, check in _BARE)


def _plain(written: str) -> str:
    """Without what only groups the digits."""
    return re.sub(r"[ .-]", "", written.upper())
