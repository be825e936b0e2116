"""The home: the folder that holds everything homespun makes for its owner.

Between stages travel artefacts: folders with a `manifest.json` that says what they are and what they came from. One is written under
a temporary name, synced and renamed, so it is either whole or not there.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, get_args

from filelock import FileLock, Timeout

from homespun.errors import Busy, DiskFull, HomespunError, UsageError

Kind = Literal["dataset", "run", "retrieval", "version", "evaluation", "conversion", "export"]
MARKER = "homespun.toml"
STALE = "stale"
SETTINGS = "# This folder is a homespun home. Delete it and everything homespun knows of you is gone.\nformat = 1\n"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an artefact is. `parents` are ids of artefacts (or "corpus:…", "base:…"): following them leads back to the messages."""

    kind: Kind
    id: str
    parents: tuple[str, ...] = ()
    recipe: str = ""
    seed: int | None = None
    counts: Mapping[str, float] = field(default_factory=dict)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    packages: Mapping[str, str] = field(default_factory=lambda: package_versions())
    content: Mapping[str, str] = field(default_factory=dict)
    """File name -> sha256, of every file of the artefact; filled in when it is written."""

    @property
    def title(self) -> str:
        """How its descendants name it among their parents."""
        return f"{self.kind}:{self.id}"


class Home:
    """An existing home.

    Raises:
        UsageError: there is none at `path`, and `path` is not free to become one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not (path / MARKER).is_file():
            raise UsageError(f"{path} is not a homespun home: make one with `homespun init {path}`, or point to yours with --home")

    @classmethod
    def create(cls, path: Path) -> Home:
        """Make a home, or open the one that is there."""
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path} is a file: choose another place for the home")
        if path.is_dir() and not (path / MARKER).is_file() and any(path.iterdir()):
            raise UsageError(f"{path} is not empty and no homespun home: choose a new folder")
        with disk_errors(path):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not (path / MARKER).is_file():
                write_text(path / MARKER, SETTINGS)
        return cls(path)

    @property
    def database(self) -> Path:
        return self.path / "homespun.db"

    def folder(self, kind: Kind, name: str) -> Path:
        return self.path / f"{kind}s" / name

    def manifest(self, kind: Kind, name: str) -> Manifest | None:
        """The manifest of an artefact, or None if it is not there (or not finished)."""
        file = self.folder(kind, name) / "manifest.json"
        if not file.is_file():
            return None
        values = json.loads(file.read_text(encoding="utf-8"))
        return Manifest(**{**values, "parents": tuple(values["parents"])})

    def artefacts(self) -> Iterator[Manifest]:
        """Every finished artefact."""
        for kind in get_args(Kind):
            for file in sorted((self.path / f"{kind}s").glob("*/manifest.json")):
                if found := self.manifest(kind, file.parent.name):
                    yield found

    def made_from(self, sources: Iterable[Manifest]) -> list[Manifest]:
        """What descends from these artefacts, nearest first; the artefacts themselves are not in it."""
        known = list(self.artefacts())
        reached = {source.title for source in sources}
        found: list[Manifest] = []
        while more := [one for one in known if one.title not in reached and reached & set(one.parents)]:
            found += more
            reached |= {one.title for one in more}
        return found

    def mark_stale(self, manifest: Manifest, reason: str) -> None:
        """Say of an artefact that it should not be used any more, and why. Its content stays as it is."""
        write_text(self.folder(manifest.kind, manifest.id) / STALE, reason)

    def why_stale(self, kind: Kind, name: str) -> str | None:
        file = self.folder(kind, name) / STALE
        return file.read_text(encoding="utf-8") if file.is_file() else None

    @contextlib.contextmanager
    def artefact(self, manifest: Manifest) -> Iterator[Path]:
        """A scratch folder to fill. It takes its place, with its manifest, when the block ends without an error."""
        final = self.folder(manifest.kind, manifest.id)
        with disk_errors(self.path):
            final.parent.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(dir=final.parent, prefix=".new-"))
        try:
            with disk_errors(self.path):
                yield scratch
                self._finish(scratch, final, manifest)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    @staticmethod
    def _finish(scratch: Path, final: Path, manifest: Manifest) -> None:
        files = sorted(file for file in scratch.rglob("*") if file.is_file())
        content = {str(file.relative_to(scratch)): file_hash(file) for file in files}
        write_json(scratch / "manifest.json", {**asdict(manifest), "content": content})
        for file in files:
            sync(file)
        if final.exists():
            shutil.rmtree(final)
        scratch.rename(final)
        sync(final.parent)

    @contextlib.contextmanager
    def lock(self, purpose: str) -> Iterator[None]:
        """Only one command at a time may train or import in a home.

        Raises:
            Busy: another one does; says which.
        """
        note = self.path / "lock.json"
        with disk_errors(self.path):
            lock = FileLock(self.path / ".lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                who = json.loads(note.read_text()) if note.is_file() else {}
                what = f"`homespun {who.get('purpose', '…')}` (process {who.get('pid', '?')})"
                raise Busy(f"{what} is at work in {self.path}: wait for it to end, or stop it; nothing was changed") from None
            try:
                write_json(note, {"purpose": purpose, "pid": os.getpid()})
                self._sweep()
                yield
            finally:
                note.unlink(missing_ok=True)
                lock.release()

    def _sweep(self) -> None:
        """Remove scratch folders that a killed command left behind; one younger than an hour may still be at work."""
        for scratch in self.path.glob("*/.new-*"):
            if time.time() - scratch.stat().st_mtime > 3600:
                shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the many ways a disk says no into one clear line."""
    try:
        yield
    except HomespunError:
        raise
    except Exception as error:  # safetensors and SQLAlchemy wrap the operating system's error in types of their own
        text = str(error).lower()
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
        if full or any(word in text for word in ("no space left", "file too large", "database or disk is full", "disk i/o error", "quota")):
            raise DiskFull(
                f"the disk that holds {path} is full: free some space and run the command again; nothing half-written was kept"
            ) from None
        if isinstance(error, PermissionError):
            raise HomespunError(f"no permission to write {error.filename or path}: choose another home with --home") from None
        raise


def write_text(file: Path, text: str) -> None:
    """Atomic: the file is the old one or the new one, never a part."""
    scratch = file.with_name(f".{file.name}.new")
    try:
        with scratch.open("w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)


def write_json(file: Path, value: object) -> None:
    write_text(file, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_jsonl(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    write_text(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read_jsonl(file: Path) -> list[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_hash(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def digest(*parts: object) -> str:
    """A short content address for anything JSON can say."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()[:16]


def package_versions() -> dict[str, str]:
    names = ("homespun", "torch", "transformers", "tokenizers", "safetensors")
    found = {"python": platform.python_version()}
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
