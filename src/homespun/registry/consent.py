"""Who, other than the owner of the home, agreed to an avatar of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from shlex import quote

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from homespun.corpus.people import find
from homespun.database.connection import connect
from homespun.database.schema import consents as table
from homespun.database.schema import people
from homespun.errors import UsageError
from homespun.home import Home


@dataclass(frozen=True, slots=True)
class Consent:
    person: str
    note: str
    """How it is known, in the user's words: "agreed on the phone, 3 May", "public domain diary", "invented"."""
    created: str


def check_consent(home: Home, person: str) -> None:
    """Before an avatar of somebody is made: it is the owner of the home, or somebody whose consent is recorded.

    Nobody is taken for the owner because a model of them is asked for: that is said with `--me` or `people me`.

    Raises:
        UnknownName: no such person.
        UsageError: neither; says what to type.
    """
    with connect(home) as db:
        row, name, is_me = find(db, person)
        if is_me or db.execute(select(table.c.person).where(table.c.person == row)).scalar() is not None:
            return
        owner = db.execute(select(people.c.name).where(people.c.is_me)).scalar()
    agreed = (
        f'if they agreed, say how and when: homespun train NAME --person {quote(name)} --consent "…" '
        f"(of somebody invented or long dead, say that)"
    )
    if owner is None:
        raise UsageError(f"nobody is marked as you yet: if you are {name}, run `homespun people me {quote(name)}`; {agreed}")
    raise UsageError(f"{name} is not you ({owner}), and a model of somebody else needs their consent: {agreed}")


def record(home: Home, person: str, note: str) -> None:
    """Write down that somebody agreed, over what was written before.

    Raises:
        UnknownName: no such person.
        UsageError: the note is empty, or the person is the owner of the home.
    """
    note = " ".join(note.split())
    if not note:
        raise UsageError('the note on the consent is empty: say how and when they agreed, such as --consent "on the phone, 3 May"')
    with connect(home) as db:
        row, name, is_me = find(db, person)
        if is_me:
            raise UsageError(f"{name} is you: a model of yourself needs no consent")
        written = {"note": note, "created": datetime.now(UTC).isoformat(timespec="seconds")}
        said = insert(table).values(person=row, **written)
        db.execute(said.on_conflict_do_update(index_elements=["person"], set_=written))


def consents(home: Home) -> list[Consent]:
    """All that are recorded, by name."""
    with connect(home) as db:
        rows = select(people.c.name, table.c.note, table.c.created).join(people, people.c.id == table.c.person).order_by(people.c.name)
        return [Consent(*row) for row in db.execute(rows)]


def consent_of(home: Home, person: str) -> Consent | None:
    """What is recorded of somebody; None of the owner."""
    with connect(home) as db:
        name = find(db, person)[1]
    return next((consent for consent in consents(home) if consent.person == name), None)
