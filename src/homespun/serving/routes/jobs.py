"""Jobs and uploads over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from homespun.serving import jobs, uploads
from homespun.serving.routes.given import Id, TheHouse

router = APIRouter(prefix="/api")


class Wanted(BaseModel):
    verb: str = Field(max_length=20)
    """add, train, plan or eval."""
    arguments: dict[str, Any] = {}


class Uploaded(BaseModel):
    upload: str
    """For the argument of that name, of `add`."""


@router.post("/jobs", status_code=201)
def start_job(wanted: Wanted, house: TheHouse) -> jobs.Job:
    return jobs.start(house.home, wanted.verb, wanted.arguments)


@router.get("/jobs")
def list_jobs(house: TheHouse, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> list[jobs.Job]:
    """The newest first."""
    return jobs.list_jobs(house.home, limit)


@router.get("/jobs/{job}")
def read_job(job: Id, house: TheHouse) -> jobs.Job:
    return jobs.get(house.home, job)


@router.post("/jobs/{job}/cancel")
async def cancel_job(job: Id, house: TheHouse) -> jobs.Job:
    """As Ctrl-C does; a process that does not end within ten seconds is killed. The answer comes when it has ended."""
    return await anyio.to_thread.run_sync(jobs.cancel, house.home, job)


@router.post("/uploads", status_code=201)
async def upload(request: Request, house: TheHouse, name: Annotated[str, Query(min_length=1, max_length=300)]) -> Uploaded:
    """An export as the body of the request, byte for byte. It is kept until it is imported, or for a day."""
    return Uploaded(upload=await uploads.receive(house.home, name, request.stream(), house.options.max_upload))
