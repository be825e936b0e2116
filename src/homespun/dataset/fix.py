"""Repairs a training file where that is safe, and keeps the old one. What can be read but is wrong stays, and is named.

Nothing inside a text is changed, and no row is ever written twice.
"""

from __future__ import annotations

import codecs
import itertools
import json
import os
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from homespun.dataset.copies import identity
from homespun.dataset.formats import COMMA, NO_END, TOO_LARGE, Piece, Shape, opened, parse
from homespun.errors import CheckFailed, UsageError
from homespun.home import disk_errors, sync

_BOMS = {codecs.BOM_UTF8: "byte order mark removed", codecs.BOM_UTF16_LE: "UTF-16 made UTF-8", codecs.BOM_UTF16_BE: "UTF-16 made UTF-8"}
_EXTRA_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*(?:[}\]]|$))', re.DOTALL)
_SEVERAL = re.compile(r"\}\s*,\s*\{")


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was, or with a dry run would be, done."""

    file: str
    kept: int
    """Records."""
    changes: Mapping[str, int]
    """What was done -> how often."""
    left: Mapping[str, tuple[int, ...]]
    """What is wrong and was left as it is -> where."""
    backup: Path | None
    """The file as it was; None where nothing was written."""

    def as_dict(self) -> dict[str, Any]:
        backup = str(self.backup) if self.backup else None
        return {"file": self.file, "kept": self.kept, "changes": dict(self.changes), "left": dict(self.left), "backup": backup}


def fix(path: Path, dry_run: bool = False) -> Fixed:
    """Repair a file in its place. At any moment it is the old one or the new one.

    Raises:
        UsageError: there is no such file, or no permission to write beside it.
        SourceError: it cannot be read.
        CheckFailed: it cannot be repaired safely; it is left as it is.
    """
    named, path = path.name, path.resolve()
    with opened(path) as (shape, pieces):
        repair = _Repair(named, shape)
        if (done := _start(path)) is not None:
            repair.changes[done] += 1
        parts = repair.parts(pieces)
        if dry_run:
            for _ in parts:
                pass
            return repair.result(None)
        if not os.access(path.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise UsageError(f"no permission to write in {path.parent}: copy {named} elsewhere first")
        with disk_errors(path.parent):
            return repair.result(_replace(path, parts, repair.changes))


@dataclass(slots=True)
class _Repair:
    name: str
    shape: Shape
    kept: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    left: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    seen: set[int] = field(default_factory=set)

    def parts(self, pieces: Iterator[Piece]) -> Iterator[str]:
        """The repaired file, part by part."""
        yield self.shape.opening
        for piece in pieces:
            if (text := self._mended(piece)) is not None:
                yield (self.shape.between if self.kept else "") + text
                self.kept += 1
        if not self.kept:
            raise CheckFailed(f"nothing in {self.name} could be kept: it was left as it is")
        yield self.shape.closing

    def result(self, backup: Path | None) -> Fixed:
        left = {what: tuple(numbers) for what, numbers in self.left.items()}
        return Fixed(self.name, self.kept, dict(self.changes), left, backup)

    def _mended(self, piece: Piece) -> str | None:
        """The record as it is to stand in the file; None drops it."""
        raw, value = piece.raw.rstrip("\r\n"), piece.value
        if value is None:
            mended = self._without_extra_commas(piece)
            if mended is None:
                return None
            raw, value = mended
        if self.shape.container == "JSONL" and piece.raw.endswith("\r\n"):
            self.changes["Windows line ends replaced"] += 1
        try:
            record = parse(value)
        except ValueError as error:
            self.left[str(error)].append(piece.number)
            return raw
        key = identity(record, piece.number)
        taught = record.output if record.turns else record.text
        dropped = "empty outputs" if taught is not None and not taught.strip() else "exact copies" if key in self.seen else None
        if dropped:
            self.changes[f"{dropped} dropped"] += 1
            return None
        self.seen.add(key)
        return raw

    def _without_extra_commas(self, piece: Piece) -> tuple[str, dict[str, object]] | None:
        """A record that only commas made unreadable; None drops what cannot be read."""
        if piece.problem in (COMMA, NO_END):
            self.changes["commas removed" if piece.problem == COMMA else "array closed"] += 1
            return None
        tried = _EXTRA_COMMA.sub(lambda found: found[1] or "", piece.raw.strip())
        try:
            value = json.loads(tried)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and self.shape.container != "CSV":
            self.changes["commas removed"] += 1
            return tried, value
        swallowed = {"JSONL": False, "CSV": "\n" in piece.raw, "JSON array": _SEVERAL.search(piece.raw) is not None}
        if piece.problem == TOO_LARGE or swallowed[self.shape.container]:
            where = f"{self.shape.unit} {piece.number:,} of {self.name}"
            raise CheckFailed(f"{where} has {piece.problem}, and where it ends cannot be told: mend it by hand; the file is as it was")
        self.changes[f"unreadable records dropped ({piece.problem.partition(':')[0]})"] += 1
        return None


def _start(path: Path) -> str | None:
    with path.open("rb") as stream:
        head = stream.read(3)
    return next((done for bom, done in _BOMS.items() if head.startswith(bom)), None)


def _replace(path: Path, parts: Iterator[str], changes: Mapping[str, int]) -> Path | None:
    """Write the parts, and put them in the file's place if anything changed. Returns the backup."""
    scratch = path.with_name(f".{path.name}.new")
    try:
        with scratch.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            stream.writelines(parts)
            stream.flush()
            os.fsync(stream.fileno())
        if not changes:
            return None
        shutil.copymode(path, scratch)
        backup = _kept_as(path)
        scratch.replace(path)
        sync(path.parent)
        return backup
    finally:
        scratch.unlink(missing_ok=True)


def _kept_as(path: Path) -> Path:
    """A second name for the file, or a copy where the disk knows no second names; never over an older backup."""
    for number in itertools.count(1):
        backup = path.with_name(f"{path.name}.bak{number if number > 1 else ''}")
        if os.path.lexists(backup):
            continue
        try:
            backup.hardlink_to(path)
        except FileExistsError:
            continue
        except OSError:
            shutil.copy2(path, backup)
        return backup
    raise AssertionError("there is always another number")
