"""Lines that are a date and nothing else, as people write them above the pages of a diary."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

_MONTHS = (
    "january januar janvier enero gennaio janeiro januari styczeń stycznia leden ledna январь января",
    "february februar février fevrier febrero febbraio fevereiro februari luty lutego únor února февраль февраля",
    "march märz maerz mrz mars marzo março marco maart marts marzec marca březen března март марта",
    "april avril abril aprile kwiecień kwietnia duben dubna апрель апреля",
    "may mai mayo maggio maio mei maj maja květen května май мая",
    "june juni juin junio giugno junho czerwiec czerwca červen června июнь июня",
    "july juli juillet julio luglio julho lipiec lipca červenec července июль июля",
    "august août aout agosto augustus augusti sierpień sierpnia srpen srpna август августа",
    "september septembre septiembre settembre setembro wrzesień września září сентябрь сентября",
    "october oktober octobre octubre ottobre outubro październik października říjen října октябрь октября",
    "november novembre noviembre novembro listopad listopada ноябрь ноября",
    "december dezember décembre decembre diciembre dicembre dezembro desember grudzień grudnia prosinec prosince декабрь декабря",
)
_WORD = r"[^\W\d_]{2,14}\.?"
_FRAME = " \t#*_=~>-–—[]:"
_CLOCK = (
    r"(?:(?:,|\s)\s*(?:(?:at|um|à|a las|alle|om|kl\.?)\s+)?"
    r"(?P<hour>\d{1,2})[:.h](?P<minute>\d\d)(?::\d\d)?\s*(?P<half>[ap]\.?m\.?)?(?:\s+\S{1,6})?)?"
)
_DATES = (
    r"(?P<year>\d{4})(?P<mark>[-./])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
    r"(?P<first>\d{1,2})(?P<mark>[-./])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})",
    r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.|º)?\s+(?:de\s+|of\s+)?(?P<name>[^\W\d_]{3,14})\.?,?\s+(?:de\s+)?(?P<year>\d{4})",
    r"(?P<name>[^\W\d_]{3,14})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})",
    r"(?P<year>\d{4})\s?[年년]\s?(?P<month>\d{1,2})\s?[月월]\s?(?P<day>\d{1,2})\s?[日일]",
)
_FORMS = [re.compile(rf"(?:{_WORD},?\s+)?{form}(?:,?\s+\(?{_WORD}\)?)?{_CLOCK}", re.IGNORECASE) for form in _DATES]


def moment(line: str, month_first: bool = False) -> float | None:
    """Seconds since 1970 (UTC) of a line that is a date, perhaps with a weekday and a time of day; None if it is anything else."""
    found = _match(line)
    if not found:
        return None
    parts = found.groupdict()
    month, day = parts.get("month"), parts.get("day")
    if first := parts.get("first"):
        turned = month_first and parts["mark"] != "."
        month, day = (first, parts["second"]) if turned else (parts["second"], first)
    number = int(month) if month else _month(parts["name"])
    hour = int(parts["hour"] or 0)
    if parts["half"]:
        hour = hour % 12 + (12 if parts["half"][0] in "pP" else 0)
    try:
        return datetime(int(parts["year"]), number, int(day or 0), hour, int(parts["minute"] or 0), tzinfo=UTC).timestamp()
    except ValueError:
        return None


def month_first(lines: Iterable[str]) -> bool:
    """Whether some date among the lines can only be read with the month first."""
    found = (_match(line) for line in lines)
    dates = (parts.groupdict() for parts in found if parts)
    return any("second" in parts and int(parts["second"]) > 12 for parts in dates)


def _match(line: str) -> re.Match[str] | None:
    if len(line) > 80 or not any(character.isdecimal() for character in line):
        return None
    bare = line.strip(_FRAME)
    return next((found for form in _FORMS if (found := form.fullmatch(bare))), None)


def _month(name: str) -> int:
    """1 to 12; 0 if no month begins like this."""
    name = name.casefold()
    return next((number for number, names in enumerate(_MONTHS, 1) if any(one.startswith(name) for one in names.split())), 0)
