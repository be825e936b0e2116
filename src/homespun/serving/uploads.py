"""Exports that somebody hands to the server: files in the home, under names of its own."""

from __future__ import annotations

import re
import shutil
import time
import unicodedata
import uuid
from collections.abc import AsyncIterable
from pathlib import Path

import anyio.to_thread

from homespun.errors import UnknownName, UsageError
from homespun.home import Home, disk_errors

KEPT = 24 * 3600.0
"""Seconds that an upload stays where no import took it."""
LONGEST_NAME = 120


async def receive(home: Home, name: str, chunks: AsyncIterable[bytes], limit: int) -> str:
    """Write an upload. Returns its id, which is all that anybody calls it by.

    Args:
        name: what its owner calls it. Some formats keep the name of the chat in it, so what is harmless of it stays.
        limit: bytes.

    Raises:
        UsageError: it is larger, or empty; nothing of it is kept.
    """
    made = uuid.uuid4().hex
    folder = _root(home) / made
    size = 0
    try:
        with disk_errors(home.path):
            folder.mkdir(parents=True, mode=0o700)
            with (folder / _plain(name)).open("xb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > limit:
                        raise UsageError(f"this file is larger than {limit >> 20} MB, the most that this server takes: use `homespun add`")
                    await anyio.to_thread.run_sync(file.write, chunk)
        if not size:
            raise UsageError("this file is empty: choose the export itself")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return made


def find(home: Home, upload: str) -> Path:
    """The file of an upload. Raises UnknownName."""
    files = list((_root(home) / upload).iterdir()) if re.fullmatch("[0-9a-f]{32}", upload) and (_root(home) / upload).is_dir() else []
    if not files:
        raise UnknownName("upload", upload, (), hint="it was imported already, or is older than a day: upload it again")
    return files[0]


def remove(home: Home, upload: str) -> None:
    """Nothing happens where there is none."""
    if re.fullmatch("[0-9a-f]{32}", upload):
        shutil.rmtree(_root(home) / upload, ignore_errors=True)


def sweep(home: Home) -> None:
    """Remove what nobody imported."""
    for folder in _root(home).glob("*"):
        if time.time() - folder.stat().st_mtime > KEPT:
            shutil.rmtree(folder, ignore_errors=True)


def _root(home: Home) -> Path:
    return home.path / "uploads"


def _plain(name: str) -> str:
    """The last part of a name as it is, since sources read the chat's own name from it, without what paths and devices are made of."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = re.sub(r'[<>:"|?*]', "_", "".join(letter for letter in last if letter.isprintable())).strip(" .")
    stem, dot, end = kept.rpartition(".")
    return f"{stem[: LONGEST_NAME - 12]}{dot}{end[:8]}" if stem else f"{kept[:LONGEST_NAME] or 'export'}"
