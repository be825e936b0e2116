"""Opening a home's database, brought up to date by ordered migrations."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection, create_engine, event, text

from homespun.database.schema import metadata
from homespun.errors import HomespunError
from homespun.home import Home, disk_errors


def _m001_tables(connection: Connection) -> None:
    metadata.create_all(connection)


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_m001_tables,)
"""In order; the database remembers how many it has had. Never edit one that was released: append."""


@contextlib.contextmanager
def connect(home: Home) -> Iterator[Connection]:
    """A transaction on the home's database: committed when the block ends, rolled back on any error."""
    with disk_errors(home.path), _open(home.database) as connection:
        yield connection


@contextlib.contextmanager
def _open(file: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": 30})
    event.listen(engine, "connect", _pragmas)
    try:
        with engine.begin() as connection:
            _migrate(connection, file)
            yield connection
    finally:
        engine.dispose()


def _pragmas(connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _migrate(connection: Connection, file: Path) -> None:
    done = connection.execute(text("PRAGMA user_version")).scalar_one()
    if done > len(MIGRATIONS):
        raise HomespunError(f"{file} was made by a newer homespun: update with `pip install -U homespun`")
    for number, migration in enumerate(MIGRATIONS[done:], start=done + 1):
        migration(connection)
        connection.execute(text(f"PRAGMA user_version = {number}"))
