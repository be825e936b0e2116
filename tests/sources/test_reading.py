"""From a path to chats: what is found where, what is refused and how, and that no bytes whatever end in a traceback."""

from __future__ import annotations

import io
import json
import random
import stat
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chats import messages_of
from homespun import plugins, sources
from homespun.errors import HomespunError, SourceError, UsageError
from homespun.types import ImportReport

WHATSAPP = "13/05/2023, 21:05 - Anna: hi\n13/05/2023, 21:06 - Ben: ho\n"
TELEGRAM = json.dumps({"name": "Cem", "type": "personal_chat", "id": 2, "messages": [
    {"type": "message", "date_unixtime": "1577876400", "from": "Ben", "from_id": "user1", "text": "hi"}]})  # fmt: skip
MESSAGES = json.dumps({"conv": "c", "speaker": "Dan", "text": "hi"})
PHOTO = b"\xff\xd8\xff\xe0\0\x10JFIF\0" * 100


def zipped(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_built_in_sources_come_as_plug_ins() -> None:
    """All that are there, each with a page for people."""
    found = sources.formats()
    guide = (Path(__file__).parents[2] / "docs/sources.md").read_text(encoding="utf-8")
    assert len(found) == 21 and not [name for name in found if f"`{name}`" not in guide]
    assert all(isinstance(source, sources.FileSource | sources.TreeSource | sources.UrlSource) for source in found.values())
    with pytest.raises(HomespunError, match=r"no plug-in of homespun\.nothing is registered"):
        plugins.load("homespun.nothing")


def test_an_iphone_zip_gives_the_chat_its_name(tmp_path: Path) -> None:
    path = zipped(tmp_path / "WhatsApp Chat - Anna.zip", {"_chat.txt": WHATSAPP, "1-PHOTO.jpg": PHOTO, "__MACOSX/._chat.txt": WHATSAPP})
    (chat,), report = sources.load(path)
    assert (chat.name, len(messages_of(chat)), report.me, report.format) == ("Anna", 2, "Ben", "whatsapp")


def test_a_folder_of_exports_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "DataExport").mkdir()
    (tmp_path / "DataExport/result.json").write_text(TELEGRAM)
    (tmp_path / "DataExport/voice.bin").write_bytes(PHOTO)
    (tmp_path / "notes.md").write_text("# Notes\n")
    (tmp_path / "empty.txt").touch()
    zipped(tmp_path / "all.zip", {"WhatsApp Chat - Eva/_chat.txt": WHATSAPP.replace("Anna", "Eva")})
    (tmp_path / "link.txt").symlink_to("/etc/hostname")
    chats, report = sources.load(tmp_path)
    assert [(chat.name, messages_of(chat)[0].speaker) for chat in chats] == [("Cem", "Ben"), ("Eva", "Eva")]
    assert (report.format, report.me, report.kept, report.notes) == ("telegram+whatsapp", "Ben", 3, [])
    (chat,), report = sources.load(tmp_path, "whatsapp")
    assert (chat.name, report.format) == ("Eva", "whatsapp")


