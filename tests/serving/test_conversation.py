"""One message and its reply: what is told in which order, what is kept, and what happens when something goes wrong."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from served import SlowEngine, anna, house

from homespun.database.connection import kept_open
from homespun.home import Home
from homespun.serving import conversation, store
from homespun.serving.conversation import Asked, Ended, Event, Failed, Looked, Queued, Said, Started, converse
from homespun.serving.house import House
from homespun.serving.replies import Replies


@pytest.fixture
def engine() -> SlowEngine:
    return SlowEngine()


@pytest.fixture
def talk(home: Home, base_folder: Path) -> Home:
    anna(home)
    return home


@asynccontextmanager
async def opened(home: Home, engine: SlowEngine, **changes: object) -> AsyncIterator[House]:
    made = house(home, engine, **changes)
    with kept_open(home):
        try:
            yield made
        finally:
            await made.shelf.close()


async def all_of(house: House, asked: Asked) -> list[Event]:
    async with aclosing(converse(house, asked)) as events:
        return [event async for event in events]


def run(home: Home, engine: SlowEngine, work: Callable[[House], Awaitable[None]], **changes: object) -> None:
    async def main() -> None:
        async with asyncio.timeout(30), opened(home, engine, **changes) as made:
            await work(made)

    asyncio.run(main())


def statuses(home: Home, session: str) -> list[tuple[str, str]]:
    return [(turn.text, turn.status) for turn in store.history(home, session)]


def test_the_events_of_a_reply_and_what_is_kept(talk: Home, engine: SlowEngine) -> None:
    async def work(house: House) -> None:
        started, looked, *said, ended = await all_of(house, Asked("anna", "  hello there ", speaker="Ben"))
        assert isinstance(started, Started) and isinstance(looked, Looked)
        assert (started.version, started.fallback, started.base) == ("anna@1", False, False)
        assert started.disclosure == "This is anna@1, an avatar: not Anna, but a model of how Anna writes."
        assert "".join(one.text for one in said if isinstance(one, Said)).strip() == "you said: hello there"
        assert ended == Ended("stop", "you said: hello there")
        kept = store.history(talk, started.session)
        assert [(turn.id, turn.version) for turn in kept] == [(started.question, None), (started.interaction, "anna@1")]
        assert statuses(talk, started.session) == [("hello there", "complete"), ("you said: hello there", "complete")]
        assert "talking with Ben" in engine.seen[-1][0].text

        asked = Asked("anna@1", "are you a bot?", started.session)
        assert "avatar" in (await all_of(house, asked))[-1].text  # type: ignore[union-attr]
        assert engine.seen[-1][-1].text == "hello there", "no model was asked"
        assert store.get(talk, started.session).speaker == "Ben"

    run(talk, engine, work)


def test_it_remembers_ten_messages_and_nothing_before_a_reset(talk: Home, engine: SlowEngine) -> None:
    async def work(house: House) -> None:
        session = store.create(talk, "anna").id
        for number in range(8):
            await all_of(house, Asked("anna", f"line {number}", session))
        told = [turn.text for turn in engine.seen[-1] if turn.role != "system"]
        assert len(told) <= 10 and told[-3:] == ["line 6", "you said: line 6", "line 7"] and "line 2" not in told
        store.reset(talk, session)
        await all_of(house, Asked("anna", "afresh", session))
        assert [turn.text for turn in engine.seen[-1] if turn.role != "system"] == ["afresh"]
        assert len(store.history(talk, session)) == 18

    run(talk, engine, work)


def test_an_edit_and_another_try_replace_what_followed(talk: Home, engine: SlowEngine) -> None:
    async def work(house: House) -> None:
        session = store.create(talk, "anna").id
        for text in ("one", "two", "three"):
            await all_of(house, Asked("anna", text, session))
        turns = store.history(talk, session)
        await all_of(house, Asked("anna", "", session, replaces=turns[5].id))
        assert [text for text, _ in statuses(talk, session)][-2:] == ["three", "you said: three"]
        await all_of(house, Asked("anna", "deux", session, replaces=turns[2].id))
        assert [text for text, _ in statuses(talk, session)] == ["one", "you said: one", "deux", "you said: deux"]
        assert [turn.text for turn in engine.seen[-1]][1:] == ["one", "you said: one", "deux"]
        (failed,) = await all_of(house, Asked("anna", "x", session, replaces=turns[2].id))
        assert isinstance(failed, Failed) and failed.code == "unknown"

    run(talk, engine, work)


@pytest.mark.parametrize("how", ["left", "cancelled"])
def test_a_reply_that_is_left_stops_the_engine_and_is_kept(talk: Home, how: str) -> None:
    engine = SlowEngine(0.02)

    async def work(house: House) -> None:
        session = store.create(talk, "anna").id
        heard: list[str] = []

        async def listen() -> None:
            async with aclosing(converse(house, Asked("anna", "count 500", session))) as events:
                async for event in events:
                    if isinstance(event, Said):
                        heard.append(event.text)
                    if len(heard) == 5 and how == "left":
                        return

        await all_of(house, Asked("anna", "warm up"))
        task = asyncio.create_task(listen())
        while len(heard) < 5:
            await asyncio.sleep(0.01)
        if how == "cancelled":
            task.cancel()
        await asyncio.wait([task])
        written = engine.words
        assert engine.ended == engine.begun
        await asyncio.sleep(0.1)
        assert engine.words == written < 60
        (_, (text, status)) = statuses(talk, session)
        assert status == "stopped" and text.startswith("0 1 2 3 4")
        assert house.lanes.running == 0
        assert isinstance((await all_of(house, Asked("anna", "more", session)))[-1], Ended), "the session is free again"

    run(talk, engine, work)


def test_being_cancelled_while_it_is_begun_leaves_no_session_locked(
    talk: Home, engine: SlowEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = threading.Event()
    begin = conversation._begin

    def slowly(*given: object) -> object:
        reached.set()
        time.sleep(0.1)
        return begin(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(conversation, "_begin", slowly)

    async def work(house: House) -> None:
        session = store.create(talk, "anna").id
        task = asyncio.create_task(all_of(house, Asked("anna", "hello", session)))
        await asyncio.to_thread(reached.wait, 10)
        task.cancel()
        await asyncio.wait([task])
        assert statuses(talk, session) == [("hello", "complete"), ("", "stopped")]

    run(talk, engine, work)


def test_a_growing_reply_is_kept_now_and_then(talk: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "SAVED_EVERY", 0.05)

    async def work(house: House) -> None:
        session = store.create(talk, "anna").id
        async with aclosing(converse(house, Asked("anna", "count 60", session))) as events:
            async for event in events:
                if isinstance(event, Said) and event.text.strip() == "30":
                    (_, (text, status)) = statuses(talk, session)
                    assert status == "writing" and text.startswith("0 1 2")

    run(talk, SlowEngine(0.01), work)


def test_only_one_reply_at_a_time_in_a_session(talk: Home) -> None:
    async def work(house: House) -> None:
        session = store.create(talk, "anna").id
        found = await asyncio.gather(*(all_of(house, Asked("anna", f"count {n + 5}", session, client=str(n))) for n in range(4)))
        last = [events[-1] for events in found]
        assert sorted(type(event).__name__ for event in last) == ["Ended", "Failed", "Failed", "Failed"]
        assert {event.code for event in last if isinstance(event, Failed)} == {"busy"}
        assert len(store.history(talk, session)) == 2, "what was refused is not kept"

    run(talk, SlowEngine(0.05), work)


def test_ten_at_once_wait_their_turn_and_are_all_answered(talk: Home) -> None:
    async def work(house: House) -> None:
        found = await asyncio.gather(*(all_of(house, Asked("anna", f"I am {n}", client=str(n))) for n in range(10)))
        assert [events[-1] for events in found] == [Ended("stop", f"you said: I am {n}") for n in range(10)]
        assert any(isinstance(event, Queued) for events in found for event in events)

    run(talk, SlowEngine(0.01), work, slots=2)


def test_a_broken_version_is_answered_for_by_the_base(talk: Home, engine: SlowEngine) -> None:
    (talk.folder("version", "first") / "adapter_model.safetensors").write_bytes(b"something else")

    async def work(house: House) -> None:
        events = await all_of(house, Asked("anna", "hello"))
        started = events[0]
        assert isinstance(started, Started) and started.fallback and started.base and started.disclosure is None
        assert started.version.endswith("(base)") and isinstance(events[-1], Ended)

    run(talk, engine, work)


def test_what_goes_wrong_is_one_line_without_anybodys_words(talk: Home, caplog: pytest.LogCaptureFixture) -> None:
    engine = SlowEngine(fails="secret")

    async def work(house: House) -> None:
        session = store.create(talk, "anna").id
        for asked, code in (
            (Asked("anna", "   "), "invalid"),
            (Asked("anna", "x" * (conversation.LONGEST + 1)), "invalid"),
            (Asked("anna", "\ud800"), "invalid"),
            (Asked("anna", "hi", speaker="two\nlines"), "invalid"),
            (Asked("anna", "hi", replaces="0" * 32), "invalid"),
            (Asked("anna", "hi", sampling={"temperature": -1}), "invalid"),
            (Asked("anna", "hi", session="0" * 32), "unknown"),
            (Asked("ann", "hi"), "unknown"),
            (Asked("anna@9", "hi"), "unknown"),
            (Asked("anna", "hi", session, speaker="Mallory"), "invalid"),
            (Asked("anna", "my secret word", session), "failed"),
        ):
            failed = (await all_of(house, asked))[-1]
            assert isinstance(failed, Failed) and failed.code == code, asked
            assert "\n" not in failed.message and "secret" not in failed.message
        assert statuses(talk, session) == [("my secret word", "complete"), ("you said:", "failed")]
        assert len(store.sessions_of(talk)) == 1

    run(talk, engine, work)
    assert "RuntimeError" in caplog.text and "secret" not in caplog.text


def test_who_asks_too_often_is_told_when_to_come_back(talk: Home, engine: SlowEngine) -> None:
    async def work(house: House) -> None:
        await all_of(house, Asked("anna", "hi", client="a"))
        (failed,) = await all_of(house, Asked("anna", "hi", client="a"))
        assert isinstance(failed, Failed) and failed.code == "full" and (failed.retry_after or 0) >= 1
        assert isinstance((await all_of(house, Asked("anna", "hi", client="b")))[-1], Ended)

    run(talk, engine, work, rate=0.5, burst=1)


def test_a_reply_goes_on_when_nobody_follows_it_and_can_be_stopped(talk: Home) -> None:
    async def work(house: House) -> None:
        replies, session = Replies(), store.create(talk, "anna").id
        reply = replies.start(house, Asked("anna", "count 30", session))
        async with aclosing(reply.follow()) as events:
            first = [await anext(events) for _ in range(4)]
        async with aclosing(reply.follow(4)) as events:
            rest = [one async for one in events]
        assert [number for number, _ in first + rest] == list(range(1, len(reply.events) + 1))
        assert rest[-1][1] == Ended("stop", " ".join(map(str, range(30))))
        reply = replies.start(house, Asked("anna", "count 500", session))
        while not reply.text:
            await asyncio.sleep(0.01)
        assert await replies.stop(session)
        assert isinstance(reply.events[-1], Ended) and reply.events[-1].reason == "stopped"
        assert statuses(talk, session)[-1] == (reply.text, "stopped")
        assert not await replies.stop(session)

    run(talk, SlowEngine(0.005), work)
