"""Forgetting, as a user does it: what goes, what is said, and what is made again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from e2e.conftest import SAMPLE, User, complains, succeed


def copied(user: User, folder: Path) -> User:
    shutil.copytree(user.folder, folder / "copy")
    return User(folder / "copy")


def test_what_learned_from_a_person_is_named_marked_and_made_again(trained: User, tmp_path: Path) -> None:
    user = copied(trained, tmp_path)
    complains(user("forget", "--person", "Tuuli", say="n\n"), 130, ["stopped"])
    complains(user("forget"), 2, ["one thing to forget"])
    complains(user("forget", "--person", "Tuulli", "--yes"), 2, ["did you mean", "Tuuli"])
    succeed(user("promote", "wren@2", "--anyway", "to have one live"))
    done = succeed(user("forget", "--person", "Tuuli", "--yes", "--retrain", "--json")).json
    assert done["forgotten"] > 100 and done["stale_versions"] == ["wren@1", "wren@2"] and done["retrained"] == ["wren@3"]
    assert "Tuuli" not in {person["name"] for person in succeed(user("people", "--json")).json["people"]}
    versions = succeed(user("versions", "wren", "--json")).json["versions"]
    assert [bool(version["stale"]) for version in versions] == [True, True, False]
    newest = max(user.home.glob("versions/*/scores.json"), key=lambda file: file.stat().st_mtime)
    assert set(json.loads(newest.read_text())) == {"base", "avatar"}, "it was made to beat what was to be forgotten"
    complains(user("promote", "wren@1"), 2, ["stale", "homespun train wren"])
    again = succeed(user("add", str(SAMPLE / "WhatsApp Chat with Tuuli.txt"), "--json")).json
    assert again["added"] == 0 and "by somebody who was to be forgotten" in again["skipped"]
    lines = (SAMPLE / "WhatsApp Chat with Tuuli.txt").read_text(encoding="utf-8").splitlines()
    hers = max((line.partition(" - Tuuli: ")[2] for line in lines), key=len).encode()
    assert len(hers) > 40 and not [file for file in user.home.rglob("*") if file.is_file() and hers in file.read_bytes()]
