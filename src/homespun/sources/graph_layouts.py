"""What a graph of messages looks like, and how each form of it is asked and understood.

`people`: (Person)-[:SENT]->(Message)-[:SENT_TO]->(GroupChat), where `isFromMe` says which messages are the owner's.
`follows`: (Message)-[:FOLLOWS]->(Message) with the speaker's name in the message.
Any other by a mapping: `text = "Post.body"` (label and property), and for the rest a property of that node (`time = "at"`) or of one
that a relationship leads to (`speaker = "WROTE.name"`). Or by a query that returns `text`, `speaker`, and any of `time`, `chat`, `id`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from homespun.config import SourceSection
from homespun.errors import SourceError, UnknownName
from homespun.sources.dates import plain
from homespun.sources.reflections import ANSWERER
from homespun.sources.spool import Record, Row, Spool, take

OURS = ("text", "speaker", "time", "chat", "id")
_MAPPING = "--map text=Post.body --map speaker=WROTE.name --map time=at --map chat=IN.title, or a query in the recipe's [source]"
_WRITES = re.compile(r"\b(?:create|merge|delete|detach|set|remove|drop|load\s+csv|foreach|insert|alter|grant|in\s+transactions)\b", re.I)
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`(?:``|[^`])*`|//[^\n]*|/\*.*?\*/", re.DOTALL)
# What the export of a Mac leaves in bodies. Only where there is a sign of damage: "NSString" may be somebody's words.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffc\ufffd]")
_DAMAGED = re.compile("[\x00-\x08\x0e-\x1f\x80-\x84\x86-\x9f\ufffd]|streamtyped|bplist00|__kIM")
_TYPED = re.compile(r"streamtyped.*?NSString[^+]*\+(?:[\x81\ufffd]..|.)(?P<text>.*?)(?:[\x86\ufffd][\x84\ufffd].*|$)", re.DOTALL)
_FRAGMENT = re.compile(
    r"bplist00\S*|__kIM\w+|\bNS(?:Mutable)?(?:Attributed)?(?:String|Dictionary|Data|Number|Value|Object|Array|URL)\b|DDScannerResult"
)
_REACTION = re.compile(r"(?:Loved|Liked|Disliked|Laughed at|Emphasized|Questioned) (?:“.*”|an? \w+)", re.DOTALL)


class Ask(Protocol):
    def __call__(self, statement: str, **values: object) -> list[Record]: ...


@dataclass(frozen=True, slots=True)
class Layout:
    """How to ask for messages, and what to make of a record."""

    first: str
    """The first page, up to $limit records in the order of `key`; ..."""
    following: str
    """... and those after $after."""
    total: str
    store: Callable[[Record, Spool], None]
    key: str
    """What the key is called there."""
    linked: bool = False
    paged: bool = True

    @property
    def question(self) -> str:
        """Tells one way of asking from another."""
        return hashlib.sha256(f"{self.first}\n{self.following}".encode()).hexdigest()


def layout_of(ask: Ask, wanted: SourceSection) -> Layout:
    """The layout that the user describes, or that is found.

    Raises:
        SourceError: the graph is empty, has no known layout, or has not what the mapping names.
    """
    if wanted.query is not None:
        return _by_query(ask, wanted.query)
    labels = [record["label"] for record in ask("CALL db.labels() YIELD label RETURN label")]
    types = [record["type"] for record in ask("CALL db.relationshipTypes() YIELD relationshipType RETURN relationshipType AS type")]
    if not ask("MATCH (n) RETURN 1 AS one LIMIT 1"):
        raise SourceError("the graph is empty: put the name of another database after the host, as in neo4j://HOST:7687/neo4j")
    if wanted.columns:
        return _by_mapping(ask, wanted.columns, labels, types)
    properties = _properties(ask, "Message") if "Message" in labels else {}
    if "body" in properties and "id" in properties and "SENT" in types:
        return _people(_key_expression("id", properties), _owner(ask))
    if "message" in properties and "speaker" in properties and "FOLLOWS" in types:
        return _follows("id" if "id" in properties else "timestamp", properties)
    found = ", ".join(sorted(labels)[:8]) + (", …" if len(labels) > 8 else "")
    raise SourceError(f"no known layout among the labels {found}: say what is where, for example {_MAPPING}")


def _properties(ask: Ask, label: str) -> dict[str, set[type]]:
    """The properties of a hundred nodes, and of what types they are."""
    found: dict[str, set[type]] = {}
    for record in ask(f"MATCH (m:{quoted(label)}) RETURN properties(m) AS all LIMIT 100"):
        for name, value in record["all"].items():
            found.setdefault(name, set()).add(type(value))
    return found


def _key_expression(name: str, properties: Mapping[str, set[type]]) -> str:
    """Values of one kind are compared as they are, which an index can help with; others as text."""
    own = f"m.{quoted(name)}"
    return own if properties.get(name) in ({str}, {int}) else f"toString({own})"


def quoted(name: str) -> str:
    """A label, relationship or property as Cypher takes it. They come from the user and cannot be parameters."""
    if not name or not name.isprintable() or "`" in name:
        raise SourceError(f"{name!r} cannot be a label or property: write its name as it is in the graph")
    return f"`{name}`"


def _paged(label: str, key: str, fields: str, store: Callable[[Record, Spool], None], name: str, linked: bool = False) -> Layout:
    match, rest = f"MATCH (m:{quoted(label)})", f"WITH m, {key} AS key ORDER BY key LIMIT $limit RETURN key, {fields} ORDER BY key"
    return Layout(
        f"{match} WHERE {key} IS NOT NULL {rest}",
        f"{match} WHERE {key} > $after {rest}",
        f"{match} RETURN count(m) AS n",
        store,
        name,
        linked,
    )


def _owner(ask: Ask) -> Record | None:
    """The person who is the owner: who is marked as such, or who alone sent all that is "from me" and nothing else.

    In other graphs what the owner sent hangs on the partner, as in the phone's own database; then nobody is.
    """
    person = "RETURN DISTINCT p.id AS id, p.name AS name, p.phone AS phone LIMIT 2"
    if marked := ask(f"MATCH (p:Person) WHERE p.isMainUser = true {person}"):
        return marked[0] if len(marked) == 1 else None
    senders = ask(f"MATCH (p:Person)-[:SENT]->(m:Message) WHERE m.isFromMe = true {person}")
    others = "MATCH (p:Person {id: $id})-[:SENT]->(m:Message) WHERE coalesce(m.isFromMe, false) = false RETURN 1 AS one LIMIT 1"
    return senders[0] if len(senders) == 1 and not ask(others, id=senders[0]["id"]) else None


def _people(key: str, owner: Record | None) -> Layout:
    person = "{.id, .name, .phone}"
    fields = (
        "m.body AS text, m.date AS time, m.isFromMe AS mine, m.groupChat AS room, "
        f"[(m)<-[:SENT]-(p:Person) | p {person}] AS senders, [(m)-[:SENT_TO]->(p:Person) | p {person}] AS receivers, "
        "[(m)-[:SENT_TO]->(g:GroupChat) | g {.id, .name}] AS groups"
    )
    return _paged("Message", key, fields, partial(_store_people, owner), "id")


def _store_people(owner: Record | None, record: Record, spool: Spool) -> None:
    text, why = cleaned(record["text"])
    named = {_key(one): one for key in ("senders", "receivers") for one in record[key] if _key(one)}
    senders = [key for one in record["senders"] if (key := _key(one))]
    me = _key(owner or {})
    mine = me in senders if record["mine"] is None else record["mine"] in (True, 1, "1", "true", "True")
    author = me if mine else next((key for key in senders if key != me), None)
    if why or author is None:
        spool.skip(why or "message without a sender")
        return
    if mine:
        spool.person(me, _name(owner) if owner else ANSWERER, _account((owner or {}).get("phone")), True)
    else:
        spool.person(author, _name(named[author]), _account(named[author].get("phone")))
    partners = {key: _name(one) for key, one in sorted(named.items()) if key != me}
    spool.add(Row(author, text, _room(record, partners, spool), plain(record["time"]), str(record["key"])))


def _room(record: Record, partners: Mapping[str, str], spool: Spool) -> str | None:
    """The group, or else the pair. None where the graph does not say to whom the owner wrote."""
    group: Record = next(iter(record["groups"]), {})
    if key := str(group.get("id") or group.get("name") or record["room"] or ""):
        spool.room(key, str(group.get("name") or key), True)
    elif partners:
        key = "with " + " ".join(partners)
        spool.room(key, ", ".join(partners.values()), False if len(partners) == 1 else None)
    return key or None


def _key(person: Record) -> str:
    return str(person.get("id") or person.get("name") or "")


def _name(person: Record) -> str:
    return str(person.get("name") or person["id"])


def _account(phone: object) -> str:
    """Numbers with their country, and mail addresses; others could be anybody's."""
    text = str(phone or "").strip()
    digits = re.sub(r"\D", "", text)
    if "@" in text:
        return f"mail:{text.lower()}"
    return f"tel:+{digits}" if text.startswith("+") and 7 < len(digits) < 16 else ""


