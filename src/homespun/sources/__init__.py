"""The outside world as chats: one module per format, each found by the content of the file and not by its name.

    report = ImportReport()
    for chat in sources.read("WhatsApp Chat - Anna.zip", report): …

Chats and their messages are streamed: a chat's messages are gone through once, before the next chat is asked for.
"""

from __future__ import annotations

import contextlib
import math
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path

from homespun import plugins
from homespun.config import SourceSection
from homespun.errors import HomespunError, SourceError, UnknownName
from homespun.sources.files import SQLITE, Tree, trees
from homespun.sources.source import AnySource, FileSource, TreeSource, UrlSource
from homespun.types import Chat, Clock, ImportReport, Message

__all__ = ["ANYTHING", "FileSource", "TreeSource", "UrlSource", "formats", "is_url", "load", "read", "shown"]

ANYTHING = SourceSection()


@dataclass(frozen=True, slots=True)
class _Part:
    """What one source will read of an export."""

    tree: Tree
    names: Collection[str]
    format: str

    @property
    def shown(self) -> str:
        return self.tree.shown(next(iter(self.names))) if len(self.names) == 1 else self.tree.name


def formats() -> dict[str, AnySource]:
    """Every known source by name, built-in or plugged in.

    Raises:
        HomespunError: a plug-in does not load, or is no source.
    """
    found: dict[str, AnySource] = {}
    for name, module in plugins.load("homespun.sources").items():
        if not isinstance(module, FileSource | TreeSource | UrlSource):
            raise HomespunError(f"the plug-in {name!r} is no source (see homespun.sources.source): update or uninstall it")
        found[name] = module
    return found


def is_url(where: str) -> bool:
    return re.match(r"[a-z][a-z0-9+]+://", where) is not None


def read(where: str | Path, report: ImportReport, wanted: SourceSection = ANYTHING, spool: Path | None = None) -> Iterator[Chat]:
    """The chats of an export: a file, a zip or folder with one or more exports in it, or the URL of a database.

    Args:
        report: filled on the way; its `format` is known when the first chat comes, the rest when the last one is read.
        wanted: `wanted.format` is a name of `formats()`, with an option if it has any (`whatsapp:month-first`).
        spool: for a database, a folder where what was fetched is kept, should the connection break.

    Raises:
        UsageError: there is no such file or format.
        SourceError: nothing there can be read, or what can be read holds no messages; says what to do.
    """
    sources = _chosen(formats(), wanted.format)
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="homespun-") as scratch:
        if isinstance(where, str) and is_url(where):
            yield from _read_url(where, sources, report, wanted, spool or Path(scratch))
        else:
            yield from _read_path(Path(where), sources, report, wanted, Path(scratch), failures)
    if not report.kept:
        raise SourceError(failures[0] if failures else _nothing_kept(shown(where), report))
    report.notes += [f"left out {failure}" for failure in failures]


def load(where: str | Path, wanted: SourceSection | str | None = None) -> tuple[list[Chat], ImportReport]:
    """A whole export in memory; what `read` says holds here too. `wanted` may be just the name of a format."""
    report = ImportReport("")
    wanted = wanted if isinstance(wanted, SourceSection) else SourceSection(format=wanted)
    chats: dict[tuple[str, str], Chat] = {}
    pieces: dict[tuple[str, str], list[Message]] = {}
    for chat in read(where, report, wanted):
        place = chat.format, chat.key or chat.name
        chats.setdefault(place, chat)
        pieces.setdefault(place, []).extend(chat.messages)
    return [_whole(chat, pieces[place]) for place, chat in chats.items() if pieces[place]], report


def _whole(chat: Chat, messages: Sequence[Message]) -> Chat:
    group = len({message.speaker for message in messages}) > 2 if chat.group is None else chat.group
    return replace(chat, messages=tuple(messages), group=group)


def _chosen(sources: Mapping[str, AnySource], format: str | None) -> dict[str, AnySource]:
    """Only the source asked for by name, or by name and option; all of them if none is."""
    if format is None:
        return dict(sources)
    known = {name: name for name in sources}
    for name, source in sources.items():
        known |= {f"{name}:{option}": name for option in getattr(source, "options", ())}
    if format not in known:
        raise UnknownName("format", format, known)
    return {known[format]: sources[known[format]]}


def _read_url(url: str, sources: Mapping[str, AnySource], report: ImportReport, wanted: SourceSection, spool: Path) -> Iterator[Chat]:
    scheme = url.partition(":")[0].partition("+")[0]
    speakers = {name: source for name, source in sources.items() if isinstance(source, UrlSource)}
    name = next((name for name, source in speakers.items() if scheme in source.schemes), None)
    if name is None:
        raise UnknownName("database", f"{scheme}://", [f"{scheme}://" for source in speakers.values() for scheme in source.schemes])
    report.format = name
    for chat in speakers[name].read_url(url, report, wanted, spool):
        yield replace(chat, messages=_counted(chat.messages, report, wanted, chat.clock), format=name, accounts=report.accounts)


def _read_path(
    path: Path, sources: Mapping[str, AnySource], report: ImportReport, wanted: SourceSection, scratch: Path, failures: list[str]
) -> Iterator[Chat]:
    seen: list[Tree] = []
    parts: list[_Part] = []
    for tree in trees(path, scratch):
        seen.append(tree)
        parts += _parts(tree, sources, bool(wanted.format) and tree.names == [path.name])
    if not parts:
        raise _unrecognised(path, seen, sources)
    report.format = wanted.format or "+".join(sorted({part.format for part in parts}))
    for part in parts:
        own = ImportReport(wanted.format or part.format)
        with _kept_apart(part, parts, failures):
            for chat in _chats(part, sources[part.format], own, wanted):
                # A part that breaks in the middle of a chat ends there, and the next part is read.
                messages = _guarded(chat.messages, part, parts, failures)
                counted = _counted(messages, report, wanted, chat.clock)
                yield replace(chat, messages=counted, format=part.format, accounts=own.accounts)
        _merge(report, own, f"{part.shown}: " if len(parts) > 1 else "")


