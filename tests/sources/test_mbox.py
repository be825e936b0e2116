"""Mail: whose it is, which mails belong together, and which words in them their writer typed."""

from __future__ import annotations

import random
import re
import tempfile
import textwrap
import zipfile
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chats import messages_of, read_by
from homespun.errors import SourceError
from homespun.sources import mbox
from homespun.sources.mail_words import text_of_html, typed
from homespun.types import Chat, ImportReport, Message

ME, ANNA = "Max Muster <max@example.org>", "Anna Ärmel <anna@example.org>"
DAY = 86_400


def mail(number: int, text: str, sender: str = ME, to: str = ANNA, answers: int | None = None, labels: str = "Inbox", **more: str) -> str:
    """One mail of the day with its number."""
    made = EmailMessage()
    made["Message-ID"] = f"<{number}@x>"
    made["From"], made["To"] = sender, to
    made["Subject"] = "Re: Lunch" if answers is not None else "Lunch"
    made["Date"] = format_datetime(datetime.fromtimestamp(number * DAY, UTC))
    made["X-Gmail-Labels"] = labels
    if answers is not None:
        made["In-Reply-To"] = f"<{answers}@x>"
    for key, value in more.items():
        made[key.replace("_", "-")] = value
    made.set_content(text, charset="utf-8", cte="8bit")
    return made.as_bytes().decode()


