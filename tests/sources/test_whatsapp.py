"""WhatsApp exports of many locales: the same three messages must come out of every one of them."""

from __future__ import annotations

import contextlib
import json
import tempfile
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import messages_of
from homespun import sources
from homespun.errors import SourceError
from homespun.sources.whatsapp_headers import NOBODY, header, scan
from homespun.types import Chat, ImportReport, Message


def read(text: str, name: str = "WhatsApp Chat with Anna.txt", format: str = "whatsapp") -> tuple[Chat, ImportReport]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
        (chat,), report = sources.load(path, format)
    return chat, report


def at(stamp: str) -> float:
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()


N = "\u202f"
L = "\u200e"
# Locale, header of the first message (13 May 2023, 21:05) and of the second (14 May 2023, 9:29).
LOCALES = [
    ("en-US Android", f"5/13/23, 9:05{N}PM - ", f"5/14/23, 9:29{N}AM - "),
    ("en-US Android before 2023", "5/13/23, 9:05 PM - ", "5/14/23, 9:29 AM - "),
    ("en-GB iPhone 12 h", f"[13/05/2023, 9:05:00{N}pm] ", f"[14/05/2023, 9:29:00{N}am] "),
    ("de iPhone", "[13.05.23, 21:05:00] ", "[14.05.23, 09:29:00] "),
    ("de Android", "13.05.23, 21:05 - ", "14.05.23, 09:29 - "),
    ("es-MX", "13/5/2023, 9:05\u00a0p.\u00a0m. - ", "14/5/2023, 9:29 a. m. - "),
    ("en-CA", "2023-05-13, 9:05 p.m. - ", "2023-05-14, 9:29 a.m. - "),
    ("en-ZA", "2023/05/13, 9:05 pm - ", "2023/05/14, 9:29 am - "),
    ("fi iPhone", "[13.5.2023 klo 21.05.00] ", "[14.5.2023 klo 9.29.00] "),
    ("fi Android", "13.5.2023 klo 21.05 - ", "14.5.2023 klo 9.29 - "),
    ("pt-BR without a comma", "13/05/2023 21:05 - ", "14/05/2023 09:29 - "),
    ("fr, older", "13/05/2023 à 21:05 - ", "14/05/2023 à 09:29 - "),
    ("nl iPhone", "[13-05-2023 21:05:00] ", "[14-05-2023 09:29:00] "),
    ("zh-TW", "2023/5/13 下午9:05 - ", "2023/5/14 上午9:29 - "),
    ("zh-TW evening", "2023/5/13 晚上9:05 - ", "2023/5/14 早上9:29 - "),
    ("zh-CN iPhone", "[2023/5/13 下午9:05:00] ", "[2023/5/14 上午9:29:00] "),
    ("ko", "2023. 5. 13. 오후 9:05 - ", "2023. 5. 14. 오전 9:29 - "),
    ("ja iPhone", "[2023/05/13 21:05:00] ", "[2023/05/14 9:29:00] "),
    ("ar", "\u200f١٣\u200f/٥\u200f/٢٠٢٣، ٩:٠٥ م - ", "\u200f١٤\u200f/٥\u200f/٢٠٢٣، ٩:٢٩ ص - "),
    ("el", "13/5/23, 9:05 μ.μ. - ", "14/5/23, 9:29 π.μ. - "),
    ("sv", "2023-05-13 21:05 - ", "2023-05-14 09:29 - "),
    ("hr, spaced dots", "13. 05. 2023. 21:05 - ", "14. 05. 2023. 09:29 - "),
    ("2012, no dash", "13/05/2023 21:05:00: ", "14/05/2023 09:29:00: "),
    ("hr iPhone, no dash", "13. 5. 2023. 21:05:00 ", "14. 5. 2023. 9:29:00 "),
    ("en-US iPhone without a comma", "[5/13/23 9:05:00 PM] ", "[5/14/23 9:29:00 AM] "),
    ("a thin space", "13/05/2023, 9:05\u2009PM - ", "14/05/2023, 9:29\u2009AM - "),
    ("a byte order mark first", "\ufeff13/05/2023, 21:05 - ", "14/05/2023, 09:29 - "),
    ("marks before the bracket", f"{L}[13/05/2023, 21:05:00] ", f"\ufeff{L}[14/05/2023, 09:29:00] "),
]