def _chats(part: _Part, source: AnySource, report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    if isinstance(source, TreeSource):
        yield from source.read_tree(part.tree, part.names, report, wanted)
    elif isinstance(source, FileSource):
        for name in part.names:
            yield from source.read(part.tree.path(name), report, wanted)


def _parts(tree: Tree, sources: Mapping[str, AnySource], forced: bool) -> Iterator[_Part]:
    """Who reads which of the files: exports of many files first, then file by file; and then the same for sources that take what is left.

    One file given with its format is believed to be in it.
    """
    left = dict.fromkeys(tree.names)
    for last in (False, True):
        asked = {name: source for name, source in sources.items() if bool(getattr(source, "last_resort", False)) is last}
        # A folder with any other export in it is none for a source that takes anything.
        claimed = _claimed(tree, left, asked) if len(left) == len(tree.names) or not last else ()
        for part in chain(claimed, _detected(tree, left, asked, forced)):
            for one in part.names:
                del left[one]
            yield part


def _claimed(tree: Tree, left: Mapping[str, None], sources: Mapping[str, AnySource]) -> Iterator[_Part]:
    for name, source in sources.items():
        if isinstance(source, TreeSource) and (claimed := left.keys() & set(source.claim(tree))):
            yield _Part(tree, sorted(claimed), name)


def _detected(tree: Tree, left: Mapping[str, None], sources: Mapping[str, AnySource], forced: bool) -> Iterator[_Part]:
    for one in list(left):
        head = tree.head(one)
        if head is None or not head.strip():
            continue
        # A database has to be opened to be known; for everything else a zip can stay packed.
        place = tree.path(one) if head == SQLITE else Path(one)
        for name, source in sources.items():
            if isinstance(source, FileSource) and (forced or source.detect(place, head)):
                yield _Part(tree, [one], name)
                break


@contextlib.contextmanager
def _kept_apart(part: _Part, parts: Sequence[_Part], failures: list[str]) -> Iterator[None]:
    """One part of several that cannot be read does not spoil the rest; one alone is an error."""
    try:
        yield
    except SourceError as error:
        failures.append(f"{part.shown}: {error}")
        if len(parts) == 1:
            raise SourceError(failures[0]) from error


def _guarded(messages: Iterable[Message], part: _Part, parts: Sequence[_Part], failures: list[str]) -> Iterator[Message]:
    with _kept_apart(part, parts, failures):
        yield from messages


def _counted(messages: Iterable[Message], report: ImportReport, wanted: SourceSection, clock: Clock) -> Iterator[Message]:
    """Those within the dates and the number asked for."""
    first = _midnight(wanted.since) if wanted.since else -math.inf
    end = _midnight(wanted.until + timedelta(1)) if wanted.until else math.inf
    for message in messages:
        if clock == "absolute" and message.time is not None and not first <= message.time < end:
            report.skip("outside the dates asked for")
        elif report.kept == wanted.max_messages:
            report.skip("beyond the number asked for")
        else:
            report.kept += 1
            yield message


def _midnight(day: date) -> float:
    return datetime.combine(day, datetime.min.time(), UTC).timestamp()


def _merge(report: ImportReport, part: ImportReport, where: str) -> None:
    report.skipped += part.skipped
    for speaker, known in part.accounts.items():
        report.accounts.setdefault(speaker, set()).update(known)
    report.notes += [where + note for note in part.notes]
    if part.me and report.me and part.me != report.me:
        report.notes.append(f"{where}the owner is called {part.me!r} here and {report.me!r} before: say which names are yours")
    report.me = report.me or part.me


def shown(where: str | Path) -> str:
    """What the user would call it, without what a URL says of passwords."""
    if not (isinstance(where, str) and is_url(where)):
        return Path(where).name
    scheme, _, rest = where.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


def _nothing_kept(name: str, report: ImportReport) -> str:
    why = ", ".join(f"{count} {reason}" for reason, count in report.skipped.most_common(4))
    return f"{name} holds no messages to learn from ({why or 'it has no chats'}): export a chat with written messages in it"


def _unrecognised(path: Path, found: Sequence[Tree], sources: Mapping[str, AnySource]) -> SourceError:
    readable = ", ".join(sorted(name for name, source in sources.items() if not isinstance(source, UrlSource)))
    names = [tree.shown(name) for tree in found for name in tree.names]
    if names == [path.name]:
        head = found[0].head(path.name)
        if head is not None and not head.strip():
            return SourceError(f"{path.name} is empty: export it again")
        if head == SQLITE:
            return SourceError(f"{path.name} is a database that no known app made: give it as sqlite:///{path.resolve()}")
        if head is None:
            return SourceError(f"{path.name} is a binary file; docs/sources.md says how to export from {readable}")
        return SourceError(f"{path.name} is in no known format; if it is one of these, name it with --as: {readable}")
    some = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    looked = f"looked at {len(names)} files: {some}" if names else "there is no text file in it"
    return SourceError(f"{path.name or path} holds no export ({looked}); docs/sources.md says how to export from {readable}")
