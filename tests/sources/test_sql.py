"""SQL databases: answers to questions, any table by mapping or query, in SQLite and in a real PostgreSQL."""

from __future__ import annotations

import logging
import sqlite3
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import servers
from homespun import sources
from homespun.config import SourceSection
from homespun.corpus import imports
from homespun.errors import SourceError
from homespun.home import Home
from homespun.sources import sql
from homespun.types import ImportReport, Message

TABLES = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT)",
    "CREATE TABLE questions (id INTEGER PRIMARY KEY, question_text TEXT, category TEXT)",
    "CREATE TABLE responses (id INTEGER PRIMARY KEY, user_id INTEGER, question_id INTEGER, response_text TEXT, word_count INTEGER, "
    "is_draft BOOLEAN, created_at TIMESTAMP)",
    "CREATE TABLE posts (nr INTEGER PRIMARY KEY, author TEXT, body TEXT, said_at TEXT, room TEXT)",
    "INSERT INTO users VALUES (1, 'Luke', 'luke@example.org'), (2, 'Anna', NULL)",
    "INSERT INTO questions VALUES (1, 'What matters?', 'values'), (2, 'And then?', NULL)",
    "INSERT INTO responses VALUES (1, 1, 1, 'To wait.\n\n👩‍🚀', 2, false, '2024-05-01 09:30:00'), (2, 1, 2, 'Not yet', 2, true, NULL), "
    "(3, 2, 1, 'Hers', 1, false, '2024-05-02 09:30:00'), (10, 1, 2, 'Sleep.', 1, false, "
    "'2024-05-03 09:30:00'), (11, 1, 2, ' ', 0, false, NULL)",
    "INSERT INTO posts VALUES (1, 'Ben', 'third', '2024-05-03', 'b'), (2, 'Anna', 'first', '2024-05-01T08:00:00Z', 'a'), "
    "(3, 'Ben', 'second', '05/02/2024 10:00 AM', 'a'), (4, NULL, 'nobody', NULL, 'a'), "
    "(5, 'Ben', '', NULL, 'a'), (6, 'Ben', '?', 'soon', 'a')",
)
POSTS = {"table": "posts", "text": "body", "speaker": "author", "time": "said_at", "chat": "room", "id": "nr"}


@pytest.fixture(scope="module")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("sql") / "my answers #1.db"
    with sqlite3.connect(file) as db:
        for statement in TABLES:
            db.execute(statement)
    return f"sqlite:///{file}"


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    with servers.open_folder("postgresql") as folder, servers.postgresql(folder) as url:
        run(url, *TABLES)
        yield url


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def run(url: str, *statements: str) -> None:
    with sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:")).begin() as db:
        for statement in statements:
            db.exec_driver_sql(statement)


def read(url: str, folder: Path, **wanted: Any) -> tuple[list[tuple[str, list[Message]]], ImportReport]:
    report = ImportReport("sql")
    chats = sql.read_url(url, report, SourceSection(**wanted), folder / "spool")
    return [(chat.key, list(chat.messages)) for chat in chats], report


def texts(chats: list[tuple[str, list[Message]]]) -> list[list[str]]:
    return [[message.text for message in messages] for _, messages in chats]


def test_an_answer_and_its_question_are_a_conversation_called_by_its_row(url: str, tmp_path: Path) -> None:
    for person in ("1", "luke", "LUKE@example.org"):
        chats, report = read(url, tmp_path, person=person)
        assert chats[0] == (
            "1",
            [Message("Question", "What matters?", 1714555800.0, "question"), Message("Me", "To wait.\n\n👩‍🚀", 1714555800.0, "answer")],
        )
        assert [key for key, _ in chats] == ["1", "10"]
        assert report.skipped == {"draft": 1, "empty answer": 1}
        assert report.me == "Me"
    assert texts(read(url, tmp_path, person="luke", since="2024-05-02")[0]) == [["And then?", "Sleep."]]
    assert texts(read(url, tmp_path, person="luke", max_messages=3)[0]) == [["And then?", "Sleep."]]
    with pytest.raises(SourceError, match=r"2 people \(Luke, Anna\): say whose"):
        read(url, tmp_path)
    for attempt in ("luk", "' OR '1'='1", "1; DROP TABLE users"):
        with pytest.raises(SourceError, match="no person with answers called"):
            read(url, tmp_path, person=attempt)


def test_any_table_by_mapping_in_time_order_whatever_its_dates_look_like(url: str, tmp_path: Path) -> None:
    chats, report = read(url, tmp_path, columns=POSTS)
    assert chats == [
        ("a", [Message("Anna", "first", 1714550400.0, "2"), Message("Ben", "second", 1714644000.0, "3")]),
        ("b", [Message("Ben", "third", 1714694400.0, "1")]),
    ]
    assert report.skipped == {"message without a speaker": 1, "empty message": 1, "message without a date that can be read": 1}
    assert report.notes == ["3 messages in 2 conversations, from 2024-05-01 to 2024-05-03"]
    assert texts(read(url, tmp_path, columns=POSTS, person="anna")[0]) == [["first", "second"]]
    assert texts(read(url, tmp_path, columns=POSTS, since="2024-05-02", until="2024-05-02")[0]) == [["second"]]
    assert texts(read(url, tmp_path, columns=POSTS, max_messages=2)[0]) == [["second"], ["third"]]
    pairs = {"table": "posts", "question": "room", "answer": "body", "id": "nr"}
    assert texts(read(url, tmp_path, columns=pairs)[0])[:2] == [["b", "third"], ["a", "first"]]


