"""Exports of many files: one that is damaged does not spoil the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypeVar

from homespun.errors import SourceError
from homespun.sources.files import Tree
from homespun.sources.json_stream import Record, items, objects
from homespun.types import ImportReport

T = TypeVar("T")
_SHOWN = 3


class Several:
    """Reads the files of an export, and keeps in mind which ones broke."""

    def __init__(self, tree: Tree, report: ImportReport) -> None:
        self._tree, self._report = tree, report
        self._failures: dict[str, str] = {}

    def guarded(self, name: str, values: Iterator[T]) -> Iterator[T]:
        """`values` of the file, up to where it breaks."""
        try:
            yield from values
        except SourceError as error:
            self._failures[name] = str(error)

    def objects(self, name: str, place: str = "item") -> Iterator[Record]:
        """The objects in a JSON file at a place, streamed."""
        yield from self.guarded(name, objects(self._items(name, place), self._report, self._tree.shown(name)))

    def one(self, name: str) -> Record:
        """The object that a small JSON file holds, {} if it holds none."""
        value = next(self.guarded(name, self._items(name, "")), None)
        return value if isinstance(value, dict) else {}

    def finish(self, names: Collection[str]) -> None:
        """Note what was left out.

        Args:
            names: the files that hold messages.

        Raises:
            SourceError: all of these broke.
        """
        shown = [f"{self._tree.shown(name)}: {why}" for name, why in self._failures.items()]
        broken = [self._failures.get(name) for name in names]
        if broken and all(broken):
            raise SourceError(broken[0] if len(broken) == 1 else shown[0])
        self._report.notes += [f"left out the rest of {failure}" for failure in shown[:_SHOWN]]
        if len(shown) > _SHOWN:
            self._report.notes.append(f"left out the rest of {len(shown) - _SHOWN:,} more files that are damaged")

    def _items(self, name: str, place: str) -> Iterator[object]:
        yield from items(self._tree.path(name), self._report, place)
