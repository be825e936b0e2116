"""Who is in the corpus: one person for each human, however many names and accounts they write under."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from homespun.database.connection import connect
from homespun.database.schema import accounts, consents, facts, identities, messages, people
from homespun.errors import UnknownName, UsageError
from homespun.home import Home
from homespun.sources.reflections import ANSWERER

ME = "me"
"""How a user names the owner of the home, whoever that is."""

SHARED = ("tel", "mail")
"""Kinds of account of which one person has several. Of the others (a Telegram account) two different ones are two people."""


@dataclass(frozen=True, slots=True)
class PersonCount:
    name: str
    is_me: bool
    relation: str | None
    messages: int
    words: int


def person_called(db: Connection, name: str, known: Collection[str] = ()) -> int:
    """The id of who writes under a name, made if it is new.

    Args:
        known: their accounts as `kind:value`. They say more than names: an account that is here already is the same person under a new
            name, and a name that is here already is somebody else's if that somebody has another account of the same kind.
    """
    person = _by_account(db, known)
    namesake: int | None = db.execute(select(identities.c.person).where(identities.c.name == name)).scalar()
    if person is None and namesake is not None and _is_other(db, namesake, known):
        return person_called(db, f"{name} ({next(account.partition(':')[2] for account in sorted(known))})", known)
    if person is None:
        person = namesake if namesake is not None else _new_person(db, name)
    elif namesake is None:
        db.execute(insert(identities).values(name=name, person=person))
    for account in known:
        if db.execute(select(accounts.c.person).where(accounts.c.account == account)).scalar() is None:
            db.execute(insert(accounts).values(account=account, person=person))
    return person


def _by_account(db: Connection, known: Collection[str]) -> int | None:
    return (
        db.execute(select(accounts.c.person).where(accounts.c.account.in_(known)).order_by(accounts.c.account)).scalar() if known else None
    )


def _is_other(db: Connection, person: int, known: Collection[str]) -> bool:
    theirs = set(db.execute(select(accounts.c.account).where(accounts.c.person == person)).scalars())
    kinds = {account.partition(":")[0] for account in known} - set(SHARED)
    return any(account.partition(":")[0] in kinds for account in theirs)


def _new_person(db: Connection, name: str) -> int:
    key = db.execute(insert(people).values(name=name, is_me=False)).inserted_primary_key
    assert key is not None
    db.execute(insert(identities).values(name=name, person=key[0]))
    return int(key[0])


def own(db: Connection, person: int, importing: int) -> None:
    """One home has one owner. A second name for the owner, from another export, becomes an identity of the same person.

    Args:
        importing: the import under way. Who wrote in earlier ones under another name is somebody else until the user says otherwise.
    """
    owner = db.execute(select(people.c.id, people.c.name).where(people.c.is_me)).first()
    if owner is None:
        db.execute(update(people).where(people.c.id == person).values(is_me=True))
    elif owner.id != person and owner.name == ANSWERER:
        _merge(db, owner.id, person)
        db.execute(update(people).where(people.c.id == person).values(is_me=True))
    elif owner.id != person:
        name = db.execute(select(people.c.name).where(people.c.id == person)).scalar()
        if name is None:
            return  # was found to be the owner a moment ago
        if db.execute(select(messages.c.id).where(messages.c.speaker == person, messages.c["import"] != importing)).first():
            raise UsageError(
                f"you are {owner.name} here, and {name} is somebody else: if {name} is you too, run `homespun people merge {name!r} "
                f"{owner.name!r}` first"
            )
        _merge(db, person, owner.id)


def _merge(db: Connection, gone: int, kept: int) -> None:
    db.execute(update(messages).where(messages.c.speaker == gone).values(speaker=kept))
    for table in (identities, accounts):
        db.execute(update(table).where(table.c.person == gone).values(person=kept))
    _merge_facts(db, gone, kept)
    _merge_consents(db, gone, kept)
    db.execute(people.delete().where(people.c.id == gone))


def _merge_facts(db: Connection, gone: int, kept: int) -> None:
    """Of the same fact on both sides, what was decided stands."""
    theirs = {(row.relation, row.value): row for row in db.execute(select(facts).where(facts.c.person == kept))}
    for row in db.execute(select(facts).where(facts.c.person == gone)).all():
        if (twin := theirs.get((row.relation, row.value))) is not None:
            db.execute(delete(facts).where(facts.c.id == (twin.id if twin.status == "proposed" else row.id)))
    db.execute(update(facts).where(facts.c.person == gone).values(person=kept))


def _merge_consents(db: Connection, gone: int, kept: int) -> None:
    """Where both gave one, both notes are kept."""
    note = db.execute(select(consents.c.note).where(consents.c.person == gone)).scalar()
    other = db.execute(select(consents.c.note).where(consents.c.person == kept)).scalar()
    if note is not None and other is not None:
        db.execute(delete(consents).where(consents.c.person == gone))
        db.execute(update(consents).where(consents.c.person == kept).values(note=other if note == other else f"{other}; {note}"))
    db.execute(update(consents).where(consents.c.person == gone).values(person=kept))


def merge_people(home: Home, gone: str, kept: str) -> None:
    """Make two names one person, from now on known as `kept`."""
    with connect(home) as db:
        first, second = find(db, gone), find(db, kept)
        if first[0] == second[0]:
            raise UsageError(f"{gone!r} and {kept!r} are already the same person")
        if first[2]:
            db.execute(update(people).where(people.c.id == second[0]).values(is_me=True))
        _merge(db, first[0], second[0])


def set_me(home: Home, name: str) -> str:
    """Say who the owner of the home is. Returns the name as the corpus writes it."""
    with connect(home) as db:
        person, found, _ = find(db, name)
        db.execute(update(people).values(is_me=False))
        db.execute(update(people).where(people.c.id == person).values(is_me=True))
    return found


def set_relation(home: Home, name: str, relation: str | None) -> str:
    """Say what somebody is to the owner: partner, mother, work. Returns the name as the corpus writes it."""
    with connect(home) as db:
        person, found, is_me = find(db, name)
        if is_me:
            raise UsageError(f"{found} is you: relations are those of others to you")
        db.execute(update(people).where(people.c.id == person).values(relation=relation))
    return found


def relations(home: Home) -> dict[str, str]:
    """Name -> what they are to the owner, for everybody of whom that is known."""
    with connect(home) as db:
        return {name: relation for name, relation in db.execute(select(people.c.name, people.c.relation)) if relation}


def owner(home: Home) -> str | None:
    """The name of the home's owner, if that is known."""
    with connect(home) as db:
        return db.execute(select(people.c.name).where(people.c.is_me)).scalar()


