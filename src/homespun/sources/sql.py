"""Tables of a SQL database, by SQLAlchemy: read-only and streamed. The connection is closed before the first chat comes out.

Known are answers to questions (`responses` with `questions`, or `user_responses`); any other table by the recipe's `[source]`:
`table`, and what `text`, `speaker`, `time`, `chat` and `id` are called in it, or `question` and `answer`; or a query that returns columns
of these names. Each answer with its question is a conversation of its own, called by the key of its row.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from homespun.config import SourceSection
from homespun.errors import SourceError, UnknownName
from homespun.sources.dates import plain
from homespun.sources.reflections import ANSWERER, QUESTIONER
from homespun.sources.spool import Record, Row, Spool, take
from homespun.types import Chat, ImportReport

if TYPE_CHECKING:
    import sqlalchemy as sa

title = "a SQL database (postgresql://…, mysql://… or sqlite:///…)"
schemes = ("sqlite", "postgresql", "mysql")

BATCH = 1_000
"""Rows held at once."""
CONNECT_SECONDS = 5
MESSAGE = ("text", "speaker", "time", "chat", "id")
PAIR = ("question", "answer", "time", "id", "user")
_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
_ANSWER = ("response_text", "answer_text", "answer", "response")
_QUESTION = ("question_text", "question", "text")
_MAPPING = "--map table=posts --map text=body --map speaker=author --map time=created_at --map chat=room (or question=… and answer=…)"
# What servers say, whose error codes are not passed on while connecting.
_SAID = (
    (r"password authentication failed|access denied for user", "{place} refuses this user or password: check both"),
    (r"no password supplied|sasl", "{place} asks for a password: put it into the URL, as in postgresql://USER:PASSWORD@HOST/DATABASE"),
    (r'database ".*" does not exist|unknown database', "{place}: there is no such database on this server, check the name after the host"),
    (r"not a database|malformed", "{place} is no SQLite database, or a damaged one: copy it again"),
    (r"unable to open", "{place} cannot be opened: check its permissions"),
    (r"locked", "{place} is locked by another program: close it and try again"),
    (
        r"refused|timeout|timed out|translate host|resolve host|getaddrinfo|name or service|can't connect|unreachable",
        "no server answers at {place}",
    ),
    (r"permission denied|command denied", "this user may not read there: ask for the right to, or use another user"),
    (r"read-only|readonly|query_only", "the query would change the database: write one that only selects"),
    (r"closed|terminat|lost connection|gone away", "the connection to {place} broke: run the same command again"),
)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What to ask for. Its columns are called as in MESSAGE or PAIR."""

    statement: sa.Executable
    table: str
    pairs: bool


