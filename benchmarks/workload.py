"""What every trainer in a benchmark learns from: one person's real conversations, written once to a file that all of them read."""

from __future__ import annotations

import json
import os
from pathlib import Path

from homespun.bases.template import Template
from homespun.config import Recipe
from homespun.dataset.build import make
from homespun.pipeline import read_conversations

CORPUS = Path("dev-apollo/messages.a13.jsonl")
PERSON = "Jim Lovell"
GAP = 1800.0
"""Seconds of silence that end a conversation: what `homespun add` takes."""


def data_folder() -> Path:
    """The folder of real corpora: HOMESPUN_TEST_DATA, or the shared one beside the repository."""
    return Path(os.environ.get("HOMESPUN_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def write_rows(data: Path, base: Path, file: Path) -> None:
    """The training windows of PERSON in `data`, one `{"messages": [{"role", "content"}, …]}` a line.

    Raises:
        HomespunError: the corpus is not there or cannot be read.
    """
    conversations = read_conversations(data / CORPUS, None, GAP)
    examples, _ = make(conversations, PERSON, Recipe(), Template(base))
    rows = [
        {"messages": [{"role": turn.role, "content": turn.text} for turn in example.turns]}
        for example in examples
        if example.split == "train"
    ]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
