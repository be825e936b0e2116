"""What routes are given."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from pydantic import StringConstraints
from starlette.requests import HTTPConnection

from homespun.errors import UsageError
from homespun.serving.house import House
from homespun.serving.replies import Replies


def _house(connection: HTTPConnection) -> House:
    house: House = connection.app.state.house
    return house


def _replies(connection: HTTPConnection) -> Replies:
    return _house(connection).replies


Id = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]
"""Of a session, a turn, a job or an upload."""
TheHouse = Annotated[House, Depends(_house)]
TheReplies = Annotated[Replies, Depends(_replies)]


async def model_meant(house: House, name: str | None) -> str:
    """The model that was named; without a name, the only one there is.

    Raises:
        UsageError: there are several, or none.
        UnknownName: there is none of that name.
    """
    if name:
        version = await house.shelf.version(name)
        return version.title if "@" in name else version.model
    known = [model.name for model, _ in await house.shelf.models()]
    if len(known) != 1:
        there = f"one of {', '.join(sorted(known))}" if known else "there is none yet; make one with `homespun train NAME`"
        raise UsageError(f"say which model you mean: {there}")
    return known[0]
