"""What lies behind a path: one file, or the text files of a folder or a zip, each known by its name and its first 64 kB.

An archive never chooses where its members are written, and nothing is written outside the scratch folder.
"""

from __future__ import annotations

import codecs
import lzma
import os
import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from homespun.errors import SourceError, UnknownName, UsageError

HEAD = 1 << 16
MAX_FILES = 200_000
"""Files in one export; photos and the like are known by their names and not counted."""
MAX_RATIO = 200
"""How much an archive may grow when unpacked: the most repetitive exports reach 30, what is made to fill a disk 1,000."""
_PROBE = 1 << 12
SQLITE = "SQLite format 3"
"""What stands for the first 64 kB of a database."""
_MEDIA = re.compile(
    r"\.(?:jpe?g|png|webp|gif|heic|tgs|mp[34]|webm|mov|avi|mkv|3gp|m4a|og[ga]|opus|wav|flac|aac|pdf|psd|[ot]tf)", re.IGNORECASE
)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UNSAFE = re.compile(r'[<>:"|?*\\/\x00-\x1f]')
# zipfile reports damage in as many ways as its parts can meet it.
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, ValueError, OverflowError, MemoryError)


class Tree(Protocol):
    """Files that came together: a folder, a zip, or one file alone. Media, hidden files and links are left out."""

    name: str
    """What the user would call it, such as `export.zip`."""
    names: list[str]
    """Its files, sorted, below its root and with forward slashes."""

    def shown(self, name: str) -> str:
        """What the user would call the file, such as `export.zip/_chat.txt`."""
        ...

    def head(self, name: str) -> str | None:
        """The first 64 kB as text; of an SQLite database, its first 15 characters; of any other binary, None."""
        ...

    def path(self, name: str) -> Path:
        """The file on the disk; from a zip it is unpacked once, into a folder called as the one it was in."""
        ...


def trees(path: Path, scratch: Path) -> Iterator[Tree]:
    """The tree at `path`, and one for every zip in it; what must be unpacked goes below `scratch`.

    Raises:
        UsageError: there is nothing at `path`.
        SourceError: it cannot be read, or holds more than any export would.
    """
    with readable(path.name):
        if path.is_dir():
            folder = _Folder(path, _walk(path))
            zips = [name for name in folder.names if zipfile.is_zipfile(path / name)]
            folder.names = [name for name in folder.names if name not in set(zips)]
            yield folder
            for name in zips:
                yield _Zip(path / name, folder.shown(name), scratch)
        elif path.is_file():
            yield _Zip(path, path.name, scratch) if zipfile.is_zipfile(path) else _Folder(path.parent, [path.name], path.name)
        elif path.exists():
            raise SourceError(f"{path} is neither a file nor a folder: give the path of the export")
        else:
            raise _missing(path)


class _Folder:
    def __init__(self, root: Path, names: list[str], alone: str = "") -> None:
        self._root, self._alone = root, alone
        self.name, self.names = alone or root.name or str(root), names

    def shown(self, name: str) -> str:
        return name if self._alone else f"{self.name}/{name}"

    def head(self, name: str) -> str | None:
        with readable(self.shown(name)), (self._root / name).open("rb") as stream:
            return _head(stream)

    def path(self, name: str) -> Path:
        return self._root / name


class _Zip:
    def __init__(self, file: Path, shown: str, scratch: Path) -> None:
        self._file, self.name, self._scratch = file, shown, scratch
        self._unpacked: dict[str, Path] = {}
        with self._damage():
            self._archive = zipfile.ZipFile(file)
            self._entries = {entry.filename.replace("\\", "/"): entry for entry in self._archive.infolist() if _wanted(entry)}
        if len(self._entries) > MAX_FILES:
            raise SourceError(f"{shown} holds more than {MAX_FILES:,} files: unzip it and give the export itself")
        self._check_size()
        self.names = sorted(self._entries)

    def shown(self, name: str) -> str:
        return "".join(c if c.isprintable() else "?" for c in f"{self.name}/{name}")

    def head(self, name: str) -> str | None:
        with self._damage(), self._archive.open(self._entries[name]) as stream:
            return _head(stream)

    def path(self, name: str) -> Path:
        if name not in self._unpacked:
            inside = PurePosixPath(name)
            # The folder's name is kept because an iPhone names the chat there and not in `_chat.txt`.
            folder = Path(tempfile.mkdtemp(dir=self._scratch)) / _safe(inside.parent.name or Path(self._file).stem)
            folder.mkdir()
            target = folder / _safe(inside.name)
            with self._damage(), self._archive.open(self._entries[name]) as stream, target.open("wb") as out:
                shutil.copyfileobj(stream, out, 1 << 20)  # zipfile never unpacks more than is declared
            self._unpacked[name] = target
        return self._unpacked[name]

    def _check_size(self) -> None:
        total = sum(entry.file_size for entry in self._entries.values())
        if total > MAX_RATIO * max(1, self._file.stat().st_size):
            raise SourceError(f"{self.name} unpacks to {total / 2**30:.1f} GiB, which no export does: unzip it and give the export itself")
        if total > shutil.disk_usage(self._scratch).free:
            raise SourceError(f"{self.name} unpacks to {total / 2**30:.1f} GiB, and {self._scratch} has less: free space, or set TMPDIR")
        if any(entry.flag_bits & 1 for entry in self._entries.values()):
            raise SourceError(f"{self.name} is locked with a password: unzip it and give the folder")

    @contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as error:
            what = str(error) or type(error).__name__
            raise SourceError(f"{self.name} is a damaged zip ({what}): export or download it again") from error


def _head(stream: IO[bytes]) -> str | None:
    """Of a binary, of which an export may have thousands, only as much is read as shows that it is one."""
    raw = stream.read(_PROBE)
    if raw.startswith(SQLITE.encode() + b"\0"):
        return SQLITE
    if _text(raw) is not None:
        raw += stream.read(HEAD - _PROBE)
    return _text(raw)


def _text(raw: bytes) -> str | None:
    if raw.startswith(_UTF16):
        return raw.decode("utf-16", "replace")
    text = raw.decode("utf-8-sig", "replace")
    return None if b"\0" in raw or text.count("\ufffd") * 10 > len(text) else text


def _walk(folder: Path) -> list[str]:
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _junk(name))
        for name in sorted(names):
            path = Path(place, name)
            # A link could lead anywhere on the disk: what is asked for is this folder.
            if _junk(name) or _MEDIA.fullmatch(path.suffix) or path.is_symlink() or not path.is_file() or not path.stat().st_size:
                continue
            if len(found) == MAX_FILES:
                raise SourceError(f"{folder} holds more than {MAX_FILES:,} files: give the file or folder of the export itself")
            found.append(path.relative_to(folder).as_posix())
    return sorted(found)


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
def readable(shown: str) -> Iterator[None]:
    """Turns what an operating system says of an unreadable file into one line."""
    try:
        yield
    except OSError as error:
        raise SourceError(f"{shown} cannot be read: {error.strerror or error}; check its permissions, or copy it elsewhere") from error
