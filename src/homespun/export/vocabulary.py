"""A base's tokenizer.json as what llama.cpp needs to know of it.

llama.cpp knows how a text is cut before the merges by name only. The name is told from what the file says, not from the model's: a
tokenizer that was saved by another program may cut differently than its family does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import GGUFWriter, TokenType

from homespun.errors import BaseError

_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPLITS = {f"{_WORDS}\\p{{N}}{_REST}": "qwen2", f"{_WORDS}\\p{{N}}{{1,3}}{_REST}": "llama-bpe"}
"""The pattern of a Split -> llama.cpp's name of it (llama-vocab.cpp)."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    cut: str
    """llama.cpp's name of how a text is cut before the merges."""
    tokens: list[str]
    types: list[TokenType]
    merges: list[str]
    special: dict[str, int]
    """What for ("bos", "eos", "unk", "pad") -> token."""
    add_bos: bool
    template: str
    """The chat template's source."""


def vocabulary(folder: Path, size: int) -> Vocabulary:
    """Of a base with `size` rows of embeddings; rows that the tokenizer does not know are marked unused.

    Raises:
        BaseError: it is none that llama.cpp computes alike.
    """
    whole = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    model = whole["model"]
    if model["type"] != "BPE" or model.get("byte_fallback") or (cut := _cut(whole.get("pre_tokenizer"))) is None:
        raise BaseError(f"the tokenizer in {folder} is none that GGUF files can hold so that they read alike: export it --to merged")
    tokens = {number: token for token, number in model["vocab"].items()}
    types = dict.fromkeys(tokens, TokenType.NORMAL)
    for added in whole["added_tokens"]:
        tokens[added["id"]] = added["content"]
        types[added["id"]] = TokenType.CONTROL if added["special"] else TokenType.USER_DEFINED
    if max(tokens) >= size:
        raise BaseError(f"the tokenizer in {folder} knows {max(tokens) + 1} tokens and the weights {size}: they belong to different bases")
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    special = _special(folder, {token: number for number, token in tokens.items()})
    return Vocabulary(
        cut=cut,
        tokens=[tokens.get(number, f"[PAD{number}]") for number in range(size)],
        types=[types.get(number, TokenType.UNUSED) for number in range(size)],
        merges=merges,
        special=special,
        add_bos="bos" in special and _begins_with(whole.get("post_processor"), tokens[special["bos"]]),
        template=chat_template(folder),
    )


def add(writer: GGUFWriter, known: Vocabulary) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(known.cut)
    writer.add_token_list(known.tokens)
    writer.add_token_types(known.types)
    writer.add_token_merges(known.merges)
    for use, number in known.special.items():
        getattr(writer, f"add_{use}_token_id")(number)
    writer.add_add_bos_token(known.add_bos)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(known.template)


def _cut(found: Any) -> str | None:
    """llama.cpp's name of a pre-tokenizer."""
    steps = [found] if found and found["type"] != "Sequence" else (found or {}).get("pretokenizers", [])
    if not steps or steps[-1]["type"] != "ByteLevel" or steps[-1].get("add_prefix_space"):
        return None
    *before, last = steps
    if last.get("use_regex", True):
        if not before:
            # What llama.cpp calls gpt-2 cuts alike, but its grammars then read " ." as ".".
            return "trillion"
        return "smollm" if [step["type"] for step in before] == ["Digits"] and before[0]["individual_digits"] else None
    if len(before) == 1 and before[0]["type"] == "Split" and before[0]["behavior"] == "Isolated":
        return SPLITS.get(before[0]["pattern"].get("Regex"))
    return None


def _special(folder: Path, numbers: Mapping[str, int]) -> dict[str, int]:
    """Special tokens by use."""
    options = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    named = {use: options.get(f"{use}_token") for use in ("bos", "eos", "unk", "pad")}
    texts = {use: token["content"] if isinstance(token, dict) else token for use, token in named.items()}
    return {use: numbers[text] for use, text in texts.items() if text in numbers}


def chat_template(folder: Path) -> str:
    """Its source, which `bases/template.py` renders."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    return str(json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))["chat_template"])


def _begins_with(processor: Any, token: str) -> bool:
    """Whether the tokenizer itself puts `token` before every text."""
    steps = (processor or {}).get("processors", [processor] if processor else [])
    return any(part.get("SpecialToken", {}).get("id") == token for step in steps for part in step.get("single", [])[:1])
