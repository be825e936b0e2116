"""Records that models are trained on, as JSONL or one JSON array: the owner is who answers in them.

    {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
    {"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}]}
    {"instruction": "…", "input": "…", "output": "…"}
    {"input": "…", "output": "…", "context": "…", "task": "…"}
    {"text": "…", "date": "2024-05-01"}

A file may mix them: each record is read by its own form and is a conversation of its own. `{"text"}` is the owner talking alone. What
the system says is left out, and so are tools.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from homespun.config import SourceSection
from homespun.errors import SourceError
from homespun.sources.json_stream import items
from homespun.sources.jsonl import Record, moment, words
from homespun.sources.reflections import ANSWERER
from homespun.sources.text import lines, storable
from homespun.types import Chat, Clock, ImportReport, Message

title = 'training records as JSONL or JSON ({"messages"}, {"conversations"}, {"instruction", "output"}, {"input", "output"}, {"text"})'

ASKER = "User"
_EXAMPLE = '{"messages": [{"role": "user", "content": "Tea?"}, {"role": "assistant", "content": "Please."}]}'
_LISTS = "messages", "conversations", "conversation"
_PAIRS = ("instruction", "output"), ("instruction", "response"), ("input", "output"), ("prompt", "completion"), ("prompt", "response")
_QUESTION = "question", "answer"
_ASKED = "context", "instruction", "prompt", "question", "input"
"""What the other side says, in this order."""
_DATES = "date", "time", "timestamp", "created_at", "ts"
_BESIDE_TEXT = {*_DATES, "text", "id", "title", "tags", "source", "meta", "metadata", "lang", "language", "url"}
"""Keys of `{"text"}`; any other may say that somebody else wrote it, or that it is no text of a person at all."""
_SPEAKERS = {
    **dict.fromkeys(("assistant", "gpt", "model", "bot", "chatgpt", "ai", "output"), ANSWERER),
    **dict.fromkeys(("user", "human", "prompter", "instruction", "input"), ASKER),
}
_SILENT = {
    **dict.fromkeys(("system", "developer"), "system turn"),
    **dict.fromkeys(("tool", "function", "observation", "function_call", "tool_call", "ipython"), "turn of a tool"),
}
_CUT = re.compile(r'\s*\[?\s*\{\s*"(?:messages|conversations?)"\s*:\s*\[\s*\{\s*"(?:role|from|content|value)"')


class _Parsed(NamedTuple):
    messages: tuple[Message, ...]
    clock: Clock = "none"


def detect(path: Path, head: str) -> bool:
    """By the first record: one of reflections or messages belongs to those formats."""
    text = head.lstrip("\ufeff \t\r\n")
    try:
        start = re.match(r"\[?\s*", text)
        first, _ = json.JSONDecoder(strict=False).raw_decode(text, start.end() if start else 0)
    except (ValueError, RecursionError):
        return bool(_CUT.match(text))
    return isinstance(first, dict) and _known(first) and not first.keys() >= set(_QUESTION)


def read(path: Path, report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """A chat for every record, in file order; the same record again adds nothing.

    Raises:
        SourceError: half of the records or more are of no form known here; names the first.
    """
    report.me = ANSWERER
    seen: set[int] = set()
    bad: list[tuple[str, str]] = []
    faults = good = 0
    for place, value in _values(path, report):
        try:
            messages, clock = _parsed(value, report)
        except ValueError as error:
            faults += 1
            report.skip(f"bad record: {error}")
            bad += [(place, str(error))] if len(bad) < 3 else []
            continue
        good += 1
        yield from once(f"{storable(path.stem)}, {place}", messages, clock, seen, report)
    if bad and faults >= good:
        raise SourceError(f"{bad[0][0]} has {bad[0][1]}; a record should look like {_EXAMPLE}")
    if bad:
        some = ", ".join(f"{place} has {reason}" for place, reason in bad)
        report.notes.append(f"{faults:,} of {faults + good:,} records could not be used: {some}{', …' if faults > 3 else ''}")


def once(name: str, messages: Sequence[Message], clock: Clock, seen: set[int], report: ImportReport) -> Iterator[Chat]:
    """A conversation with its content for a key, unless it was `seen` in this file."""
    key = blake2b(repr([(one.speaker, one.text, one.time) for one in messages]).encode(), digest_size=8).hexdigest()
    if int(key, 16) in seen:
        report.skip("the same record again", len(messages))
        return
    seen.add(int(key, 16))
    yield Chat(name, messages, clock=clock, key=key, whole=True)


def _values(path: Path, report: ImportReport) -> Iterator[tuple[str, object]]:
    """Every record and where it is; None for a line that is no JSON."""
    first = next((line for line in lines(path, ImportReport("")) if line.strip()), "")
    if first.lstrip().startswith("["):
        for number, value in enumerate(items(path, report), 1):
            yield f"record {number}", value
        return
    for number, line in enumerate(lines(path, report), 1):
        if line.strip():
            try:
                yield f"line {number}", json.loads(line)
            except (ValueError, RecursionError):
                yield f"line {number}", None


def _known(record: Record) -> bool:
    return _turns(record) is not None or _pair(record) is not None or _alone(record)


def _turns(record: Record) -> Sequence[object] | None:
    """A list of turns; exports of chats have lists of that name too, of other things."""
    lists = (found for key in _LISTS if isinstance(found := record.get(key), list) and found)
    return next((found for found in lists if isinstance(found[0], dict) and (found[0].keys() & {"role", "value"})), None)


def _pair(record: Record) -> tuple[str, str] | None:
    return next((pair for pair in (*_PAIRS, _QUESTION) if record.keys() >= set(pair)), None)


def _alone(record: Record) -> bool:
    return "text" in record and record.keys() <= _BESIDE_TEXT


def _parsed(value: object, report: ImportReport) -> _Parsed:
    """ValueError with the reason if it is no record."""
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    turns = _turns(value)
    if turns is not None:
        return _conversation(turns, report)
    if pair := _pair(value):
        asked = "\n\n".join(words(value, key) for key in _ASKED if isinstance(text := value.get(key), str) and text.strip())
        answer = value[pair[1]]
        if isinstance(answer, (dict, list)) and answer:
            answer = json.dumps(answer, ensure_ascii=False)
        said = Message(ANSWERER, words({pair[1]: answer}, pair[1]))
        return _Parsed((Message(ASKER, asked), said) if asked else (said,))
    if _alone(value):
        kind, time = moment(next((value[key] for key in _DATES if value.get(key) is not None), None))
        clock: Clock = "none" if time is None else "relative" if kind == "mission time" else "absolute"
        return _Parsed((Message(ANSWERER, words(value, "text"), time),), clock)
    raise ValueError("no form that is known")


def _conversation(turns: Sequence[object], report: ImportReport) -> _Parsed:
    messages: list[Message] = []
    silent: list[str] = []
    for turn in turns:
        if not isinstance(turn, dict):
            raise ValueError("a turn that is no JSON object")
        role = str(turn.get("role", turn.get("from"))).lower()
        text = _text(turn.get("content", turn.get("value")))
        if role not in _SPEAKERS and role not in _SILENT:
            raise ValueError("a turn by nobody known")
        if role in _SILENT or not text.strip():
            silent.append(_SILENT.get(role, "turn without text"))
        else:
            name = turn.get("name")
            named = _SPEAKERS[role] == ASKER and isinstance(name, str) and name.strip() and name.strip() != ANSWERER
            messages.append(Message(storable(str(name).strip()) if named else _SPEAKERS[role], text))
    if not any(message.speaker == ANSWERER for message in messages):
        raise ValueError("no answer in it")
    for reason in silent:
        report.skip(reason)
    return _Parsed(tuple(messages))


def _text(content: object) -> str:
    """The words of a turn; where they come in parts, those that are text."""
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return storable("".join(text for text in texts if isinstance(text, str)))
