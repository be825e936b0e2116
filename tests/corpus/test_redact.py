"""Pseudonyms: one for each original, of the same shape, nobody's, and with the way back only for names."""

from __future__ import annotations

import ipaddress
import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from homespun.corpus import imports, names, pii
from homespun.corpus.preview import preview
from homespun.corpus.redact import Redactor, apply
from homespun.corpus.rules import money, national
from homespun.database.connection import connect
from homespun.database.schema import pseudonyms
from homespun.home import Home
from homespun.types import Chat, ImportReport, Message

LABELLED = [json.loads(line) for line in Path(__file__).with_name("pii_labelled.jsonl").read_text(encoding="utf-8").splitlines()]
PERSONAL = [row["text"] for row in LABELLED if row["spans"]]
PEOPLE = (
    "Anna Müller",
    "Anna Schmidt",
    "Ben",
    "Jörg",
    "Will",
    "O'Neill Sean",
    "alfred_",
    "rick",
    "pb11",
    "王小明",
    "Dr. Weber",
    "Mom",
    "JOSH",
)
SPOKEN: tuple[str, ...] = (
    "Anna",
    "anna",
    "ANNA",
    "Anna Müller",
    "ANNA SCHMIDT",
    "Müller",
    "Ben",
    "Bens",
    "Ben's",
    "Annabelle",
    "Jörg",
    "Will",
    "I saw Will",
    "will",
)
SPOKEN += (
    "rick: hi",
    "@rick",
    "rick",
    "alfred_",
    "pb11",
    "王小明",
    "Weber",
    "Mom",
    "Josh",
    "josh",
    "hi",
    "Anna-Ben",
    "the",
    "🙂",
    "Sean",
    "O'Neill",
)


def put(home: Home, *said: tuple[str, str]) -> None:
    messages = tuple(Message(who, text, 60.0 * place) for place, (who, text) in enumerate(said))
    imports.add(home, [Chat("a chat", messages)], ImportReport("whatsapp"), "a file", None, 3600.0)


@pytest.fixture(scope="module")
def peopled() -> Home:
    home = Home.create(Path(tempfile.mkdtemp()) / "home")
    put(home, *[(name, f"hello, {names.FIRST[0]} here") for name in PEOPLE])
    return home


@pytest.fixture(scope="module")
def redactor(peopled: Home) -> Redactor:
    redactor = Redactor(peopled)
    redactor.redact_all(PERSONAL)
    return redactor


@pytest.fixture(scope="module")
def renaming(peopled: Home) -> Redactor:
    return Redactor(peopled, with_names=True)


@pytest.mark.parametrize("text", PERSONAL)
def test_nothing_personal_stays_and_twice_is_once(redactor: Redactor, text: str) -> None:
    redacted = redactor.redact(text)
    originals = {span.value for span in pii.find(text, redactor.regions)}
    assert originals.isdisjoint(span.value for span in pii.find(redacted, redactor.regions))
    assert redactor.redact(redacted) == redacted
    assert redactor.kinds(redacted) == []


MESSAGES = st.lists(st.sampled_from([row["text"] for row in LABELLED] + ["ok", "und dann?", "…"]), max_size=4)


@given(parts=MESSAGES, glue=st.sampled_from(["\n", " — ", "; "]))
def test_all_else_stays(redactor: Redactor, parts: list[str], glue: str) -> None:
    text = glue.join(parts)
    changes = redactor.changes(text)
    redacted = redactor.redact(text)
    assert redactor.redact(redacted) == redacted
    assert apply(text, changes) == redacted
    kept = [text[end:start] for end, start in zip([0, *(c.end for c in changes)], [*(c.start for c in changes), len(text)], strict=True)]
    assert re.fullmatch(".*".join(map(re.escape, kept)), redacted, re.DOTALL)


SAME = (
    ("+49 171 3920012", "0171/3920012", "0049 171 3920012"),
    ("Anna.K@posteo.example", "anna.k@posteo.example"),
    ("DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
    ("4111 1111 1111 1111", "4111111111111111"),
)


@pytest.mark.parametrize("texts", SAME)
def test_one_original_in_any_spelling_has_one_pseudonym_in_that_spelling(redactor: Redactor, texts: tuple[str, ...]) -> None:
    redacted = [redactor.redact(text) for text in texts]
    kind = pii.find(texts[0])[0].kind
    if kind != "mail":
        assert [re.sub(r"\w", "x", text) for text in redacted] == [re.sub(r"\w", "x", text) for text in texts]
    tails = {re.sub(r"\W", "", text).lower()[-9:] for text in redacted}
    assert len(tails) == 1


def test_pseudonyms_are_nobodys(home: Home) -> None:
    redacted = Redactor(home).redact_all(PERSONAL)
    again = Redactor(home)
    assert [again.redact(text) for text in PERSONAL] == redacted
    with connect(home) as db:
        rows = db.execute(select(pseudonyms).where(pseudonyms.c.kind.in_(pii.KINDS))).all()
    assert len({row.replacement for row in rows}) == len(rows) > 250
    reserved = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "240.0.0.0/4")]
    for kind, _, new in rows:
        assert kind != "mail" or new.partition("@")[2] in ("example.org", "example.com", "example.net")
        assert kind != "card" or not money.luhn(re.sub(r"\D", "", new))
        assert kind != "iban" or not money.iban_is_right(new)
        assert kind != "id" or not national.fits_any(new)
        assert kind != "ip" or any(ipaddress.ip_address(new) in net for net in reserved)
        assert kind != "phone" or re.search(r" 000|55501|^\+(?:33|44|46|49|61|353) ", new)


