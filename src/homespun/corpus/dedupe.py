"""Which texts of a corpus repeat others: word for word, or nearly. In linear time, and in constant memory but for numbers.

Near means that the sets of five-letter pieces overlap: Jaccard similarity, estimated by MinHash (Broder 1997) and found by locality
sensitive hashing. Pieces of letters, not of words, so that languages without spaces count as well. Letter case and blanks do not count.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
_Hashes = NDArray[np.uint64]

PIECE = 5
SHORTEST = 24
"""Letters. Shorter texts are compared word for word: people repeat them ("See you at ten"), and one letter makes another text."""
BANDS, ROWS = 16, 4
"""Two texts are compared if one band of their sketches agrees: with probability 1 - (1 - s^ROWS)^BANDS, 0.99 at similarity s = 0.7."""
LETTERS = 1 << 16
"""Letters sketched at a time, so that they stay in the cache."""


@dataclass(frozen=True, slots=True)
class Duplicates:
    """(texts,) each: for every text the number of the first one that says the same, its own if it is the first."""

    same: Numbers
    """Word for word."""
    alike: Numbers
    """Word for word or nearly."""

    @property
    def counts(self) -> Numbers:
        """For every text, how many are like it, itself included."""
        sizes: Numbers = np.bincount(self.alike)[self.alike]
        return sizes

    @property
    def exact(self) -> int:
        """Texts that repeat an earlier one word for word."""
        return int((self.same != np.arange(len(self.same))).sum())

    @property
    def near(self) -> int:
        """Texts that only nearly repeat an earlier one."""
        return int((self.alike != np.arange(len(self.alike))).sum()) - self.exact


def duplicates(texts: Iterable[str], threshold: float = 0.7) -> Duplicates:
    """Group texts. Near copies of near copies are in one group.

    Args:
        texts: streamed; they are not kept.
        threshold: estimated Jaccard similarity from which two texts are near copies; below 0.6 some pairs are missed.
    """
    first: dict[int, int] = {}
    same = array("q")
    owners = array("q")
    sketches: list[NDArray[np.uint32]] = []
    waiting: list[str] = []
    held = 0
    for number, text in enumerate(texts):
        folded = " ".join(text.casefold().split())
        same.append(first.setdefault(hash(folded), number))
        if same[-1] == number and len(folded) >= SHORTEST:
            owners.append(number)
            waiting.append(folded)
            held += len(folded)
            if held >= LETTERS:
                sketches.append(_sketch(waiting))
                waiting, held = [], 0
    if waiting:
        sketches.append(_sketch(waiting))
    exact = np.array(same, dtype=np.int64)
    near = np.arange(len(exact))
    if sketches:
        places = np.array(owners, dtype=np.int64)
        near[places] = places[_merge(np.concatenate(sketches), threshold)]
    return Duplicates(exact, near[exact])


def _sketch(texts: Sequence[str]) -> NDArray[np.uint32]:
    """(texts, BANDS * ROWS): the smallest of each hash over a text's pieces. Every text has at least PIECE letters."""
    letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    ends = np.cumsum([len(text) for text in texts])
    pieces = np.zeros(len(letters) - PIECE + 1, dtype=np.uint64)
    for place in range(PIECE):
        pieces = pieces * np.uint64(0x9E3779B97F4A7C15) + letters[place : len(letters) - PIECE + 1 + place]
    inside = np.ones(len(pieces), dtype=bool)
    for back in range(1, PIECE):
        inside[ends[:-1] - back] = False  # pieces that reach into the next text
    pieces = _mixed(pieces[inside])
    starts = np.concatenate([[0], ends[:-1] - (PIECE - 1) * np.arange(1, len(texts))])
    sketch = np.empty((len(texts), BANDS * ROWS), dtype=np.uint32)
    for column, (factor, offset) in enumerate(_multipliers()):
        sketch[:, column] = np.minimum.reduceat(pieces * factor + offset, starts) >> np.uint64(32)
    return sketch


def _mixed(values: _Hashes) -> _Hashes:
    """The finaliser of SplitMix64 (Steele et al. 2014): neighbouring numbers become unrelated ones."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _multipliers() -> Iterator[tuple[np.uint64, np.uint64]]:
    """Multiply-shift hashing (Dietzfelbinger et al. 1997): an odd factor and an offset for every column of a sketch."""
    factors, offsets = _mixed(np.arange(1, 2 * BANDS * ROWS + 1, dtype=np.uint64)).reshape(2, -1)
    return zip(factors | np.uint64(1), offsets, strict=True)


def _merge(sketches: NDArray[np.uint32], threshold: float) -> Numbers:
    """For every sketch the number of the first of its group.

    In each band a sketch is compared only with the first that agrees there: the work is linear even if all texts are alike.
    """
    root = np.arange(len(sketches))
    for band in range(BANDS):
        first = _first_with_same(sketches[:, band * ROWS : (band + 1) * ROWS])
        open_ = np.flatnonzero(root != root[first])
        for part in np.array_split(open_, len(open_) // LETTERS + 1):
            agree = (sketches[part] == sketches[first[part]]).mean(axis=1) >= threshold
            for one in part[agree].tolist():
                _join(root, one, int(first[one]))
        while (root[root] != root).any():
            root = root[root]
    return root


def _first_with_same(band: NDArray[np.uint32]) -> Numbers:
    """For every row the number of the first equal row."""
    keys = np.zeros(len(band), dtype=np.uint64)
    for column in band.T:
        keys = _mixed(keys + column + np.uint64(1))
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    numbers: Numbers = first[group]
    return numbers


def _join(root: Numbers, one: int, other: int) -> None:
    """Union-find: the earlier of the two groups takes the later."""
    while root[one] != one:
        root[one] = root[root[one]]
        one = int(root[one])
    while root[other] != other:
        root[other] = root[root[other]]
        other = int(root[other])
    root[max(one, other)] = min(one, other)
