"""Models and their versions: which exist, which one is live, and what was live before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, delete, func, insert, select, update

from homespun.config import Recipe, parse_recipe
from homespun.database.connection import connect
from homespun.database.schema import live, models, versions
from homespun.errors import UnknownName, UsageError
from homespun.home import Home

ROLLED_BACK = "rolled back"


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
    """An adapter and its report. Never changed once made."""

    model: str
    number: int
    artefact: str
    created: str
    is_live: bool

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
            db.execute(insert(models).values(name=name, person=person, recipe=recipe.toml(), created=_now()))
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


def delete_model(home: Home, name: str) -> list[str]:
    """Forget a model and its versions. Returns the version artefacts that no model needs any more."""
    get_model(home, name)
    with connect(home) as db:
        model = _model_id(db, name)
        mine = set(db.execute(select(versions.c.artefact).where(versions.c.model == model)).scalars())
        for table in (live, versions):
            db.execute(delete(table).where(table.c.model == model))
        db.execute(delete(models).where(models.c.id == model))
        return sorted(mine - set(db.execute(select(versions.c.artefact)).scalars()))


def add_version(home: Home, model: str, artefact: str, promoted: str | None = None) -> Version:
    """Number the next version of a model. The same artefact twice is the same version.

    Args:
        promoted: the reason why a new version goes live in the same transaction; None leaves the live one alone.
    """
    with connect(home) as db:
        row = _model_id(db, model)
        known = db.execute(select(versions.c.number).filter_by(model=row, artefact=artefact)).scalar()
        if known is None:
            last = db.execute(select(func.max(versions.c.number)).where(versions.c.model == row)).scalar()
            known = (last or 0) + 1
            db.execute(insert(versions).values(model=row, number=known, artefact=artefact, created=_now()))
            if promoted:
                db.execute(insert(live).values(model=row, number=known, reason=promoted, created=_now()))
    return get_version(home, f"{model}@{known}")


def list_versions(home: Home, model: str) -> list[Version]:
    get_model(home, model)
    with connect(home) as db:
        row = _model_id(db, model)
        current = _live(db, row)
        found = db.execute(select(versions).where(versions.c.model == row).order_by(versions.c.number)).all()
        return [Version(model, version.number, version.artefact, version.created, version.number == current) for version in found]


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


def promote(home: Home, title: str, reason: str = "promoted by hand") -> Version:
    """Make a version the one that answers.

    Raises:
        UsageError: it learned from words that were to be forgotten.
    """
    version = get_version(home, title)
    if reason_against := home.why_stale("version", version.artefact):
        raise UsageError(f"{version.title} is stale ({reason_against}): train it again with `homespun train {version.model}`")
    with connect(home) as db:
        row = _model_id(db, version.model)
        if _live(db, row) != version.number:
            db.execute(insert(live).values(model=row, number=version.number, reason=reason, created=_now()))
    return get_version(home, version.title)


def rollback(home: Home, model: str) -> Version:
    """Return to what was live before the version that is live now.

    Raises:
        UsageError: nothing was.
    """
    get_model(home, model)
    with connect(home) as db:
        row = _model_id(db, model)
        history = db.execute(select(live.c.number, live.c.reason).where(live.c.model == row).order_by(live.c.id)).all()
    # A rollback is itself a row: it takes back the one before it, so that a second one does not bounce between the two.
    trail: list[int] = []
    for number, reason in history:
        if reason == ROLLED_BACK:
            trail.pop()
        else:
            trail.append(number)
    if len(trail) < 2:
        raise UsageError(f"there is nothing to roll {model} back to: only one version was ever live")
    return promote(home, f"{model}@{trail[-2]}", ROLLED_BACK)


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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
