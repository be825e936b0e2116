"""What lies behind a path: one file, or the text files of a folder or a zip, each shown by its first 64 kB.

An archive never chooses where its members are written, and nothing is written outside the scratch folder.
"""

from __future__ import annotations

import codecs
import lzma
import os
import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from homespun.errors import SourceError, UnknownName, UsageError
from homespun.types import ImportReport

HEAD = 1 << 16
MAX_BYTES = 1 << 30
"""Text taken from one file or one archive; the largest real exports are a few hundred MB."""
MAX_FILES = 10_000
"""Files opened to look into them; photos and the like are known by their names and not counted."""
_PROBE = 1 << 12
_MEDIA = re.compile(
    r"\.(?:jpe?g|png|webp|gif|heic|tgs|mp[34]|webm|mov|avi|mkv|3gp|m4a|og[ga]|opus|wav|flac|aac|pdf|psd|[ot]tf)", re.IGNORECASE
)

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UNSAFE = re.compile(r'[<>:"|?*\\/\x00-\x1f]')
# zipfile reports damage in as many ways as its parts can meet it.
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, ValueError, OverflowError, MemoryError)


@dataclass(frozen=True, slots=True)
class Member:
    """A file that may be an export."""

    path: Path
    shown: str
    """What the user would call it, such as `export.zip/_chat.txt`."""
    head: str | None
    """Its first 64 kB; None when it is not text."""


@dataclass(slots=True)
class _Scratch:
    """Where archives are unpacked, and how much may still be."""

    folder: Path
    left: int = MAX_BYTES


def members(path: Path, folder: Path) -> Iterator[Member]:
    """The file at `path`, or every text file in the folder or zip at `path`; what must be unpacked goes below `folder`.

    Raises:
        UsageError: there is nothing at `path`.
        SourceError: it cannot be read, or holds more than any export would.
    """
    scratch = _Scratch(folder)
    with _readable(path.name):
        if path.is_dir():
            yield from _walk(path, scratch)
        elif path.is_file():
            yield from _unzip(path, scratch) if zipfile.is_zipfile(path) else [_member(path, path.name)]
        elif path.exists():
            raise SourceError(f"{path} is neither a file nor a folder: give the path of the export")
        else:
            raise _missing(path)


def read_text(path: Path, report: ImportReport) -> str:
    """The whole file as text: UTF-8, or UTF-16 where it says so. Stray bytes become U+FFFD, and the report says how many."""
    with _readable("it"):
        if path.stat().st_size > MAX_BYTES:
            raise SourceError(f"it is larger than {MAX_BYTES >> 30} GiB: export it in parts")
        raw = path.read_bytes()
    if raw.startswith(_UTF16):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = raw.decode("utf-8-sig", "replace")
        lost = text.count("\ufffd")
        report.notes.append(f"the file is not clean UTF-8 (from byte {error.start} on): {lost} characters became \ufffd")
        return text


def storable(text: str) -> str:
    """`text` without what no database takes: lone surrogates and NUL become U+FFFD, everything else stays."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _head(stream: IO[bytes]) -> tuple[bytes, str | None]:
    """The first 64 kB, and as text; of a binary, of which an export may have thousands, only what shows that it is one."""
    raw = stream.read(_PROBE)
    if _text(raw) is not None:
        raw += stream.read(HEAD - _PROBE)
    return raw, _text(raw)


def _text(raw: bytes) -> str | None:
    if raw.startswith(_UTF16):
        return raw.decode("utf-16", "replace")
    text = raw.decode("utf-8-sig", "replace")
    return None if b"\0" in raw or text.count("\ufffd") * 10 > len(text) else text


def _member(path: Path, shown: str) -> Member:
    with _readable(shown), path.open("rb") as stream:
        return Member(path, shown, _head(stream)[1])


def _walk(folder: Path, scratch: _Scratch) -> Iterator[Member]:
    seen = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _junk(name))
        for name in sorted(names):
            path = Path(place, name)
            # A link could lead anywhere on the disk: what is asked for is this folder.
            if _junk(name) or _MEDIA.fullmatch(path.suffix) or path.is_symlink() or not path.is_file() or not path.stat().st_size:
                continue
            if (seen := seen + 1) > MAX_FILES:
                raise SourceError(f"{folder} holds more than {MAX_FILES} files: give the file or folder of the export itself")
            shown = path.relative_to(folder.parent).as_posix()
            yield from _unzip(path, scratch) if zipfile.is_zipfile(path) else [_member(path, shown)]


def _unzip(path: Path, scratch: _Scratch) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if _wanted(entry)]
            if len(entries) > MAX_FILES:
                raise SourceError(f"{path.name} holds more than {MAX_FILES} files: unzip it and give the export itself")
            for entry in entries:
                if entry.flag_bits & 1:
                    raise SourceError(f"{path.name} is locked with a password: unzip it and give the folder")
                if member := _extract(archive, entry, path, scratch):
                    yield member
    except _DAMAGE as error:
        raise SourceError(f"{path.name} is a damaged zip ({str(error) or type(error).__name__}): export or download it again") from error


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, scratch: _Scratch) -> Member | None:
    """Writes one text member to the scratch, in a folder named as the one it was in; binaries stay packed."""
    shown = "".join(c if c.isprintable() else "?" for c in f"{path.name}/{entry.filename}")
    with archive.open(entry) as stream:
        raw, head = _head(stream)
        if head is None:
            return None
        scratch.left -= entry.file_size  # zipfile never unpacks more than is declared
        if scratch.left < 0:
            raise SourceError(f"{shown} unpacks to more than {MAX_BYTES >> 30} GiB, which no export does")
        # The folder's name is kept because an iPhone names the chat there and not in `_chat.txt`.
        inside = PurePosixPath(entry.filename.replace("\\", "/"))
        folder = Path(tempfile.mkdtemp(dir=scratch.folder)) / _safe(inside.parent.name or path.stem)
        folder.mkdir()
        target = folder / _safe(inside.name)
        with target.open("wb") as out:
            while raw:
                out.write(raw)
                raw = stream.read(1 << 20)
    return Member(target, shown, head)


def _wanted(entry: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
    if not parts or entry.is_dir() or stat.S_ISLNK(entry.external_attr >> 16) or _MEDIA.fullmatch(PurePosixPath(parts[-1]).suffix):
        return False
    return not any(_junk(part) or part == "/" or part.endswith(":") for part in parts)


def _junk(name: str) -> bool:
    """Hidden files, `..`, and what a Mac adds when it zips."""
    return name.startswith(".") or name == "__MACOSX"


def _safe(name: str) -> str:
    clean = _UNSAFE.sub("_", name).encode()[:200].decode(errors="ignore").strip()
    return clean if clean.strip(".") else "export"


def _missing(path: Path) -> UsageError:
    folder = path.parent
    if not folder.is_dir():
        return UsageError(f"there is no folder {folder}: check the path of the export")
    return UnknownName(f"file in {folder.resolve()}", path.name, (entry.name for entry in folder.iterdir() if not _junk(entry.name)))


@contextmanager
def _readable(shown: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceError(f"{shown} cannot be read: {error.strerror or error}; check its permissions, or copy it elsewhere") from error
