"""Dates as databases hold them: native ones, numbers since some start, and text in many forms."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime

_APPLE = 978_307_200
"""2001-01-01, from which Apple counts nanoseconds. Those since 1970 have passed 10^18 in 2001; Apple's will in 2032."""
_UNITS = ((1e18, 1e9), (1e14, 1e6), (1e11, 1e3))
_YEAR_10000 = 253_402_300_800
_NUMBER = re.compile(r"-?\d{9,}(?:\.\d+)?", re.ASCII)
_FIGURES = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:,?[ T]+(\d.*))?", re.ASCII)
_CLOCKS = ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%H:%M:%S.%f")
_DAYS = ("%Y/%m/%d", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y")
_FORMS = (*_DAYS, *(f"{day}{between}{clock}" for day in _DAYS for between in (" ", " at ") for clock in _CLOCKS), "%a %b %d %H:%M:%S %Y")


def plain(value: object) -> str | float | None:
    """`value` as something that a file can hold and `seconds` can read."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return value if abs(value) < 2**63 else None
    native = getattr(value, "to_native", None)  # the Neo4j driver's own types
    value = native() if native else value
    return value.isoformat() if isinstance(value, date) else str(value)


def seconds(value: str | float | None, day_first: bool = False) -> float | None:
    """Seconds since 1970, or None if `value` is no date. What names no zone is read as UTC.

    Args:
        day_first: how to read 03/04/2024, if both are possible.
    """
    try:
        if value is None or isinstance(value, (int, float)):
            return _since_1970(value)
        if _NUMBER.fullmatch(value.strip()):
            return _since_1970(float(value))
        moment = _read(" ".join(value.split()), day_first)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def order(value: str | float | None) -> bool | None:
    """Whether a date in figures has the day first; None where it does not show."""
    found = _FIGURES.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or found[2] == ".":
        return None
    return True if int(found[1]) > 12 else False if int(found[3]) > 12 else None


def _since_1970(value: float | None) -> float | None:
    if value is None:
        return None
    if 1e16 < value < 1e18:
        return value / 1e9 + _APPLE
    unit = next((unit for limit, unit in _UNITS if abs(value) >= limit), 1.0)
    return value / unit if abs(value) / unit < _YEAR_10000 else None


def _read(text: str, day_first: bool) -> datetime:
    zoned = re.sub(r" ?(?:UTC|GMT|Z)$", "+00:00", re.sub(r"\[[\w/+-]+\]$", "", text))
    try:
        return datetime.fromisoformat(re.sub(r" (?=[+-]\d\d:?\d\d$)", "", zoned))
    except ValueError:
        pass
    if found := _FIGURES.fullmatch(text):
        first, mark, second, year, clock = found.groups()
        turned = mark == "." or int(first) > 12 or (day_first and int(second) <= 12)
        day, month = (first, second) if turned else (second, first)
        return datetime.combine(date(int(year), int(month), int(day)), _any_of(clock, _CLOCKS).time() if clock else datetime.min.time())
    try:
        return _any_of(text, _FORMS)
    except ValueError:
        return parsedate_to_datetime(text)


def _any_of(text: str, forms: tuple[str, ...]) -> datetime:
    for form in forms:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise ValueError(text)
