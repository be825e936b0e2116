"""Grammars of JSON schemas and tools: what they take, and what they refuse to be made of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.bases.template import Template
from homespun.engines import grammar
from homespun.errors import UsageError

LAMP = {"type": "object", "properties": {"on": {"type": "boolean"}, "room": {"enum": ["hall", "attic"]}}, "required": ["on"]}
TOOLS = [
    {"type": "function", "function": {"name": "lamp", "description": "Switch it.", "parameters": {**LAMP, "additionalProperties": False}}},
    {"type": "function", "function": {"name": "time"}},
]
LAMP_CALL = '<tool_call>{"name": "lamp", "arguments": {"on": true, "room": "attic"}}</tool_call>'
IN_THE_BATH = LAMP_CALL.replace("attic", "bath")
TIME_CALL = '<tool_call>{"name": "time", "arguments": {}}</tool_call>'


@pytest.fixture(scope="module")
def tokens(template: Template) -> grammar.Tokenizer:
    return grammar.tokenizer(template.tokenizer.to_str(), template.stop_id, template.tokenizer.get_vocab_size())


def accepts(rules: str | None, text: str, template: Template, tokens: grammar.Tokenizer) -> bool:
    """Whether each token may come, and the reply may end after the last."""
    assert rules is not None
    follower = grammar.Follower(rules, tokens)

    def may_come(token: int) -> bool:
        return bool(follower.allowed()[token // 8] >> (token % 8) & 1)

    for token in template.ids(text):
        if not may_come(token):
            return False
        follower.follow(token)
    return may_come(template.stop_id)


@pytest.mark.parametrize(
    ("choice", "parallel", "yes", "no"),
    [
        (
            "required",
            True,
            [LAMP_CALL, TIME_CALL, f"{LAMP_CALL}\n{TIME_CALL}"],
            ["hello", "", LAMP_CALL[:-1], LAMP_CALL.replace("attic", "bath")],
        ),
        ("required", False, [LAMP_CALL], [f"{LAMP_CALL}\n{TIME_CALL}"]),
        ("auto", True, [LAMP_CALL, "hello", "a < b\n\n<b>", ""], ["<tool_call>lamp</tool_call>", LAMP_CALL.replace("lamp", "stove")]),
        ({"type": "function", "function": {"name": "time"}}, True, [TIME_CALL], [LAMP_CALL, "hello"]),
    ],
)
def test_tools(choice: Any, parallel: bool, yes: list[str], no: list[str], template: Template, tokens: grammar.Tokenizer) -> None:
    rules = grammar.of_tools(TOOLS, choice, parallel=parallel)
    assert [text for text in yes if not accepts(rules, text, template, tokens)] == []
    assert [text for text in no if accepts(rules, text, template, tokens)] == []


def test_nothing_is_asked_of_a_reply_without_tools() -> None:
    assert grammar.of_tools(TOOLS, "none") is None
    assert grammar.of_tools([], "auto") is None


@given(on=st.booleans(), room=st.sampled_from([None, "hall", "attic"]))
def test_a_schema_takes_what_it_describes_as_json_dumps_writes_it(
    on: bool, room: str | None, template: Template, tokens: grammar.Tokenizer
) -> None:
    """Its properties come in the order of the schema."""
    rules = grammar.of_schema(LAMP)
    text = json.dumps({"on": on, **({"room": room} if room else {})})
    assert accepts(rules, text, template, tokens)
    for wrong in (text[:-1], text.replace(": ", ":  "), text.replace("{", "{ "), f"{text} "):
        assert not accepts(rules, wrong, template, tokens)


def test_a_schema_can_be_read_back_from_its_grammar_and_from_no_other() -> None:
    assert grammar.schema_in(grammar.of_schema(LAMP)) == LAMP
    assert grammar.schema_in('start: "yes" | "no"') is None
    assert grammar.schema_in(str(grammar.of_tools(TOOLS, "required"))) is None


@pytest.mark.parametrize("schema", [{"type": "strin"}, {"not": {"type": "string"}}, {"type": "string", "pattern": "(?=a)b"}, ["no"], "no"])
def test_what_is_no_schema_is_refused_in_one_line(schema: Any) -> None:
    with pytest.raises(UsageError) as refused:
        grammar.of_schema(schema)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("tools", "choice"),
    [
        ([{"type": "function"}], "auto"),
        ([{"type": "function", "function": {"name": 5}}], "auto"),
        (TOOLS, "perhaps"),
        (TOOLS, {"type": "function", "function": {"name": "stove"}}),
        ([{"type": "function", "function": {"name": "lamp", "parameters": {"type": "strin"}}}], "required"),
    ],
)
def test_impossible_tools_are_refused(tools: list[Any], choice: Any) -> None:
    with pytest.raises(UsageError):
        grammar.of_tools(tools, choice)


def test_a_grammar_that_is_none_is_refused_where_it_is_wrong() -> None:
    with pytest.raises(UsageError, match="unknown name"):
        grammar.checked('start: "a" | b\n')
