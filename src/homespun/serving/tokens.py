"""The token that opens a home's server: made once, in a file that only its owner reads."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from homespun.errors import UsageError
from homespun.home import Home, disk_errors

FILE = "token"
SHORTEST = 16
"""Characters of a token that somebody chose."""


def token_of(home: Home, file: Path | None = None) -> str:
    """The token of a home, made when there is none, in a file that only its owner reads; or the one in another file.

    Raises:
        UsageError: that file is not there, or holds no token worth the name.
    """
    chosen = file or home.path / FILE
    if file is None:
        _make(chosen)
    try:
        token = chosen.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"cannot read a token from {chosen}") from None
    if len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            f"{chosen} holds no safe token: one line of {SHORTEST} or more letters and digits, such as `openssl rand -hex 24` prints"
        )
    return token


def _make(file: Path) -> None:
    with disk_errors(file.parent):
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(f"{secrets.token_urlsafe(24)}\n")