def find_person(home: Home, name: str) -> str:
    """The person's name in the corpus; "me" is the owner.

    Raises:
        UnknownName: with near matches.
    """
    with connect(home) as db:
        return find(db, name)[1]


def find(db: Connection, name: str) -> tuple[int, str, bool]:
    columns = select(people.c.id, people.c.name, people.c.is_me, identities.c.name.label("alias"))
    known = db.execute(columns.join(identities, identities.c.person == people.c.id)).all()
    if name == ME:
        row = next((row for row in known if row.is_me), None)
        if row is None:
            raise UsageError("nobody is marked as you yet: run `homespun people me NAME`, or add an export with --me NAME")
        return row.id, row.name, row.is_me
    # Compared here because SQLite folds the case of ASCII only.
    same = [row for row in known if row.alias.casefold() == name.casefold()]
    if not same:
        raise UnknownName("person", name, [row.name for row in known], hint="add an export first: homespun add EXPORT --me NAME")
    row = next((row for row in same if row.alias == name), same[0])
    return row.id, row.name, row.is_me


def list_people(home: Home) -> list[PersonCount]:
    """Everybody, the most talkative first."""
    words = func.sum(func.length(messages.c.text) - func.length(func.replace(messages.c.text, " ", "")) + 1)
    query = (
        select(people.c.name, people.c.is_me, people.c.relation, func.count(messages.c.id), func.coalesce(words, 0))
        .outerjoin(messages, messages.c.speaker == people.c.id)
        .group_by(people.c.id)
        .order_by(func.count(messages.c.id).desc(), people.c.name)
    )
    with connect(home) as db:
        return [PersonCount(*row) for row in db.execute(query)]
