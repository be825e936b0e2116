"""Reads LM Studio's server configuration: one JSON file with a server, settings for its models, and settings for tasks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt, ValidationError

from homespun.config import SamplingSection
from homespun.engines.remote import Server
from homespun.errors import UnknownName, UsageError

NOISE = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
"""A text, which is kept, or a comment."""
TRAILING = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])')


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class _Drawing(_Part):
    """What may be said of the server, a model and a task."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: PositiveInt | None = None
    top_k: NonNegativeInt | None = None
    top_p: float | None = Field(default=None, gt=0, le=1)
    repetition_penalty: PositiveFloat | None = None
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    stop_sequences: tuple[str, ...] | None = None
    stream: bool | None = None


LOCAL = Server()


class _Server(_Drawing):
    base_url: str = LOCAL.base_url
    api_key: str = LOCAL.api_key
    timeout: PositiveFloat = LOCAL.timeout
    max_retries: NonNegativeInt = LOCAL.max_retries


class _Task(_Drawing):
    model: str | None = None
    use_tools: bool = False
    response_format: Literal["text", "json_object", "json_schema"] = "text"


class _File(_Part):
    server_config: _Server = _Server()
    model_configs: dict[str, _Drawing] = {}
    task_specific_configs: dict[str, _Task] = {}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the file says of one task or model: the task's word counts most, then the model's, then the server's."""

    server: Server
    model: str
    sampling: SamplingSection
    stream: bool = True
    use_tools: bool = False
    response_format: Literal["text", "json_object", "json_schema"] = "text"


def read(file: Path, model: str | None = None, task: str | None = None) -> Chosen:
    """
    Args:
        model: by default the task's, or the first of `model_configs`. The file need not know it.
        task: one of `task_specific_configs`.

    Raises:
        UnknownName: there is no such task in it.
        UsageError: the file cannot be read; says where.
    """
    found = _read(file)
    if task is not None and task not in found.task_specific_configs:
        raise UnknownName("task", task, found.task_specific_configs)
    special = found.task_specific_configs[task] if task is not None else _Task()
    name = model or special.model or next(iter(found.model_configs), None)
    if name is None:
        raise UsageError(f"{file} names no model: add one to model_configs")
    said: dict[str, object] = {}
    for part in (found.server_config, found.model_configs.get(name, _Drawing()), special):
        said |= part.model_dump(include=set(_Drawing.model_fields), exclude_none=True)
    stream = bool(said.pop("stream", True))
    if "stop_sequences" in said:
        said["stop"] = said.pop("stop_sequences")
    server = found.server_config
    return Chosen(
        Server(server.base_url, server.api_key, server.timeout, server.max_retries),
        name,
        # What the file is silent about is as LM Studio has it, not as a recipe has it.
        SamplingSection.model_validate({"min_p": 0.0, **said}),
        stream,
        special.use_tools,
        special.response_format,
    )


def _read(file: Path) -> _File:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {getattr(error, 'strerror', None) or 'it is not text'}") from None
    try:
        return _File.model_validate(json.loads(_bare(text)))
    except json.JSONDecodeError as error:
        raise UsageError(f"{file} is not JSON: {error.msg.lower()} in line {error.lineno}, column {error.colno}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"{file}: {where}: {first['msg']}") from None


def _bare(text: str) -> str:
    """Without comments and commas after the last entry, which JSON does not have; every character keeps its line and column."""

    def blank(found: re.Match[str]) -> str:
        return found[1] or re.sub(r"[^\n]", " ", found[0])

    return TRAILING.sub(blank, NOISE.sub(blank, text))
