"""Repairs."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homespun.dataset import formats
from homespun.dataset.check import Examiner, Limits, check
from homespun.dataset.fix import fix
from homespun.errors import CheckFailed, UsageError

A, B, EMPTY = '{"question": "a", "answer": "yes, \\"a\\", }"}', '{"question":"b",  "answer":"no 👋"}', '{"question": "c", "answer": " "}'

BEYOND_REPAIR = {
    "no format: none of the fields of a training record",
    "in another format than most rows",
    "lost characters (\ufffd)",
    "no record in it can be used",
}


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "rows"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_what_is_safe_is_repaired_and_counted(tmp_path: Path) -> None:
    broken = "\n".join([A, "{", B + ",", A, "", EMPTY, "[1]"])
    file = written(tmp_path, b"\xef\xbb\xbf" + broken.replace("\n", "\r\n").encode())
    before = file.read_bytes()
    done = fix(file)
    assert file.read_text(encoding="utf-8") == f"{A}\n{B}\n"
    assert done.changes == {
        "byte order mark removed": 1,
        "unreadable records dropped (no JSON)": 1,
        "unreadable records dropped (no JSON object)": 1,
        "commas removed": 1,
        "exact copies dropped": 1,
        "empty outputs dropped": 1,
        "Windows line ends replaced": 4,
    }
    assert done.kept == 2 and done.backup == tmp_path / "rows.bak" and done.backup.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows", "rows.bak"]


def test_what_is_wrong_and_cannot_be_mended_stays_and_is_named(tmp_path: Path) -> None:
    odd = '{"question": "d"}'
    done = fix(written(tmp_path, "\n".join([A, odd, A])))
    assert (tmp_path / "rows").read_text(encoding="utf-8") == f"{A}\n{odd}\n"
    assert done.left == {'no "answer"': (2,)}


@pytest.mark.parametrize("content", [f"{A}\n{B}\n", f"[{A}, {B}]", "question,answer\na,yes\n", f"{A}\n{B}"])
def test_a_good_file_is_left_alone(tmp_path: Path, content: str) -> None:
    file = written(tmp_path, content)
    inode = file.stat().st_ino
    done = fix(file)
    assert not done.changes and done.backup is None and file.stat().st_ino == inode and file.read_text(encoding="utf-8") == content


@pytest.mark.parametrize(
    ("broken", "mended", "change"),
    [
        (f"[{A}, {B},]", f"[\n{A},\n{B}\n]\n", {"commas removed": 1}),
        (f"[{A}, {B}", f"[\n{A},\n{B}\n]\n", {"array closed": 1}),
        (f'[{A}, {B}, {{"ques', f"[\n{A},\n{B}\n]\n", {"unreadable records dropped (no JSON)": 1, "array closed": 1}),
        (f"[{A}, {A}]", f"[\n{A}\n]\n", {"exact copies dropped": 1}),
        (f'[{{"text": "a",}}, {B}]', f'[\n{{"text": "a"}},\n{B}\n]\n', {"commas removed": 1}),
        (
            'question;answer\r\n"a;b";"1\r\n2"\r\n"a;b";"1\r\n2"\r\nc;\r\n',
            'question;answer\r\n"a;b";"1\r\n2"\r\n',
            {"exact copies dropped": 1, "empty outputs dropped": 1},
        ),
        ("question,answer\na,yes\nb,no,3\n", "question,answer\na,yes\n", {"unreadable records dropped (more fields than the header)": 1}),
    ],
)
def test_arrays_and_csv_stay_what_they_are(tmp_path: Path, broken: str, mended: str, change: dict[str, int]) -> None:
    file = written(tmp_path, broken)
    assert fix(file).changes == change
    assert file.read_bytes().decode() == mended


def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, "\n".join([A, A, "{"]))
    before = file.read_bytes()
    done = fix(file, dry_run=True)
    assert done.backup is None and list(tmp_path.iterdir()) == [file] and file.read_bytes() == before
    assert done.changes == fix(file).changes


def test_an_older_backup_is_never_overwritten(tmp_path: Path) -> None:
    for number, name in enumerate(("rows.bak", "rows.bak2", "rows.bak3")):
        file = written(tmp_path, f'{{"text": "{number}"}}\n{{')
        done = fix(file)
        assert done.backup == tmp_path / name
    assert [(tmp_path / name).read_text()[10] for name in ("rows.bak", "rows.bak2", "rows.bak3")] == ["0", "1", "2"]


def test_a_link_is_followed_and_rights_are_kept(tmp_path: Path) -> None:
    file = written(tmp_path, f"{A}\n{{")
    file.chmod(0o640)
    (tmp_path / "link").symlink_to(file)
    assert fix(tmp_path / "link").backup == tmp_path / "rows.bak"
    assert (tmp_path / "link").is_symlink() and file.stat().st_mode & 0o777 == 0o640 and file.read_text(encoding="utf-8") == f"{A}\n"


def test_a_backup_is_a_copy_where_the_disk_knows_no_links(tmp_path: Path) -> None:
    file = written(tmp_path, f"{A}\n{{")
    with patch.object(Path, "hardlink_to", side_effect=OSError("not supported")):
        assert fix(file).backup == tmp_path / "rows.bak"
    assert (tmp_path / "rows.bak").read_text(encoding="utf-8") == f"{A}\n{{" and file.read_text(encoding="utf-8") == f"{A}\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{\n[1]\n", "nothing in rows could be kept"),
        ("", "nothing in rows could be kept"),
        (f'[{A}, {{"text": "broken}}, {B}, {A}]', r"record 2 of rows has no JSON.*mend it by hand"),
        ('question,answer\na,yes\nb,"no,\n' + "c,d\n" * 40_000, r"line 3 of rows has no CSV.*mend it by hand"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(tmp_path: Path, content: str, words: str) -> None:
    """A quote that is not closed hides where the records after it begin: dropping "one" record would drop them all."""
    file = written(tmp_path, content)
    with pytest.raises(CheckFailed, match=words):
        fix(file)
    assert file.read_text(encoding="utf-8") == content and list(tmp_path.iterdir()) == [file]


def test_a_record_too_large_to_read_is_never_dropped(tmp_path: Path) -> None:
    file = written(tmp_path, f'{A}\n{{"text": "{"x" * 300}"}}\n{{')
    with patch.object(formats, "MAX_RECORD", 100), pytest.raises(CheckFailed, match="line 2 of rows"):
        fix(file)


def test_a_folder_that_cannot_be_written_is_said() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = written(folder, f"{A}\n{{")
        folder.chmod(0o555)
        root = os.geteuid() == 0
        try:
            if root:  # to whom nothing is refused
                os.seteuid(65534)
            with pytest.raises(UsageError, match="no permission"):
                fix(file)
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o700)


@given(
    lines=st.lists(
        st.sampled_from([A, B, EMPTY, "{", A + ",", '{"text": ""}', '{"id": 1}', '{"text": "\\ud800"}', "\udcff", ""]), max_size=9
    ),
    end=st.sampled_from(["\n", "\r\n"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_repaired_file_needs_no_repair(tmp_path: Path, lines: list[str], end: str) -> None:
    """And what was kept is there byte for byte, once."""
    file = tmp_path / "rows"
    file.write_bytes(end.join(lines).encode("utf-8", "surrogateescape"))
    try:
        done = fix(file)
    except CheckFailed:
        return
    kept = [line for line in file.read_text(encoding="utf-8").splitlines() if line]
    assert len(kept) == done.kept
    assert not [line for line, count in Counter(kept).items() if count > 1 and line != '{"id": 1}']
    assert set(kept) <= set(lines) | {A}
    assert not fix(file).changes
    remaining = check(file, Examiner(Limits(min_rows=0, max_copies=1)))
    assert {one.what for one in remaining.errors} <= BEYOND_REPAIR
    assert json.dumps(done.as_dict())
