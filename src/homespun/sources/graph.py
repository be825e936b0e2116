"""A graph in Neo4j, or in anything else that speaks Bolt: asked page by page, read-only, and kept until it is in the corpus.

What is where is found by looking (graph_layouts), or said by the recipe's `[source]`. Rows are paged by a key of their own, so that a
connection that breaks is taken up after the last whole page.
"""

from __future__ import annotations

import contextlib
import logging
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from homespun.config import SourceSection, neo4j_settings
from homespun.errors import SourceError, UnknownName
from homespun.sources.dates import plain
from homespun.sources.graph_layouts import Layout, layout_of
from homespun.sources.spool import Record, Spool
from homespun.types import Chat, ImportReport

if TYPE_CHECKING:
    import neo4j

title = "a Neo4j graph (neo4j://… or bolt://…)"
schemes = ("neo4j", "bolt")

PAGE = 5_000
"""Records fetched at once."""
MAX_PAGE = 100_000
"""Records that may share a key; they are fetched together."""
RETRY_SECONDS = 2.0
CONNECT_SECONDS = 5.0
_ENCRYPTION = ("", "+s", "+ssc")
_AGAIN = "run the same command again when it is back, and it goes on after the last whole page"


@dataclass(frozen=True, slots=True)
class _Server:
    scheme: str
    host: str
    options: str
    database: str | None
    user: str
    password: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}{self.options}"


def read_url(url: str, report: ImportReport, wanted: SourceSection, spool: Path) -> Iterator[Chat]:
    """The chats of the graph, each in time order.

    Raises:
        SourceError: no connection, or nothing known in the graph; or the connection broke, and the same call goes on from there.
    """
    server = _server(url)
    with _driver(server) as driver, driver.session(database=server.database, default_access_mode="READ", fetch_size=PAGE) as session:
        graph = _Graph(session, server)
        layout = layout_of(graph.ask, wanted)
        with contextlib.closing(Spool(spool, layout.question)) as kept:
            if not kept.done:
                _fetch(graph, layout, kept)
            yield from kept.chats(report, wanted)


@dataclass(frozen=True, slots=True)
class _Graph:
    session: neo4j.Session
    server: _Server

    def ask(self, statement: str, **values: object) -> list[Record]:
        """All records. Names in the statement were checked and quoted; everything else is a parameter."""

        def work(transaction: neo4j.ManagedTransaction) -> list[Record]:
            return [dict(record) for record in transaction.run(statement, values)]

        with _told(self.server):
            return self.session.execute_read(work)

    def stream(self, statement: str) -> Iterator[Record]:
        with _told(self.server):
            for record in self.session.run(statement):
                yield dict(record)


def _fetch(graph: _Graph, layout: Layout, spool: Spool) -> None:
    if not layout.paged:
        spool.restart()
        with spool.page(None, 0):
            for number, record in enumerate(graph.stream(layout.first)):
                layout.store({**record, "place": number}, spool)
        spool.finish(layout.linked)
        return
    total = graph.ask(layout.total)[0]["n"] if layout.total else None
    size, full = PAGE, True
    while full:
        after = spool.last
        records = graph.ask(layout.first if after is None else layout.following, after=after, limit=size)
        full = len(records) == size
        if full:
            # Records with the same key stay together: those with the last one may go on in the next page.
            last = records[-1]["key"]
            whole = [record for record in records if record["key"] != last]
            if not whole and size >= MAX_PAGE:
                raise SourceError(f"more than {MAX_PAGE:,} messages share one {layout.key}: say which property is unique with --map id=…")
            size = PAGE if whole else size * 2
            records = whole
        if records:
            with spool.page(_key(records[-1]["key"]), len(records)):
                for record in records:
                    layout.store(record, spool)
    if total is not None and total > spool.count:
        with spool.page(spool.last, 0):
            spool.skip(f"message without a usable {layout.key}", total - spool.count)
    spool.finish(layout.linked)


def _key(value: object) -> str | float:
    key = plain(value)
    if key is None:
        raise SourceError(f"a key of the kind {type(value).__name__} cannot be paged by: say which property is unique with --map id=…")
    return key