def cleaned(body: object) -> tuple[str, str]:
    """The words of a body without what damaged exports left in it, and why there are none."""
    if not isinstance(body, str) or not body.strip():
        return "", "empty message"
    if _DAMAGED.search(body):
        typed = _TYPED.search(body)
        body = _FRAGMENT.sub("", typed["text"] if typed else body)
    body = _CONTROL.sub("", body)
    if not body.strip():
        return "", "media without text"
    return (body, "") if not _REACTION.fullmatch(body.strip()) else ("", "reaction to a message")


def _follows(key: str, properties: Mapping[str, set[type]]) -> Layout:
    fields = (
        f"m.message AS text, m.speaker AS speaker, m.timestamp AS time, {'m.id' if key == 'id' else 'null'} AS id, "
        "elementId(m) AS ref, [(m)-[:FOLLOWS]->(next) | elementId(next)] AS links"
    )
    return _paged("Message", _key_expression(key, properties), fields, take, key, linked=True)


def _by_mapping(ask: Ask, columns: Mapping[str, str], labels: Iterable[str], types: Iterable[str]) -> Layout:
    unknown = next((name for name in columns if name not in OURS), None)
    if unknown is not None:
        raise SourceError(str(UnknownName("field of a graph", unknown, OURS)))
    if not {"text", "speaker"} <= columns.keys():
        raise SourceError(f"a mapping names at least text and speaker: {_MAPPING}")
    label, dot, text = columns["text"].rpartition(".")
    if not dot:
        raise SourceError(f"text = {columns['text']!r} does not say of which nodes: write LABEL.{columns['text']}")
    _known("label", label, labels)
    properties = _properties(ask, label)
    expressions = {name: _expression(value, properties, types) for name, value in {**columns, "text": text}.items()}
    key = columns.get("id") or ("id" if "id" in properties else columns.get("time", text))
    if "." in key:
        raise SourceError(f"id = {key!r} must be a property of the nodes called {label}")
    if "id" not in columns and "id" in properties:
        expressions["id"] = "m.`id`"
    fields = ", ".join(f"{expression} AS {name}" for name, expression in expressions.items())
    return _paged(label, _key_expression(key, properties), fields, take, key)


