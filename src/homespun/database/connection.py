"""Opening a home's database, brought up to date first."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from sqlalchemy import Connection, create_engine, event

from homespun.database.migrations import migrate
from homespun.home import Home, disk_errors


@contextlib.contextmanager
def connect(home: Home) -> Iterator[Connection]:
    """A transaction on the home's database: committed when the block ends, rolled back on any error."""
    with disk_errors(home.path):
        migrate(home.database)
        engine = create_engine(f"sqlite:///{home.database}", connect_args={"timeout": 30})
        event.listen(engine, "connect", _pragmas)
        try:
            with engine.begin() as connection:
                yield connection
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
