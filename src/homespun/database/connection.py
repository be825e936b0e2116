"""Opening a home's database, brought up to date first."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event

from homespun.database.migrations import migrate
from homespun.home import Home, disk_errors

_kept: dict[Path, Engine] = {}
"""Databases that are kept open, by file."""


@contextlib.contextmanager
def connect(home: Home) -> Iterator[Connection]:
    """A transaction on the home's database: committed when the block ends, rolled back on any error."""
    with disk_errors(home.path):
        if kept := _kept.get(home.database.resolve()):
            with kept.begin() as connection:
                yield connection
            return
        with _engine(home) as engine, engine.begin() as connection:
            yield connection


@contextlib.contextmanager
def kept_open(home: Home) -> Iterator[None]:
    """For as long as the block lasts, `connect` to this home takes connections that stay open, from any thread: a server that answers
    has no time to open the database again and again."""
    with _engine(home) as engine:
        _kept[home.database.resolve()] = engine
        try:
            yield
        finally:
            _kept.pop(home.database.resolve(), None)


@contextlib.contextmanager
def _engine(home: Home) -> Iterator[Engine]:
    """For a database that is brought up to date first."""
    migrate(home.database)
    engine = create_engine(f"sqlite:///{home.database}", connect_args={"timeout": 30})
    event.listen(engine, "connect", _pragmas)
    try:
        yield engine
    finally:
        engine.dispose()


def flush(home: Home) -> None:
    """Empty the write-ahead log, in which deleted rows live on."""
    with disk_errors(home.path), contextlib.closing(sqlite3.connect(home.database, timeout=30)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _pragmas(connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA foreign_keys=ON")
    # What is deleted is overwritten: a forgotten message must not be found in the file.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()
