"""The outside world as chats: one module per format, each found by the content of the file and not by its name.

chats, report = sources.read("WhatsApp Chat - Anna.zip")
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from homespun import plugins
from homespun.errors import HomespunError, SourceError, UnknownName
from homespun.sources.files import Member, members
from homespun.types import Chat, ImportReport

__all__ = ["Source", "formats", "read"]


@runtime_checkable
class Source(Protocol):
    """A module that reads one format, registered as an entry point of `homespun.sources` under the format's name.

    A source may also have `options: tuple[str, ...]`, ways to read that the user can ask for as `name:option`; the one asked
    for stands behind the colon in `report.format`.
    """

    title: str
    """What the user would call the format, and how it is made; shown when a file is none of the known formats."""

    def detect(self, path: Path, head: str) -> bool:
        """Whether a file that begins with `head` (its first 64 kB) is of this format. Must not raise."""

    def read(self, path: Path, report: ImportReport) -> Iterator[Chat]:
        """The chats of one file. Fills `report.skipped`, `notes` and `me`; what is kept is counted by the caller.

        Raises:
            SourceError: the file cannot be read; the text says why and what to do, and need not name the file.
        """


def formats() -> dict[str, Source]:
    """Every known source by name, built-in or plugged in.

    Raises:
        HomespunError: a plug-in does not load, or is no source.
    """
    found: dict[str, Source] = {}
    for name, module in plugins.load("homespun.sources").items():
        if not isinstance(module, Source):
            raise HomespunError(f"the plug-in {name!r} is no source (it lacks title, detect or read): update or uninstall it")
        found[name] = module
    return found


def read(path: str | Path, format: str | None = None) -> tuple[list[Chat], ImportReport]:
    """The chats of an export: a file, or a zip or folder with one or more exports in it.

    Args:
        path: the export.
        format: a name of `formats()`, with an option if it has any (`whatsapp:month-first`); by default told from the content.

    Raises:
        UsageError: there is no such file or format.
        SourceError: nothing there can be read, or what can be read holds no messages; says what to do.
    """
    path, sources = Path(path), formats()
    if format is not None:
        sources = _chosen(sources, format)
    with tempfile.TemporaryDirectory(prefix="homespun-") as scratch:
        found = list(members(path, Path(scratch)))
        alone = len(found) == 1 and found[0].path == path
        parts = [(member, name) for member in found if (name := _format(member, sources, format if alone else None))]
        if not parts:
            raise _unrecognised(path, found, sources)
        return _read_all(path, parts, sources, format)


def _chosen(sources: dict[str, Source], format: str) -> dict[str, Source]:
    """Only the source asked for by name, or by name and option."""
    known = {name: name for name in sources}
    for name, source in sources.items():
        known |= {f"{name}:{option}": name for option in getattr(source, "options", ())}
    if format not in known:
        raise UnknownName("format", format, known)
    return {known[format]: sources[known[format]]}


def _format(member: Member, sources: dict[str, Source], forced: str | None) -> str | None:
    """The format of a member, or None. A file given alone with its format is believed to be in it."""
    if member.head is None or not member.head.strip():
        return None
    if forced:
        return next(iter(sources))
    return next((name for name, source in sources.items() if source.detect(member.path, member.head)), None)


def _read_all(
    path: Path, parts: Sequence[tuple[Member, str]], sources: dict[str, Source], format: str | None
) -> tuple[list[Chat], ImportReport]:
    chats: list[Chat] = []
    report = ImportReport(format or "+".join(sorted({name for _, name in parts})))
    failures: list[str] = []
    for member, name in parts:
        part = ImportReport(format or name)
        try:
            chats += sources[name].read(member.path, part)
        except SourceError as error:
            failures.append(f"{member.shown}: {error}")
            continue
        _merge(report, part, f"{member.shown}: " if len(parts) > 1 else "")
    report.kept = sum(len(chat.messages) for chat in chats)
    if not report.kept:
        raise SourceError(failures[0] if failures else _nothing_kept(path, report))
    report.notes += [f"left out {failure}" for failure in failures]
    return chats, report


def _merge(report: ImportReport, part: ImportReport, where: str) -> None:
    report.skipped += part.skipped
    report.notes += [where + note for note in part.notes]
    if part.me and report.me and part.me != report.me:
        report.notes.append(f"{where}the owner is called {part.me!r} here and {report.me!r} before: say which names are yours")
    report.me = report.me or part.me


def _nothing_kept(path: Path, report: ImportReport) -> str:
    why = ", ".join(f"{count} {reason}" for reason, count in report.skipped.most_common(4))
    return f"{path.name} holds no messages to learn from ({why or 'it has no chats'}): export a chat with written messages in it"


def _unrecognised(path: Path, found: Sequence[Member], sources: dict[str, Source]) -> SourceError:
    readable = "; ".join(sorted(source.title for source in sources.values()))
    if len(found) == 1 and found[0].path == path:
        head = found[0].head
        if head is not None and not head.strip():
            return SourceError(f"{path.name} is empty: export it again")
        if head is None:
            return SourceError(f"{path.name} is a binary file; give one of these: {readable}")
        return SourceError(f"{path.name} looks like none of these: {readable}; if it is one, name it with --as")
    names = ", ".join(member.shown for member in found[:3]) + (", …" if len(found) > 3 else "")
    looked = f"looked at {len(found)} files: {names}" if found else "there is no text file in it"
    return SourceError(f"{path.name or path} holds no export ({looked}); give one of these: {readable}")
