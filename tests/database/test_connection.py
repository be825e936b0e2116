"""The database: brought up to date, all or nothing."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import Connection, insert, inspect, select
from sqlalchemy.exc import IntegrityError

from homespun.database.connection import connect, kept_open
from homespun.database.migrations import MIGRATIONS, migrate
from homespun.database.schema import identities, metadata, people
from homespun.errors import HomespunError
from homespun.home import Home


def user_version(home: Home) -> int:
    found: int = sqlite3.connect(home.database).execute("PRAGMA user_version").fetchone()[0]
    return found


def names(db: Connection) -> list[str]:
    return list(db.execute(select(people.c.name)).scalars())


def test_a_fresh_database_has_every_table_and_is_found_again(home: Home) -> None:
    with connect(home) as db:
        assert set(inspect(db).get_table_names()) == set(metadata.tables)
        db.execute(insert(people).values(name="Anna"))
    with connect(home) as db:
        assert names(db) == ["Anna"]
    assert user_version(home) == len(MIGRATIONS)


@pytest.mark.parametrize("age", range(len(MIGRATIONS)))
def test_every_older_database_becomes_todays_and_keeps_its_rows(home: Home, age: int) -> None:
    with sqlite3.connect(home.database) as raw:
        for number, script in enumerate(MIGRATIONS[:age], start=1):
            raw.executescript(f"{script}; PRAGMA user_version = {number}")
        if age:
            raw.execute("INSERT INTO people (name, is_me) VALUES ('Anna', 1)")
            chat = {"id": 1, "format": "whatsapp", "name": "Ben", "is_group": 0, "clock": "absolute", "gap": 1800.0}
            chat |= {"key": "Ben"} if age > 1 else {}
            raw.execute(f"INSERT INTO chats ({', '.join(chat)}) VALUES ({', '.join('?' * len(chat))})", list(chat.values()))
            raw.execute("INSERT INTO imports VALUES (1, 'a', 'whatsapp', 'c', '{}', 'now')")
            raw.execute("INSERT INTO messages VALUES ('m', 1, 0, 1.0, 1, 'hi', 1)")
    migrate(home.database)
    with connect(home) as db:
        assert names(db) == (["Anna"] if age else [])
        assert not db.exec_driver_sql("PRAGMA foreign_key_check").all()
        for table in metadata.sorted_tables:
            found = {column["name"]: column["nullable"] for column in inspect(db).get_columns(table.name)}
            assert found == {column.name: column.nullable for column in table.columns}
            assert {i["name"] for i in inspect(db).get_indexes(table.name)} == {i.name for i in table.indexes}


def test_an_error_undoes_the_whole_transaction(home: Home) -> None:
    with pytest.raises(ZeroDivisionError), connect(home) as db:
        db.execute(insert(people).values(name="Anna"))
        raise ZeroDivisionError
    with connect(home) as db:
        assert names(db) == []


def test_nothing_may_point_at_what_is_not_there(home: Home) -> None:
    with pytest.raises(IntegrityError), connect(home) as db:
        db.execute(insert(identities).values(name="Anna", person=7))


def test_a_database_of_a_newer_homespun_is_left_alone(home: Home) -> None:
    with connect(home):
        pass
    newer = len(MIGRATIONS) + 1
    with sqlite3.connect(home.database) as raw:
        raw.execute(f"PRAGMA user_version = {newer}")
    with pytest.raises(HomespunError, match="made by a newer homespun: update with"), connect(home):
        pass
    assert user_version(home) == newer


def test_a_database_that_is_kept_open_is_the_same_for_everybody(home: Home) -> None:
    with connect(home) as db:
        db.execute(insert(people).values(name="Anna"))
    with kept_open(home):
        with connect(home) as db:
            db.execute(insert(people).values(name="Ben"))
            raw = db.connection.dbapi_connection
        with connect(Home(home.path)) as db:
            assert names(db) == ["Anna", "Ben"] and db.connection.dbapi_connection is raw
        with pytest.raises(ZeroDivisionError), connect(home) as db:
            db.execute(insert(people).values(name="Cleo"))
            _ = 1 / 0
        other = sqlite3.connect(home.database)
        assert [row[0] for row in other.execute("SELECT name FROM people")] == ["Anna", "Ben"]
        other.close()
    with connect(home) as db:
        assert names(db) == ["Anna", "Ben"] and db.connection.dbapi_connection is not raw
