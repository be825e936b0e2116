"""Exports that are not their version: every one of them is refused, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from homespun.bases.template import Template
from homespun.config import Settings
from homespun.errors import CheckFailed
from homespun.export import folders, gguf, lora, making, ollama, readback, vocabulary, weights
from homespun.export.vocabulary import Vocabulary
from homespun.export.weights import Tensor, Update
from homespun.home import Home, write_text

Patch = pytest.MonkeyPatch


def wrong_scale(patch: Patch) -> None:
    right = weights.updates
    patch.setattr(weights, "updates", lambda folder: {name: Update(one.a, one.b * 2) for name, one in right(folder).items()})


def no_permutation(patch: Patch) -> None:
    patch.setattr(gguf, "turned", lambda numbers, name, config: numbers)


def no_adapter(patch: Patch) -> None:
    patch.setattr(weights, "merged", lambda tensors, adapter: dict(tensors))


def not_a_number(patch: Patch) -> None:
    right = weights.merged

    def broken(tensors: dict[str, Tensor], adapter: dict[str, Update]) -> dict[str, Tensor]:
        found = right(tensors, adapter)
        norm = found["model.norm.weight"]
        return {**found, "model.norm.weight": replace(norm, read=lambda: norm.read() * np.float32("nan"))}

    patch.setattr(weights, "merged", broken)


def changed(change: Callable[[Vocabulary], Vocabulary]) -> Callable[[Patch], None]:
    right = vocabulary.vocabulary
    return lambda patch: patch.setattr(vocabulary, "vocabulary", lambda folder, size: change(right(folder, size)))


def without_merges(known: Vocabulary) -> Vocabulary:
    return replace(known, merges=known.merges[:20_000])


def another_cut(known: Vocabulary) -> Vocabulary:
    return replace(known, cut="llama-bpe")


def another_template(known: Vocabulary) -> Vocabulary:
    return replace(known, template=known.template.replace("<|im_end|>' + '\n'", "<|im_end|>'"))


def no_template_at_all(known: Vocabulary) -> Vocabulary:
    return replace(known, template="{% for message in %}")


@pytest.mark.parametrize(
    ("target", "fault", "words"),
    [
        ("gguf", wrong_scale, "loss|greedy"),
        ("adapter", wrong_scale, "loss|greedy"),
        ("merged", wrong_scale, "loss|greedy"),
        ("gguf", no_permutation, "loss|greedy"),
        ("gguf", no_adapter, "loss|greedy"),
        ("mlx", no_adapter, "loss|greedy"),
        ("gguf", not_a_number, "loss|llama.cpp"),
        ("gguf", changed(without_merges), "tokenizer"),
        ("gguf", changed(another_cut), "tokenizer"),
        ("gguf", changed(another_template), "chat template"),
        ("gguf", changed(no_template_at_all), "chat template|load"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_fault_is_seen_before_anything_is_kept(
    target: str, fault: Callable[[Patch], None], words: str, exporting: Home, machine: Settings, monkeypatch: Patch
) -> None:
    fault(monkeypatch)
    with pytest.raises(CheckFailed, match=words) as told:
        making.export(exporting, "anna", target, "F16" if target == "gguf" else None, machine, "An avatar.")
    assert "nothing was kept" in str(told.value) and "\n" not in str(told.value)
    assert not list((exporting.path / "exports").iterdir())


def test_a_lora_that_is_not_permuted_is_seen(exporting: Home, tiny_folder: Path, machine: Settings, monkeypatch: Patch) -> None:
    """The base itself is right here: only the adapter is not."""
    gguf.base_gguf(tiny_folder, machine, "F16")
    monkeypatch.setattr(lora, "turned", lambda numbers, name, config: numbers)
    with pytest.raises(CheckFailed, match=r"loss|greedy"):
        making.export(exporting, "anna", "adapter", None, machine, "An avatar.")


def test_a_folder_with_another_tokenizer_is_seen(exporting: Home, machine: Settings, monkeypatch: Patch) -> None:
    right = folders.copy_tokenizer

    def broken(base: Path, out: Path) -> None:
        right(base, out)
        text = (out / "chat_template.jinja").read_text().replace("<|im_start|>assistant", "<|im_start|>bot")
        write_text(out / "chat_template.jinja", text)

    monkeypatch.setattr(folders, "copy_tokenizer", broken)
    with pytest.raises(CheckFailed, match="chat template"):
        making.export(exporting, "anna", "merged", None, machine, "An avatar.")


def test_a_file_that_llama_cpp_cannot_load_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(CheckFailed, match=r"cannot load broken\.gguf"), readback.llama_cpp(tmp_path / "broken.gguf"):
        pass


def test_a_template_that_ollama_cannot_say_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    """One that marks the last turn, and one that leaves the first out."""
    for source in (
        "{% for m in messages %}<|im_start|>{{ m.role }}{{ ' last' if loop.last else '' }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        "{% for m in messages[1:] %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    ):
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (tmp_path / name).write_bytes((tiny_folder / name).read_bytes())
        write_text(tmp_path / "chat_template.jinja", source)
        with pytest.raises(CheckFailed, match="Ollama"):
            ollama.go_template(Template(tmp_path))