def written(folder: Path, *mails: str | bytes, name: str = "mail.mbox") -> Path:
    """mboxrd, as Gmail writes it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = [one.encode() if isinstance(one, str) else one for one in mails]
    path.write_bytes(
        b"".join(b"From 12345@xxx Thu Jan 01 10:00:00 +0000 1970\n" + re.sub(rb"(?m)^(>*From )", rb">\1", one) + b"\n" for one in raw)
    )
    return path


def read(*mails: str | bytes) -> tuple[list[Chat], ImportReport]:
    with tempfile.TemporaryDirectory() as folder:
        return read_by(mbox, written(Path(folder), *mails))


def test_a_thread_is_one_chat_in_order_of_time_whatever_the_order_of_the_file() -> None:
    mails = [
        mail(3, "Great!\n", answers=2, labels="Opened,Sent"),
        mail(2, "At noon?\nFrom now on always.\n>From here\n", ANNA, ME, answers=1),
        mail(1, "Hungry? 👩‍🚀\n", labels="Opened,Sent"),
        mail(5, "Other\n", ANNA, ME),
    ]
    (chat,), report = read(*mails)
    assert (chat.name, chat.key, chat.whole, chat.clock, chat.group) == ("Lunch", "1@x", True, "absolute", False)
    assert chat.messages == (
        Message("Max Muster", "Hungry? 👩‍🚀", 1.0 * DAY, "1@x"),
        Message("Anna Ärmel", "At noon?\nFrom now on always.", 2.0 * DAY, "2@x"),
        Message("Max Muster", "Great!", 3.0 * DAY, "3@x"),
    )
    assert (report.me, report.skipped) == ("Max Muster", {"in a thread in which you wrote nothing": 1})
    assert report.accounts == {"Max Muster": {"mail:max@example.org"}, "Anna Ärmel": {"mail:anna@example.org"}}


def test_threads_are_told_by_gmail_s_number_and_by_subject_where_no_mail_is_named() -> None:
    gmail = [
        mail(1, "a", labels="Opened,Sent", X_GM_THRID="7"),
        mail(2, "b", ANNA, ME, X_GM_THRID="7"),
        mail(3, "c", labels="Opened,Sent", X_GM_THRID="8"),
    ]
    assert [len(messages_of(chat)) for chat in read(*gmail)[0]] == [2, 1]
    same = [
        mail(1, "a", labels="Opened,Sent"),
        mail(2, "b", labels="Opened,Sent"),
        mail(3, "c", ANNA, ME).replace("Subject: Lunch", "Subject: AW: lunch"),
    ]
    assert [[m.text for m in messages_of(chat)] for chat in read(*same)[0]] == [["a"], ["b", "c"]]
    lost = [mail(2, "b", labels="Opened,Sent", References="<0@x> <1@x>"), mail(3, "c", ANNA, ME, References="<0@x> <9@x>")]
    (chat,), _ = read(*lost)
    assert (chat.key, len(messages_of(chat))) == ("0@x", 2)


def test_the_owner_is_who_sent_what_is_labelled_so_in_any_language() -> None:
    label = Header("Geöffnet,Gesendet", "utf-8").encode()
    (chat,), report = read(mail(1, "x", ANNA, ME), mail(2, "y", ME, ANNA, 1, labels=label), mail(3, "z", ANNA, ME, 2))
    assert report.me == "Max Muster" and len(messages_of(chat)) == 3 and not report.notes
    alias = [
        mail(1, "x", "Max M. <m@work.example>", labels="Sent"),
        mail(2, "y", answers=1, labels="Opened,Sent"),
        mail(3, "z", answers=2, labels="Opened,Sent"),
    ]
    (chat,), report = read(*alias)
    assert {m.speaker for m in messages_of(chat)} == {"Max Muster"}
    assert report.accounts == {"Max Muster": {"mail:max@example.org", "mail:m@work.example"}}


def test_without_labels_the_owner_is_who_is_in_the_most_mails_and_a_note_says_so() -> None:
    inbox = [mail(n, "x", "News <news@shop.example>", ME) for n in range(1, 9)]
    _, report = read(*inbox, mail(20, "hi", ANNA, ME), mail(21, "ho", ME, ANNA, 20))
    assert report.me == "Max Muster" and "max@example.org is in the most of them" in report.notes[0]


def test_a_folder_of_mailboxes_is_one_archive_and_its_names_tell(tmp_path: Path) -> None:
    written(tmp_path, mail(1, "hi", ANNA, ME), mail(2, "ho", ME, ANNA, 1), name="Inbox")
    written(tmp_path, mail(2, "ho", ME, ANNA, 1), name="Sent.mbox/mbox")
    written(tmp_path, mail(3, "win!", ANNA, ME, 2), name="Junk")
    written(tmp_path, mail(4, "unfin", ME, ANNA, 2), name="Entwürfe.mbox")
    (chat,), report = read_by(mbox, tmp_path)
    assert ([m.text for m in messages_of(chat)], report.me) == (["hi", "ho"], "Max Muster")
    assert report.skipped == {"spam": 1, "draft": 1, "the same mail again": 1}
    with zipfile.ZipFile(tmp_path / "takeout.zip", "w") as archive:
        archive.write(tmp_path / "Inbox", "Takeout/Mail/All mail Including Spam and Trash.mbox")
    assert len(read_by(mbox, tmp_path / "takeout.zip")[0]) == 1


def test_what_is_not_a_person_s_own_mail_is_left_out_with_a_reason() -> None:
    invitation = EmailMessage()
    invitation["From"], invitation["To"], invitation["Date"] = ANNA, ME, "Fri, 02 Jan 1970 00:00:00 +0000"
    invitation["In-Reply-To"] = "<1@x>"
    invitation.set_content("Accepted")
    invitation.add_alternative("BEGIN:VCALENDAR", subtype="calendar")
    forward = "---------- Forwarded message ---------\nVon: Ben <b@x.org>\nDate: Mo., 5. Jan. 2024\nSubject: Joke\nTo: max\n\nHa ha"
    mails: list[str | bytes] = [
        mail(1, "mine", labels="Opened,Sent"),
        mail(2, "x", ANNA, ME, 1, labels="Papierkorb"),
        mail(3, "x", ANNA, ME, 1, Auto_Submitted="auto-replied"),
        mail(4, "x", "Shop <no-reply@shop.example>", ME, 1),
        mail(5, "x", ANNA, ME, 1, List_Id="<list.example>"),
        mail(6, "the one you answered", ANNA, ME, 1, Precedence="list"),
        mail(7, "an answer", answers=6, labels="Opened,Sent"),
        mail(8, forward, answers=1, labels="Opened,Sent"),
        mail(9, "> all quoted\n", ANNA, ME, 1),
        mail(11, "x", ANNA, ME, 1, Precedence="bulk"),
        mail(12, "x", ANNA, ME, 1, labels="Chat"),
        mail(10, "only a postmark", ANNA, ME, 1).replace("Date:", "X-Date:"),
        invitation.as_bytes(),
        mail(1, "mine", labels="Opened,Sent"),
    ]
    (chat,), report = read(*mails)
    assert [m.text for m in messages_of(chat)] == ["only a postmark", "mine", "the one you answered", "an answer"]
    assert report.skipped == {
        "in the bin": 1,
        "sent by a machine": 2,
        "newsletter or mailing list": 2,
        "chat kept among the mails": 1,
        "forwarded: not the sender's words": 1,
        "mail without words of its writer": 1,
        "invitation, or the answer to one": 1,
        "the same mail again": 1,
    }


QUOTES = {
    "Gmail, wrapped": "Yes.\n\nOn Mon, Jan 5, 2024 at 10:00 AM Anna Long Name <anna@example.org>\nwrote:\n\n> No.\n>\n> Really.\n",
    "German": "Ja.\n\nAm 05.01.24 um 10:00 schrieb Anna:\n> Nein.\n> Doch.\n",
    "French": "Oui.\n\nLe lun. 5 janv. 2024 à 10:00, Anna <a@x.org> a écrit :\n\n> Non.\n",
    "Spanish": "Sí.\n\nEl lun, 5 ene 2024 a las 10:00, Anna (<a@x.org>) escribió:\n\n> No.\n",
    "Chinese": "好。\n\nAnna <a@x.org> 于2024年1月5日周五 10:00写道：\n\n> 不。\n",
    "a language that nobody listed": "Ee.\n\n2024-01-05 10:00, Anna <a@x.org> sqd:\n> La.\n",
    "not marked": "Yes.\n\nOn 5 Jan 2024, at 10:00, Anna <a@x.org> wrote:\n\nNo.\n",
    "Outlook": "Yes.\n\n________________________________\nFrom: Anna <a@x.org>\nSent: 5 January 2024\nTo: Max\nSubject: x\n\nNo.\n",
    "Outlook, German": "Ja.\n\n-----Ursprüngliche Nachricht-----\nVon: Anna\nGesendet: 5. Januar\nAn: Max\nBetreff: x\n\nNein.\n",
    "Outlook, bold": "Yes.\n\n*From:* Anna <a@x.org>\n*Sent:* Friday\n*To:* Max\n*Subject:* x\n\nNo.\n",
    "Apple forward": "See below.\n\nBegin forwarded message:\n\n> From: Anna\n> Subject: x\n> Date: 5 January\n> To: Max\n>\n> No.\n",
    "phone": "Yes.\n\nSent from my iPhone\n\n> On 5 Jan 2024, at 10:00, Anna wrote:\n>\n> No.\n",
    "signature": "Yes.\n\n-- \nMax Muster\nChief of things\n",
}


@pytest.mark.parametrize("kind", QUOTES)
def test_quotes_and_signatures_are_taken_off(kind: str) -> None:
    assert typed(QUOTES[kind])[0] == QUOTES[kind].split("\n")[0]


def test_answers_between_quotes_and_what_only_looks_like_a_quote_stay() -> None:
    between = (
        "Hi Anna,\n\nAm 05.01.2024 um 10:00 schrieb Anna:\n> Tea?\nYes.\n\n> Cake?\nTwo things:\n  - one\n  - two\n\n> End\nLove, Max\n"
    )
    assert typed(between)[0] == "Hi Anna,\n\nYes.\n\nTwo things:\n  - one\n  - two\n\nLove, Max"
    kept = "Thanks,\nthat helps. She wrote:\n\nnothing\n\nFrom: here\nto there\n--\tno\n---\nBest regards\nMax"
    assert typed(kept)[0] == kept


def test_the_own_signature_is_learned_and_a_goodbye_is_not_one() -> None:
    signature = "Max Muster\nMuster GmbH\n+49 30 1234567"
    mails = [mail(n, f"Text {n}\n\nLG Max\n\n{signature}\n", labels="Opened,Sent") for n in range(1, 5)]
    chats, _ = read(*mails, mail(9, f"Call me:\n\n{signature}\n\nLove\nMax", labels="Opened,Sent"))
    texts = [message.text for chat in chats for message in messages_of(chat)]
    assert texts == [*(f"Text {n}\n\nLG Max" for n in range(1, 5)), f"Call me:\n\n{signature}\n\nLove\nMax"]


def test_html_becomes_the_lines_that_its_reader_sees() -> None:
    html = (
        "<html><head><style>p {x}</style></head><body><div>Hi&nbsp;Anna,</div><div><br></div><div>two <b>words</b>\n here &lt;3 👍</div>"
        "<ul><li>one</li><li>two</li></ul><p>A.</p><p>B.<br>C.</p>"
        '<div class="gmail_quote"><div>On 5 Jan 2024 Anna wrote:<br></div><blockquote>No.<br>Never.</blockquote></div>'
    )
    assert typed(text_of_html(html))[0] == "Hi Anna,\n\ntwo words here <3 👍\n\n- one\n- two\n\nA.\n\nB.\nC."
    made = EmailMessage()
    made["From"], made["To"], made["Date"], made["X-Gmail-Labels"] = ME, ANNA, "Fri, 02 Jan 1970 00:00:00 +0000", "Sent"
    made.set_content(html, subtype="html")
    made.add_attachment("not this", filename="notes.txt")
    assert messages_of(read(made.as_bytes())[0][0])[0].text.startswith("Hi Anna,\n\ntwo words")


def test_of_both_the_plain_text_is_read() -> None:
    made = EmailMessage()
    made["From"], made["To"], made["Date"], made["X-Gmail-Labels"] = ME, ANNA, "Fri, 02 Jan 1970 00:00:00 +0000", "Sent"
    made.set_content("As I typed it :)")
    made.add_alternative("<p>As I typed it 🙂</p>", subtype="html")
    assert messages_of(read(made.as_bytes())[0][0])[0].text == "As I typed it :)"


def test_lines_that_a_program_broke_are_whole_again() -> None:
    flowed = mail(1, "A long \nline.\n Indented\n\nNext", labels="Opened,Sent").replace('charset="utf-8"', 'charset="utf-8"; format=flowed')
    assert messages_of(read(flowed)[0][0])[0].text == "A long line.\nIndented\n\nNext"
    sentence = "This is a sentence that goes on and on until the program breaks it where its next word does not fit any more. " * 2
    wide = f"{textwrap.fill(sentence, 72)}\nShort.\n- item"
    assert messages_of(read(mail(1, wide, labels="Opened,Sent"))[0][0])[0].text == f"{sentence.strip()}\nShort.\n- item"


def test_charsets_that_lie_or_do_not_exist() -> None:
    head = f"From: {Header('Jörg', 'iso-8859-1').encode()} <j@x.org>\nDate: 2 Jan 1970 00:00 +0000\nX-Gmail-Labels: Sent\n".encode()
    for charset, body in (
        (b"x-unknown", "grün".encode()),
        (b"us-ascii", "grün".encode()),
        (b"utf-8", b"gr\xfcn"),
    ):
        (chat,), report = read(head + b"Content-Type: text/plain; charset=" + charset + b"\n\n" + body)
        assert report.me == "Jörg" and messages_of(chat)[0].text == "grün"


def test_a_mailbox_without_people_is_refused() -> None:
    with pytest.raises(SourceError, match="it holds no mail of people"):
        read(mail(1, "x", labels="Spam"))


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1, max_size=9).filter(
    lambda w: w[0] not in ">-_" and w[-1] not in ":："
)
bodies = (
    st.lists(st.lists(words, min_size=1, max_size=5).map(" ".join) | st.just(""), min_size=1, max_size=6)
    .map("\n".join)
    .filter(lambda text: typed(text) == (text, False) and text.strip())
)


@given(st.lists(st.tuples(st.booleans(), bodies), min_size=1, max_size=6))
def test_mails_written_as_mbox_are_read_back(said: list[tuple[bool, str]]) -> None:
    said = [(True, "first"), *said]
    mails = [
        mail(n, text, *((ME, ANNA) if mine else (ANNA, ME)), n - 1, "Sent" if mine else "Inbox") for n, (mine, text) in enumerate(said, 1)
    ]
    (chat,), _ = read(*random.Random(0).sample(mails, len(mails)))
    assert [(m.speaker, m.text) for m in messages_of(chat)] == [("Max Muster" if mine else "Anna Ärmel", text) for mine, text in said]


@settings(max_examples=60)
@given(st.randoms(use_true_random=False))
def test_no_damage_ends_in_a_traceback(chance: random.Random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), mail(1, QUOTES["German"], labels="Opened,Sent"), mail(2, QUOTES["Outlook"], ANNA, ME, 1, List_Id="x"))
        raw = bytearray(
            path.read_bytes().replace(b"text/plain", chance.choice([b"text/plain", b"text/html", b"multipart/mixed; boundary=o"]))
        )
        for _ in range(chance.randrange(12)):
            raw[chance.randrange(40, len(raw))] = chance.choice([chance.randrange(1, 256), *b"\n\r=?<>;\"':"])
        path.write_bytes(bytes(raw[: chance.randrange(60, len(raw))]))
        try:
            read_by(mbox, path)
        except SourceError as error:
            assert "\n" not in str(error)
