"""Models and their versions: which exist, what the gate said of them, which one is live, and what was live before."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, func, insert, literal, select, update

from homespun.bases.identity import identity
from homespun.config import Recipe, parse_recipe
from homespun.database.connection import connect
from homespun.database.schema import feedback, interactions, live, models, sessions, versions
from homespun.errors import BaseError, CheckFailed, UnknownName, UsageError
from homespun.home import Home, Manifest, file_hash
from homespun.registry import decisions
from homespun.registry.decisions import Action

if TYPE_CHECKING:
    from homespun.registry.gate import Decision, Verdict

ROLLED_BACK: Literal["rolled back"] = "rolled back"
KEPT = 5
"""Versions that were live last, which are never removed while their model is there."""
FORGETFUL = frozenset({"report.json", "report.md"})
"""Files of a stale version that may have changed: forgetting takes people's words out of them."""


@dataclass(frozen=True, slots=True)
class Model:
    """A name the user picked, with the person and the recipe it is made by."""

    name: str
    person: str
    recipe: Recipe
    versions: int
    live: int | None


@dataclass(frozen=True, slots=True)
class Version:
    """One artefact with all that answers depend on: adapter, prompt (the recipe), base and retrieval index. Never changed once made."""

    model: str
    number: int
    artefact: str
    created: str
    is_live: bool
    verdict: Verdict | None = None
    """What the gate said; None where it was never asked."""
    reason: str = ""
    """Why it said so."""
    waits: bool = False
    """The gate passed it, and a person has to approve it."""

    @property
    def title(self) -> str:
        return f"{self.model}@{self.number}"


def find_model(home: Home, name: str) -> Model | None:
    return next((model for model in list_models(home) if model.name == name), None)


def get_model(home: Home, name: str) -> Model:
    """Raises UnknownName, with near matches."""
    known = list_models(home)
    for model in known:
        if model.name == name:
            return model
    raise UnknownName("model", name, [model.name for model in known], hint=f"make it with `homespun train {name}`")


def list_models(home: Home) -> list[Model]:
    with connect(home) as db:
        rows = db.execute(select(models).order_by(models.c.name)).all()
        counted = db.execute(select(versions.c.model, func.count()).group_by(versions.c.model))
        counts = {int(row[0]): int(row[1]) for row in counted}
        return [Model(row.name, row.person, parse_recipe(row.recipe, row.name), counts.get(row.id, 0), _live(db, row.id)) for row in rows]


def put_model(home: Home, name: str, person: str, recipe: Recipe) -> None:
    """Create a model, or give an existing one a new recipe. A model never changes whom it speaks for.

    Raises:
        UsageError: the name is no name, or belongs to somebody else's model.
    """
    check_owner(home, name, person)
    with connect(home) as db:
        known = db.execute(select(models.c.id).where(models.c.name == name)).scalar()
        if known is None:
            last = max(decisions.last_model(db), db.execute(select(func.max(models.c.id))).scalar() or 0)
            db.execute(insert(models).values(id=last + 1, name=name, person=person, recipe=recipe.toml(), created=_now()))
        else:
            db.execute(update(models).where(models.c.id == known).values(recipe=recipe.toml()))


def check_owner(home: Home, name: str, person: str) -> None:
    """Whether `name` can be a model of `person`, before anything slow begins.

    Raises:
        UsageError: it is no name, or belongs to somebody else's model.
    """
    check_name(name)
    known = find_model(home, name)
    if known and known.person != person:
        raise UsageError(f"the model {name!r} speaks for {known.person}: choose another name for a model of {person}")


