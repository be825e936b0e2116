"""Graphs over Bolt, asked of a real server: layouts, mappings and queries, filters, failures, and a server that dies on the way."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import neo4j
import pytest

import servers
from homespun import sources
from homespun.config import SourceSection
from homespun.corpus import imports
from homespun.corpus.sessions import conversations
from homespun.errors import SourceError
from homespun.home import Home
from homespun.sources import graph
from homespun.sources.graph_layouts import cleaned
from homespun.types import Chat, ImportReport, Message

PEOPLE = """
CREATE (anna:Person {id: 'p1', name: 'Anna', phone: '+49 151 23456789'}), (other:Person {id: 'p2', name: 'Anna', phone: '0151'}),
  (team:GroupChat {id: 'g1', name: 'Team'}),
  (anna)-[:SENT]->(:Message {id: 'm1', body: 'hi', date: '2020-01-01 23:59:59', isFromMe: false}),
  (anna)-[:SENT]->(:Message {id: 'm10', body: 'ok\n\n👩‍🚀', date: '2020-01-02T00:00:00Z', isFromMe: true}),
  (anna)-[:SENT]->(:Message {id: 'm9', body: 'NSString?', date: '2020-01-02T02:00:00+02:00', isFromMe: false}),
  (other)-[:SENT]->(:Message {id: 'm3', body: 'hello', date: '1577923200', isFromMe: false})-[:SENT_TO]->(team),
  (:Message {id: 'm4', body: 'hey', date: '1/3/2020, 10:00 AM', isFromMe: true})-[:SENT_TO]->(team),
  (anna)-[:SENT]->(:Message {id: 'm5', body: 'Loved “hey”', date: '2020-01-03', isFromMe: false})-[:SENT_TO]->(team),
  (anna)-[:SENT]->(:Message {id: 'm6', body: 'late', date: 'soon', isFromMe: false})-[:SENT_TO]->(team),
  (:Message {body: 'no id', date: '2020-01-03', isFromMe: true})-[:SENT_TO]->(team)
