"""Leafing through the corpus: every message once, in order, cut as conversations are, and found by any part of it."""

from __future__ import annotations

import pytest

from homespun.corpus import browse, imports
from homespun.corpus.sessions import conversations
from homespun.errors import UnknownName
from homespun.home import Home
from homespun.types import Chat, ImportReport, Message


def add(home: Home, *chats: Chat) -> None:
    imports.add(home, chats, ImportReport("messages"), "test", "Anna", 1800.0)


def a_chat(name: str, times: list[float | None]) -> Chat:
    texts = [Message(("Anna", "Ben")[number % 2], f"{name} says {number}", time) for number, time in enumerate(times)]
    return Chat(name, texts, clock="absolute" if times[0] is not None else "none")


@pytest.mark.parametrize("step", [1, 7, 30, 200])
@pytest.mark.parametrize("times", [[100.0 * n + 5000 * (n // 9) for n in range(95)], [None] * 95], ids=["clock", "no clock"])
def test_pages_hold_every_message_once_and_cut_where_conversations_are(home: Home, step: int, times: list[float | None]) -> None:
    add(home, a_chat("first", times), a_chat("second", [1.0, 2.0]))
    chat = next(chat for chat in browse.list_chats(home) if chat.name == "first")
    shown = [message for skip in range(0, 95 + step, step) for message in browse.messages_of(home, chat.id, skip, step)]
    whole = [session for session in conversations(home) if session.chat == "first"]
    assert [message.id for message in shown] == [message.id for session in whole for message in session.messages]
    assert [message.id for message in shown if message.opens] == [session.id for session in whole]
    assert [browse.place_of(home, message.id) for message in shown] == [(chat.id, number) for number in range(95)]


def test_chats_come_largest_first_and_in_pages(home: Home) -> None:
    add(home, *(a_chat(f"chat {size}", [float(n) for n in range(size)]) for size in (3, 9, 6)))
    assert [chat.messages for chat in browse.list_chats(home)] == [9, 6, 3]
    assert [chat.messages for chat in browse.list_chats(home, skip=1, count=1)] == [6]
    assert browse.get_chat(home, browse.list_chats(home)[0].id) == browse.list_chats(home)[0]
    with pytest.raises(UnknownName):
        browse.get_chat(home, 99)
    with pytest.raises(UnknownName):
        browse.place_of(home, "nothing")


def test_words_are_found_as_they_stand_in_any_case(home: Home) -> None:
    texts = ["100 % sure", "100 per cent sure", "a_b", "a-b", "ÄRGER im Büro", "Ärger", 'it\'s "quoted" \\ back']
    add(home, Chat("chat", [Message("Anna", text, float(number)) for number, text in enumerate(texts)]))

    def found(words: str) -> list[str]:
        hits = [hit.message.text for hit in browse.search(home, words)]
        assert browse.count_found(home, words) == len(hits)
        return hits

    assert found("100 %") == ["100 % sure"]
    assert found("a_b") == ["a_b"]
    assert found("ärger") == ["Ärger", "ÄRGER im Büro"]
    assert found("BÜRO") == ["ÄRGER im Büro"]
    assert found("SURE") == ["100 per cent sure", "100 % sure"]
    assert found('"quoted" \\') == ['it\'s "quoted" \\ back']
    assert [hit.message.text for hit in browse.search(home, "sure", skip=1)] == ["100 % sure"]
    assert found("nowhere") == []