def _expression(value: str, properties: Iterable[str], types: Iterable[str]) -> str:
    relationship, dot, name = value.rpartition(".")
    if dot:
        _known("relationship", relationship, types)
        return f"head([(m)-[:{quoted(relationship)}]-(other) | other.{quoted(name)}])"
    _known("property", name, properties)
    return f"m.{quoted(name)}"


def _known(kind: str, name: str, known: Iterable[str]) -> None:
    if name not in (known := list(known)):
        raise SourceError(str(UnknownName(f"{kind} in the graph", name, known)))


def _by_query(ask: Ask, query: str) -> Layout:
    """Paged if the query returns an `id`; else it is asked once, and again from the start when the connection broke."""
    query = query.strip().rstrip(";")
    if _WRITES.search(_QUOTED.sub("''", query)):
        raise SourceError("the query would change the graph: write one that only matches and returns")
    sample = ask(f"CALL {{ {query}\n }} RETURN * LIMIT 1")
    if not sample:
        raise SourceError("the query returns nothing: try it in the browser of the database first")
    for column in ("text", "speaker"):
        if column not in sample[0]:
            raise SourceError(str(UnknownName("column in what the query returns", column, sample[0])))
    if "id" not in sample[0]:
        return Layout(query, "", "", take, "id", paged=False)
    given = ", ".join(name for name in OURS if name in sample[0])
    inner, rest = f"CALL {{ {query}\n }} WITH {given} WHERE", f"RETURN {given}, id AS key ORDER BY id LIMIT $limit"
    return Layout(f"{inner} id IS NOT NULL {rest}", f"{inner} id > $after {rest}", "", take, "id")
