"""Who may be one person under two names: proposals, each with its evidence. Merging is the owner's decision."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from sqlalchemy import Connection, func, select

from homespun.database.connection import connect
from homespun.database.schema import accounts, identities, messages, people
from homespun.home import Home

ALIKE, PART, HANDLE, PARTNERS = 3.0, 1.5, 2.0, 0.5
"""What a kind of evidence weighs: the same name but for case and accents, a part of the name, a handle made of it, each common partner."""
ENOUGH = 1.5


@dataclass(frozen=True, slots=True)
class Proposal:
    """Two names that may be one person's; `gone` would become `kept`, who wrote more."""

    gone: str
    kept: str
    evidence: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class _Known:
    id: int
    name: str
    written: int
    names: frozenset[str]
    """Folded: `Zoë Müller-Lüdenscheidt` is `zoe muller ludenscheidt`."""
    handles: frozenset[str]
    """What their accounts are called, folded and without the host: `zoemuller` of `mail:zoe.muller@example.org`."""
    chats: frozenset[int]


def proposals(home: Home) -> list[Proposal]:
    """Pairs of people who may be one, the surest first. Who writes in one chat under two names is not proposed: those are two people."""
    with connect(home) as db:
        known = _known(db)
    partners = _partners(known)
    found: list[Proposal] = []
    for pair in _candidates(known):
        first, second = sorted(pair, key=lambda one: one.written)
        if first.chats & second.chats:
            continue
        weight, evidence = _names(first, second, known)
        common = sorted(partners[first.id] & partners[second.id]) if evidence else []
        if common:
            weight += min(2, len(common)) * PARTNERS
            evidence.append(f"both write with {', '.join(common[:3])}")
        if weight >= ENOUGH:
            found.append(Proposal(first.name, second.name, tuple(evidence), weight))
    return sorted(found, key=lambda proposal: (-proposal.weight, proposal.gone))


def fold(name: str) -> str:
    """Letters and digits in lower case without accents, in words. Only for comparing."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", plain))


def _known(db: Connection) -> list[_Known]:
    names, handles, places = defaultdict(set), defaultdict(set), defaultdict(set)
    for person, name in db.execute(select(identities.c.person, identities.c.name)):
        names[person].add(fold(name))
    for person, account in db.execute(select(accounts.c.person, accounts.c.account)):
        handles[person].add(fold(account.partition(":")[2].partition("@")[0]).replace(" ", ""))
    for person, chat in db.execute(select(messages.c.speaker, messages.c.chat).distinct()):
        places[person].add(chat)
    query = select(people.c.id, people.c.name, func.count(messages.c.id)).outerjoin(messages).group_by(people.c.id)
    return [
        _Known(number, name, written, frozenset(names[number] - {""}), frozenset(handles[number] - {""}), frozenset(places[number]))
        for number, name, written in db.execute(query)
    ]


def _partners(known: Iterable[_Known]) -> dict[int, set[str]]:
    inside = defaultdict(set)
    for one in known:
        for chat in one.chats:
            inside[chat].add(one.name)
    return {one.id: {name for chat in one.chats for name in inside[chat]} - {one.name} for one in known}


def _candidates(known: Iterable[_Known]) -> Iterable[frozenset[_Known]]:
    """Pairs that share a word of a name, or a handle with a name: all others need not be compared."""
    sharing: dict[str, list[_Known]] = defaultdict(list)
    for one in known:
        for key in {word for name in one.names for word in name.split()} | {name.replace(" ", "") for name in one.names} | one.handles:
            sharing[key].append(one)
    return {frozenset(pair) for group in sharing.values() for pair in combinations(group, 2) if pair[0].id != pair[1].id}


def _names(first: _Known, second: _Known, known: Iterable[_Known]) -> tuple[float, list[str]]:
    weight, evidence = 0.0, []
    joined = {name.replace(" ", "") for name in first.names}, {name.replace(" ", "") for name in second.names}
    if same := first.names & second.names or joined[0] & joined[1]:
        weight += ALIKE
        evidence.append(f"the same name but for case, accents and signs ({min(same)})")
    elif part := _part(first, second) or _part(second, first):
        several = sum(part in name.split() for one in known for name in one.names)
        weight += PART if several == 2 else PART / 2
        evidence.append(f"{part!r} is part of both names" + ("" if several == 2 else f", and of {several - 2} others"))
    if handle := (first.handles & joined[1]) | (second.handles & joined[0]) | (first.handles & second.handles):
        weight += HANDLE
        evidence.append(f"the account {min(handle)!r} is the other's name, or both have it")
    return weight, evidence


def _part(short: _Known, long: _Known) -> str | None:
    """A name of one word that is a word of the other's longer name."""
    words = {word for name in long.names for word in name.split() if " " in name}
    return next((name for name in sorted(short.names) if len(name) > 2 and name in words), None)
