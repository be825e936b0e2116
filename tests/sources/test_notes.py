"""Notes and diaries: what is one, when it was written, and what is not taken for one."""

from __future__ import annotations

import os
import random
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import messages_of, read_by
from homespun import sources
from homespun.errors import SourceError
from homespun.sources import day_lines, notes
from homespun.sources.reflections import ANSWERER
from homespun.types import Chat, ImportReport

DAY = 86400.0


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path = path if path.suffix else path.with_suffix(".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
        os.utime(path, (9 * DAY, 9 * DAY))
    return folder


def said(chats: list[Chat]) -> list[tuple[str, str, float | None]]:
    assert all(len(messages_of(chat)) == 1 and messages_of(chat)[0].speaker == ANSWERER and chat.whole for chat in chats)
    return [(chat.name, messages_of(chat)[0].text, messages_of(chat)[0].time) for chat in chats]


def test_every_note_of_a_folder_is_a_chat_with_its_time(tmp_path: Path) -> None:
    front = "---\ntitle: x\ncreated: 1970-01-03\ntags: [a]\n---\n\nWith [a link](x.md), [[another]] and\n\n```\ncode --- 1\n```\n"
    notion = "# Plan\n\nCreated: January 4, 1970 10:00 AM\nTags: a, b\n\nDo it. 👩‍🚀\n"
    folder = written(
        tmp_path,
        a=front,
        b="Just words\r\nand more",
        c="![[photo.png]]\nSun",
        **{"1970-01-05 Dentist": "Ouch", "deep__e": "# 2 January 1970\n\nCold", f"Plan {'0f' * 16}": notion, "README": "no"},
    )
    chats, report = read_by(notes, folder)
    assert said(chats) == [
        ("1970-01-05 Dentist", "Ouch", 4 * DAY),
        ("Plan", "# Plan\n\nDo it. 👩‍🚀", 3 * DAY + 36000),
        ("a", "With [a link](x.md), [[another]] and\n\n```\ncode --- 1\n```", 2 * DAY),
        ("b", "Just words\r\nand more", 9 * DAY),
        ("c", "Sun", 9 * DAY),
        ("e", "Cold", 1 * DAY),
    ]
    assert [chat.key for chat in chats][-1] == "deep/e.md" and report.me == ANSWERER
    with zipfile.ZipFile(tmp_path / "vault.zip", "w") as archive:
        archive.writestr("vault/b.md", "b")
        archive.writestr("vault/c.md", "c")
    chats, _ = read_by(notes, tmp_path / "vault.zip")
    assert [(chat.key, chat.clock) for chat in chats] == [
        ("vault/b.md", "none"),
        ("vault/c.md", "none"),
    ]


DIARY = "Diary of Max\n\n# 2 January 1970\nCold.\n\nStill cold.\n\n# 3 January 1970\nRain.\n\n## 3 January 1970\nMore rain.\n"


def test_one_file_with_dates_is_a_diary(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text(DIARY)
    chats, _ = read_by(notes, tmp_path / "diary.txt")
    assert said(chats) == [
        ("diary", "Diary of Max", None),
        ("2 January 1970", "Cold.\n\nStill cold.", DAY),
        ("3 January 1970", "Rain.", 2 * DAY),
        ("3 January 1970", "More rain.", 2 * DAY),
    ]
    assert [chat.key for chat in chats][2:] == ["diary.txt#3 January 1970", "diary.txt#3 January 1970 (2)"]
    day_one = "\tDate:\t2 January 1970 at 10:00:00 CET\n\tWeather:\t3°C Cloudy\n\n\nCold.\n\n\tDate:\t3 January 1970\n\nRain.\n"
    (tmp_path / "Journal.txt").write_text(day_one)
    chats, _ = read_by(notes, tmp_path / "Journal.txt")
    assert [(text, time) for _, text, time in said(chats)] == [
        ("Cold.", DAY + 36000),
        ("Rain.", 2 * DAY),
    ]
    (tmp_path / "essay.txt").write_text("It was a dark night.\n")
    with pytest.raises(SourceError, match="in no known format"):
        read_by(notes, tmp_path / "essay.txt")
    assert [text for _, text, _ in said(list(notes.read(tmp_path / "essay.txt", ImportReport("notes"), sources.ANYTHING)))] == [
        "It was a dark night."
    ]


@pytest.mark.parametrize(
    "line",
    [
        *("1970-03-02", "# 1970-03-02", "**1970/3/2**", "2.3.1970", "02/03/1970", "2 March 1970", "Monday, March 2nd, 1970", "Mar 2 1970"),
        *(
            "Montag, 2. März 1970",
            "lunes, 2 de marzo de 1970",
            "2 mars 1970",
            "2 de março de 1970",
            "1970年3月2日",
            "1970년 3월 2일 월요일",
        ),
        *("1970-03-02 Monday", "## 1970-03-02, Mo:", "Понедельник, 2 марта 1970", "2nd of March 1970", "== 2 March 1970 =="),
    ],
)
def test_dates_as_people_write_them(line: str) -> None:
    assert day_lines.moment(line) == 60 * DAY
    assert day_lines.moment(line + " and then I said") is None and day_lines.moment(f"I said on {line}, no") is None


def test_times_of_day_and_orders() -> None:
    assert day_lines.moment("March 2, 1970 at 1:30 PM") == 60 * DAY + 13.5 * 3600
    assert day_lines.moment("2.3.1970, 13:30") == 60 * DAY + 13.5 * 3600
    assert day_lines.moment("03/02/1970", month_first=True) == 60 * DAY and day_lines.month_first(["hi", "03/13/1970"])
    assert [day_lines.moment(line) for line in ("31.2.1970", "2 Foo 1970", "", "1970", "10:30", "12.30")] == [None] * 6


OTHER = {
    "code": {"README.md": "# Tool", "docs__a.md": "x", "docs__b.md": "y", "main.py": "x = 1"},
    "papers": {"README.md": "x", "LICENSE.txt": "y", "CHANGELOG.md": "z"},
    "one": {"a.md": "x"},
}


@pytest.mark.parametrize("kind", OTHER)
def test_what_belongs_to_something_else_is_not_taken_for_notes(tmp_path: Path, kind: str) -> None:
    from homespun.sources.files import trees

    (tree,) = trees(written(tmp_path / "x", **OTHER[kind]), tmp_path)
    assert notes.claim(tree) == []


def test_a_folder_with_another_export_in_it_is_no_folder_of_notes(tmp_path: Path) -> None:
    files = {"a.md": "x", "b.md": "y", "chat.txt": "13/05/2023, 21:05 - Anna: hi\n13/05/2023, 21:06 - Ben: ho\n"}
    assert [chat.format for chat in sources.load(written(tmp_path / "x", **files))[0]] == ["whatsapp"]


def test_a_folder_of_empty_notes_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="2 empty note"):
        read_by(notes, written(tmp_path / "x", a="---\na: 1\n---\n", b="![](x.png)\n"))


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), min_size=1, max_size=30)
bodies = words.filter(lambda text: text.strip() and text == text.strip("\r\n") and text[:1] not in "-+#!\t" and not text[0].isspace())


@given(st.lists(bodies, min_size=2, max_size=5))
def test_notes_written_as_files_are_read_back(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        chats, _ = read_by(notes, written(Path(folder, "vault"), **{f"n{number}": text for number, text in enumerate(texts)}))
    assert [text for _, text, _ in said(chats)] == texts


@given(st.randoms(use_true_random=False))
def test_no_damage_ends_in_a_traceback(chance: random.Random) -> None:
    raw = bytearray(DIARY.replace("Diary of Max", "---\ndate: 99999999999999\n---").encode())
    for _ in range(chance.randrange(9)):
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.md", "b.md"):
            Path(folder, name).write_bytes(raw)
        try:
            read_by(notes, Path(folder))
        except SourceError as error:
            assert "\n" not in str(error)
