"""Sentences as vectors."""

from __future__ import annotations

import numpy as np
import pytest

from homespun.bases.embedding import PACKAGE, WIDTH, Embedder


@pytest.fixture(scope="module")
def embed() -> Embedder:
    return Embedder()


def test_a_vector_does_not_depend_on_what_else_is_embedded(embed: Embedder) -> None:
    texts = ["I sold the car.", "", "a much longer sentence, " * 40, "👍", "I sold the car."]
    found = embed(texts)
    assert found.shape == (5, WIDTH) and np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert np.allclose(found, np.concatenate([embed([text]) for text in texts]), atol=1e-5)
    assert embed([]).shape == (0, WIDTH)
    same, other = embed(["I sold the car.", "The soup is cold."]) @ embed(["We got rid of our automobile."])[0]
    assert same > other + 0.2


def test_it_computes_what_transformers_does(embed: Embedder) -> None:
    import importlib.util
    from pathlib import Path

    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = Path(str(importlib.util.find_spec(PACKAGE).origin)).parent / "model"  # type: ignore[union-attr]
    model, tokenizer = AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    for text in ("I sold the car.", "Moving to Tromsø in march? 👍", "so " * 300):
        with torch.inference_mode():
            hidden = model(**tokenizer(text, return_tensors="pt", truncation=True, max_length=256)).last_hidden_state.mean(1)
        assert float(embed([text])[0] @ torch.nn.functional.normalize(hidden, dim=-1)[0].numpy()) > 1 - 1e-5


@pytest.mark.parametrize("text", ["meine Katze heißt Schnurri", "moving to Tromsø in march", "maksoi 150 euroa", "hi", "3.4"])
def test_it_reads_words_in_latin_letters(embed: Embedder, text: str) -> None:
    assert embed.reads(text)


@pytest.mark.parametrize(
    "text", ["моего кота зовут Барсик", "犬の名前はポチで", "我妹妹在上海当老师", "γεια σου τι κάνεις", "👍😂", "", "?!"]
)
def test_it_says_what_it_cannot_read(embed: Embedder, text: str) -> None:
    assert not embed.reads(text)