@pytest.mark.parametrize(("first", "second"), [locale[1:] for locale in LOCALES], ids=[locale[0] for locale in LOCALES])
def test_every_locale_gives_the_same_messages(first: str, second: str) -> None:
    chat, report = read(
        f"{first}Anna: Hi: 👩\u200d👩\u200d👧 \r\nhow are\r\n\r\nyou?\r\n{second}\u202aBen B.\u202c: fine\r\n{second}Anna: ok\r\n"
    )
    assert chat == Chat(
        "Anna",
        (
            Message("Anna", "Hi: 👩\u200d👩\u200d👧 \nhow are\n\nyou?", at("2023-05-13T21:05")),
            Message("Ben B.", "fine", at("2023-05-14T09:29")),
            Message("Anna", "ok", at("2023-05-14T09:29")),
        ),
        group=False,
    )
    assert (report.me, report.notes, report.kept, report.skipped) == ("Ben B.", [], 3, {})


@pytest.mark.parametrize(
    ("hour", "expected"), [("12:10 AM", "00:10"), ("12:10 PM", "12:10"), ("0:10 a. m.", "00:10"), ("1:10 p.m.", "13:10")]
)
def test_noon_and_midnight(hour: str, expected: str) -> None:
    assert messages_of(read(f"5/13/23, {hour} - Anna: x")[0])[0].time == at(f"2023-05-13T{expected}")


def test_day_and_month_are_told_apart_by_the_steps_back_in_time() -> None:
    # Read as month/day the second message would be four months before the first.
    chat, report = read("05/03/24, 10:00 - Anna: a\n01/04/24, 10:00 - Ben: b\n02/04/24, 10:00 - Anna: c\n")
    assert [message.time for message in chat.messages] == [at("2024-03-05T10:00"), at("2024-04-01T10:00"), at("2024-04-02T10:00")]
    assert report.notes == []
    # A year first with two digits is the last thing to think of.
    chat, report = read("23/05/31, 10:00 - Anna: a\n23/06/01, 10:00 - Ben: b\n")
    assert [message.time for message in chat.messages] == [at("2023-05-31T10:00"), at("2023-06-01T10:00")]


def test_an_order_decided_by_the_span_alone_is_noted_and_can_be_overruled() -> None:
    text = "1/2/2024, 10:00 - Anna: a\n1/3/2024, 10:00 - Ben: b\n1/4/2024, 10:00 - Anna: c\n"
    chat, report = read(text)
    assert [message.time for message in chat.messages] == [at(f"2024-01-0{day}T10:00") for day in (2, 3, 4)]
    assert "1/2/2024 was read as month-first" in report.notes[0] and "--as whatsapp:day-first" in report.notes[0]
    chat, report = read(text, format="whatsapp:day-first")
    assert [message.time for message in chat.messages] == [at(f"2024-0{month}-01T10:00") for month in (2, 3, 4)]
    assert report.notes == [] and report.format == "whatsapp:day-first"
    assert read("5/5/2024, 10:00 - Anna: a\n")[1].notes == []