def test_a_query_instead_of_a_layout_can_only_read(url: str, tmp_path: Path) -> None:
    query = "SELECT author AS speaker, body AS text, said_at AS time FROM posts WHERE body LIKE '%ir%' AND room <> ':x' ORDER BY nr;"
    assert texts(read(url, tmp_path, query=query)[0]) == [["first", "third"]]
    with pytest.raises(SourceError, match="column in what the query returns called 'text': did you mean 'txt'"):
        read(url, tmp_path, query="SELECT author AS speaker, body AS txt FROM posts")
    with pytest.raises(SourceError, match=r"would change|reports"):
        read(url, tmp_path, query="DELETE FROM posts RETURNING author AS speaker, body AS text")
    assert len(read(url, tmp_path, columns=POSTS)[0]) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"table": "post"}, "no table or view called 'post': did you mean 'posts'"),
        ({"text": "boddy"}, "no column of posts called 'boddy': did you mean 'body'"),
        ({"text": 'body" FROM users --'}, "no column of posts called"),
        ({"table": "posts; DROP TABLE posts"}, "no table or view called"),
        ({"txt": "body"}, "no field of a table called 'txt'"),
    ],
)
def test_a_mapping_that_fits_nothing_names_what_is_near(url: str, tmp_path: Path, changes: dict[str, str], said: str) -> None:
    with pytest.raises(SourceError, match=said):
        read(url, tmp_path, columns={**POSTS, **changes})


def test_the_view_without_dates_ids_or_questions_table(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/view.db"
    answers = ", ".join(f"('luke', {number}, 'Answer {number}.', 2, 40, 'Question {number}?')" for number in range(117))
    run(
        url,
        "CREATE TABLE kept (user_id, question_id, response_text, word_count, response_time_seconds, question_text)",
        f"INSERT INTO kept VALUES {answers}",
        "CREATE VIEW user_responses AS SELECT * FROM kept",
    )
    chats, report = read(url, tmp_path, person="luke")
    assert len(chats) == 117
    assert texts(chats)[0][0].startswith("Question")
    assert len({key for key, _ in chats}) == 117
    assert report.me == "Me"


def test_what_cannot_be_reached_is_one_line_without_the_password(
    postgresql_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    empty = tmp_path / "empty.db"
    sqlite3.connect(empty).close()
    (tmp_path / "text.db").write_text("no database, but long enough to have a header of a hundred bytes " * 4)
    port = postgresql_url.rpartition(":")[2].partition("/")[0]
    cases = {
        postgresql_url.replace(servers.ESCAPED, servers.ESCAPED + "x"): "refuses this user or password",
        postgresql_url.replace(":" + servers.ESCAPED, ""): "asks for a password|refuses this user",
        postgresql_url.replace("/postgres", "/nothing"): "no such database",
        postgresql_url.replace(port, "1"): "no server answers at 127.0.0.1:1",
        postgresql_url.replace("127.0.0.1", "nowhere.invalid"): "no server answers at nowhere.invalid",
        postgresql_url.replace(servers.ESCAPED, servers.PASSWORD): "the URL cannot be read",
        f"sqlite:///{tmp_path}/gone.db": "there is no file",
        f"sqlite:///{empty}": "no known layout because there are no tables",
        f"sqlite:///{tmp_path}/text.db": "no SQLite database",
        "mysql://user:pw@127.0.0.1:1/x": "pip install pymysql|no server answers",
    }
    for url, said in cases.items():
        with pytest.raises(SourceError, match=said) as caught:
            read(url, tmp_path)
        told = "".join(traceback.format_exception(caught.value)) + caplog.text
        assert "\n" not in str(caught.value)
        assert not any(form in told for form in (servers.PASSWORD, servers.ESCAPED, "p@ss"))


def test_twenty_thousand_rows_go_into_a_home_once(postgresql_url: str, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "i AS nr, 'P' || mod(i, 7) AS author, 'text ' || i AS body, mod(i, 5) AS room, now() + i * interval '1 minute' AS said_at"
    run(postgresql_url, "CREATE SCHEMA chat", f"CREATE TABLE chat.many AS SELECT {rows} FROM generate_series(1, 20000) AS i")
    monkeypatch.setattr(sources, "formats", lambda: {"sql": sql})
    wanted = SourceSection(columns={**POSTS, "table": "chat.many"})
    assert [imports.add_export(home, postgresql_url, wanted=wanted)[0].messages for _ in range(2)] == [20_000, 0]
    assert not list((home.path / "fetched").iterdir())
