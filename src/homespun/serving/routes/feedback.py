"""What somebody thought of a reply, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from homespun.feedback import select, store
from homespun.feedback.store import Kind
from homespun.serving.routes.given import Id, TheHouse

router = APIRouter(prefix="/api/feedback")

Title = Annotated[str | None, Query(max_length=120)]


class Verdict(BaseModel):
    interaction: Id
    """Of a reply."""
    kind: Kind
    text: str | None = Field(default=None, max_length=store.LONGEST)


class Kept(BaseModel):
    id: int


class Withdrawn(BaseModel):
    withdrawn: bool


@router.post("", status_code=201)
def give(verdict: Verdict, house: TheHouse) -> Kept:
    """Thumb `up` or `down`; `edit`, with how it should have been; `leak`, where it told something private."""
    return Kept(id=store.add(house.home, verdict.interaction, verdict.kind, verdict.text))


@router.delete("")
def withdraw(interaction: Id, kind: Kind, house: TheHouse) -> Withdrawn:
    """Take a verdict back."""
    return Withdrawn(withdrawn=store.withdraw(house.home, interaction, kind))


@router.get("")
def list_feedback(
    house: TheHouse,
    version: Title = None,
    kind: Kind | None = None,
    model: Title = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=1, le=1 << 53)] = None,
) -> list[select.Given]:
    """The newest first, with the question and the reply."""
    return select.given(house.home, version, kind, model, limit, before)


@router.get("/counts")
def count_feedback(house: TheHouse, model: Title = None) -> dict[str, dict[str, int]]:
    """Version -> kind -> how many."""
    return select.counts(house.home, model)
