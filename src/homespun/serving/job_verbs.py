"""What a page may start, and how its form becomes a command line. Nothing else of the command line can be reached from there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from homespun.config import recipe_names, seconds_of
from homespun.errors import UnknownName, UsageError
from homespun.home import Home
from homespun.registry.versions import check_name
from homespun.serving import uploads

LONGEST = 300
Check = Callable[[str, object], str]
"""The argument's name and value -> the value as it is written in a command. Raises UsageError."""


@dataclass(frozen=True, slots=True)
class Verb:
    subject: str
    """The argument that the command has without a name: `upload` (its id) or `model`."""
    options: Mapping[str, tuple[str, Check]]
    """Argument -> (option, check)."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """Argument -> option."""


def command(home: Home, verb: str, arguments: Mapping[str, object]) -> list[str]:
    """The words behind `homespun`.

    Raises:
        UsageError: no such verb, argument or upload, or a value that cannot be one.
    """
    if verb not in VERBS:
        raise UnknownName("job", verb, VERBS)
    known = VERBS[verb]
    words = [verb, "--json", f"--home={home.path.resolve()}"]
    for name, value in arguments.items():
        if name in known.flags:
            if not isinstance(value, bool):
                raise UsageError(f"{name} is yes or no: give true or false")
            words += [known.flags[name]] if value else []
        elif name in known.options:
            # Written as one word, a value is never taken for an option.
            option, check = known.options[name]
            words += [f"{option}={check(name, one)}" for one in (value if isinstance(value, list) else [value])]
        elif name != known.subject:
            raise UnknownName("argument", name, [known.subject, *known.options, *known.flags])
    return [*words, "--", _subject(home, known.subject, arguments.get(known.subject))]


def _subject(home: Home, kind: str, value: object) -> str:
    if not isinstance(value, str):
        raise UsageError(f"no {kind} is named: give one as {kind!r}")
    if kind == "upload":
        return str(uploads.find(home, value).resolve())
    name, at, number = value.partition("@")
    check_name(name)
    if at and not re.fullmatch("[0-9]{1,9}", number):
        raise UsageError(f"{value[:LONGEST]!r} is no version: write MODEL or MODEL@2")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST or re.search(r"[\x00-\x1f\x7f]", value):
        raise UsageError(f"{name} is one line of at most {LONGEST} letters")
    return value


def _recipe(name: str, value: object) -> str:
    text = _text(name, value)
    if text not in recipe_names():
        raise UnknownName("recipe", text, recipe_names())
    return text


def _time(name: str, value: object) -> str:
    text = _text(name, value)
    seconds_of(text)
    return text


def _number(name: str, value: object) -> str:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"{name} is a whole number from 1")
    return str(value)


VERBS: Mapping[str, Verb] = {
    "add": Verb(
        "upload",
        {
            "format": ("--as", _text),
            "me": ("--me", _text),
            "gap": ("--gap", _time),
            "map": ("--map", _text),
            "since": ("--since", _text),
            "until": ("--until", _text),
            "limit": ("--limit", _number),
        },
    ),
    "train": Verb(
        "model",
        {
            "person": ("--person", _text),
            "recipe": ("--recipe", _recipe),
            "budget": ("--budget", _time),
            "consent": ("--consent", _text),
            "threads": ("--threads", _number),
        },
        {"resume": "--resume", "review": "--review"},
    ),
    "plan": Verb("model", {"person": ("--person", _text), "recipe": ("--recipe", _recipe), "budget": ("--budget", _time)}),
    "eval": Verb("model", {"trials": ("--trials", _number)}, {"full": "--full", "privacy": "--privacy", "blind": "--blind"}),
}