# Bodies as they stand behind "Ben: " on Android, with what is left of them, or the reason why nothing is.
ANDROID = [
    ("<Media omitted>", "media without text"),
    ("<Medien ausgeschlossen>", "media without text"),
    ("<Mídia oculta>", "media without text"),
    ("<মিডিয়া বাদ দেওয়া হয়েছে>", "media without text"),
    ("<省略多媒体文件>", "media without text"),
    ("<Media omitted>\nlook at this", "look at this"),
    ("IMG-20230513-WA0001.jpg (file attached)", "media without text"),
    ("IMG-20230513-WA0001.jpg (Datei angehängt)\nschau\nmal", "schau\nmal"),
    ("IMG-20230513-WA0001.jpg (in some other tongue)\nlook", "look"),
    ("Report 3.pdf (archivo adjunto)\nReport 3.pdf", "media without text"),
    ("Report 3.pdf (archivo adjunto)\nReport 3.pdf\nlee esto", "lee esto"),
    ("see you <This message was edited>", "see you"),
    ("bis dann <Diese Nachricht wurde bearbeitet>", "bis dann"),
    ("nos vemos <Se editó este mensaje.>", "nos vemos"),
    ("I <3 you > me", "I <3 you > me"),
    ("a < b and b > c", "a < b and b > c"),
    ("This message was deleted", "deleted message"),
    ("Diese Nachricht wurde gelöscht.", "deleted message"),
    ("הודעה זו נמחקה", "deleted message"),
    ("location: https://maps.google.com/?q=52.5,13.4", "location or other placeholder"),
    ("meet here https://maps.google.com/?q=52.5,13.4", "meet here https://maps.google.com/?q=52.5,13.4"),
    ("POLL:\nPizza?\nOPTION: Yes (2 votes)\nOPTION: No (0 votes)", "poll"),
    ("null", "media without text"),
    ("PTT-20230513-WA0001.opus (file attached)", "media without text"),
    *((f"{kind}-20230513-WA0001.x (in some other tongue)", "media without text") for kind in ("VID", "AUD", "GIF", "STK")),
    ("ubicación: https://maps.google.com/?q=52.5,13.4", "location or other placeholder"),
    ("Standort: https://maps.google.com/?q=52.5,13.4", "location or other placeholder"),
    ("You deleted this message", "deleted message"),
    ("UMFRAGE:\nPizza?\nOPTION: Ja (2 Stimmen)", "poll"),
    ("", "empty message"),
    (" \n ", "empty message"),
    ("I deleted this message from my phone", "I deleted this message from my phone"),
]
IPHONE = [
    (f"{L}image omitted", "media without text"),
    (f"{L}Çıkartma dahil edilmedi", "media without text"),
    *((f"{L}{what} omitted", "media without text") for what in ("video", "audio", "GIF", "sticker", "document", "Contact card")),
    (f"{L}Plan.pdf • {L}3 pages {L}document omitted", "media without text"),
    (f"{L}<attached: 00000012-PHOTO-2023-05-13-21-05-00.jpg>", "media without text"),
    (f"{L}<angehängt: 00000012-PHOTO-2023-05-13-21-05-00.jpg>", "media without text"),
    (f"the garden {L}<attached: 00000012-PHOTO-2023-05-13-21-05-00.jpg>", "the garden"),
    (f"the garden {L}image omitted", "the garden"),
    (f"see you {L}<This message was edited>", "see you"),
    (f"ok {L}<in einer anderen Sprache bearbeitet>", "ok"),
    (f"{L}You deleted this message.", "deleted message"),
    (f"{L}Ben changed the group name to “Tea: 5 o’clock”", "WhatsApp notice"),
    ("Messages and calls are end-to-end encrypted. No one outside of this chat can read them.", "WhatsApp notice"),
]


BODIES = [("13/05/23, 21:05 - ", *row) for row in ANDROID] + [("[13/05/23, 21:05:00] ", *row) for row in IPHONE]


@pytest.mark.parametrize(("header", "body", "left"), BODIES)
def test_what_whatsapp_adds_is_taken_off_and_the_words_stay(header: str, body: str, left: str) -> None:
    chat, report = read(f"{header}Anna: hello\n{header}Ben: {body}\n{header}Anna: bye\n")
    of_ben = [message.text for message in chat.messages if message.speaker == "Ben"] + list(report.skipped)
    assert of_ben == [left]


def test_notices_of_an_android_group_have_no_author_even_with_a_colon_in_a_quoted_name() -> None:
    chat, report = read(
        "13/05/2023, 21:05 - Messages and calls are end-to-end encrypted. Tap to learn more.\n"
        '13/05/2023, 21:05 - Anna created group "Tea: 5 o\'clock"\n'
        "13/05/2023, 21:05 - Ben changed the subject from “Tea: 4” to “Tea: 5”\n"
        "13/05/2023, 21:06 - Anna: hi\n13/05/2023, 21:07 - Ben: hi\n13/05/2023, 21:07 - +49 170 1: hi\n13/05/2023, 21:08 - Ben left\n",
        name="Chat de WhatsApp con Tea (2).txt",
    )
    assert (chat.name, chat.group, report.me, report.skipped) == ("Tea", True, None, {"WhatsApp notice": 4})
    assert [message.speaker for message in chat.messages] == ["Anna", "Ben", "+49 170 1"]


