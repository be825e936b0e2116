"""Ollama's Modelfile: the GGUF with a chat template in Go's language, the system line, what ends a reply, and how it is drawn."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from homespun.bases.template import Template
from homespun.config import SamplingSection
from homespun.errors import CheckFailed
from homespun.types import Role, Turn

ROLES: tuple[Role, ...] = ("system", "user", "assistant")
MARKS = {"system": "\u241eS\u241e", "user": "\u241eU\u241e", "assistant": "\u241eA\u241e"}
"""No template has these in it."""


def modelfile(gguf: str, template: Template, system: str, sampling: SamplingSection, notice: str, context: int) -> str:
    """
    Args:
        gguf: the name of the file beside it.
        notice: what whoever talks with it should be told.
        context: tokens that the model reads.

    Raises:
        CheckFailed: the base's chat template cannot be said in Go's.
    """
    parameters: list[tuple[str, object]] = [
        ("temperature", sampling.temperature),
        ("top_p", sampling.top_p),
        ("top_k", sampling.top_k),
        ("min_p", sampling.min_p),
        ("repeat_penalty", sampling.repetition_penalty),
        ("frequency_penalty", sampling.frequency_penalty),
        ("presence_penalty", sampling.presence_penalty),
        ("num_predict", sampling.max_tokens),
        ("num_ctx", context),
        *(("stop", json.dumps(stop, ensure_ascii=False)) for stop in (template.stop, *sampling.stop)),
    ]
    lost = (
        [
            f"# Replies were fitted with {sampling.stop_bias:+.3f} on the stop token. Ollama has no setting for that: they will be "
            f"{'shorter' if sampling.stop_bias < 0 else 'longer'} than they were judged."
        ]
        if sampling.stop_bias
        else []
    )
    lines = [
        *(f"# {line}" for line in notice.splitlines()),
        *lost,
        f"FROM ./{gguf}",
        f'TEMPLATE """{go_template(template)}"""',
        f'SYSTEM """{system}"""',
        *(f"PARAMETER {name} {value}" for name, value in parameters),
    ]
    return "\n".join(lines) + "\n"


def go_template(template: Template) -> str:
    """The chat template in Go's language.

    Raises:
        CheckFailed: what it puts around a turn depends on more than the role, so that Go's could differ.
    """
    around = _around(template)
    opening = around["assistant"][0]
    branches: list[str] = []
    for role in ROLES:
        before, behind = (_go(text) for text in around[role])
        branches.append(f'{{{{ {"else if" if branches else "if"} eq .Role "{role}" }}}}{before}{{{{ .Content }}}}{behind}')
    return f"{{{{- range .Messages }}}}{''.join(branches)}{{{{ end }}}}{{{{ end }}}}{_go(opening)}"


def rendered(around: Mapping[str, tuple[str, str]], turns: Sequence[Turn]) -> str:
    """What the Go template makes of a conversation that is to be answered."""
    return "".join(f"{around[turn.role][0]}{turn.text}{around[turn.role][1]}" for turn in turns) + around["assistant"][0]


def _around(template: Template) -> dict[str, tuple[str, str]]:
    """Role -> what stands before and behind the text of its turns."""
    turns = [Turn(role, MARKS[role]) for role in (*ROLES, "user")]
    whole = template.text(turns)
    opening = template.text(turns, reply=True)[len(whole) :]
    cut = [whole.find(MARKS[turn.role]) for turn in turns[:3]]
    if min(cut) < 0 or not opening:
        raise CheckFailed(_UNSAYABLE)
    between = [whole[start + len(MARKS[turn.role]) : end] for turn, start, end in zip(turns[:2], cut[:2], cut[1:3], strict=True)]
    # What is behind a turn ends where what is before a reply begins; behind all roles it is the same, or the check below fails.
    closing = between[1].removesuffix(opening)
    around = {
        "system": (whole[: cut[0]], closing),
        "user": (between[0].removeprefix(closing), closing),
        "assistant": (opening, closing),
    }
    talks = [turns[:2], turns, [*turns, turns[2], turns[1]]]
    if any(rendered(around, talk) != template.text(talk, reply=True) for talk in talks):
        raise CheckFailed(_UNSAYABLE)
    return around


_UNSAYABLE = "this base's chat template cannot be said in Ollama's language: export it --to gguf, and use the template that is in the file"


def _go(text: str) -> str:
    """A text between the actions of a Go template inside three quotes."""
    if "{{" in text or '"""' in text:
        raise CheckFailed(_UNSAYABLE)
    return text
