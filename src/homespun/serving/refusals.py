"""What is said when something is not done: OpenAI's error body, with a status that says whose fault it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from homespun.errors import Busy, HomespunError, TooLong, UnknownName, UsageError
from homespun.serving.lanes import Full
from homespun.serving.loading import Unavailable

INVALID, SERVER = "invalid_request_error", "server_error"
CODES = {404: "not_found", 405: "method_not_allowed", 408: "timeout", 413: "request_too_large"}
LATER = 30
"""Seconds to wait where nothing can answer."""


def body(text: str, kind: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": text, "type": kind, "param": param, "code": code}}


def refusal(
    status: int, text: str, kind: str, param: str | None = None, code: str | None = None, retry_after: int | None = None
) -> Response:
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body(text, kind, param, code), status, headers)


def failed(error: HomespunError) -> dict[str, Any]:
    """What stands in a stream that had begun when it failed."""
    _, kind, param, code, _ = _meaning(error)
    return body(str(error), kind, param, code)


def of_error(error: HomespunError) -> Response:
    status, kind, param, code, retry_after = _meaning(error)
    return refusal(status, str(error), kind, param, code, retry_after)


def _meaning(error: HomespunError) -> tuple[int, str, str | None, str | None, int | None]:
    """Status, type, parameter, code and seconds until another try."""
    match error:
        case Full():
            return 429, "rate_limit_error", None, "rate_limit_exceeded", error.retry_after
        case Unavailable():
            return 503, SERVER, None, "engine_unavailable", LATER
        case TooLong():
            return 400, INVALID, "messages", "context_length_exceeded", None
        case UnknownName() if str(error).startswith(("no model ", "no version ")):
            return 404, INVALID, "model", "model_not_found", None
        case UnknownName():
            return 404, INVALID, None, "not_found", None
        case UsageError():
            return 400, INVALID, None, None, None
        case Busy():
            return 409, INVALID, None, "busy", None
        case _:
            return 500, SERVER, None, None, None


def install(app: FastAPI) -> None:
    """Make every error of the app look so."""
    app.add_exception_handler(HomespunError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, HomespunError)
    return of_error(error)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = INVALID if error.status_code < 500 else SERVER
    answer = refusal(error.status_code, str(error.detail), kind, code=CODES.get(error.status_code))
    answer.headers.update(error.headers or {})
    return answer


async def _invalid(_: Request, error: Exception) -> Response:
    """The first thing that is wrong, without what was given."""
    assert isinstance(error, RequestValidationError)
    first: Mapping[str, Any] = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]).encode(errors="replace").decode() or None
    text = first["msg"].removeprefix("Value error, ")
    if first["type"] == "json_invalid":
        return refusal(400, "the body is not valid JSON", INVALID)
    return refusal(400, f"{where}: {text}" if where else text, INVALID, where)