def test_an_iphone_group_speaks_under_its_own_name() -> None:
    chat, report = read(
        f"[13.05.23, 21:05:00] Tea: {L}Messages and calls are end-to-end encrypted.\n[13.05.23, 21:05:10] Tea: Anna added Ben\n"
        f"[13.05.23, 21:06:00] Anna: hi\n[13.05.23, 21:07:00] ~{N}Ben: hello\n",
        name="WhatsApp Chat - Tea/_chat.txt",
    )
    assert (chat.name, chat.group, report.skipped) == ("Tea", True, {"WhatsApp notice": 2})
    assert [message.speaker for message in chat.messages] == ["Anna", "Ben"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("WhatsApp Chat mit Jörg.txt", "Jörg"),
        ("WhatsApp_Chat_with_Anna_Maria.txt", "Anna Maria"),
        ("Conversa do WhatsApp com Anna.txt", "Anna"),
        ("Chat de WhatsApp con Anna (3).txt", "Anna"),
        ("Discussion WhatsApp avec Anna.txt", "Anna"),
        ("Anna ile WhatsApp Sohbeti.txt", "Anna"),
        ("AnnaとのWhatsAppチャット.txt", "Anna"),
        ("my chat.txt", "my chat"),
    ],
)
def test_the_chat_is_named_after_the_other_party(name: str, expected: str) -> None:
    assert read("13/05/2023, 21:05 - Anna: hi", name)[0].name == expected


def test_a_pasted_transcript_stays_inside_its_message() -> None:
    pasted = "12/05/2023, 08:00 - Stranger: buy!\n12/05/2023, 08:01 - Other: no"
    late = "late\n99/99/2023, 1:00 - not: a date"
    chat, _ = read(f"13/05/2023, 21:05 - Anna: look:\n{pasted}\n13/05/2023, 21:06 - Ben: wow\n13/05/2023, 21:04 - Anna: {late}\n")
    assert [message.text for message in chat.messages] == [f"look:\n{pasted}", "wow", late]


def test_a_wrong_clock_in_the_first_message_swallows_nothing() -> None:
    chat, _ = read("01/01/2030, 10:00 - Anna: hi\n" + "".join(f"20/05/2023, 10:{minute:02} - Ben: {minute}\n" for minute in range(60)))
    assert len(messages_of(chat)) == 61


FIXTURES = [
    "test_ddmmyy_24hrs.txt",
    "test_mmddyy_24hrs.txt",
    "test_[mmddyy]_24hrs.txt",
    "test_yyyymmdd_24hrs.txt",
    "test_mmddyyyy_12hrs.txt",
]


@pytest.mark.parametrize("name", FIXTURES)
def test_the_fixtures_of_another_parser(data_dir: Path, name: str) -> None:
    folder = data_dir / "dev-chat-fixtures/chat-miner/whatsapp"
    target = [(row["author"], row["message"], at(row["timestamp"])) for row in json.loads((folder / "target.json").read_text())]
    (chat,), _ = sources.load(folder / name)
    # That parser turns newlines into spaces and the order around.
    assert [(m.speaker, m.text.replace("\n", " "), m.time) for m in chat.messages] == target[::-1]


# Writing: any messages in any locale, and back.
speakers = st.sampled_from(["Anna", "Ben", "Zoë 🌻", "+49 170 1234", "O’Neill, J."])
line = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u200e<>"), max_size=40)
body = st.lists(line, min_size=1, max_size=3).map("\n".join).filter(lambda text: text != "null" and any(c.isalnum() for c in text))
stamps = st.lists(st.integers(0, 10**9), min_size=1, max_size=12).map(sorted)
SHAPES = [
    ("{0:%d/%m/%Y, %H:%M} - ", 60),
    ("{0:%m/%d/%y, %I:%M\u202f%p} - ", 60),
    ("[{0:%d.%m.%y, %H:%M:%S}] ", 1),
    ("{0:%Y-%m-%d, %I:%M %p} - ", 60),
    ("[{0.day}.{0.month}.{0.year} klo {0.hour}.{0:%M.%S}] ", 1),
]


