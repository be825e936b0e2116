"""What a reply may be: a JSON schema or a set of tools, as a grammar that every engine here follows (llguidance's Lark).

A reply that its cap on tokens cuts short is only the beginning of a sentence of the grammar; it says so by its finish.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import llguidance

from homespun.errors import UsageError

OPEN, CLOSE = "<tool_call>", "</tool_call>"
"""Around a call, as in the templates of Qwen, Hermes and SmolLM."""
SPACES = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""As json.dumps writes; what may have spaces anywhere, a small model fills with spaces for ever."""
ANYTHING: Mapping[str, Any] = {"type": "object"}


def of_schema(schema: Mapping[str, Any]) -> str:
    """
    Raises:
        UsageError: it is no schema, or uses what cannot be generated from (such as "not").
    """
    return checked(f"start: {_json(schema)}\n")


def of_tools(tools: Sequence[Mapping[str, Any]], choice: str | Mapping[str, Any] = "auto", *, parallel: bool = True) -> str | None:
    """Calls of tools, each as `<tool_call>{"name": …, "arguments": …}</tool_call>`.

    Args:
        tools: as the OpenAI API takes them: {"type": "function", "function": {"name", "parameters"}}.
        choice: "none", "auto" (calls or any other text), "required" (at least one call), or the one that must be called.
        parallel: there may be several calls.

    Returns:
        None if nothing is asked for: no tools, or the choice is none.

    Raises:
        UsageError: a tool without a name, a choice that is not among them, or parameters that are no schema.
    """
    functions = [_function(tool) for tool in tools]
    if isinstance(choice, Mapping):
        name = _function(choice).get("name")
        functions = [function for function in functions if function["name"] == name]
        if not functions:
            raise UsageError(f"tool_choice names {name!r}, which is none of the tools")
    elif choice not in ("none", "auto", "required"):
        raise UsageError("tool_choice is none, auto, required or one of the tools")
    if choice == "none" or not functions:
        return None
    calls = [f'"{OPEN}" {_json(_call_schema(function))} "{CLOSE}"' for function in functions]
    more = ' ("\\n" call)*' if parallel and not isinstance(choice, Mapping) else ""
    other = " | TEXT" if choice == "auto" else ""
    text = f"TEXT: /(.|\\n)*/ & ~/{OPEN}(.|\\n)*/\n" if other else ""
    return checked(f"start: call{more}{other}\ncall: {' | '.join(calls)}\n{text}")


def schema_in(grammar: str) -> dict[str, Any] | None:
    """What `of_schema` made this grammar of; None of any other."""
    inner = grammar.strip().removeprefix("start: %json ")
    try:
        schema = json.loads(inner)
    except ValueError:
        return None
    return {key: value for key, value in schema.items() if key != "x-guidance"} if isinstance(schema, dict) else None


def checked(grammar: str) -> str:
    """The same, known to be one.

    Raises:
        UsageError: it is none; says where.
    """
    wrong: str = llguidance.LLMatcher.validate_grammar(grammar)
    if wrong:
        raise UsageError(f"this schema or grammar cannot be followed: {wrong.splitlines()[0].partition('): ')[2] or wrong.splitlines()[0]}")
    return grammar


Tokenizer: TypeAlias = llguidance.LLTokenizer


class Follower:
    """Where in a grammar a reply is."""

    def __init__(self, grammar: str, tokenizer: Tokenizer) -> None:
        self._matcher = llguidance.LLMatcher(tokenizer, checked(grammar), log_level=0)

    def allowed(self) -> bytes:
        """One bit a token, the lowest of a byte first: which may come next. The stop token is one of them where the reply may end."""
        bits: bytes = self._matcher.compute_bitmask()
        return bits

    def follow(self, token: int) -> None:
        self._matcher.consume_token(token)


def tokenizer(source: str, stop: int, vocabulary: int) -> Tokenizer:
    """Of a base, from the text of its tokenizer.json; takes some tenths of a second.

    Args:
        vocabulary: tokens that the model has a logit for; some have more than their tokenizer knows.
    """
    made: Tokenizer = llguidance.LLTokenizer(source, n_vocab=vocabulary, eos_token=stop)
    return made


def _function(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    function = tool.get("function")
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise UsageError('a tool is {"type": "function", "function": {"name": …, "parameters": {…}}}')
    return function


def _call_schema(function: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"name": {"const": function["name"]}, "arguments": function.get("parameters") or ANYTHING},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _json(schema: Mapping[str, Any]) -> str:
    if not isinstance(schema, Mapping):
        raise UsageError("a JSON schema is an object")
    return f"%json {json.dumps({**schema, 'x-guidance': SPACES})}"
