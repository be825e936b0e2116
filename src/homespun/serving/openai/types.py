"""What OpenAI's clients may ask, checked. Fields that are not known here are let through, as OpenAI does."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from homespun.config import SamplingSection

MOST_REPLIES = 8
MOST_STOPS = 4
NARROWEST = 1e-6
"""Top-p of a client that asks for 0, which OpenAI takes: the likeliest token."""
WITHIN_A_FORM = 1024
"""Tokens of a reply that a grammar binds, where the client says nothing: half a JSON object is of no use."""

Title = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Stop = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Request(Lenient):
    @model_validator(mode="before")
    @classmethod
    def _is_unicode(cls, data: Any) -> Any:
        """JSON can hold half a letter, which nothing can read or send back."""
        try:
            json.dumps(data if isinstance(data, dict) else None, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("the body holds half a letter (a lone surrogate): send it as UTF-8") from None
        return data


class Part(Lenient):
    type: str
    text: str = ""


class FunctionCall(Lenient):
    name: str
    arguments: str


class Call(Lenient):
    id: str = ""
    type: Literal["function"] = "function"
    function: FunctionCall


class ChatMessage(Lenient):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""

    @model_validator(mode="after")
    def _says_something(self) -> ChatMessage:
        if isinstance(self.content, list) and any(part.type != "text" for part in self.content):
            raise ValueError("only parts of type text can be read here: no images, no audio")
        if self.content is None and not (self.role == "assistant" and self.tool_calls):
            raise ValueError("content may be null only beside tool_calls of the assistant")
        return self


class Schema(Lenient):
    name: str
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None


class ResponseFormat(Lenient):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: Schema | None = None

    @model_validator(mode="after")
    def _has_its_schema(self) -> ResponseFormat:
        if self.type == "json_schema" and self.json_schema is None:
            raise ValueError("json_schema is missing")
        return self


class StreamOptions(Lenient):
    include_usage: bool = False


class Drawing(Request):
    """How a reply is drawn; None is as the version's recipe says, which was fitted to the person."""

    model: Title
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, ge=0, le=1_000_000)
    min_p: float | None = Field(default=None, ge=0, le=1)
    repetition_penalty: float | None = Field(default=None, gt=0, le=10)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    stop: Stop | Annotated[list[Stop], Field(max_length=MOST_STOPS)] | None = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    n: int | None = Field(default=None, ge=1, le=MOST_REPLIES)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    logit_bias: dict[str, float] | None = None
    user: str | None = Field(default=None, max_length=256)
    speaker: str | None = Field(default=None, max_length=256)
    """Who is talking, if it is somebody the person knows. Ours; `user` says it too, where it is such a name."""

    @field_validator("logit_bias")
    @classmethod
    def _no_bias(cls, value: dict[str, float] | None) -> None:
        if value:
            raise ValueError("logit_bias is not supported")

    @model_validator(mode="after")
    def _usage_of_a_stream(self) -> Drawing:
        if self.stream_options and not self.stream:
            raise ValueError("stream_options are for streams")
        return self

    @property
    def with_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    def sampling(self, usual: SamplingSection, most: int | None = None) -> SamplingSection:
        """The recipe's, with what the client wants otherwise.

        Args:
            most: tokens, where the client says nothing.
        """
        names = ("temperature", "top_k", "min_p", "repetition_penalty", "frequency_penalty", "presence_penalty", "seed")
        changes: dict[str, object] = {name: value for name in names if (value := getattr(self, name)) is not None}
        if self.top_p is not None:
            changes["top_p"] = max(self.top_p, NARROWEST)
        if self.stop is not None:
            changes["stop"] = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)
        if wanted := self.most_tokens or most:
            changes["max_tokens"] = wanted
        return usual.model_copy(update=changes)

    def seeded(self, sampling: SamplingSection) -> list[SamplingSection]:
        """One for each of the `n` replies, so that a seed does not make them all the same."""
        seed = sampling.seed
        return [sampling.model_copy(update={"seed": None if seed is None else seed + place}) for place in range(self.n or 1)]

    @property
    def most_tokens(self) -> int | None:
        return self.max_tokens


class ChatRequest(Drawing):
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=2048)]
    max_completion_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    response_format: ResponseFormat | None = None
    tools: Annotated[list[dict[str, Any]], Field(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> ChatRequest:
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("top_logprobs needs logprobs")
        if self.tool_choice not in (None, "none") and not self.tools:
            raise ValueError("tool_choice needs tools")
        return self

    @property
    def most_tokens(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def wants_json(self) -> bool:
        return self.response_format is not None and self.response_format.type != "text"


class CompletionRequest(Drawing):
    prompt: str | Annotated[list[str], Field(min_length=1, max_length=MOST_REPLIES)]
    echo: bool = False
    suffix: str | None = None
    best_of: int | None = Field(default=None, ge=1, le=MOST_REPLIES)
    logprobs: int | None = Field(default=None, ge=0, le=5)

    @model_validator(mode="after")
    def _can_be_done(self) -> CompletionRequest:
        if self.suffix:
            raise ValueError("suffix is not supported")
        if (self.n or 1) * len(self.prompts) > MOST_REPLIES:
            raise ValueError(f"at most {MOST_REPLIES} replies at once")
        if (self.best_of or 1) > (self.n or 1):
            raise ValueError("best_of is not supported: ask for n")
        return self

    @property
    def prompts(self) -> list[str]:
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt


class EmbeddingRequest(Request):
    model: Title
    input: str | Annotated[list[str], Field(min_length=1, max_length=256)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
