"""What a source is: three small protocols, for files, for exports of many files, and for databases."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from homespun.config import SourceSection
from homespun.sources.files import Tree
from homespun.types import Chat, ImportReport

__all__ = ["AnySource", "FileSource", "TreeSource", "UrlSource"]


@runtime_checkable
class FileSource(Protocol):
    """A format in which one file is one export. All three kinds are modules, registered as entry points of `homespun.sources`.

    A source may also have `options: tuple[str, ...]`, ways to read that the user can ask for as `name:option`; the one asked
    for stands behind the colon in `report.format`. And `last_resort = True`: it is asked when nobody else wants a file.
    """

    title: str
    """What the user would call the format, and how it is made; shown when a file is none of the known formats."""

    def detect(self, path: Path, head: str) -> bool:
        """Whether a file that begins with `head` (its first 64 kB) is of this format. Must not raise."""

    def read(self, path: Path, report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
        """The chats of one file, streamed. Fills `report.skipped`, `notes`, `accounts` and `me`; what is kept is counted by the caller.

        Raises:
            SourceError: the file cannot be read; the text says why and what to do, and need not name the file.
        """


@runtime_checkable
class TreeSource(Protocol):
    """A format in which many files make one export, such as a folder for each chat."""

    title: str

    def claim(self, tree: Tree) -> Collection[str]:
        """The names of the files it would read, none if this is no export of its kind. Must not raise."""

    def read_tree(self, tree: Tree, names: Collection[str], report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
        """The chats in the files it claimed, as `FileSource.read`."""


@runtime_checkable
class UrlSource(Protocol):
    """A database that is asked over a connection."""

    title: str
    schemes: tuple[str, ...]
    """What its URLs begin with, such as `bolt`."""

    def read_url(self, url: str, report: ImportReport, wanted: SourceSection, spool: Path) -> Iterator[Chat]:
        """The chats behind the URL.

        Args:
            spool: a folder of its own, kept until the import is in the corpus: what was fetched before the line broke waits here.
        """


AnySource = FileSource | TreeSource | UrlSource