def _server(url: str) -> _Server:
    """Where, and as whom, from the URL and else from the environment."""
    environment = neo4j_settings()
    if re.fullmatch(r"[a-z0-9+]+:/*", url):
        url = environment.get("NEO4J_URI") or url.rstrip("/") + "//localhost:7687"
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port
    except ValueError:
        parts, name, port = urlsplit(""), None, None
    if not name or "@" in parts.path + parts.query + parts.fragment:
        raise SourceError("the URL cannot be read: write neo4j://USER:PASSWORD@HOST:7687/DATABASE, with %40 for @, %2F for / and %3A for :")
    scheme, plus, encryption = parts.scheme.partition("+")
    if scheme not in schemes or plus + encryption not in _ENCRYPTION:
        known = [f"{scheme}{suffix}://" for scheme in schemes for suffix in _ENCRYPTION]
        raise SourceError(str(UnknownName("way to connect", f"{parts.scheme}://", known)))
    host = f"[{name}]" if ":" in name else name
    return _Server(
        parts.scheme,
        f"{host}:{port or 7687}",
        f"?{parts.query}" if parts.query and scheme == "neo4j" else "",
        unquote(parts.path.strip("/")) or environment.get("NEO4J_DATABASE") or None,
        unquote(parts.username or "") or environment.get("NEO4J_USERNAME") or "neo4j",
        unquote(parts.password or "") or environment.get("NEO4J_PASSWORD", ""),
    )


@contextlib.contextmanager
def _driver(server: _Server) -> Iterator[neo4j.Driver]:
    """A driver that has reached the server: what it would try for half a minute is said at once."""
    import neo4j

    if not (log := logging.getLogger("neo4j")).handlers:
        log.addHandler(logging.NullHandler())  # what it warns of is said in one line here
    with _told(server, connecting=True):
        driver = neo4j.GraphDatabase.driver(
            server.url,
            auth=(server.user, server.password) if server.password else None,
            connection_timeout=CONNECT_SECONDS,
            connection_acquisition_timeout=2 * CONNECT_SECONDS,
            max_transaction_retry_time=RETRY_SECONDS,
            notifications_min_severity="OFF",
            user_agent="homespun",
        )
    with driver:
        with _told(server, connecting=True):
            driver.verify_connectivity()
        yield driver


@contextlib.contextmanager
def _told(server: _Server, connecting: bool = False) -> Iterator[None]:
    """What the driver says of a failure, as one line that holds no password."""
    from neo4j import exceptions

    try:
        yield
    except exceptions.ConfigurationError:
        message = f"{server.scheme}://{server.host} cannot be used as it is written: check the part after the host"
    except exceptions.AuthError:
        if server.password:
            message = f"{server.host} refuses the user {server.user!r} with this password: check both"
        else:
            message = f"{server.host} asks for a password: put it into the URL (neo4j://USER:PASSWORD@HOST) or into NEO4J_PASSWORD"
    except (exceptions.DriverError, OSError) as error:
        message = _unreachable(server, error, connecting)
    except exceptions.Neo4jError as error:
        message = _refused(server, error)
    else:
        return
    # The driver's own exceptions know the connection, so they are not passed on.
    raise SourceError(message) from None


def _unreachable(server: _Server, error: BaseException, connecting: bool) -> str:
    causes = list(_causes(error))
    bare, encrypted, _ = server.scheme.partition("+")
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return f"{server.host} shows a certificate that nobody vouches for: if it is your own server, write {bare}+ssc:// instead of {bare}+s://"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return f"{server.host} does not speak TLS: write {bare}:// instead of {server.scheme}://"
    if not connecting:
        return f"the connection to {server.host} broke: {_AGAIN}"
    if any(isinstance(cause, (ConnectionRefusedError, TimeoutError)) or type(cause).__name__ == "gaierror" for cause in causes):
        return f"no server answers at {server.host}: check that it runs, and the host and the port (7687 for Bolt, not 7474)"
    if encrypted:
        return f"{server.host} answers, but not in Bolt over TLS: try {bare}://, or {bare}+ssc:// if its certificate is your own"
    return (
        f"{server.host} answers, but not in Bolt: if it asks for TLS write {server.scheme}+s:// or +ssc://; check the port (7687, not 7474)"
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _refused(server: _Server, error: Any) -> str:
    code, text = str(error.code), " ".join(str(error.message).split())[:200]
    if "DatabaseNotFound" in code or "DatabaseUnavailable" in code:
        return f"{server.host} has no database called {server.database!r}: put its name after the host, as in neo4j://HOST:7687/neo4j"
    if "Forbidden" in code:
        return f"the user {server.user!r} may not read this graph: ask for the right to, or use another user"
    if "Syntax" in code or "Semantic" in code or "Type" in code:
        return f"{server.host} does not understand the query: {text}"
    if "TransactionTimedOut" in code:
        return f"{server.host} gave up on a query that took too long: {_AGAIN}"
    return f"{server.host} reports {code.rpartition('.')[2]}: {text}"