def check_name(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise UsageError(f"{name!r} cannot be a model's name: use up to 64 letters, digits, dots, dashes and underscores")


def rename_model(home: Home, old: str, new: str) -> None:
    check_name(new)
    get_model(home, old)
    if find_model(home, new):
        raise UsageError(f"there is already a model called {new!r}")
    with connect(home) as db:
        db.execute(update(models).where(models.c.name == old).values(name=new))
        db.execute(update(sessions).where(sessions.c.model == old).values(model=new))
        for table in (interactions, feedback):
            theirs = table.c.version.startswith(f"{old}@", autoescape=True)
            db.execute(update(table).where(theirs).values(version=literal(new) + func.substr(table.c.version, len(old) + 1)))


def add_version(
    home: Home, model: str, artefact: str, decision: Decision | None = None, held_out: str | None = None, review: bool = False
) -> Version:
    """Number the next version of a model, and put it live if the gate passed it. The same artefact twice is the same version.

    Args:
        decision: what the gate said; without it the live version stays.
        held_out: the fingerprint of the examples it was judged on.
        review: a version that passes waits for a person instead.
    """
    with locked(home, model) as (db, row):
        number = db.execute(select(versions.c.number).filter_by(model=row, artefact=artefact)).scalar()
        if number is None:
            last = db.execute(select(func.max(versions.c.number)).where(versions.c.model == row)).scalar() or 0
            number = max(last, decisions.last_number(db, row)) + 1
            db.execute(insert(versions).values(model=row, number=number, artefact=artefact, created=_now()))
            if decision:
                decisions.append(db, row, number, "judged", decision.reason, decision, held_out)
            if decision and decision.verdict == "pass":
                if review:
                    decisions.append(db, row, number, "held", "waits for approval")
                else:
                    _go_live(db, row, number, "promoted", decision.reason)
    return get_version(home, f"{model}@{number}")


def list_versions(home: Home, model: str) -> list[Version]:
    get_model(home, model)
    with connect(home) as db:
        return _versions(db, _model_id(db, model), model)


def _versions(db: Connection, row: int, model: str) -> list[Version]:
    current = _live(db, row)
    said = decisions.entries(db, row, model)
    judged = {entry.version: entry for entry in said if entry.action == "judged"}
    last = {entry.version: entry.action for entry in said}
    found = db.execute(select(versions).where(versions.c.model == row).order_by(versions.c.number)).all()
    made = [Version(model, version.number, version.artefact, version.created, version.number == current) for version in found]
    return [
        replace(version, verdict=entry.verdict if entry else None, reason=entry.reason if entry else "", waits=waits)
        for version in made
        for entry, waits in [(judged.get(version.title), last.get(version.title) == "held")]
    ]


def get_version(home: Home, title: str) -> Version:
    """ "NAME@3", or "NAME" for the live version (the newest, if none is live).

    Raises:
        UnknownName: no such model or version.
    """
    name, at, number = title.partition("@")
    known = list_versions(home, name)
    if not known:
        raise UsageError(f"{name} has no version yet: run `homespun train {name}`")
    if not at:
        return next((version for version in known if version.is_live), known[-1])
    for version in known:
        if str(version.number) == number:
            return version
    raise UnknownName("version", title, [version.title for version in known])


def promote(home: Home, title: str, reason: str = "by hand", anyway: bool = False) -> Version:
    """Make a version the one that answers; one that waits for a person is thereby approved.

    Args:
        anyway: also one that the gate did not pass.

    Raises:
        UsageError: it learned from words that were to be forgotten.
        CheckFailed: the gate did not pass it, or its files were changed.
    """
    version = get_version(home, title)
    _check_fit(home, version)
    if not (anyway or version.verdict in (None, "pass")):
        raise CheckFailed(
            f"the gate did not pass {version.title} ({version.verdict}): {version.reason}; "
            f'to promote it all the same, say why: homespun promote {version.title} --anyway "…"'
        )
    with locked(home, version.model) as (db, row):
        now = next((one for one in _versions(db, row, version.model) if one.number == version.number), None)
        if now is None:
            raise UnknownName("version", version.title, [one.title for one in _versions(db, row, version.model)])
        if not now.is_live:
            _go_live(db, row, now.number, "approved" if now.waits else "promoted", reason)
    return get_version(home, version.title)


def refuse(home: Home, title: str, reason: str) -> Version:
    """A person's no to a version that waits for them. What is live stays so.

    Raises:
        UsageError: it does not wait.
    """
    version = get_version(home, title)
    with locked(home, version.model) as (db, row):
        if not any(one.waits for one in _versions(db, row, version.model) if one.number == version.number):
            raise UsageError(f"{version.title} does not wait for approval: `homespun versions {version.model}` shows what does")
        decisions.append(db, row, version.number, "refused", reason)
    return get_version(home, version.title)


def rollback(home: Home, model: str, reason: str = "by hand") -> Version:
    """Return to what was live before the version that is live now.

    Raises:
        UsageError: nothing was, or it learned from words that were to be forgotten.
        CheckFailed: its files were changed.
    """
    get_model(home, model)
    with locked(home, model) as (db, row):
        back = way_back(db, row)
        if not back:
            raise UsageError(f"there is nothing to roll {model} back to: only one version was ever live")
        version = next(version for version in _versions(db, row, model) if version.number == back[-1])
        _check_fit(home, version)
        _go_live(db, row, version.number, ROLLED_BACK, reason)
    return get_version(home, version.title)


def way_back(db: Connection, model: int) -> list[int]:
    """The versions that rolling back returns to, one after the other, from the end of the list. Removed ones are passed over."""
    trail: list[int] = []
    for number, reason in db.execute(select(live.c.number, live.c.reason).where(live.c.model == model).order_by(live.c.id)):
        # A rollback takes back all that went live since, so that a second one does not bounce between the two.
        while reason == ROLLED_BACK and trail[-1] != number:
            trail.pop()
        if reason != ROLLED_BACK:
            trail.append(number)
    there = set(db.execute(select(versions.c.number).where(versions.c.model == model)).scalars())
    return [number for number in trail if number in there and number != trail[-1]]


def needed(db: Connection, model: int, name: str) -> set[int]:
    """The versions that stay: the live one, those that were live last or can be rolled back to, those that wait, and the newest."""
    were_live = list(dict.fromkeys(db.execute(select(live.c.number).where(live.c.model == model).order_by(live.c.id.desc())).scalars()))
    known = _versions(db, model, name)
    return {
        *were_live[:KEPT],
        *way_back(db, model)[1 - KEPT :],
        *(one.number for one in known if one.waits),
        *(one.number for one in known[-1:]),
    }


def verify(home: Home, version: Version, base: Path | None = None) -> None:
    """That a version is what it was when it was judged: every file by its hash, and the base, where its folder is given.

    Raises:
        CheckFailed: it is not.
        BaseError: the base is another one than it was trained on.
    """
    folder = version_folder(home, version)
    manifest = home.manifest("version", version.artefact)
    again = f"restore it from a backup, or delete that folder and make it again with `homespun train {version.model}`"
    if manifest is None:
        raise CheckFailed(f"{folder}, which held {version.title}, is gone or not whole: {again}")
    excused = FORGETFUL if home.why_stale("version", version.artefact) else frozenset()
    checked = {name: wanted for name, wanted in manifest.content.items() if name not in excused}
    if changed := [name for name, wanted in checked.items() if not _is(folder / name, wanted)]:
        raise CheckFailed(f"{version.title} was changed after it was made ({', '.join(sorted(changed))} in {folder}): {again}")
    wanted = parts(home, version).get("base")
    if base and wanted and identity(base) != wanted:
        raise BaseError(
            f"the base in {base} is not the one {version.title} was trained on: put that one back, "
            f"or train on this one with `homespun train {version.model}`"
        )


def _is(file: Path, wanted: str) -> bool:
    return file.is_file() and file_hash(file) == wanted


def parts(home: Home, version: Version) -> dict[str, str]:
    """What a version was made of, by kind: its `run`, the identity of its `base`, and its `retrieval` index if it has one."""
    manifest = home.manifest("version", version.artefact)
    return {kind: name for kind, _, name in (parent.partition(":") for parent in manifest.parents)} if manifest else {}


def dataset_of(home: Home, version: Version) -> Manifest | None:
    """The dataset it was trained on, by its lineage; None where that is gone."""
    run = home.manifest("run", parts(home, version).get("run", ""))
    names = [parent.partition(":")[2] for parent in (run.parents if run else ()) if parent.startswith("dataset:")]
    return home.manifest("dataset", names[0]) if names else None


def recipe_of(home: Home, version: Version) -> Recipe:
    """What a version was made by: its model's recipe may have changed since."""
    return parse_recipe((version_folder(home, version) / "recipe.toml").read_text(encoding="utf-8"), version.title)


def version_folder(home: Home, version: Version) -> Path:
    return home.folder("version", version.artefact)


def _live(db: Connection, model: int) -> int | None:
    number: int | None = db.execute(select(live.c.number).where(live.c.model == model).order_by(live.c.id.desc()).limit(1)).scalar()
    return number


def _model_id(db: Connection, name: str) -> int:
    return int(db.execute(select(models.c.id).where(models.c.name == name)).scalar_one())


@contextlib.contextmanager
def locked(home: Home, model: str) -> Iterator[tuple[Connection, int]]:
    """A transaction that nobody else writes beside, with the row of a model: what is read in it still holds when it writes."""
    with connect(home) as db:
        # SQLite takes its lock at the first write.
        db.execute(update(models).where(models.c.name == model).values(name=model))
        yield db, _model_id(db, model)


def _go_live(db: Connection, model: int, number: int, action: Action, reason: str) -> None:
    db.execute(insert(live).values(model=model, number=number, reason=action if action == ROLLED_BACK else reason, created=_now()))
    decisions.append(db, model, number, action, reason)


def _check_fit(home: Home, version: Version) -> None:
    if why := home.why_stale("version", version.artefact):
        raise UsageError(f"{version.title} is stale ({why}): train it again with `homespun train {version.model}`")
    verify(home, version)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
