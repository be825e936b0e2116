"""Dates in the forms that databases hold, and the file in which fetched rows wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.config import SourceSection
from homespun.sources.dates import order, plain, seconds
from homespun.sources.spool import Row, Spool
from homespun.types import ImportReport, Message

NOON = datetime(2024, 5, 1, 12, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "written",
    [
        *(
            "2024-05-01 12:00:00",
            "2024-05-01T12:00:00Z",
            "2024-05-01T14:00:00+02:00",
            "2024-05-01 14:00:00 +0200",
            "2024-05-01 12:00:00 UTC",
        ),
        *("2024-05-01T14:00+02:00[Europe/Berlin]", "5/1/2024 12:00", "05/01/2024, 12:00:00 PM", "01.05.2024 12:00", "2024/05/01 12:00:00"),
        *("May 1, 2024 at 12:00:00 PM", "1 May 2024 12:00:00", "Wed May  1 12:00:00 2024", "Wed, 01 May 2024 14:00:00 +0200"),
        *(NOON, f"{NOON:.0f}", NOON * 1e3, f"{NOON * 1e6:.0f}", int(NOON) * 10**9, (int(NOON) - 978_307_200) * 10**9),
    ],
)
def test_one_moment_in_many_forms(written: str | float) -> None:
    assert seconds(written) == NOON


def test_figures_tell_which_of_them_is_the_day_only_where_one_cannot_be() -> None:
    assert [order(text) for text in ("13/5/2024", "5/13/2024 10:00", "5/5/2024", "13.5.2024", "soon", 5)] == [
        True,
        False,
        None,
        None,
        None,
        None,
    ]
    assert seconds("1/5/2024 12:00", day_first=True) == NOON


@given(st.none() | st.text() | st.floats() | st.integers() | st.from_regex(r"[\d/.: +TZ-]{1,30}"))
def test_what_is_no_date_is_none_and_never_an_error(written: str | float | None) -> None:
    assert isinstance(seconds(plain(written)), (float, int, type(None)))


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), st.none() | st.integers(-14, 14))
def test_native_dates_come_back(moment: datetime, hours: int | None) -> None:
    aware = moment.replace(tzinfo=UTC if hours is None else timezone(timedelta(hours=hours)))
    assert seconds(plain(aware)) == aware.timestamp()
    assert seconds(plain(moment)) == moment.replace(tzinfo=UTC).timestamp()


def test_a_spool_goes_on_unless_the_question_is_another_or_the_file_is_damaged(tmp_path: Path) -> None:
    def fetched(question: str) -> object:
        spool = Spool(tmp_path, question)
        last = spool.last
        if last is None:
            with spool.page("k1", 1):
                spool.person("p", "Anna")
                spool.room("r", "Room")
                spool.add(Row("p", "hi", "r", "13/5/2024"))
        with pytest.raises(RuntimeError), spool.page("k2", 1):
            spool.add(Row("p", "half a page", "r"))
            raise RuntimeError
        spool.close()
        return last

    assert [fetched("one"), fetched("one"), fetched("two"), fetched("two")] == [None, "k1", None, "k1"]
    (tmp_path / "fetched.db").write_bytes(b"SQLite format 3\0" + b"damage" * 1000)
    assert [fetched("two"), fetched("two")] == [None, "k1"]
    spool = Spool(tmp_path, "two")
    spool.finish()
    (chat,) = spool.chats(ImportReport(""), SourceSection())
    assert list(chat.messages) == []  # past the first chat, as promised
    assert [list(chat.messages) for chat in spool.chats(ImportReport(""), SourceSection())] == [
        [Message("Anna", "hi", datetime(2024, 5, 13, tzinfo=UTC).timestamp())]
    ]
    spool.close()
