"""Which rows of a file say the same as earlier ones: exactly, nearly, or with another answer. Hashes are kept, never texts."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homespun.dataset.formats import Record
from homespun.dataset.split import PERMUTATIONS, SHINGLE, SHORTEST
from homespun.types import Turn

THRESHOLD = 0.7
"""Jaccard similarity of word 3-grams from which two exchanges are near-duplicates."""
SHORT = 20
"""Characters. Shorter outputs ("ok", a label) repeat because there are few of them."""


def identity(record: Record, number: int) -> int:
    """Equal for records that say the same, whatever else their rows hold."""
    if record.said is None:
        return hash((number, record.text))
    return hash((record.text, record.said, tuple((turn.role, turn.text, turn.target) for turn in record.turns)))


class Copies:
    """Takes rows one by one. About 100 bytes a row; the time is that of sorting."""

    def __init__(self) -> None:
        from datasketch import MinHash, MinHashLSH

        index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
        self._blank: Any = MinHash(num_perm=PERMUTATIONS)
        self._width = index.r
        self._bands = [array("q") for _ in range(index.b)]
        self._sketched = array("q")
        self._rows, self._inputs, self._outputs, self._numbers = array("q"), array("q"), array("q"), array("q")
        self._answered, self._long_outputs = array("q"), array("q")

    def add(self, record: Record, number: int) -> None:
        place = len(self._rows)
        self._rows.append(identity(record, number))
        self._numbers.append(number)
        if record.output is not None:
            before = tuple((turn.role, turn.text) for turn in record.turns[:-1])
            self._answered.append(place)
            self._inputs.append(hash(before))
            self._outputs.append(hash(record.output))
            if len(record.output) >= SHORT:
                self._long_outputs.append(hash(record.output))
        if record.format != "message" and (sketch := self._sketch(record)) is not None:
            self._sketched.append(place)
            for which, band in enumerate(self._bands):
                band.append(hash(sketch[which * self._width : (which + 1) * self._width].tobytes()))

    def exact(self) -> list[int]:
        """Numbers of rows that repeat an earlier one."""
        return self._at(_later(self._rows))

    def near(self) -> list[int]:
        """Numbers of rows whose last exchange nearly repeats an earlier one's (MinHash, banded as in LSH); exact copies are not in it."""
        if not self._sketched:
            return []
        found = np.zeros(len(self._rows), bool)
        for band in self._bands:
            found[np.asarray(self._sketched)[_later(band)]] = True
        return self._at(found & ~_later(self._rows))

    def contradictions(self) -> list[int]:
        """Numbers of rows that answer an earlier row's input differently."""
        inputs, outputs = np.asarray(self._inputs), np.asarray(self._outputs)
        order = np.lexsort((np.arange(len(inputs)), inputs))
        new = np.ones(len(order), bool)
        new[1:] = inputs[order][1:] != inputs[order][:-1]
        firsts = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))] if len(order) else order
        differs = outputs[order] != outputs[firsts]
        numbers = np.asarray(self._numbers)[np.asarray(self._answered, dtype=np.int64)]
        return sorted(int(number) for number in numbers[order[differs]])

    def repeated_outputs(self) -> float:
        """Share of the outputs of at least SHORT characters that an earlier row has too."""
        return float(_later(self._long_outputs).mean()) if self._long_outputs else 0.0

    def _at(self, found: NDArray[np.bool_]) -> list[int]:
        return [int(number) for number in np.asarray(self._numbers)[found]]

    def _sketch(self, record: Record) -> Any:
        """Of the last exchange: the history before it may well be the same."""
        words = " ".join(_last_exchange(record)).casefold().split()
        if len(words) < SHORTEST:
            return None
        sketch = self._blank.copy()
        sketch.update_batch([" ".join(words[start : start + SHINGLE]).encode() for start in range(len(words) - SHINGLE + 1)])
        return sketch.hashvalues


def _last_exchange(record: Record) -> Iterator[str]:
    turns: tuple[Turn, ...] = record.turns[-2:] or (Turn("user", record.text),)
    return (turn.text for turn in turns if turn.role != "system")


def _later(values: array[int]) -> NDArray[np.bool_]:
    """Where an equal value stands before."""
    found = np.zeros(len(values), bool)
    if len(values):
        given = np.asarray(values)
        order = np.argsort(given, kind="stable")
        ordered = given[order]
        found[order[1:][ordered[1:] == ordered[:-1]]] = True
    return found
