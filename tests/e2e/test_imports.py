"""Imports that are killed, and repeated."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from datetime import datetime, timedelta
from pathlib import Path

from e2e.conftest import User, succeed

MESSAGES = 40_000
KILLS = 4


def export(path: Path) -> Path:
    draw, now = random.Random(0), datetime(2020, 1, 1)
    with path.open("w", encoding="utf-8") as out:
        for number in range(MESSAGES):
            now += timedelta(seconds=draw.randint(0, 900))
            out.write(f"{now:%d/%m/%Y, %H:%M} - {draw.choice(['Anna', 'Ben'])}: message {draw.randint(0, 99)} of {number % 7}\n")
    return path


def ids(user: User) -> set[str]:
    with sqlite3.connect(user.home / "homespun.db") as db:
        return {row[0] for row in db.execute("SELECT id FROM messages")}


def test_an_import_killed_at_any_moment_leaves_all_or_nothing_and_the_next_one_completes_it(tmp_path: Path) -> None:
    file = export(tmp_path / "WhatsApp Chat with Anna.txt")
    whole, killed = User(tmp_path / "whole"), User(tmp_path / "killed")
    for user in (whole, killed):
        user.folder.mkdir()
    started = time.monotonic()
    succeed(whole("add", str(file), "--me", "Ben"))
    took = time.monotonic() - started
    moments = random.Random(3)
    for _ in range(KILLS):
        process = killed.start("add", str(file), "--me", "Ben")
        time.sleep(moments.uniform(0.3, 0.95) * took)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (killed.home / "homespun.db").is_file():
            assert len(ids(killed)) in (0, MESSAGES)
    succeed(killed("add", str(file), "--me", "Ben"))
    assert ids(killed) == ids(whole) and len(ids(whole)) == MESSAGES
    assert succeed(killed("add", str(file), "--json")).json["added"] == 0