def test_a_part_that_cannot_be_read_does_not_spoil_the_rest(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(WHATSAPP)
    (tmp_path / "b.json").write_text(TELEGRAM[:-5])
    chats, report = sources.load(tmp_path)
    assert len(chats) == 1 and "b.json: the JSON is damaged or cut off" in report.notes[0]


def test_an_archive_cannot_write_outside_or_lead_elsewhere(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "evil.zip", {"../evil.txt": WHATSAPP, "/abs/evil.txt": WHATSAPP, "C:\\evil.txt": WHATSAPP, "a/../../e.txt": WHATSAPP}
    )
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/hostname")
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(SourceError, match=r"evil.zip holds no export \(there is no text file in it\)"):
        sources.load(path)
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_an_archive_that_unpacks_to_absurd_sizes_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", {"_chat.txt": WHATSAPP})
    raw = bytearray(path.read_bytes())
    entry = raw.index(b"PK\x01\x02")
    raw[entry + 24 : entry + 28] = (0xF0000000).to_bytes(4, "little")  # the declared size
    path.write_bytes(raw)
    with pytest.raises(SourceError, match="which no export does"):
        sources.load(path)


BAD = {
    "photo.jpg": (PHOTO, "photo.jpg is a binary file; docs/sources.md says how to export from .*, telegram"),
    "empty.txt": (b"", "empty.txt is empty: export it again"),
    "blank.txt": (b"\xef\xbb\xbf \n\n", "blank.txt is empty: export it again"),
    "essay.txt": (b"It was a dark night.\n", "essay.txt is in no known format; if it is one of these, name it with --as: .*, telegram"),
    "media.txt": (
        b"13/05/2023, 21:05 - Anna: <Media omitted>\n",
        "media.txt holds no messages to learn from .1 media without text.: export",
    ),
    "chats.json": (b'{"chats": {}}', "chats.json holds no messages to learn from .it has no chats."),
    # Of services that are known, in a form that is not.
    "message_1.html": (b"<html><body><div>Anna</div><div>hi</div></body></html>", "message_1.html is in no known format; if it is one"),
    "Anna - Text - 2020-01-01T00_00_00Z.html": (
        b'<html><body class="hchatlog"><q>hi</q></body></html>',
        "Anna - Text.* is in no known format",
    ),
    "Hangouts.json": (b'{"conversations": [{"events": [{"timestamp": "1400000000000000"}]}]}', "Hangouts.json is in no known format"),
    "wa.json": (
        b'{"4915@s.whatsapp.net": {"name": "A", "messages": {"k": {"from_me": true, "data": "hi"}}}}',
        "wa.json is in no known format",
    ),
    "cut.zip": (b"PK\x03\x04" + b"\0" * 50 + b"PK\x05\x06" + b"\x01\0" * 9, "cut.zip (is a damaged zip|is a binary file)"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_refused_in_one_line_that_says_what_to_do(tmp_path: Path, name: str) -> None:
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=f"^{message}") as caught:
        sources.load(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_wrong_path_or_format_lists_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "chat anna.txt").write_text(WHATSAPP)
    with pytest.raises(UsageError, match=r"called 'chat ana.txt': did you mean 'chat anna.txt'\?"):
        sources.load(tmp_path / "chat ana.txt")
    with pytest.raises(UsageError, match=r"there is no folder .*nowhere: check the path"):
        sources.load(tmp_path / "nowhere" / "chat.txt")
    with pytest.raises(UsageError, match="no format called 'watsapp': did you mean 'whatsapp'"):
        sources.load(tmp_path, "watsapp")
    (tmp_path / "hollow").mkdir()
    with pytest.raises(SourceError, match=r"hollow holds no export \(there is no text file in it\)"):
        sources.load(tmp_path / "hollow")
    with pytest.raises(SourceError, match="neither a file nor a folder"):
        sources.load("/dev/null")


def test_a_locked_zip_asks_to_be_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "locked.zip", {"_chat.txt": WHATSAPP})
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(SourceError, match="locked with a password: unzip it"):
        sources.load(path)


def test_stray_bytes_are_kept_as_marks_and_counted(tmp_path: Path) -> None:
    (tmp_path / "chat.txt").write_bytes(WHATSAPP.encode() + b"13/05/2023, 21:07 - Ben: caf\xe9\n")
    (chat,), report = sources.load(tmp_path / "chat.txt")
    assert messages_of(chat)[-1].text == "caf\ufffd" and "1 characters became" in report.notes[0]
    (tmp_path / "wide.txt").write_text(WHATSAPP, encoding="utf-16")
    assert len(messages_of(sources.load(tmp_path / "wide.txt")[0][0])) == 2


SEEDS = [
    WHATSAPP.encode(),
    TELEGRAM.encode(),
    MESSAGES.encode(),
    b'{"question": "q", "answer": "a"}',
    "[2023/5/13 下午9:05:00] 安: 好".encode(),
]
FORMATS = [None, "messages", "reflections", "telegram", "whatsapp", "whatsapp:year-first"]


def attempt(content: bytes, format: str | None) -> None:
    """Reads and, if there is something to read, checks that it can be stored."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "export")
        path.write_bytes(content)
        try:
            chats, report = sources.load(path, format)
        except HomespunError as error:
            assert str(error) and "\n" not in str(error)
            return
        assert isinstance(report, ImportReport) and report.kept == sum(len(messages_of(chat)) for chat in chats) > 0
        for message in (message for chat in chats for message in chat.messages):
            assert message.text.strip() and message.speaker.encode() and message.text.encode() and "\0" not in message.text


@given(
    st.binary(max_size=300) | st.sampled_from(SEEDS).flatmap(lambda seed: st.binary(max_size=9).map(lambda tail: seed + tail)),
    st.sampled_from(FORMATS),
)
def test_no_bytes_end_in_a_traceback(content: bytes, format: str | None) -> None:
    attempt(content, format)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["messages", "chats", "list", "type", "from", "from_id", "text", "text_entities", "date", "date_unixtime", "id", "name",
         "personal_information", "user_id", "conv", "speaker", "ts", "question", "answer"]), inner, max_size=6),
    max_leaves=20,
)  # fmt: skip


@given(json_values, st.sampled_from(FORMATS[:4]))
def test_no_json_ends_in_a_traceback(value: object, format: str | None) -> None:
    attempt(json.dumps(value).encode(), format)


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from(FORMATS))
def test_no_damage_to_real_exports_ends_in_a_traceback(data_dir: Path, seed: int, format: str | None) -> None:
    chance = random.Random(seed)
    fixtures = sorted(path for path in (data_dir / "dev-chat-fixtures").rglob("*") if path.is_file())
    content = bytearray(chance.choice(fixtures).read_bytes())
    buffer = io.BytesIO()
    if chance.random() < 0.3:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("_chat.txt", bytes(content))
        content = bytearray(buffer.getvalue())
    for _ in range(chance.randrange(4)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    attempt(bytes(content[: chance.randrange(1, len(content) + 1)] if chance.random() < 0.5 else content), format)
