"""The dates of Google Chat: text in the language of the account, such as "Tuesday, January 12, 2021 at 5:44:37 PM UTC"; always UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MONTHS = """
january february march april may june july august september october november december
januar februar märz april mai juni juli august september oktober november dezember
janvier février mars avril mai juin juillet août septembre octobre novembre décembre
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
januari februari maart april mei juni juli augustus september oktober november december
januari februari mars april maj juni juli augusti september oktober november december
tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta
stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia
января февраля марта апреля мая июня июля августа сентября октября ноября декабря
"""
_NUMBER_OF = {name: number for line in _MONTHS.split("\n") for number, name in enumerate(line.split(), start=1)}
_CLOCK = re.compile(r"(\d{1,2})(?:[:.]|[時时点點시] ?)(\d{1,2})(?:[:.]|[分분] ?)(\d{2})(?!\d)")
_PATIENCE = 50
"""Dates that dateparser may fail on before it is asked no more."""
_EAST_ASIAN = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")
_DAY = re.compile(r"(?<!\d)(\d{1,2})(?!\d)")
_YEAR = re.compile(r"(?<!\d)(\d{4})(?!\d)")
_WORD = re.compile(r"[^\W\d_]+")
_HALF = re.compile(r"(?<!\w)([ap])\.?\s?m(?!\w)|(下午|午後|오후)|上午|午前|오전", re.IGNORECASE)


class Dates:
    """Reads dates, and remembers the words it had to look up."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[int, int]] = {}
        self._failed = 0

    def seconds(self, text: object) -> float | None:
        """Seconds since 1970; None if `text` is no date. The language of this machine plays no part."""
        if not isinstance(text, str) or len(text) > 200 or not (clock := _CLOCK.search(text)):
            return None
        date = f"{text[: clock.start()]} {text[clock.end() :]}"
        hour, minute, second = (int(number) for number in clock.groups())
        try:
            if found := _EAST_ASIAN.search(date):
                year, month, day = (int(number) for number in found.groups())
            else:
                year, month, day = _number(_YEAR, date), _month(date), _number(_DAY, date)
            if month:
                hour = _of_24(hour, text)
            else:
                month, hour = self._looked_up(text, date, year, day, hour)
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
        except (ValueError, OverflowError):
            return None

    def _looked_up(self, text: str, date: str, year: int, day: int, hour: int) -> tuple[int, int]:
        """Month and hour in a language that is not in the table; dateparser is slow, but each word comes again and again."""
        key = _DAY.sub("", _YEAR.sub("", date), count=1), hour
        if key not in self._known:
            if self._failed > _PATIENCE:
                raise ValueError(text)
            import dateparser

            zone = {"TIMEZONE": "UTC", "TO_TIMEZONE": "UTC", "RETURN_AS_TIMEZONE_AWARE": True}
            found = dateparser.parse(text, settings=zone)
            if found is None or (found.year, found.day) != (year, day):
                self._failed += 1
                raise ValueError(text)
            if found.day == found.month:
                return found.month, found.hour
            self._known[key] = found.month, found.hour
        return self._known[key]


def _number(pattern: re.Pattern[str], date: str) -> int:
    found = pattern.search(date)
    if found is None:
        raise ValueError(date)
    return int(found[1])


def _month(date: str) -> int:
    """1 to 12; 0 if no word, or more than one month, is known."""
    found = {_NUMBER_OF[word] for word in _WORD.findall(date.casefold()) if word in _NUMBER_OF}
    return found.pop() if len(found) == 1 else 0


def _of_24(hour: int, text: str) -> int:
    """ "12 AM" is midnight, "12 PM" is noon."""
    half = _HALF.search(text)
    if half is None:
        return hour
    return hour % 12 + (12 if half[2] or (half[1] or "").lower() == "p" else 0)