"""
WITH_ANNA = Chat("Anna", (), False, key="with p1")
TEAM = Chat("Team", (), True, key="g1")


class Graph:
    """The server, and a client of its own."""

    def __init__(self, server: servers.GraphServer) -> None:
        self.server = server
        self.url = server.url

    def holds(self, *statements: str, **values: object) -> None:
        """Instead of what was in it."""
        with neo4j.GraphDatabase.driver(f"bolt://127.0.0.1:{self.server.port}", auth=("root", servers.PASSWORD)) as driver:
            for statement in ("MATCH (n) DETACH DELETE n", *statements):
                driver.execute_query(statement, values, database_="app")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with servers.GraphServer(tmp_path_factory.mktemp("graph")).running() as running:
        yield Graph(running)


def read(url: str, folder: Path, **wanted: Any) -> tuple[dict[str, list[Message]], ImportReport]:
    report = ImportReport("graph")
    chats = graph.read_url(url, report, SourceSection(**wanted), folder / "spool")
    return {chat.key: list(chat.messages) for chat in chats}, report


def texts(chats: dict[str, list[Message]]) -> dict[str, list[str]]:
    return {key: [message.text for message in messages] for key, messages in chats.items()}


def test_people_and_groups(server: Graph, tmp_path: Path) -> None:
    server.holds(PEOPLE)
    report = ImportReport("graph")
    found = [
        (chat.name, chat.group, chat.key, list(chat.messages)) for chat in graph.read_url(server.url, report, SourceSection(), tmp_path)
    ]
    hello, hey = Message("Anna (p2)", "hello", 1577923200.0, "m3"), Message("Me", "hey", 1578045600.0, "m4")
    first, second = Message("Anna", "hi", 1577923199.0, "m1"), Message("Anna", "NSString?", 1577923200.0, "m9")
    assert found == [
        ("Team", True, "g1", [hello, hey]),
        ("Anna", False, "with p1", [first, second, Message("Me", "ok\n\n👩‍🚀", 1577923200.0, "m10")]),
    ]
    assert (report.me, report.accounts) == ("Me", {"Anna": {"tel:+4915123456789"}})
    assert report.notes == ["5 messages in 2 conversations, from 2020-01-01 to 2020-01-03"]
    assert report.skipped == {
        "reaction to a message": 1,
        "message without a usable id": 1,
        "message without a date that can be read": 1,
    }


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ({"person": "p2"}, {"g1": ["hello", "hey"]}),
        ({"person": "+4915123456789"}, {"g1": ["hello", "hey"], "with p1": ["hi", "NSString?", "ok\n\n👩‍🚀"]}),
        ({"max_messages": 2}, {"g1": ["hey"], "with p1": ["ok\n\n👩‍🚀"]}),
        ({"until": "2020-01-01"}, {"with p1": ["hi"]}),
        ({"since": "2020-01-02", "until": "2020-01-02"}, {"g1": ["hello"], "with p1": ["NSString?", "ok\n\n👩‍🚀"]}),
        ({"since": "2020-01-03"}, {"g1": ["hey"]}),
    ],
)
def test_filters(server: Graph, tmp_path: Path, wanted: dict[str, Any], kept: dict[str, list[str]]) -> None:
    server.holds(PEOPLE)
    assert texts(read(server.url, tmp_path, **wanted)[0]) == kept


def test_the_owner_may_be_a_person_of_the_graph(server: Graph, tmp_path: Path) -> None:
    said = "CREATE (b:Person {id: 'b', name: 'Ben'})-[:SENT]->(:Message {id: 1, body: 'one', date: '2020-01-01', isFromMe: true}), "
    said += "(c:Person {id: 'c', name: 'Cleo'})-[:SENT]->(:Message {id: 2, body: 'two', date: '2020-01-02', isFromMe: false})"
    server.holds(said)
    for person in (None, "Ben", "me"):
        chats, report = read(server.url, tmp_path, person=person)
        assert chats == {"with c": [Message("Ben", "one", 1577836800.0, "1"), Message("Cleo", "two", 1577923200.0, "2")]}
        assert report.me == "Ben"


@pytest.mark.parametrize("arrow", ["(a)-[:FOLLOWS]->(b)-[:FOLLOWS]->(c)", "(c)-[:FOLLOWS]->(b)-[:FOLLOWS]->(a)"])
def test_chains_of_messages_in_whichever_direction_they_point(server: Graph, tmp_path: Path, arrow: str) -> None:
    server.holds(
        "CREATE (a:Message {message: 'a', speaker: 'Ben', timestamp: '2020-01-01T00:00:01'}), "
        "(b:Message {message: 'b', speaker: 'Cleo', timestamp: '2020-01-01T00:00:02'}), "
        "(c:Message {message: 'c', speaker: 'Ben', timestamp: '2020-01-01T00:00:02'}), "
        f"(d:Message {{message: 'd', speaker: 'Dan', timestamp: '2020-01-01T00:00:02'}}), {arrow}"
    )
    report = ImportReport("graph")
    chats = {
        chat.name: [message.text for message in chat.messages] for chat in graph.read_url(server.url, report, SourceSection(), tmp_path)
    }
    assert chats == {"Dan": ["d"], "Ben, Cleo": ["a", "b", "c"]}


def test_any_graph_by_mapping_or_query(server: Graph, tmp_path: Path) -> None:
    node = "(:`Blog Post` {nr: i, `my text`: 'post ' + toString(i), at: datetime('2024-01-0' + toString(i) + 'T12:00:00Z')})"
    server.holds(
        f"CREATE (b:Author {{name: 'Ben'}}), (r:Room {{title: 'r'}}) WITH b, r UNWIND [1, 2, 3] AS i CREATE (b)-[:WROTE]->{node}-[:IN]->(r)"
    )
    mapping = {"text": "Blog Post.my text", "speaker": "WROTE.name", "chat": "IN.title", "time": "at", "id": "nr"}
    expected = {"r": [Message("Ben", f"post {day}", 1704024000.0 + 86400 * day, str(day)) for day in (1, 2, 3)]}
    assert read(server.url, tmp_path, columns=mapping)[0] == expected
    query = "MATCH (a:Author)-[:WROTE]->(m)-[:IN]->(r) RETURN m.`my text` AS text, a.name AS speaker, r.title AS chat, m.at AS time"
    assert read(server.url, tmp_path, query=f"{query}, m.nr AS id;")[0] == expected
    assert texts(read(server.url, tmp_path, query=query)[0]) == texts(expected)
    for wrong, said in {
        "MATCH (m) DETACH DELETE m": "would change the graph",
        "MATCH (m) RETURN m.nr AS text": "no column in what the query returns called 'speaker'",
        "MATCH (m RETURN m": "does not understand the query",
    }.items():
        with pytest.raises(SourceError, match=said):
            read(server.url, tmp_path, query=wrong)
    for changed, said in {
        "Blog.my text": "no label in the graph called 'Blog': did you mean 'Blog Post'",
        "Blog Post.mytext": "no property in the graph called 'mytext': did you mean 'my text'",
        "Blog Post.my text` DETACH DELETE m //": "no property in the graph",
        "Blog Post`) DETACH DELETE (m.my text": "no label in the graph",
    }.items():
        with pytest.raises(SourceError, match=said):
            read(server.url, tmp_path, columns={**mapping, "text": changed})
    with pytest.raises(SourceError, match="cannot be a label or property"):
        read(server.url, tmp_path, columns={**mapping, "speaker": "WROTE.name`]) DETACH DELETE m //"})
    with pytest.raises(SourceError, match="no person here called"):
        read(server.url, tmp_path, columns=mapping, person="Ben' OR 1=1 //")
    assert read(server.url, tmp_path, columns=mapping)[0] == expected


def test_what_cannot_be_read_is_one_line_without_the_password(
    server: Graph, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    server.holds()
    with pytest.raises(SourceError, match="the graph is empty"):
        read(server.url, tmp_path)
    server.holds("CREATE (:Customer {name: 'x'})-[:BOUGHT]->(:Product)")
    url, port = server.url, str(server.server.port)
    cases = {
        url: "no known layout among the labels .*Customer.*--map text=",
        url.replace(servers.ESCAPED, servers.ESCAPED + "x"): "refuses the user 'root' with this password",
        url.replace(f"root:{servers.ESCAPED}@", ""): "asks for a password: .*NEO4J_PASSWORD",
        url.replace("/app", "/nothing"): "has no database called 'nothing'",
        url.replace("bolt:", "bolt+s:"): "does not speak TLS: write bolt://",
        url.replace("bolt:", "neo4j+ssc:"): "TLS",
        url.replace("bolt:", "bolt+tls:"): r"no way to connect called 'bolt\+tls://'",
        url.replace(port, "1"): "no server answers at 127.0.0.1:1",
        url.replace("127.0.0.1", "nowhere.invalid"): "no server answers at nowhere.invalid",
        url.replace(servers.ESCAPED, servers.PASSWORD): "the URL cannot be read",
    }
    for wrong, said in cases.items():
        with pytest.raises(SourceError, match=said) as caught:
            read(wrong, tmp_path)
        told = "".join(traceback.format_exception(caught.value)) + caplog.text
        assert "\n" not in str(caught.value)
        assert not any(form in told for form in (servers.PASSWORD, servers.ESCAPED, "p@ss"))
    server.holds(PEOPLE)
    for name, value in {"URI": f"bolt://127.0.0.1:{port}", "USERNAME": "root", "PASSWORD": servers.PASSWORD}.items():
        monkeypatch.setenv(f"NEO4J_{name}", value)
    assert len(read("neo4j://", tmp_path)[0]) == 2
    assert not any(servers.PASSWORD.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


MANY = """
CREATE (p:Person {id: 'p', name: 'Ben'}) WITH p UNWIND range(1, 4000) AS i
CREATE (p)-[:SENT]->(:Message {id: 'msg_' + toString(i), body: 'text ' + toString(i), date: toString(1577836800 + i), isFromMe: false})
"""


def test_a_server_that_dies_is_taken_up_again_and_nothing_is_there_twice(
    server: Graph, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.holds(MANY)
    monkeypatch.setattr(sources, "formats", lambda: {"graph": graph})
    monkeypatch.setattr(graph, "PAGE", 1_000)
    asked, pages, dies_after = graph._Graph.ask, list[object](), 2

    def ask(self: graph._Graph, statement: str, **values: object) -> list[dict[str, Any]]:
        if "limit" in values:
            if len(pages) == dies_after:
                server.server.kill()
            pages.append(values["after"])
        return asked(self, statement, **values)

    monkeypatch.setattr(graph._Graph, "ask", ask)
    with pytest.raises(SourceError, match="broke: run the same command again"):
        imports.add_export(home, server.url)
    with pytest.raises(SourceError, match="no server answers"):
        imports.add_export(home, server.url)
    server.server.start()
    added, report = imports.add_export(home, server.url)
    assert (pages[0], pages[3]) == (None, pages[2])
    assert report.notes == ["4,000 messages in 1 conversation, from 2020-01-01 to 2020-01-01"]
    (conversation,) = conversations(home)
    assert [message.text for message in conversation.messages] == [f"text {number}" for number in range(1, 4_001)]
    assert (added.messages, imports.add_export(home, server.url)[0].messages) == (4_000, 0)
    assert not list((home.path / "fetched").iterdir())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("NSString in bplist form $ii", "NSString in bplist form $ii"),
        ("ok", "ok"),
        ("caf\ufffd\x07 שלום\tひ\r\n", "caf שלום\tひ\r\n"),
        (
            "\x04\x0bstreamtyped\ufffd\ufffd\x03\ufffd\x01@\ufffdNSString\x01\ufffd\ufffd\x01+\x05Hello\ufffd\ufffd\x02iI\x01\x05NSDictionary",
            "Hello",
        ),
        ("Hi\x00NSDictionary\x00__kIMMessagePartAttributeName", "Hi"),
        ("\ufffc", ""),
        (None, ""),
    ],
)
def test_a_body_loses_what_an_export_left_in_it_and_nothing_else(body: object, words: str) -> None:
    assert cleaned(body)[0] == words
