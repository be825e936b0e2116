"""How `homespun people facts` shows what is known of somebody, and takes decisions about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from shlex import quote
from typing import TYPE_CHECKING

from homespun.cli.common import emit, table
from homespun.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from homespun.corpus.facts import Fact
    from homespun.home import Home

SHOWN = 60
"""Characters of a message."""
YEAR = 366 * 86400.0
"""Seconds: a smaller time is counted from the start of some recording, and is no date."""


def show(home: Home, name: str, confirmed: Sequence[str], rejected: Sequence[str], added: Sequence[str], as_json: bool) -> None:
    """Take the decisions, then list what is proposed and confirmed. Everything is checked before anything changes."""
    from homespun.corpus import facts
    from homespun.corpus.people import find_person

    person = find_person(home, name)
    yes, no, new = _ids(confirmed), _ids(rejected), [_pair(text) for text in added]
    if both := sorted(yes & no):
        raise UsageError(f"fact {both[0]} cannot be both confirmed and rejected")
    if not (yes or no or new):
        facts.propose(home, person)
    known = {fact.id for fact in facts.facts_of(home, person, facts.STATUSES)}
    if unknown := sorted((yes | no) - known):
        raise UnknownName("fact", str(unknown[0]), map(str, known), hint=f"nothing is known of {person} yet")
    facts.confirm(home, yes)
    facts.reject(home, no)
    for relation, value in new:
        facts.add_fact(home, person, relation, value)
    found = facts.facts_of(home, person)
    counting = {fact.id for fact in facts.valid(found)}
    told = {
        "person": person,
        "facts": [
            {
                "id": fact.id,
                "relation": fact.relation,
                "value": fact.value,
                "status": fact.status,
                "counts": fact.id in counting,
                "message": fact.message,
                "time": fact.time,
                "text": fact.text,
            }
            for fact in found
        ],
    }
    emit(as_json, told, _told(person, name, found, counting))


def _told(person: str, name: str, found: Sequence[Fact], counting: set[int]) -> str:
    again = f"homespun people facts{'' if name == 'me' else f' {quote(name)}'}"
    if not found:
        return f"nothing is known of {person} yet: {again} --add 'home=Bergen' says something"
    rows = [(fact.id, _status(fact, counting), fact.relation, fact.value, _date(fact), _source(fact)) for fact in found]
    lines = [table(rows, ("id", "status", "relation", "value", "date", "from"))]
    if waiting := [str(fact.id) for fact in found if fact.status == "proposed"]:
        lines.append(f"{len(waiting)} proposed: {again} --confirm {','.join(waiting[:4])} or --reject ID")
    return "\n".join(lines)


def _status(fact: Fact, counting: set[int]) -> str:
    return "outdated" if fact.status == "confirmed" and fact.id not in counting else fact.status


def _date(fact: Fact) -> str:
    return f"{datetime.fromtimestamp(fact.time, UTC):%Y-%m-%d}" if fact.time is not None and fact.time > YEAR else ""


def _source(fact: Fact) -> str:
    if fact.message is None:
        return "said by hand"
    text = " ".join((fact.text or "").split())
    at = max(0, text.find(fact.value) - SHOWN // 2)
    return f"{fact.message[:12]} {'…' if at else ''}{text[at : at + SHOWN]}{'…' if at + SHOWN < len(text) else ''}"


def _ids(given: Sequence[str]) -> set[int]:
    """`3`, `3,5` or `"3 5"`, as often as wanted."""
    words = [word for text in given for word in text.replace(",", " ").split()]
    if bad := next((word for word in words if not (word.isascii() and word.isdigit())), None):
        raise UsageError(f"{bad!r} is not the id of a fact: `homespun people facts` lists them")
    return {int(word) for word in words}


def _pair(text: str) -> tuple[str, str]:
    relation, equals, value = text.partition("=")
    if not (relation.strip() and equals and value.strip()):
        raise UsageError(f"{text!r} is not a fact: write it as relation=value, such as --add 'home=Bergen'")
    return relation, value
