"""What is wrong with one training record by itself."""

from __future__ import annotations

import importlib
import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from homespun.dataset.findings import Level
from homespun.dataset.formats import Record
from homespun.errors import UsageError
from homespun.sources.text import LOST
from homespun.types import Turn

Judge = Callable[[str], str | None]
"""Says what is wrong with an output, or None."""

NAMES = {"system": "system line", "user": "input", "assistant": "output"}
LOST_CHARACTERS = f"lost characters ({LOST})"
WRONG_ENCODING = "text that was read in a wrong encoding, such as Ã¤ for ä"
_JSON = re.compile(r'\s*(?:\{\s*["}]|\[\s*(?:["{\[\]\d]|-\d))')
"""How JSON begins; "[laughs]" does not."""
_MOJIBAKE = re.compile("[ÃÂ][\u0080-\u00bf]|â[€\u0080][\u0080-\u00bf˜™š›œžŸ¦¢“”•–—†‡‰]|ð[Ÿ\u009f]")
"""UTF-8 that was read as Latin-1 or Windows-1252."""


def problems(record: Record, judge: Judge | None = None) -> Iterator[tuple[Level, str]]:
    """Each in words that are the same for every record that has it.

    Args:
        judge: what every output must pass; by default, that it is JSON if it begins as JSON.
    """
    texts = [turn.text for turn in record.turns] or [record.text]
    if any(LOST in text for text in texts):
        yield "warning", LOST_CHARACTERS
    if any(_MOJIBAKE.search(text) for text in texts):
        yield "warning", WRONG_ENCODING
    if not record.turns:
        if not record.text.strip():
            yield "error", "an empty text"
        return
    for role in dict.fromkeys(turn.role for turn in record.turns if not turn.text.strip()):
        yield "error", f"an empty {NAMES[role]}"
    yield from _order(record.turns)
    targets = {turn.text for turn in record.turns if turn.target}
    if not targets:
        yield "error", "nothing to learn: no turn of the assistant counts"
    for output in targets:
        if output.strip() and (wrong := (judge or _broken_json)(output)):
            yield "error", wrong


def schema_judge(file: Path) -> Judge:
    """Outputs must be JSON that a JSON Schema accepts.

    Raises:
        UsageError: jsonschema is not installed, or the file holds no schema.
    """
    try:
        jsonschema = importlib.import_module("jsonschema")
    except ImportError:
        raise UsageError("checking against a schema needs a package that is not here: pip install jsonschema") from None
    try:
        schema = json.loads(file.read_text(encoding="utf-8"))
        kind = jsonschema.validators.validator_for(schema)
        kind.check_schema(schema)
    except (OSError, ValueError, jsonschema.SchemaError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "message", None) or error
        raise UsageError(f"{file} is no JSON Schema: {reason}") from None
    validator = kind(schema)

    def judge(output: str) -> str | None:
        try:
            worst = jsonschema.exceptions.best_match(validator.iter_errors(json.loads(output)))
        except (ValueError, RecursionError):
            return "an output that is no JSON, where a schema is asked for"
        return f"an output against the schema, at {'/'.join(map(str, worst.absolute_schema_path))}" if worst else None

    return judge


def _order(turns: Sequence[Turn]) -> Iterator[tuple[Level, str]]:
    roles = [turn.role for turn in turns]
    body = roles[1:] if roles[0] == "system" else roles
    if "system" in body:
        yield "error", "a system line that is not first"
    if any(earlier == later for earlier, later in itertools.pairwise(body)):
        yield "error", "two turns of the same role in a row"
    if body[-1:] != ["assistant"]:
        yield "error", "does not end with the assistant"
    elif body[0] == "assistant":
        yield "warning", "begins with the assistant, which some chat templates refuse"


def _broken_json(output: str) -> str | None:
    if _JSON.match(output):
        try:
            json.loads(output)
        except (ValueError, RecursionError):
            return "an output that begins as JSON and is none"
    return None