OLD = ("{0:%d/%m/%Y %H:%M:%S}: ", "{0.day}. {0.month}. {0.year}. {0:%H:%M:%S} ", "\u200e[{0:%d.%m.%y, %H:%M:%S}] ")
FORMS = [*(shape for shape, _ in SHAPES), *OLD]


@given(st.data(), stamps, st.sampled_from(SHAPES))
def test_messages_written_in_a_locale_are_read_back(data: st.DataObject, times: list[int], shape: tuple[str, int]) -> None:
    form, step = shape
    start = 1_262_304_000  # 2010
    messages = [Message(data.draw(speakers), data.draw(body), float((start + time) // step * step)) for time in times]
    # A day above 12 at the end settles the order of day and month, as in any real chat.
    messages.append(Message("Anna", "end", at("2045-12-31T12:00")))
    lines = [form.format(datetime.fromtimestamp(m.time or 0, UTC)) + f"{m.speaker}: {m.text}" for m in messages]
    assert list(read("\n".join(lines), "chat.txt")[0].messages) == messages


@given(st.lists(st.tuples(st.sampled_from(FORMS), st.integers(0, 10**9), st.sampled_from(["Ben: x", "Ben left", "", "- A: b", "x: y: z"]))))
def test_a_learned_form_finds_what_the_general_patterns_find(drawn: list[tuple[str, int, str]]) -> None:
    lines = [form.format(datetime.fromtimestamp(time, UTC)) + rest for form, time, rest in drawn]
    found = scan(lines)
    dates = [found.dates[number] for number in found.date]
    slow = {number: one for number, line in enumerate(lines) if (one := header(line))}
    assert list(zip(found.line, dates, found.clock, strict=True)) == [(number, one.fields, one.clock) for number, one in slow.items()]
    names = [found.names[author] if author != NOBODY else None for author in found.author]
    rests = [lines[number][len(one.date) + len(one.time) :] for number, one in slow.items()]
    assert names == [rest.partition(": ")[0] if ": " in rest else None for rest in rests]


def test_who_is_written_as_a_number_is_known_by_it() -> None:
    chat, report = read(
        "13/05/2023, 21:05 - \u202a+49 170 1234567\u202c: hi\n13/05/2023, 21:06 - +1 (555) 010-9999: ho\n"
        "13/05/2023, 21:07 - 0170 1234567: x\n13/05/2023, 21:08 - +1 for pizza: y\n"
    )
    assert report.accounts == {"+49 170 1234567": {"tel:+491701234567"}, "+1 (555) 010-9999": {"tel:+15550109999"}}
    assert [message.speaker for message in chat.messages] == ["+49 170 1234567", "+1 (555) 010-9999", "0170 1234567", "+1 for pizza"]


def test_a_long_chat_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat with Anna.txt"
    path.write_text("".join(f"13/05/2023, 21:05 - {'Anna' if n % 2 else 'Ben'}: {n} {'x' * 2000}\n" for n in range(5000)))
    tracemalloc.start()
    report = ImportReport("")
    count = sum(1 for chat in sources.read(path, report) for _ in chat.messages)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (count, report.me) == (5000, "Ben") and peak < path.stat().st_size / 4


@given(st.binary(max_size=40), st.integers(0, 120))
def test_damaged_bytes_never_end_in_a_traceback(junk: bytes, place: int) -> None:
    good = "13/05/2023, 21:05 - Anna: hé\n[13.05.23, 21:05:00] Ben: \u200eimage omitted\n5/13/23, 9:05\u202fPM - +49 170 1: ho\n".encode()
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(SourceError):
        path = Path(folder, "chat.txt")
        path.write_bytes(good[:place] + junk + good[place:])
        sources.load(path, "whatsapp")


def test_a_hostile_line_takes_no_long_time() -> None:
    assert header(f"13/05/2023, 21:05{L * 1_000_000}") is None
    assert header("13/05/2023, 21:05 - " + "a" * 1_000_000) is not None


def test_an_impossible_order_is_refused() -> None:
    with pytest.raises(SourceError, match="no line looks like a message"):
        read("2023-05-13 10:00 - Anna: hi", format="whatsapp:day-first")
