"""A built dataset -> the files other trainers read. Held-out words never go into their training files.

A window holds several replies and, before them, replies that are only history. Hugging Face rows and Axolotl say of every turn
whether it is learned. TRL, LLaMA-Factory and mlx-lm can only learn the last reply of a row: there, every reply gets a row of its own.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from homespun.dataset.build import Dataset
from homespun.errors import EmptyCorpus, UnknownName, UsageError
from homespun.home import disk_errors, sync, write_json, write_text
from homespun.types import HELD_OUT, Example, Split, Turn

Rows = Mapping[Split, Sequence[Mapping[str, Any]]]

PRIVATE = "It holds what real people wrote to each other in private. Do not publish it without asking them."


@dataclass(frozen=True, slots=True)
class Exported:
    folder: Path
    rows: Mapping[str, int]
    """By file."""
    notes: tuple[str, ...]
    """What the trainer must be told so that it learns what homespun would."""


@dataclass(frozen=True, slots=True)
class Layout:
    title: str
    rows: Callable[[Example], Iterable[Mapping[str, Any]]]
    names: Mapping[Split, str]
    """Split -> file."""
    extra: Callable[[Mapping[str, int]], Mapping[str, str]]
    """Rows by file -> further files and their content."""
    notes: tuple[str, ...]


def export(dataset: Dataset, to: str, out: Path, held_out: bool = False) -> Exported:
    """Write a dataset into a new folder, all of it or nothing.

    Args:
        to: a name in LAYOUTS.
        held_out: write gate and vault too, as files of their own that no trainer takes for training.

    Raises:
        UnknownName: no such layout.
        UsageError: `out` is there and not empty.
        EmptyCorpus: there is nothing to learn from in this layout.
    """
    layout = LAYOUTS.get(to)
    if layout is None:
        raise UnknownName("layout", to, LAYOUTS)
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise UsageError(f"{out} is there already: choose a new folder")
    splits: tuple[Split, ...] = ("train", "validation", *(HELD_OUT if held_out else ()))
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for split in splits:
        # mlx-lm knows one file for all that is held out.
        rows.setdefault(layout.names[split], []).extend(row for example in dataset.of(split) for row in layout.rows(example))
    rows = {file: found for file, found in rows.items() if found}
    if layout.names["train"] not in rows:
        raise EmptyCorpus(f"{dataset.person} has no replies to learn from in this layout")
    counts = {file: len(found) for file, found in rows.items()}
    notes = layout.notes + tuple(_lost(dataset, splits, sum(counts.values()), layout))
    extra = {**layout.extra(counts), "README.md": _readme(dataset, layout, counts, notes, held_out)}
    with disk_errors(out.parent):
        _write(out, rows, extra, {"dataset": dataset.id, "layout": to, "rows": counts})
    return Exported(out, counts, notes)


def _write(out: Path, rows: Mapping[str, Iterable[Mapping[str, Any]]], extra: Mapping[str, str], origin: Mapping[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=".new-"))
    try:
        for file, found in rows.items():
            lines = (json.dumps(row, ensure_ascii=False) for row in found)
            write_text(
                scratch / file, "[\n" + ",\n".join(lines) + "\n]\n" if file.endswith(".json") else "".join(f"{line}\n" for line in lines)
            )
        for file, text in extra.items():
            write_text(scratch / file, text)
        write_json(scratch / "homespun.json", origin)
        if out.is_dir():
            out.rmdir()
        scratch.rename(out)
        sync(out.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _whole(example: Example) -> Iterator[Mapping[str, Any]]:
    messages = [{"role": turn.role, "content": turn.text, "train": turn.target, "weight": turn.weight} for turn in example.turns]
    yield {"id": example.id, "conversation": example.conversation, "messages": messages}


def _replies(example: Example) -> Iterator[tuple[Turn, ...]]:
    """A window for every reply that is learned: it, and all that was said before it as history."""
    for place, turn in enumerate(example.turns):
        if turn.target:
            yield (*(replace(before, target=False) for before in example.turns[:place]), turn)


def _messages(turns: Iterable[Turn]) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.text} for turn in turns]


def _prompt_and_completion(example: Example) -> Iterator[Mapping[str, Any]]:
    return ({"prompt": _messages(turns[:-1]), "completion": _messages(turns[-1:])} for turns in _replies(example))


def _chats(example: Example) -> Iterator[Mapping[str, Any]]:
    return ({"messages": _messages(turns)} for turns in _replies(example))


def _sharegpt(example: Example) -> Iterator[Mapping[str, Any]]:
    """LLaMA-Factory takes only human and gpt in turn, beginning with human: what the person said before that is left out."""
    for turns in _replies(example):
        system, *said = turns
        said = said[1:] if said[0].role == "assistant" else said
        if said:
            names = {"user": "human", "assistant": "gpt"}
            yield {"conversations": [{"from": names[turn.role], "value": turn.text} for turn in said], "system": system.text}


def _lost(dataset: Dataset, splits: Sequence[Split], rows: int, layout: Layout) -> Iterator[str]:
    examples = dataset.of(*splits)
    weighted = sum(turn.weight != 1 for example in examples for turn in example.targets)
    if weighted and layout.rows is not _whole:
        yield f"{weighted:,} replies count less or more than others here; this layout has no place for that"
    openings = sum(1 for example in examples for _ in example.targets) - rows
    if openings > 0 and layout.rows is _sharegpt:
        yield f"{openings:,} replies are left out that open a conversation: this layout needs a turn of the other before each"


def _no_files(counts: Mapping[str, int]) -> Mapping[str, str]:
    return {}


def _dataset_info(counts: Mapping[str, int]) -> Mapping[str, str]:
    columns = {"messages": "conversations", "system": "system"}
    named = {f"homespun_{Path(file).stem}": {"file_name": file, "formatting": "sharegpt", "columns": columns} for file in counts}
    evaluated = "eval_dataset: homespun_validation\n" if "validation.json" in counts else ""
    training = f"dataset_dir: .\ndataset: homespun_train\n{evaluated}mask_history: true\n"
    return {"dataset_info.json": json.dumps(named, indent=2) + "\n", "llamafactory.yaml": training}


def _axolotl_yaml(counts: Mapping[str, int]) -> Mapping[str, str]:
    def one(file: str) -> str:
        lines = (f"- path: {file}", "  ds_type: json", "  split: train", "  type: chat_template", "  field_messages: messages")
        marks = ("  message_property_mappings:", "    role: role", "    content: content", "  message_field_training: train")
        return "\n".join(("", *lines, *marks, "  roles_to_train: []", "  train_on_eos: turn")).replace("\n", "\n  ")

    parts = {"datasets": "train.jsonl", "test_datasets": "validation.jsonl"}
    return {"axolotl.yaml": "\n".join(f"{key}:{one(file)}" for key, file in parts.items() if file in counts) + "\n"}


def _mlx_yaml(counts: Mapping[str, int]) -> Mapping[str, str]:
    return {"lora.yaml": "data: .\ntrain: true\nmask_prompt: true\n"}


def _readme(dataset: Dataset, layout: Layout, counts: Mapping[str, int], notes: Sequence[str], held_out: bool) -> str:
    files = "\n".join(f"| {file} | {rows:,} |" for file, rows in counts.items())
    lines = [f"# The words of {dataset.person}", "", f"Replies to learn from, exported by homespun for {layout.title}. {PRIVATE}", ""]
    lines += ["| file | rows |", "|---|---:|", files, "", *(f"- {note}" for note in notes)]
    if held_out:
        lines.append("- The held-out files are for judging a model only: whatever learns from them can no longer be judged by them.")
    head = ""
    if all(file.endswith(".jsonl") for file in counts):
        splits = "".join(f"      - split: {Path(file).stem}\n        path: {file}\n" for file in counts)
        head = f"---\npretty_name: Replies\nconfigs:\n  - config_name: default\n    data_files:\n{splits}---\n\n"
    return head + "\n".join(lines) + "\n"


def _named(pattern: str, **others: str) -> Mapping[Split, str]:
    splits: tuple[Split, ...] = ("train", "validation", *HELD_OUT)
    return {split: pattern.format(others.get(split, split)) for split in splits}


LAYOUTS: Mapping[str, Layout] = {
    "hf": Layout(
        "Hugging Face datasets",
        _whole,
        _named("{}.jsonl"),
        _no_files,
        ('load it with datasets.load_dataset("FOLDER"); `train` says of every turn whether it is learned, `weight` how much',),
    ),
    "trl": Layout(
        "TRL",
        _prompt_and_completion,
        _named("{}.jsonl"),
        _no_files,
        (
            "a row is a reply (`completion`) and what was said before it (`prompt`): SFTTrainer learns the completion only,"
            " which is its default for such rows; leave `completion_only_loss` alone",
        ),
    ),
    "llamafactory": Layout(
        "LLaMA-Factory",
        _sharegpt,
        _named("{}.json"),
        _dataset_info,
        (
            "a row is a reply and what was said before it: keep `mask_history: true` (see llamafactory.yaml),"
            " or what is only history is learned again and again",
        ),
    ),
    "axolotl": Layout(
        "Axolotl",
        _whole,
        _named("{}.jsonl"),
        _axolotl_yaml,
        ("take the lines of axolotl.yaml into your configuration: they say that only turns with `train: true` are learned",),
    ),
    "mlx": Layout(
        "mlx-lm",
        _chats,
        _named("{}.jsonl", validation="valid", gate="test", vault="test"),
        _mlx_yaml,
        (
            "a row is a reply and what was said before it: train with `mlx_lm.lora --config lora.yaml --model BASE` here,"
            " or with --mask-prompt, or what is only history is learned too",
        ),
    ),
}