def read_url(url: str, report: ImportReport, wanted: SourceSection, spool: Path) -> Iterator[Chat]:
    """The chats of the database, each in time order.

    Raises:
        SourceError: no connection, nothing known in it, or not what the mapping names.
    """
    import sqlalchemy as sa

    with contextlib.closing(Spool(spool, "sql")) as kept:
        kept.restart()
        with _told(url), _engine(url).connect() as db:
            if db.dialect.name == "mysql":
                db.execute(sa.text("SET SESSION TRANSACTION READ ONLY"))
            pairs = _fetch(db, wanted, kept)
        kept.finish()
        if pairs:
            # Half of a pair is of no use.
            whole = None if wanted.max_messages is None else max(2, wanted.max_messages // 2 * 2)
            wanted = wanted.model_copy(update={"person": None, "max_messages": whole})
        yield from kept.chats(report, wanted, whole=pairs)


def _fetch(db: sa.Connection, wanted: SourceSection, spool: Spool) -> bool:
    rows = _by_query(db, wanted.query) if wanted.query is not None else _from_tables(db, wanted)
    with spool.page(None, 0):
        for number, row in enumerate(db.execute(rows.statement, execution_options={"yield_per": BATCH}).mappings()):
            record = dict(row)
            if rows.pairs:
                _take_pair(record, rows.table, spool)
            else:
                take({**record, "place": number}, spool)
    return rows.pairs


def _take_pair(row: Record, table: str, spool: Spool) -> None:
    question, answer, id = row["question"], row["answer"], row.get("id")
    if row.get("draft"):
        spool.skip("draft")
    elif not isinstance(answer, str) or not answer.strip():
        spool.skip("empty answer")
    elif not isinstance(question, str) or not question.strip():
        spool.skip("answer without a question")
    else:
        key = str(id) if id is not None else hashlib.sha256(repr((question, answer)).encode()).hexdigest()[:16]
        spool.room(key, f"{table} {key}", False)
        spool.person("question", QUESTIONER)
        spool.person("me", ANSWERER, is_me=True)
        for place, (speaker, text) in enumerate((("question", question), ("me", answer))):
            spool.add(Row(speaker, text, key, plain(row.get("time")), ("question", "answer")[place], place))


def _by_query(db: sa.Connection, query: str) -> _Rows:
    import sqlalchemy as sa

    statement = sa.text(re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", query.strip().rstrip(";")))
    with db.execute(statement, execution_options={"yield_per": BATCH}) as result:
        columns = list(result.keys())
    pairs = {"question", "answer"} <= set(columns)
    missing = [] if pairs else [name for name in ("text", "speaker") if name not in columns]
    if missing:
        raise SourceError(str(UnknownName("column in what the query returns", missing[0], columns)))
    return _Rows(statement, "query", pairs)


def _from_tables(db: sa.Connection, wanted: SourceSection) -> _Rows:
    import sqlalchemy as sa

    inspector = sa.inspect(db)
    names = [*inspector.get_table_names(), *inspector.get_view_names()]
    if wanted.columns:
        return _by_mapping(db, inspector, names, wanted)
    for name in ("responses", "user_responses"):
        if name in names:
            columns = _columns(inspector, name)
            theirs = _columns(inspector, "questions") if "questions" in names and "question_id" in columns else []
            answer, own, joined = _first(_ANSWER, columns), _first(_QUESTION, columns), _first(_QUESTION, theirs)
            if answer and (own or (joined and "id" in theirs)):
                table = sa.table(name, *map(sa.column, columns))
                questions = sa.table("questions", *map(sa.column, theirs))
                users = _users(db, _columns(inspector, "users")) if "users" in names else {}
                asked = table if own else table.join(questions, questions.c.id == table.c.question_id)
                fields = [table.c[answer].label("answer"), (table.c[own] if own else questions.c[str(joined)]).label("question")]
                return _answers(db, sa.select(*fields).select_from(asked), table, users, wanted.person)
    found = f"among the tables {', '.join(sorted(names)[:8])}{', …' if len(names) > 8 else ''}" if names else "because there are no tables"
    raise SourceError(f"no known layout {found}: say what is where, for example {_MAPPING}")


def _answers(
    db: sa.Connection, statement: sa.Select[Any], table: sa.TableClause, users: Mapping[object, list[str]], person: str | None
) -> _Rows:
    for theirs, ours in (("id", "id"), ("created_at", "time"), ("is_draft", "draft")):
        if theirs in table.c:
            statement = statement.add_columns(table.c[theirs].label(ours))
    if "user_id" in table.c:
        statement = statement.where(table.c.user_id == _user(db, table.c.user_id, users, person))
    elif person is not None:
        raise SourceError(f"{table.name} does not say whose answers they are: leave out --person")
    return _Rows(statement.order_by(table.c.id) if "id" in table.c else statement, table.name, True)


def _users(db: sa.Connection, columns: Sequence[str]) -> dict[object, list[str]]:
    """Id -> what else the user is called."""
    import sqlalchemy as sa

    users = sa.table("users", *map(sa.column, columns))
    called = [users.c[name] for name in ("name", "email", "username") if name in columns]
    return {row[0]: [str(name) for name in row[1:] if name] for row in db.execute(sa.select(users.c.id, *called))}


def _user(db: sa.Connection, column: sa.ColumnElement[Any], users: Mapping[object, list[str]], person: str | None) -> object:
    """The id of the one whose answers are wanted: who is asked for, or the only one."""
    import sqlalchemy as sa

    present = list(db.execute(sa.select(column).distinct().where(column.is_not(None)).order_by(column)).scalars())
    known = {id: [str(id), *users.get(id, [])] for id in present}
    shown = [names[1] if len(names) > 1 else names[0] for names in known.values()]
    if person is None:
        if len(present) > 1:
            some = ", ".join(shown[:5]) + (", …" if len(shown) > 5 else "")
            raise SourceError(f"there are answers of {len(present)} people ({some}): say whose you want with --person")
        return present[0] if present else None
    found = [id for id, names in known.items() if person.casefold() in (name.casefold() for name in names)]
    if len(found) != 1:
        if found:
            raise SourceError(f"{len(found)} people are called {person!r}: say which one by its number ({', '.join(map(str, found))})")
        raise SourceError(str(UnknownName("person with answers", person, shown)))
    return found[0]


def _by_mapping(db: sa.Connection, inspector: sa.Inspector, names: Collection[str], wanted: SourceSection) -> _Rows:
    import sqlalchemy as sa

    mapped = dict(wanted.columns)
    pairs = "answer" in mapped or "question" in mapped
    ours = ("table", *(PAIR if pairs else MESSAGE))
    for name in mapped:
        _check("field of a table", name, ours)
    if missing := [name for name in ("table", *(("question", "answer") if pairs else ("text", "speaker"))) if name not in mapped]:
        raise SourceError(f"the mapping does not say what {' and '.join(missing)} is called: {_MAPPING}")
    whole = mapped.pop("table")
    schema, dot, name = whole.rpartition(".") if whole not in names else ("", "", whole)
    if dot:
        _check("schema", schema, inspector.get_schema_names())
        names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    _check("table or view", name, names)
    columns = _columns(inspector, name, schema or None)
    for theirs in mapped.values():
        _check(f"column of {name}", theirs, columns)
    table = sa.table(name, *map(sa.column, columns), schema=schema or None)
    user = mapped.pop("user", None)
    statement = sa.select(*(table.c[theirs].label(ours) for ours, theirs in mapped.items()))
    if user is not None:
        statement = statement.where(table.c[user] == _user(db, table.c[user], {}, wanted.person))
    if "id" in mapped:
        statement = statement.order_by(table.c[mapped["id"]])
    return _Rows(statement, name, pairs)


def _columns(inspector: sa.Inspector, table: str, schema: str | None = None) -> list[str]:
    return [column["name"] for column in inspector.get_columns(table, schema)]


def _first(wanted: Sequence[str], columns: Collection[str]) -> str | None:
    return next((name for name in wanted if name in columns), None)


def _check(kind: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise SourceError(str(UnknownName(kind, name, known)))


def _engine(url: str) -> sa.Engine:
    """An engine whose connections can only read."""
    import sqlalchemy as sa

    place = _parsed(url)
    common: dict[str, Any] = {"poolclass": sa.NullPool, "hide_parameters": True}
    if place.get_backend_name() == "sqlite":
        return sa.create_engine("sqlite://", creator=lambda: _read_only(Path(place.database or "")), **common)
    place = place.set(drivername=_DRIVERS.get(place.drivername, place.drivername))
    try:
        engine = sa.create_engine(place, connect_args={"connect_timeout": CONNECT_SECONDS}, **common)
    except ModuleNotFoundError as error:
        raise SourceError(f"{place.drivername} needs a package that is not installed: pip install {error.name}") from None
    return engine.execution_options(postgresql_readonly=True) if engine.dialect.name == "postgresql" else engine


def _parsed(url: str) -> sa.URL:
    import sqlalchemy as sa

    try:
        place = sa.make_url(url)
        if place.get_backend_name() == "sqlite":
            if place.database and Path(place.database).is_file():
                return place
            raise SourceError(f"there is no file {place.database or ''}: write sqlite:///PATH, with four slashes for a path from the root")
        if place.host and "@" not in place.host + (place.database or ""):
            return place
    except (sa.exc.ArgumentError, ValueError):
        pass
    raise SourceError(
        "the URL cannot be read: write postgresql://USER:PASSWORD@HOST:5432/DATABASE, with %40 for @, %2F for / and %3A for :"
    )


def _read_only(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(file.resolve()))}?mode=ro", uri=True)
    connection.execute("PRAGMA query_only=ON")
    return connection


@contextlib.contextmanager
def _told(url: str) -> Iterator[None]:
    """What the database says of a failure, as one line that holds no password."""
    import sqlalchemy as sa

    try:
        yield
        return
    except sa.exc.NoSuchModuleError:
        message = f"{url.partition(':')[0]}:// is no database that can be read: use postgresql://, mysql:// or sqlite:///"
    except (sa.exc.SQLAlchemyError, OSError) as error:
        place = _parsed(url)
        where = Path(place.database or "").name if place.host is None else f"{place.host}{f':{place.port}' if place.port else ''}"
        said = " ".join(str(getattr(error, "orig", None) or error).split())
        message = next((text.format(place=where) for sign, text in _SAID if re.search(sign, said, re.IGNORECASE)), "")
        if "no server" in message:
            message += ": check that it runs, and the host and the port"
        if not message:
            message = f"{where} reports: {(said.replace(str(place.password), '…') if place.password else said)[:200]}"
    # The driver's own exceptions know the connection, so they are not passed on.
    raise SourceError(message) from None