def test_pseudonyms_last_and_differ_between_homes(home: Home, tmp_path: Path) -> None:
    text = "call 0171 3920012 or mail anna@posteo.example"
    once = Redactor(home).redact(text)
    assert Redactor(home).redact(text) == once
    assert Redactor(Home.create(tmp_path / "other")).redact(text) != once


def test_two_at_work_in_one_home_agree(home: Home) -> None:
    one, other = Redactor(home), Redactor(home)
    assert one.redact("0171 3920012") == other.redact("0171 3920012")
    assert one.redact("a@one.example") != other.redact("b@one.example")
    assert one.redact("b@one.example") == other.redact("b@one.example")


def test_a_small_range_does_not_run_out(home: Home) -> None:
    redactor = Redactor(home)
    made = redactor.redact_all(
        [
            *(f"ping 10.0.{high}.{low}" for high in range(10) for low in range(100, 200)),
            *(f"your code is {code}" for code in range(1000, 1400)),
        ]
    )
    assert len(set(made)) == len(made) == 1400


def test_numbers_of_the_corpus_say_which_country_it_is(home: Home) -> None:
    put(home, ("Anna", "I am at +358 50 123 4567"), ("Ben", "hi"))
    redactor = Redactor(home)
    assert redactor.regions[0] == "FI"
    assert redactor.redact("040 123 4567")[-7:] == redactor.redact("+358 40 123 4567")[-7:]


@settings(max_examples=300)
@given(words=st.lists(st.sampled_from(SPOKEN), max_size=8), glue=st.sampled_from([" ", ", ", "\n", ". ", "", "-", "'s "]))
def test_names_come_back(renaming: Redactor, words: list[str], glue: str) -> None:
    text = glue.join(words)
    redacted = renaming.redact(text)
    assert renaming.restore(redacted) == text
    assert renaming.redact(redacted) == redacted


NAMED = re.compile(r"\b(?:Anna|Ben|Jörg|Josh|Weber|Schmidt)s?\b", re.IGNORECASE)


def test_names_are_replaced_with_their_case_and_in_their_place(renaming: Redactor) -> None:
    anna = renaming.name("Anna")
    full = renaming.name("Anna Müller")
    assert full.split()[0] == anna in names.FIRST and full.split()[1] in names.FAMILY
    assert renaming.redact("Anna's, Annas, ANNA, anna, Annabelle") == f"{anna}'s, {anna}s, {anna.upper()}, {anna.lower()}, Annabelle"
    assert renaming.redact("ANNA MÜLLER und Müller") == f"{full.upper()} und Müller"
    assert not NAMED.search(renaming.redact("Anna Schmidt met Ben, Jörg and josh; Weber too"))


def test_names_that_are_words_stay_words(renaming: Redactor) -> None:
    will, rick = renaming.name("Will"), renaming.name("rick")
    assert renaming.redact("Will you? I will, said Will. Mom") == f"Will you? I will, said {will}. Mom"
    assert renaming.redact("Will: rick it\nrick: no, @rick") == f"{will}: rick it\n{rick}: no, @{rick}"


def test_no_pseudonym_is_a_word_of_the_corpus_or_a_name_in_it(peopled: Home, renaming: Redactor) -> None:
    given = [renaming.name(name) for name in PEOPLE if name != "Mom"]
    assert len(set(given)) == len(given) and not any(names.FIRST[0] in name or name in PEOPLE for name in given)


def test_who_comes_under_a_pseudonym_takes_it_back(home: Home) -> None:
    put(home, ("Anna", "hi"), ("Ben", "ho"))
    before = Redactor(home, with_names=True).name("Anna")
    put(home, (before, "that is my name"))
    renaming = Redactor(home, with_names=True)
    assert before not in (renaming.name("Anna"), renaming.name(before))
    assert renaming.restore(renaming.redact(f"Anna and {before}")) == f"Anna and {before}"


def test_more_people_than_bundled_names(home: Home) -> None:
    letters = "abcdefghijklmnopqrst"
    put(home, *[(f"Xx{one}{two}", "hi") for one in letters for two in letters])
    renaming = Redactor(home, with_names=True)
    text = " ".join(f"Xx{one}{two}" for one in letters for two in letters)
    redacted = renaming.redact(text)
    assert "Xx" not in redacted and renaming.restore(redacted) == text and len(set(redacted.split())) == 400


def test_others_can_be_learned(home: Home) -> None:
    renaming = Redactor(home, with_names=True)
    renaming.learn(["Grandma Rosalind", "Zed Quux"])
    redacted = renaming.redact("Rosalind met Zed Quux")
    assert not re.search("Rosalind|Zed|Quux", redacted) and renaming.restore(redacted) == "Rosalind met Zed Quux"
    assert Redactor(home, with_names=True).redact("Rosalind met Zed Quux") == redacted


def test_bundled_names_are_many_and_tell_apart() -> None:
    folded = [name.casefold() for name in names.FIRST + names.FAMILY]
    assert len(set(names.FIRST)) >= 200 and len(set(names.FAMILY)) >= 100 and len(set(folded)) == len(folded)
    assert not {name + "s" for name in folded} & set(folded)
    assert names.WORDS.isdisjoint(folded)


def test_a_preview_counts_and_shows_the_newest(home: Home) -> None:
    put(home, ("Anna", "mail a@one.example"), ("Ben", "nothing"), ("Anna", "0171 3920012 or b@one.example"), ("Ben", "Anna?"))
    seen = preview(home, last=1)
    assert (seen.messages, seen.affected, seen.counts) == (4, 2, {"mail": 2, "phone": 1})
    [shown] = seen.shown
    assert shown.before == "0171 3920012 or b@one.example" and apply(shown.before, shown.spans) == shown.after == Redactor(home).redact(
        shown.before
    )
    assert preview(home, with_names=True).counts["name"] == 1
