"""Sessions in the database: nothing is lost, nothing is there twice, and what is deleted is gone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from homespun import sources
from homespun.config import Recipe
from homespun.database.connection import connect, kept_open
from homespun.database.schema import interactions, sessions
from homespun.errors import Busy, UnknownName
from homespun.feedback import store as feedback
from homespun.home import Home
from homespun.registry import versions
from homespun.serving import store
from homespun.types import ImportReport, Turn


def say(home: Home, session: str, text: str, reply: str, replaces: str | None = None) -> tuple[str, str]:
    asked, begun = store.ask(home, session, text, "anna@1", replaces)
    assert store.write(home, begun.id, reply, "complete", ["m1"])
    return asked.id, begun.id


def test_many_threads_lose_no_row_and_give_no_position_twice(home: Home) -> None:
    shared = [store.create(home, "anna").id for _ in range(3)]

    def talk(number: int) -> int:
        kept = 0
        for turn in range(6):
            while True:
                try:
                    say(home, shared[(number + turn) % 3], f"{number}.{turn}", f"re {number}.{turn}")
                except Busy:
                    time.sleep(0.002)
                    continue
                kept += 1
                break
        return kept

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(talk, range(8))) == [6] * 8
    rows = [store.history(home, session, limit=1000) for session in shared]
    assert sorted(turn.text for found in rows for turn in found if turn.role == "user") == sorted(
        f"{n}.{t}" for n in range(8) for t in range(6)
    )
    for found in rows:
        assert [turn.position for turn in found] == list(range(len(found)))
        assert all(reply.text == f"re {asked.text}" for asked, reply in zip(found[::2], found[1::2], strict=True))


STEPS = st.lists(st.tuples(st.sampled_from(("say", "again", "edit", "reset", "stop", "empty")), st.integers(0, 20)), max_size=12)


@given(STEPS)
@hypothesis.settings(max_examples=25)
def test_what_is_shown_and_what_is_remembered(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]) -> None:
    """Against a list that does the same."""
    home = Home.create(tmp_path_factory.mktemp("talk") / "home")
    session = store.create(home, "anna").id
    shown: list[tuple[str, str, str]] = []  # (id, role, text)
    since = 0
    for number, (step, which) in enumerate(steps):
        replaces, text = None, f"words {number}"
        if step == "reset":
            store.reset(home, session)
            since = len(shown)
            continue
        if step in ("again", "edit") and shown:
            place = which % len(shown)
            replaces, asked = shown[place][0], shown[place - place % 2][2]
            del shown[place - place % 2 :]
            since = min(since, len(shown))
            text = "" if step == "again" else text
            expected = asked if step == "again" else text
        else:
            expected = text
        first, second = store.ask(home, session, text, "anna@1", replaces)
        reply = "" if step == "empty" else f"re {number}"
        store.write(home, second.id, reply, "stopped" if step in ("stop", "empty") else "complete")
        shown += [(first.id, "user", expected), (second.id, "assistant", reply)]
    assert [(turn.id, turn.role, turn.text) for turn in store.history(home, session, 1000)] == shown
    merged: list[Turn] = []
    for _, role, text in [turn for turn in shown[since:] if turn[2]]:
        if merged and merged[-1].role == role:
            text = f"{merged.pop().text}\n{text}"
        merged.append(Turn(role, text))  # type: ignore[arg-type]
    assert store.remembered(home, session, 1000) == merged


def test_a_second_message_is_refused_while_a_reply_is_written(home: Home) -> None:
    session = store.create(home, "anna").id
    _, reply = store.ask(home, session, "one", "anna@1")
    assert store.get(home, session).writing
    with pytest.raises(Busy, match="wait for it to end, or stop it"):
        store.ask(home, session, "two", "anna@1")
    store.write(home, reply.id, "so far", "writing")
    assert store.recover(home) == 1, "as after a crash"
    assert [(turn.text, turn.status) for turn in store.history(home, session)] == [("one", "complete"), ("so far", "stopped")]
    say(home, session, "two", "re two")
    assert store.recover(home) == 0


def test_pages_of_a_session_and_of_the_list(home: Home) -> None:
    made = [store.create(home, model).id for model in ("anna", "ben", "anna@2")]
    store.create(home, "anna")  # nothing was said in it
    for session in made:
        for number in range(7):
            say(home, session, f"  \n{session[:4]} says {number} {'x' * 200}\nmore", f"re {number}")
    assert [one.id for one in store.sessions_of(home)] == made[::-1]
    assert [one.id for one in store.sessions_of(home, "anna")] == [made[2], made[0]]
    assert [one.id for one in store.sessions_of(home, limit=1, start=1)] == [made[1]]
    first = store.sessions_of(home)[0].first
    assert first.startswith(f"{made[2][:4]} says 0 xxx") and len(first) <= store.FIRST and first.endswith("…")
    newest = store.history(home, made[0], 4)
    assert [turn.position for turn in newest] == [10, 11, 12, 13]
    assert [turn.position for turn in store.history(home, made[0], 4, before=newest[0].position)] == [6, 7, 8, 9]
    assert [turn.session for turn in store.latest(home, limit=15)] == [made[1]] + [made[2]] * 14
    assert {turn.session for turn in store.latest(home, "ben", limit=5)} == {made[1]}
    assert store.statistics(home) == {"sessions": 3, "messages": 42}
    assert store.statistics(home, "ben") == {"sessions": 1, "messages": 14}


def test_an_export_can_be_added_again(home: Home, tmp_path: Path) -> None:
    versions.put_model(home, "anna", "Anna Berg", Recipe())
    session = store.create(home, "anna", "Ben").id
    say(home, session, "Morning!\nUp already?", "yes 🙂")
    asked, _ = say(home, session, "gone", "gone too")
    say(home, session, "and now?", "coffee", replaces=asked)
    file = tmp_path / "talk.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in store.export(home, session)), encoding="utf-8")
    report = ImportReport("")
    (said,) = [[(message.speaker, message.text) for message in chat.messages] for chat in sources.read(file, report)]
    assert said == [("Ben", "Morning!\nUp already?"), ("Anna Berg", "yes 🙂"), ("Ben", "and now?"), ("Anna Berg", "coffee")]
    assert not report.skipped


@pytest.mark.parametrize("serving", [False, True])
def test_what_is_deleted_is_overwritten(home: Home, serving: bool) -> None:
    """Also while a server keeps the database open."""
    with kept_open(home) if serving else nullcontext():
        secret = "the vault opens at nine"
        session, other = store.create(home, "anna").id, store.create(home, "anna").id
        _, reply = say(home, session, secret, secret)
        feedback.add(home, reply, "leak", secret)
        asked, _ = say(home, other, secret, secret)
        say(home, other, "never mind", "fine", replaces=asked)
        assert on_disk(home, secret)
        store.remove(home, other)
        store.remove(home, session)
        assert not on_disk(home, secret)
        say(home, store.create(home, "anna").id, secret, secret)
        assert store.remove_all(home, "ben") == 0 and on_disk(home, secret)
        assert store.remove_all(home) == 1 and not on_disk(home, secret)
    for gone in (store.get, store.history, store.reset, store.export, store.remove):
        with pytest.raises(UnknownName):
            gone(home, session)
    assert not store.write(home, reply, "late", "complete"), "a reply that ends later brings nothing back"


def on_disk(home: Home, text: str) -> list[str]:
    return [file.name for file in home.path.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


def test_a_read_is_quick_with_many_rows(home: Home) -> None:
    """Of processor time, which other programs do not change: 95 of 100 under 20 ms."""
    each = [
        {"model": "anna", "since": 0, "created": "2026", "updated": f"2026-{n:05}", "speaker": None, "id": f"s{n}"} for n in range(2000)
    ]
    turns = (("user", None), ("assistant", "anna@1"))
    with connect(home) as db:
        db.execute(insert(sessions), each)
        for part in range(10):
            rows = [
                {"id": f"{part}-{n}", "session": "s7" if part < 5 else f"s{n % 2000}", "position": part * 10_000 + n, "text": "words " * 20}
                | {"role": turns[n % 2][0], "version": turns[n % 2][1], "status": "complete", "sources": None, "created": "2026"}
                for n in range(10_000)
            ]
            db.execute(insert(interactions), rows)
    reads: list[Callable[[], object]] = [
        lambda: store.history(home, "s7", 50),
        lambda: store.history(home, "s7", 50, before=20_000),
        lambda: store.remembered(home, "s7", 10),
        lambda: store.sessions_of(home, "anna"),
        lambda: store.latest(home),
        lambda: store.get(home, "s7"),
    ]
    for read in reads:
        taken = []
        for _ in range(20):
            start = time.process_time()
            read()
            taken.append(time.process_time() - start)
        assert sorted(taken)[18] < 0.02
