"""Tables: which columns hold what, how spreadsheets write them, and what does not fit."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import messages_of, read_by
from homespun.errors import SourceError
from homespun.sources import table
from homespun.sources.reflections import ANSWERER
from homespun.types import Chat, ImportReport, Message


def read(content: str | bytes, name: str = "words.csv", format: str = "table", **columns: str) -> tuple[list[Chat], ImportReport]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_by(table, path, format, columns=columns)


def said(chat: Chat) -> list[tuple[str, str, float | None]]:
    return [(message.speaker, message.text, message.time) for message in messages_of(chat)]


def test_columns_are_known_by_their_names_and_a_note_says_which() -> None:
    rows = 'Sent At,Author,Body,Channel\n1970-01-02,Anna,hi,a\n1970-01-03 00:00:01,Ben,"ho, ""you""\r\nthere",a\n100000000,Cem,x,b\n'
    (first, second), report = read(rows)
    assert (first.name, said(first), first.clock) == (
        "a", [("Anna", "hi", 86400.0), ("Ben", 'ho, "you"\r\nthere', 172801.0)], "absolute",
    )  # fmt: skip
    assert said(second) == [("Cem", "x", 1e8)]
    assert report.notes[0].startswith(
        "columns: text from 'Body', speaker from 'Author', time from 'Sent At', chat from 'Channel'; if that is"
    )


@pytest.mark.parametrize(
    "content",
    [
        "Datum;Von;Nachricht\r\n02.01.1970;Jörg;grün; 1\r\n".replace("; 1", ""),
        "sep=;\r\nDatum;Von;Nachricht\r\n02.01.1970;Jörg;grün\r\n",
        "\ufeffDatum;Von;Nachricht\r\n02.01.1970;Jörg;grün\r\n",
        "Datum\tVon\tNachricht\r\n02.01.1970\tJörg\tgrün\r\n",
        "Datum|Von|Nachricht\n\n02.01.1970|Jörg|grün\n",
        "Datum;Von;Nachricht\r\n02.01.1970;Jörg;grün\r\n".encode("cp1252"),
        "Datum;Von;Nachricht\r\n02.01.1970;Jörg;grün\r\n".encode("utf-16"),
    ],
)
def test_what_spreadsheets_write(content: str | bytes) -> None:
    (chat,), _ = read(content)
    assert said(chat) == [("Jörg", "grün", 86400.0)]


def test_the_user_can_say_what_the_columns_are() -> None:
    content = "a,b,text\nAnna,hi,x\nBen,ho,y\n"
    (chat,), _ = read(content, speaker="a", text="B")
    assert said(chat) == [("Anna", "hi", None), ("Ben", "ho", None)] and chat.clock == "none"
    with pytest.raises(SourceError, match=r"there is no column 'c', but 'a', 'b', 'text': correct --map text=COLUMN"):
        read(content, text="c")
    with pytest.raises(SourceError, match="--map knows no 'mood': use question, answer, text, speaker, time, chat"):
        read(content, mood="a")
    with pytest.raises(SourceError, match=r"no column is known to hold the text; it has 'a', 'b': say which with --map text=COLUMN"):
        read("a,b\n1,2\n")


def test_without_speakers_the_owner_writes_and_pairs_are_reflections() -> None:
    (chat,), report = read("date,entry\n1970-01-02,slept\n", speaker="")
    assert (said(chat), report.me) == ([(ANSWERER, "slept", 86400.0)], ANSWERER)
    found, report = read("question,answer,date\nWhy?,So.,1970-01-02\nHow?,,\nWhy?,So.,1970-01-02\nWho?,You.,\n")
    assert [said(chat) for chat in found] == [
        [("Question", "Why?", 86400.0), (ANSWERER, "So.", 86460.0)],
        [("Question", "Who?", None), (ANSWERER, "You.", None)],
    ]
    assert all(chat.whole for chat in found) and report.me == ANSWERER
    assert report.skipped == {"question without an answer": 1, "the same record again": 2}


def test_the_order_of_day_and_month_is_told_by_the_first_date_that_shows_it() -> None:
    rows = "date,time,text\n01/02/1970,10:00,a\n{},10:00,b\n"
    assert [time for _, _, time in said(read(rows.format("13/02/1970"))[0][0])] == [31 * 86400 + 36000.0, 43 * 86400 + 36000.0]
    assert said(read(rows.format("01/13/1970"))[0][0])[0][2] == 86400 + 36000.0
    (chat,), report = read(rows.format("03/02/1970"))
    assert said(chat)[0][2] == 86400 + 36000.0 and "month first" in report.notes[1]
    assert said(read(rows.format("03/02/1970"), format="table:day-first")[0][0])[0][2] == 31 * 86400 + 36000.0


def test_rows_that_do_not_fit_are_left_out_with_a_line() -> None:
    bad = "only one\nAnna,one, two too many\n,x\nAnna,\n"
    (chat,), report = read("from,text\n" + "Ben,fine\n" * 5 + bad)
    assert len(messages_of(chat)) == 5
    assert report.skipped == {
        "row with too few cells": 1,
        "row with more cells than the header": 1,
        "message without a speaker": 1,
        "empty message": 1,
    }
    assert report.notes[1] == "2 of 9 rows do not fit the header; the row that ends in line 7 has too few cells"
    with pytest.raises(SourceError, match="the row that ends in line 3 has more cells"):
        read("from,text\nBen,fine\nBen,a,b\nBen,c,d\n")
    (chat,), report = read("date,from,text\nnever,Ben,x\n1970-01-02,Ben,y\n")
    assert len(messages_of(chat)) == 1 and report.skipped == {"message without a date that can be read": 1}


def test_a_quote_that_is_never_closed_costs_only_what_it_swallows() -> None:
    rows = "".join(f"Ben,message {number} of many\n" for number in range(9000))
    (chat,), report = read(f'from,text\n{rows}Ben,"open\n{rows}')
    assert report.skipped["row with a quote that is not closed"] == 1 and 9000 < len(messages_of(chat)) < 18000


def test_only_tables_of_messages_are_taken_for_one() -> None:
    assert table.detect(Path("x.txt"), "from,text\nAnna,hi\n") and table.detect(Path("deep/in/x.csv"), "from;text\n")
    assert table.detect(Path("x.csv"), "a,b\n1,2\n")
    other = {
        "deep/x.csv": "a,b\n",
        "deep/y.csv": "title,content\n",
        "x.txt": "Dear text, hello\n",
        "x.md": "|from|text|\n",
        "x.json": "from,text",
    }
    assert not [name for name, head in other.items() if table.detect(Path(name), head)]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20).filter(str.strip)
names = texts.map(str.strip)


@given(st.lists(st.tuples(names, texts, st.integers(10**6, 4 * 10**9)), min_size=1, max_size=8), st.sampled_from(",;\t|"))
def test_messages_written_as_a_table_are_read_back(rows: list[tuple[str, str, int]], delimiter: str) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["time", "speaker", "text"])
    writer.writerows([str(time).zfill(9), who, text] for who, text, time in rows)
    (chat,), _ = read(out.getvalue())
    assert chat.messages == tuple(Message(who, text, float(time)) for who, text, time in rows)


@given(st.binary(max_size=200) | st.text(alphabet='a,;"\n\t|\r0/', max_size=80).map(str.encode), st.booleans())
def test_no_table_ends_in_a_traceback(content: bytes, mapped: bool) -> None:
    try:
        read(b"from,text,date\n" + content, **({"text": "from"} if mapped else {}))
        read(content)
    except SourceError as error:
        assert "\n" not in str(error)
