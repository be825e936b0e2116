"""How a database of an older homespun becomes today's: one step after the other, never edited once released.

Steps are SQL, not `schema.metadata`: what a step does must not change when the schema does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from homespun.errors import HomespunError

MIGRATIONS: tuple[str, ...] = (
    # 1: the first tables.
    """
    CREATE TABLE imports (id INTEGER NOT NULL PRIMARY KEY, source VARCHAR NOT NULL, format VARCHAR NOT NULL, content VARCHAR NOT NULL,
        report TEXT NOT NULL, created VARCHAR NOT NULL);
    CREATE TABLE people (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR NOT NULL UNIQUE, is_me BOOLEAN NOT NULL);
    CREATE TABLE identities (name VARCHAR NOT NULL PRIMARY KEY, person INTEGER NOT NULL REFERENCES people (id));
    CREATE TABLE chats (id INTEGER NOT NULL PRIMARY KEY, format VARCHAR NOT NULL, name VARCHAR NOT NULL, is_group BOOLEAN NOT NULL,
        clock VARCHAR NOT NULL, gap FLOAT NOT NULL, UNIQUE (format, name));
    CREATE TABLE messages (id VARCHAR NOT NULL PRIMARY KEY, chat INTEGER NOT NULL REFERENCES chats (id), position INTEGER NOT NULL,
        time FLOAT, speaker INTEGER NOT NULL REFERENCES people (id), text TEXT NOT NULL, import INTEGER NOT NULL REFERENCES imports (id));
    CREATE INDEX messages_in_order ON messages (chat, time, position);
    CREATE TABLE models (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR NOT NULL UNIQUE, person VARCHAR NOT NULL, recipe TEXT NOT NULL,
        created VARCHAR NOT NULL);
    CREATE TABLE versions (id INTEGER NOT NULL PRIMARY KEY, model INTEGER NOT NULL REFERENCES models (id), number INTEGER NOT NULL,
        artefact VARCHAR NOT NULL, created VARCHAR NOT NULL, UNIQUE (model, number));
    CREATE TABLE live (id INTEGER NOT NULL PRIMARY KEY, model INTEGER NOT NULL REFERENCES models (id), number INTEGER NOT NULL,
        reason VARCHAR NOT NULL, created VARCHAR NOT NULL);
    """,
    # 2: chats by the source's own key; accounts, relations, what must not come back, and the names behind pseudonyms.
    """
    CREATE TABLE chats_new (id INTEGER NOT NULL PRIMARY KEY, format VARCHAR NOT NULL, key VARCHAR NOT NULL, name VARCHAR NOT NULL,
        is_group BOOLEAN NOT NULL, clock VARCHAR NOT NULL, gap FLOAT NOT NULL, UNIQUE (format, key));
    INSERT INTO chats_new SELECT id, format, name, name, is_group, clock, gap FROM chats;
    DROP TABLE chats;
    ALTER TABLE chats_new RENAME TO chats;
    CREATE INDEX messages_by_speaker ON messages (speaker);
    ALTER TABLE people ADD COLUMN relation VARCHAR;
    CREATE TABLE accounts (account VARCHAR NOT NULL PRIMARY KEY, person INTEGER NOT NULL REFERENCES people (id));
    CREATE TABLE tombstones (kind VARCHAR NOT NULL, key VARCHAR NOT NULL, created VARCHAR NOT NULL, PRIMARY KEY (kind, key));
    CREATE TABLE pseudonyms (kind VARCHAR NOT NULL, original VARCHAR NOT NULL, replacement VARCHAR NOT NULL UNIQUE,
        PRIMARY KEY (kind, original));
    """,
    # 3: facts about people, consent, and why a version went live or did not.
    """
    CREATE TABLE facts (id INTEGER NOT NULL PRIMARY KEY, person INTEGER NOT NULL REFERENCES people (id), relation VARCHAR NOT NULL,
        value TEXT NOT NULL, message VARCHAR, time FLOAT, status VARCHAR NOT NULL, created VARCHAR NOT NULL,
        UNIQUE (person, relation, value));
    CREATE TABLE consents (person INTEGER NOT NULL PRIMARY KEY REFERENCES people (id), note TEXT NOT NULL, created VARCHAR NOT NULL);
    CREATE TABLE decisions (id INTEGER NOT NULL PRIMARY KEY, model INTEGER NOT NULL, number INTEGER NOT NULL, action VARCHAR NOT NULL,
        reason TEXT NOT NULL, held_out VARCHAR, policy VARCHAR, checks TEXT, created VARCHAR NOT NULL);
    CREATE TRIGGER decisions_stay_as_they_are BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
    CREATE TRIGGER decisions_stay BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
    """,
    # 4: conversations with models, what was thought of them, and the jobs of the web pages.
    """
    CREATE TABLE sessions (id VARCHAR NOT NULL PRIMARY KEY, model VARCHAR NOT NULL, speaker VARCHAR, since INTEGER NOT NULL,
        created VARCHAR NOT NULL, updated VARCHAR NOT NULL);
    CREATE TABLE interactions (id VARCHAR NOT NULL PRIMARY KEY, session VARCHAR NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        position INTEGER NOT NULL, role VARCHAR NOT NULL, text TEXT NOT NULL, status VARCHAR NOT NULL, version VARCHAR, sources TEXT,
        created VARCHAR NOT NULL);
    CREATE INDEX interactions_in_order ON interactions (session, position);
    CREATE TABLE feedback (id INTEGER NOT NULL PRIMARY KEY, interaction VARCHAR NOT NULL REFERENCES interactions (id) ON DELETE CASCADE,
        version VARCHAR NOT NULL, kind VARCHAR NOT NULL, text TEXT, created VARCHAR NOT NULL);
    CREATE INDEX feedback_by_version ON feedback (version);
    CREATE TABLE jobs (id VARCHAR NOT NULL PRIMARY KEY, verb VARCHAR NOT NULL, arguments TEXT NOT NULL, status VARCHAR NOT NULL,
        pid INTEGER, result TEXT, created VARCHAR NOT NULL, ended VARCHAR);
    """,
)
"""Number n makes schema n out of schema n - 1; the database remembers its number."""


def migrate(file: Path) -> None:
    """Bring the database in `file` up to date, or leave it as it is; it is made if it is not there.

    Raises:
        HomespunError: a newer homespun made it.
    """
    # Its own connection, because tables that others refer to can be rebuilt only where references are not enforced.
    connection = sqlite3.connect(file, timeout=30, isolation_level=None)
    try:
        done = _schema(connection)
        if done > len(MIGRATIONS):
            raise HomespunError(f"{file} was made by a newer homespun: update with `pip install -U homespun`")
        if done == len(MIGRATIONS):
            return
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        for number, script in enumerate(MIGRATIONS[_schema(connection) :], start=_schema(connection) + 1):
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    finally:
        connection.close()


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: `executescript` would end the transaction."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):  # not within a trigger
            yield statement
            statement = ""


def _schema(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
