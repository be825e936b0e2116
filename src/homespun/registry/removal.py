"""Removing versions, and what was kept only for them."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from homespun.database.connection import flush
from homespun.database.schema import live, models, sessions
from homespun.database.schema import versions as table
from homespun.home import Home, Manifest
from homespun.registry import decisions
from homespun.registry.versions import KEPT, Version, list_versions, locked, needed


@dataclass(frozen=True, slots=True)
class Removed:
    versions: tuple[str, ...]
    """Titles such as `me@2`."""
    artefacts: tuple[str, ...]
    """All that went, as `kind:id`."""
    bytes: int


def prune(home: Home, model: str) -> Removed:
    """Remove the versions of a model that nothing needs any more.

    Kept are the live one, the last 5 that were live or can be rolled back to, those that wait for approval, the newest, and those
    that an export was made from.
    """
    known = list_versions(home, model)
    exported = {parent for one in home.artefacts() if one.kind == "export" for parent in one.parents}
    with locked(home, model) as (db, row):
        stays = needed(db, row, model)
        gone = [version for version in known if version.number not in stays and f"version:{version.artefact}" not in exported]
        return _remove(home, db, row, gone, f"not among the last {KEPT} live versions")


def delete_model(home: Home, name: str) -> Removed:
    """Remove a model with all its versions, their reports and exports, and what was said to it. What was decided stays in the book."""
    known = list_versions(home, name)
    with locked(home, name) as (db, row):
        removed = _remove(home, db, row, known, "with its model")
        db.execute(delete(live).where(live.c.model == row))
        db.execute(delete(models).where(models.c.id == row))
        db.execute(delete(sessions).where(sessions.c.model == name))
    flush(home)
    return removed


def _remove(home: Home, db: Connection, model: int, gone: Sequence[Version], reason: str) -> Removed:
    """Files go before the transaction ends: a command that is killed in between can be repeated, and then finishes."""
    for version in gone:
        db.execute(delete(table).where(table.c.model == model, table.c.number == version.number))
        decisions.append(db, model, version.number, "removed", reason)
    doomed = _with_kin(home, {version.artefact for version in gone} - set(db.execute(select(table.c.artefact)).scalars()))
    # Ancestors first: from a version that is still there, all of them are found again.
    size = sum(_remove_artefact(home, one) for one in reversed(doomed))
    return Removed(tuple(version.title for version in gone), tuple(one.title for one in doomed), size)


def _with_kin(home: Home, artefacts: Collection[str]) -> list[Manifest]:
    """Version artefacts, what was made from them, and then, step by step, what only these were made from."""
    known = list(home.artefacts())
    doomed = [one for one in known if one.kind == "version" and one.id in artefacts]
    doomed += home.made_from(doomed)
    while True:
        gone = {one.title for one in doomed}
        wanted = {parent for one in known if one.title not in gone for parent in one.parents}
        parents = {parent for one in doomed for parent in one.parents} - wanted - gone
        more = [one for one in known if one.title in parents]
        if not more:
            return doomed
        doomed += more


def _remove_artefact(home: Home, one: Manifest) -> int:
    """Returns its bytes. It goes at once: under a scratch name, which the home sweeps if the rest does not come about."""
    folder = home.folder(one.kind, one.id)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    scratch = folder.with_name(f".new-{one.id}")
    shutil.rmtree(scratch, ignore_errors=True)
    folder.rename(scratch)
    shutil.rmtree(scratch)
    return size
