"""What nobody wrote goes; what somebody wrote stays, to the letter."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.corpus.clean import JUNK, PLACEHOLDERS, clean

WRITTEN = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters=PLACEHOLDERS) | st.sampled_from("\n\t")
PHRASES = (
    "👩‍👩‍👧‍👦 und ❤️‍🔥",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇩🇪 👍🏽 1️⃣ ☺︎",
    "שלום\u200f (C++\u200e) עולם",
    "می‌خواهم ۱۴۰۲ ه‍",
    "ක්‍ෂ श्री क्‍ष",
    "\u2067مرحبا\u2069 and \u202babc\u202c",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘",
    "cafe\u0301 café ﬁ Ａ ½ ①",
    "  two blanks before, a tab\tinside, a blank behind \n",
    "NSAttributedString and NSDictionary are classes, bplist00 is a header, __kIMMessagePartAttributeName a key, iI not",
    "\uf8ff Apple, \u00a0 a hard blank, \u00ad a soft hyphen, \u2028 a line",
)


@given(st.lists(WRITTEN | st.sampled_from(PHRASES)).map("".join))
def test_what_was_written_stays(text: str) -> None:
    body = text.strip(JUNK)
    assert clean(text) in (body, None)
    if any(letter.isalnum() for letter in text):
        assert clean(text) == body


@pytest.mark.parametrize("text", PHRASES)
def test_every_script_and_sign_stays(text: str) -> None:
    assert clean(text) == text


@given(st.text(st.characters() | st.sampled_from(f"\x01\x85\r\n{PLACEHOLDERS}{JUNK}"), max_size=40))
def test_nothing_of_it_is_left_and_twice_is_once(text: str) -> None:
    cleaned = clean(text)
    if cleaned is not None:
        assert not any(ord(letter) < 32 and letter not in "\n\t" for letter in cleaned) and not set(PLACEHOLDERS) & set(cleaned)
        assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\x00b\x1bc\x7f\x9d", "abc"),
        ("one\r\ntwo\rthree\x0bfour", "one\ntwo\nthree\nfour"),
        ("\ufffcLook!", "Look!"),
        ("\ufffc\ufffc\nLook at\n\ufffc\nthis\n\ufffc", "Look at\nthis"),
        ("\ufeff\u200e hello\u200b", " hello"),
        ("\ufffc", None),
        ("\u200b \u200d\ufe0f\n", None),
        ("\u3164\u2800", None),
        ("", None),
    ],
)
def test_artefacts(text: str, cleaned: str | None) -> None:
    assert clean(text) == cleaned


def typedstream(text: str) -> bytes:
    """What iMessage stores of a message, as far as exporters leave it in the text."""
    body = text.encode()
    length = bytes([len(body)]) if len(body) < 0x80 else b"\x81" + len(body).to_bytes(2, "little")
    head = b"\x04\x0bstreamtyped\x81\xe8\x03\x84\x01@\x84\x84\x84\x12NSAttributedString\x00\x84\x84\x08NSObject\x00\x85\x92"
    tail = b"\x86\x84\x02iI\x01" + length + b"\x92\x84\x84\x84\x0cNSDictionary\x00\x94\x84\x01i\x01\x92\x84\x96\x96\x1d"
    end = (
        b"__kIMMessagePartAttributeName\x86\x92\x84\x84\x84\x08NSNumber\x00\x84\x84\x07NSValue\x00\x94\x84\x01*\x84\x99\x99\x00\x86\x86\x86"
    )
    return head + b"\x84\x84\x84\x08NSString\x01\x94\x84\x01+" + length + body + tail + end


@pytest.mark.parametrize(
    "text", ["Hello", "Two lines,\nof about seventy letters, so that the length looks like a letter.", "long " * 40 + "end"]
)
def test_the_string_in_a_typedstream_is_what_was_written(text: str) -> None:
    raw = typedstream(text)
    for whole in (raw.decode("utf-8", "replace"), raw.decode("latin-1"), raw.decode("utf-8", "replace").replace("\0", "\ufffd")):
        assert clean(whole) == text
        assert clean(whole[whole.index(text) :]) == text
    printable = "".join(letter for letter in raw.decode("latin-1") if letter.isprintable() or letter == "\n")
    assert clean(printable[printable.index(text) :]) == text


def test_a_binary_property_list_is_nothing_that_was_written() -> None:
    raw = b"bplist00\xd4\x01\x02\x03\x04\x05\x06\x07\x0aX$versionY$archiverT$topX$objects\x12\x00\x01\x86\xa0_\x10\x0fNSKeyedArchiver"
    for text in (raw.decode("utf-8", "replace"), raw.decode("latin-1"), "bplist00ÔX$versionY$archiverT$topX$objects_NSKeyedArchiver"):
        assert clean(text) is None and clean("Hello" + text) == "Hello"


@pytest.mark.parametrize(
    "piece", ["\ufffd", "\x02i", "iINSDictionary", "bplist00$version", "streamtyped\x84NSString\x01", "\n\ufffc", "\u200b "]
)
def test_no_text_takes_long(piece: str) -> None:
    start = time.perf_counter()
    clean(piece * (400_000 // len(piece)))
    assert time.perf_counter() - start < 2
