"""One JSON object a line: tolerant of a few bad lines, which are reported, and firm about a file that is something else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

from homespun.errors import SourceError
from homespun.sources.text import lines, storable
from homespun.types import ImportReport

Record = dict[str, object]
Kind = Literal["no time", "mission time", "a number of seconds", "a date without a zone", "a date with a zone"]
T = TypeVar("T")

_MISSION = re.compile(r"(-?)(\d{1,4}):(\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d+)?)", re.ASCII)
_MILLISECONDS = 1e11
"""A number of seconds this large would be after the year 5100."""
_YEAR_10000 = 253_402_300_800


def records(path: Path, report: ImportReport, parse: Callable[[Record], T], example: str) -> Iterator[tuple[int, T]]:
    """Every good line of the file, parsed, with its number. `parse` raises ValueError with the reason for a bad one.

    Raises:
        SourceError: at the end, if half of the lines or more are bad; names the first.
    """
    good = 0
    bad: list[tuple[int, str]] = []
    count = 0
    # Lines end with \n only: U+2028 and the like may stand inside a JSON string.
    for number, line in enumerate(lines(path, report), start=1):
        if not line.strip():
            continue
        try:
            parsed = parse(_object(line))
        except ValueError as error:
            count += 1
            report.skip(f"bad line: {error}")
            bad += [(number, str(error))] if len(bad) < 3 else []
            continue
        good += 1
        yield number, parsed
    if bad and count >= good:
        number, reason = bad[0]
        raise SourceError(f"line {number} has {reason}; each line should look like {example}")
    if bad:
        examples = ", ".join(f"line {number} has {reason}" for number, reason in bad)
        report.notes.append(f"{count:,} of {count + good:,} lines could not be used: {examples}{', …' if count > 3 else ''}")


def words(record: Record, key: str) -> str:
    """The string under `key`; ValueError if it is absent, not a string or blank."""
    value = record.get(key)
    if value is None:
        raise ValueError(f'no "{key}"')
    if not isinstance(value, str):
        raise ValueError(f'a "{key}" that is not a string')
    if not value.strip():
        raise ValueError(f'a blank "{key}"')
    return storable(value)


def moment(value: object) -> tuple[Kind, float | None]:
    """What kind of time `value` is, and its seconds: since 1970 (a date without a zone is read as UTC) or since the start."""
    if value is None:
        return "no time", None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _YEAR_10000 * 1000:
        return "a number of seconds", float(value) / (1000 if abs(value) > _MILLISECONDS else 1)
    if isinstance(value, str):
        if mission := _MISSION.fullmatch(value.strip()):
            sign, days, hours, minutes, seconds = mission.groups()
            total = int(days) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds)
            return "mission time", -total if sign else total
        try:
            date = datetime.fromisoformat(value.strip())
            kind: Kind = "a date with a zone" if date.tzinfo else "a date without a zone"
            return kind, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            pass
    raise ValueError("a time that cannot be read")


def _object(line: str) -> Record:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("no JSON") from None
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return value
