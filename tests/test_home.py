"""The home: whole or not there, one at a time, and never over somebody else's files."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest

from homespun.errors import Busy, DiskFull, HomespunError, UsageError
from homespun.home import MARKER, Home, Manifest, disk_errors, write_text


def everything(home: Home) -> set[str]:
    return {str(file.relative_to(home.path)) for file in home.path.rglob("*")}


def put(home: Home, text: str, fail: bool = False) -> None:
    with home.artefact(Manifest("run", "one", ("dataset:d",), counts={"steps": 3})) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "words.txt").write_text(text)
        if fail:
            raise ZeroDivisionError


def test_an_artefact_stands_whole_with_what_it_came_from(home: Home) -> None:
    put(home, "hello")
    manifest = home.manifest("run", "one")
    assert manifest is not None
    assert (manifest.parents, manifest.counts) == (("dataset:d",), {"steps": 3})
    assert manifest.content == {"deep/words.txt": hashlib.sha256(b"hello").hexdigest()}
    assert manifest.packages["homespun"]


def test_an_artefact_that_fails_leaves_nothing_and_harms_nothing(home: Home) -> None:
    with pytest.raises(ZeroDivisionError):
        put(home, "half", fail=True)
    assert everything(home) == {MARKER, "runs"} and home.manifest("run", "one") is None
    put(home, "first")
    before = everything(home)
    with pytest.raises(ZeroDivisionError):
        put(home, "second", fail=True)
    assert everything(home) == before
    assert (home.folder("run", "one") / "deep/words.txt").read_text() == "first"


def test_a_second_command_is_told_who_is_at_work(home: Home) -> None:
    with home.lock("train anna"):
        with pytest.raises(Busy, match=rf"`homespun train anna` \(process {os.getpid()}\) is at work"), Home(home.path).lock("add"):
            pass
        assert json.loads((home.path / "lock.json").read_text())["purpose"] == "train anna"
    with home.lock("add"):
        pass


def test_a_home_is_made_once_and_opened_ever_after(tmp_path: Path) -> None:
    made = Home.create(tmp_path / "deep" / "home")
    put(made, "kept")
    assert Home.create(made.path).manifest("run", "one") == Home(made.path).manifest("run", "one") is not None
    assert made.path.stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="make one with `homespun init"):
        Home(tmp_path / "deep")


def test_somebody_elses_folder_or_file_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear diary")
    with pytest.raises(UsageError, match="is not empty and no homespun home"):
        Home.create(tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        Home.create(tmp_path / "letter.txt")
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]


def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="free some space and run the command again"), disk_errors(tmp_path):
        Path("/dev/full").write_text("x")
    with pytest.raises(HomespunError, match="no permission to write /there"), disk_errors(tmp_path):
        raise PermissionError(errno.EACCES, "denied", "/there")


def test_a_file_is_replaced_or_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "words"
    write_text(file, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(file, "new \ud800")
    assert file.read_text() == "old" and [found.name for found in tmp_path.iterdir()] == ["words"]
