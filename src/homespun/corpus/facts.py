"""What is true of the people here: proposed by rule from their own messages, then confirmed or rejected by who knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, cast, get_args

from sqlalchemy import Connection, insert, select, update

from homespun.corpus import fact_rules
from homespun.corpus.people import find
from homespun.corpus.relations import MANY
from homespun.database.connection import connect
from homespun.database.schema import facts, messages, people
from homespun.errors import UnknownName, UsageError
from homespun.home import Home

Status = Literal["proposed", "confirmed", "rejected"]
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Fact:
    id: int
    person: str
    relation: str
    value: str
    message: str | None
    """The id of the newest message that states it; None: said by hand."""
    time: float | None
    """Of that message, in its chat's clock; of a fact said by hand, when it was said. None where the chat has no times."""
    status: Status
    text: str | None = None
    """Of the message."""


def propose(home: Home, person: str) -> int:
    """Read everything somebody wrote, and propose what it states about them. Returns how many facts are new.

    A fact that is known, in whatever letter case, is not proposed again; it then rests on the newest message that states it. What was
    rejected stays so. Raises UnknownName.
    """
    with connect(home) as db:
        number = find(db, person)[0]
        known = {(row.relation, row.value.casefold()): row for row in db.execute(select(facts).where(facts.c.person == number))}
        query = select(messages.c.id, messages.c.time, messages.c.text).where(messages.c.speaker == number)
        stated: dict[tuple[str, str], dict[str, object]] = {}
        for address, time, text in db.execute(query.order_by(messages.c.time, messages.c.chat, messages.c.position)):
            for fact in fact_rules.find(text):
                key = fact.relation, fact.value.casefold()
                stated.pop(key, None)  # its place among those without a time is that of the newest statement
                stated[key] = {"relation": fact.relation, "value": fact.value, "message": address, "time": time}
        for key, row in stated.items():
            if key not in known:
                db.execute(insert(facts).values(**row, person=number, status="proposed", created=_now()))
            elif known[key].message is not None and known[key].message != row["message"]:
                db.execute(update(facts).where(facts.c.id == known[key].id).values(message=row["message"], time=row["time"]))
        return len(stated.keys() - known.keys())


def add_fact(home: Home, person: str, relation: str, value: str) -> Fact:
    """Say a fact by hand: it is confirmed at once, and rests on no message.

    Raises:
        UnknownName: nobody is called that.
        UsageError: the relation or the value is empty.
    """
    relation, value = " ".join(relation.casefold().split()), " ".join(value.split())
    if not relation or not value:
        raise UsageError("a fact is a relation and a value, such as home=Bergen")
    with connect(home) as db:
        number = find(db, person)[0]
        mine = select(facts.c.id, facts.c.relation, facts.c.value).where(facts.c.person == number)
        same = [row.id for row in db.execute(mine) if (row.relation, row.value.casefold()) == (relation, value.casefold())]
        said = {"value": value, "message": None, "time": datetime.now(UTC).timestamp(), "status": "confirmed", "created": _now()}
        if same:
            db.execute(update(facts).where(facts.c.id == same[0]).values(**said))
        else:
            db.execute(insert(facts).values(person=number, relation=relation, **said))
        return next(fact for fact in _read(db, number) if (fact.relation, fact.value) == (relation, value))


def confirm(home: Home, ids: Collection[int]) -> list[Fact]:
    """Say of proposed (or rejected) facts that they are true. Raises UnknownName, and changes nothing, if one is not there."""
    return _decide(home, ids, "confirmed")


def reject(home: Home, ids: Collection[int]) -> list[Fact]:
    """Say of facts that they are not true: they are not proposed again. Raises UnknownName, and changes nothing, if one is not there."""
    return _decide(home, ids, "rejected")


def facts_of(home: Home, person: str, status: Collection[Status] = ("proposed", "confirmed")) -> list[Fact]:
    """Somebody's facts, by relation, the newest of each relation first. Raises UnknownName."""
    with connect(home) as db:
        return [fact for fact in _read(db, find(db, person)[0]) if fact.status in status]


def everybodys_facts(home: Home) -> list[Fact]:
    """The confirmed facts of all people: what a wrong answer may be taken from."""
    with connect(home) as db:
        return [fact for fact in _read(db) if fact.status == "confirmed"]


def valid(found: Iterable[Fact]) -> list[Fact]:
    """The confirmed ones that count now: of relations that have one value at a time, the newest."""
    kept: list[Fact] = []
    seen: set[tuple[str, str]] = set()
    for fact in sorted((fact for fact in found if fact.status == "confirmed"), key=_newest_first):
        if fact.relation in MANY or (fact.person, fact.relation) not in seen:
            kept.append(fact)
            seen.add((fact.person, fact.relation))
    return kept


def _decide(home: Home, ids: Collection[int], status: Status) -> list[Fact]:
    with connect(home) as db:
        known = {fact.id: fact for fact in _read(db)}
        for number in ids:
            if number not in known:
                raise UnknownName("fact", str(number), [str(one) for one in known], hint="`homespun people facts` lists them")
            db.execute(update(facts).where(facts.c.id == number).values(status=status))
        return [fact for fact in _read(db) if fact.id in ids]


def _read(db: Connection, person: int | None = None) -> list[Fact]:
    columns = (facts.c.id, people.c.name, facts.c.relation, facts.c.value, facts.c.message, facts.c.time, facts.c.status, messages.c.text)
    query = select(*columns).join(people, people.c.id == facts.c.person).outerjoin(messages, messages.c.id == facts.c.message)
    rows = db.execute(query if person is None else query.where(facts.c.person == person)).all()
    assert all(row.status in STATUSES for row in rows)
    return sorted(
        (Fact(*row[:6], cast(Status, row.status), row.text) for row in rows), key=lambda fact: (fact.relation, _newest_first(fact))
    )


def _newest_first(fact: Fact) -> tuple[bool, float, int]:
    """Where a chat has no times, the order in which its messages were read."""
    return fact.time is None, -(fact.time or 0.0), -fact.id


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
