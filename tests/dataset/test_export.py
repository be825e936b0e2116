"""Exports: each layout is read back by its documented schema, and teaches exactly what the dataset teaches."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homespun.dataset.build import Dataset
from homespun.dataset.check import Examiner, Limits, check
from homespun.dataset.export import LAYOUTS, export
from homespun.errors import EmptyCorpus, UnknownName, UsageError
from homespun.types import Example, Split, Turn

SPLITS: tuple[Split, ...] = ("train", "validation", "gate", "vault")
FILES = {
    "hf": ["train.jsonl", "validation.jsonl", "gate.jsonl", "vault.jsonl"],
    "trl": ["train.jsonl", "validation.jsonl", "gate.jsonl", "vault.jsonl"],
    "llamafactory": ["train.json", "validation.json", "gate.json", "vault.json"],
    "axolotl": ["train.jsonl", "validation.jsonl", "gate.jsonl", "vault.jsonl"],
    "mlx": ["train.jsonl", "valid.jsonl", "test.jsonl", "test.jsonl"],
}


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    """Windows as dataset/windows.py makes them: a system line, turns in turn, the last one a target. Every text is its own."""
    examples = [*small().examples[:1]]
    for number in range(draw(st.integers(1, 6))):
        split = draw(st.sampled_from(SPLITS))
        mine, turns = draw(st.booleans()), []
        for place in range(draw(st.integers(0, 5))):
            text = f"{split} {number}.{place}" + draw(st.sampled_from(["", "\nand more", ' "\u2028👋']))
            turns.append(Turn("assistant" if mine else "user", text, target=mine and draw(st.booleans())))
            mine = not mine
        if not mine:
            turns.append(Turn("user", f"{split} {number}. so?"))
        turns.append(Turn("assistant", f"{split} {number}. last", target=True))
        examples.append(Example(f"c{number}-0", f"c{number}", split, (Turn("system", "You are Anna."), *turns)))
    return Dataset("d1", "Anna", tuple(examples), {})


def rows_of(file: Path) -> list[dict[str, Any]]:
    if not file.exists():
        return []
    text = file.read_text(encoding="utf-8")
    return list(json.loads(text)) if file.suffix == ".json" else [json.loads(line) for line in text.split("\n") if line]


def learned(layout: str, row: dict[str, Any]) -> list[tuple[list[str], str]]:
    """(what is shown before, what is learned) of a row, by the layout's documentation."""
    if layout in ("hf", "axolotl"):
        texts = [turn["content"] for turn in row["messages"]]
        return [(texts[:place], texts[place]) for place, turn in enumerate(row["messages"]) if turn["train"]]
    if layout == "trl":
        (completion,) = row["completion"]
        assert completion["role"] == "assistant"
        return [([turn["content"] for turn in row["prompt"]], completion["content"])]
    if layout == "mlx":
        assert row["messages"][-1]["role"] == "assistant"
        texts = [turn["content"] for turn in row["messages"]]
        return [(texts[:-1], texts[-1])]
    said = row["conversations"]
    assert len(said) % 2 == 0 and [turn["from"] for turn in said] == ["human", "gpt"] * (len(said) // 2)
    return [([row["system"], *(turn["value"] for turn in said[:-1])], said[-1]["value"])]


@pytest.mark.parametrize("layout", LAYOUTS)
@given(dataset=datasets())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_a_layout_teaches_what_the_dataset_teaches(tmp_path_factory: pytest.TempPathFactory, layout: str, dataset: Dataset) -> None:
    """Every target once, with the history it has; nothing else. What is held out is in its own files."""
    out = tmp_path_factory.mktemp("out")
    done = export(dataset, layout, out, held_out=True)
    for file in dict.fromkeys(FILES[layout]):
        splits = [split for split, name in zip(SPLITS, FILES[layout], strict=True) if name == file]
        found = [pair for row in rows_of(out / file) for pair in learned(layout, row)]
        wanted = []
        for example in dataset.of(*splits):
            texts = [turn.text for turn in example.turns]
            for place, turn in enumerate(example.turns):
                cut = 1 if layout == "llamafactory" and example.turns[1].role == "assistant" else 0
                if turn.target and place > cut:
                    wanted.append(([texts[0], *texts[1 + cut : place]], turn.text))
        assert Counter(map(str, found)) == Counter(map(str, wanted))
        assert done.rows.get(file, 0) == len(rows_of(out / file))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_held_out_words_are_only_written_when_asked_for(tmp_path: Path, layout: str) -> None:
    done = export(small(), layout, tmp_path / "out")
    texts = "".join(file.read_text(encoding="utf-8") for file in done.folder.iterdir())
    assert "train 0" in texts and "validation 1" in texts and "gate 2" not in texts and "vault 3" not in texts
    assert json.loads((done.folder / "homespun.json").read_text()) == {"dataset": "d1", "layout": layout, "rows": dict(done.rows)}


def small() -> Dataset:
    said = [
        (Turn("system", "You are Anna."), Turn("user", f"hi {s} {n}"), Turn("assistant", f"{s} {n}", True, weight=1.0 if n else 0.5))
        for n, s in enumerate(SPLITS)
    ]
    examples = tuple(Example(f"c{n}-0", f"c{n}", split, said[n]) for n, split in enumerate(SPLITS))
    return Dataset("d1", "Anna", examples, {})


def test_the_hugging_face_card_names_the_splits(tmp_path: Path) -> None:
    for layout in ("hf", "trl"):
        card = (export(small(), layout, tmp_path / layout, held_out=True).folder / "README.md").read_text(encoding="utf-8")
        (config,) = yaml.safe_load(card.split("---\n")[1])["configs"]
        assert config["config_name"] == "default"
        assert config["data_files"] == [{"split": split, "path": f"{split}.jsonl"} for split in SPLITS]
        assert "private" in card


def test_hugging_face_rows_keep_weight_and_origin(tmp_path: Path) -> None:
    (row,) = rows_of(export(small(), "hf", tmp_path / "out").folder / "train.jsonl")
    assert row.keys() == {"id", "conversation", "messages"} and 0.5 in [message["weight"] for message in row["messages"]]
    assert "1 replies count less or more" in " ".join(export(small(), "mlx", tmp_path / "mlx").notes)


def test_llama_factory_finds_the_files_by_their_names(tmp_path: Path) -> None:
    done = export(small(), "llamafactory", tmp_path / "out")
    info = json.loads((done.folder / "dataset_info.json").read_text())
    training = yaml.safe_load((done.folder / "llamafactory.yaml").read_text())
    assert training == {"dataset_dir": ".", "dataset": "homespun_train", "eval_dataset": "homespun_validation", "mask_history": True}
    for name in (training["dataset"], training["eval_dataset"]):
        assert info[name]["formatting"] == "sharegpt" and rows_of(done.folder / info[name]["file_name"])
        assert set(info[name]["columns"].values()) == rows_of(done.folder / info[name]["file_name"])[0].keys()


def test_llama_factory_is_not_given_replies_without_a_question(tmp_path: Path) -> None:
    opening = Example("c9-0", "c9", "train", (Turn("system", "You are Anna."), Turn("assistant", "hello?", target=True)))
    done = export(Dataset("d1", "Anna", (*small().examples, opening), {}), "llamafactory", tmp_path / "out")
    assert done.rows["train.json"] == 1 and any(note.startswith("1 replies are left out") for note in done.notes)
    with pytest.raises(EmptyCorpus):
        export(Dataset("d1", "Anna", (opening,), {}), "llamafactory", tmp_path / "none")


def test_axolotl_learns_only_the_turns_that_say_so(tmp_path: Path) -> None:
    done = export(small(), "axolotl", tmp_path / "out")
    given = yaml.safe_load((done.folder / "axolotl.yaml").read_text())
    for part, file in (("datasets", "train.jsonl"), ("test_datasets", "validation.jsonl")):
        (config,) = given[part]
        assert (config["path"], config["ds_type"], config["type"]) == (file, "json", "chat_template")
        assert (config["roles_to_train"], config["train_on_eos"]) == ([], "turn")
        names = {config["message_field_training"], *config["message_property_mappings"].values()}
        assert {*names, "weight"} == rows_of(done.folder / file)[0][config["field_messages"]][0].keys()


def test_mlx_is_told_to_learn_the_last_turn(tmp_path: Path) -> None:
    done = export(small(), "mlx", tmp_path / "out", held_out=True)
    assert yaml.safe_load((done.folder / "lora.yaml").read_text()) == {"data": ".", "train": True, "mask_prompt": True}
    assert done.rows == {"train.jsonl": 1, "valid.jsonl": 1, "test.jsonl": 2}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_export_passes_the_check(tmp_path: Path, layout: str) -> None:
    done = export(small(), layout, tmp_path / "out")
    for file in done.rows:
        assert not check(done.folder / file, Examiner(Limits(min_rows=1))).errors


@pytest.mark.parametrize("layout", ["hf", "trl", "axolotl", "mlx"])
def test_hugging_face_datasets_loads_it(tmp_path: Path, layout: str) -> None:
    import datasets

    done = export(small(), layout, tmp_path / "out", held_out=True)
    loaded = datasets.load_dataset(str(done.folder), cache_dir=str(tmp_path / "cache"))
    assert {f"{split}.jsonl": list(rows) for split, rows in loaded.items()} == {file: rows_of(done.folder / file) for file in done.rows}


def test_an_export_is_whole_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    for out in (tmp_path / "out", tmp_path / "out" / "mine"):
        with pytest.raises(UsageError, match="choose a new folder"):
            export(small(), "hf", out)
    with pytest.raises(UnknownName, match="axolotl"):
        export(small(), "axolot", tmp_path / "other")
    with pytest.raises(EmptyCorpus):
        export(Dataset("d1", "Anna", small().examples[1:], {}), "hf", tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
