"""What every worker of a benchmark is told. Nothing but the standard library: every peer's environment has to read it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict

ENDLESS = 10**6
"""More steps than anyone waits for: workers end when nobody asks them for another."""
IGNORED = -100
"""The label of a token that nothing is learned from, in torch and in everything built on it."""


class Row(TypedDict):
    messages: list[dict[str, str]]
    ids: list[int]
    """The messages rendered with the base's chat template."""
    target: list[int]
    """For every token the number of the reply it belongs to (1, 2, …), or 0 where nothing is learned."""


@dataclass(frozen=True, slots=True)
class Job:
    base: str
    train: str
    held_out: str
    """Files of rows, a JSON object a line."""
    step_rows: int
    step_tokens: int
    """A step of the training: so many rows, or about so many tokens."""
    threads: int
    learning_rate: float
    rank: int
    alpha: float
    cache: str
    """Where a worker may keep what it makes of the base."""

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, file: str) -> Job:
        return cls(**json.loads(Path(file).read_text(encoding="utf-8")))

    def parts(self, rows: int) -> tuple[int, int]:
        """(rows in a forward pass, passes in a step) for who likes `rows` at once."""
        at_once = min(rows, self.step_rows)
        return at_once, self.step_rows // at_once


def read_rows(file: str) -> list[Row]:
    return [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]


def labels(row: Row) -> list[int]:
    return [number if reply else IGNORED for number, reply in zip(row["ids"], row["target"], strict=True)]


def sizes(rows: list[Row]) -> dict[str, int]:
    """What a worker says of its rows, so that all can be compared."""
    return {"tokens": sum(len(row["ids"]) for row in rows), "supervised": sum(bool(reply) for row in rows for reply in row["target"])}
