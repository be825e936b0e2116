"""A conversation with a model that knows people by other names: nobody notices, and no name reaches it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from homespun.config import PrivacySection, Recipe
from homespun.corpus import imports
from homespun.corpus.view import View
from homespun.engines.fake import FakeEngine
from homespun.home import Home
from homespun.serving.session import Opened, Session
from homespun.types import Chat, ImportReport, Message, Turn

NAMES = ("Annika Söderberg", "Bartholomew Quint")


def opened(home: Home, engine: FakeEngine, names: bool) -> Opened:
    messages = tuple(Message(name, f"hello from {name}", 60.0 * place) for place, name in enumerate(NAMES * 3))
    imports.add(home, [Chat("Annika Söderberg", messages)], ImportReport("whatsapp"), "a file", NAMES[1], 1800.0)
    recipe = Recipe(privacy=PrivacySection(names=names), relations={})
    return Opened("bart@1", NAMES[1], recipe, lambda: engine, View(home, recipe.privacy))


def words_seen(engine: FakeEngine) -> str:
    return " ".join(turn.text for turns in engine.seen for turn in turns)


def test_names_are_hidden_on_the_way_in_and_put_back_on_the_way_out(home: Home) -> None:
    engine = FakeEngine(lambda turns: f"yes yes {turns[-1].text} and once more")
    session = Session(opened(home, engine, names=True), speaker=NAMES[0])
    for text in ("Have you seen Annika today?", "Annika Söderberg asked for Bartholomew."):
        pieces = list(session.say(text))
        assert "".join(pieces).strip() == f"yes yes {text} and once more"
        assert len(pieces) > 2, "it still comes piece by piece"
    assert not [name for full in NAMES for name in full.split() if name in words_seen(engine)]
    assert [turn.text for turn in session.turns[::2]] == ["Have you seen Annika today?", "Annika Söderberg asked for Bartholomew."]


def test_without_that_everything_is_as_it_is(home: Home) -> None:
    engine = FakeEngine()
    said = "".join(Session(opened(home, engine, names=False), speaker=NAMES[0]).say("Annika, write to me@mail.com"))
    assert said.strip() == "you said: Annika, write to me@mail.com"
    assert NAMES[0] in words_seen(engine) and NAMES[1] in words_seen(engine)


def test_a_dataset_of_hidden_names_holds_none(home: Home) -> None:
    from homespun.corpus import sessions
    from homespun.dataset.turns import to_turns

    view = opened(home, FakeEngine(), names=True).view
    seen = view.conversations(sessions.conversations(home))
    turns: Sequence[Turn] = [turn for conversation in seen for turn in to_turns(conversation, view.name(NAMES[1]))]
    assert {turn.role for turn in turns} == {"user", "assistant"}
    assert not [name for full in NAMES for name in full.split() if any(re.search(rf"\b{name}\b", turn.text) for turn in turns)]
    assert [m.id for c in seen for m in c.messages] == [m.id for c in sessions.conversations(home) for m in c.messages]


def test_an_avatar_that_is_asked_says_so_and_no_model_is_loaded(home: Home) -> None:
    avatar = opened(home, FakeEngine(), names=True)

    def load() -> FakeEngine:
        raise AssertionError("loaded")

    session = Session(replace(avatar, load=load))
    said = "".join(session.say("hey\nbist du ein bot? und kommst du morgen?"))
    assert said.startswith("Ich bin nicht Bartholomew Quint. Ich bin ein Avatar") and "bart@1" in said
    assert [(turn.role, turn.text) for turn in session.turns] == [
        ("user", "hey\nbist du ein bot? und kommst du morgen?"),
        ("assistant", said),
    ]
    assert avatar.notice == "This is bart@1, an avatar: not Bartholomew Quint, but a model of how Bartholomew Quint writes."


def test_the_conversation_goes_on_after_that(home: Home) -> None:
    engine = FakeEngine()
    session = Session(opened(home, engine, names=True))
    for text in ("are you a bot?", "fine. and tomorrow?"):
        said = "".join(session.say(text))
    assert said.strip() == "you said: fine. and tomorrow?"
    assert [turn.role for turn in engine.seen[-1]] == ["system", "user", "assistant", "user"]
    assert "Quint" not in words_seen(engine), "not even in what it said of itself"


def test_a_base_speaks_for_nobody(home: Home) -> None:
    base = replace(opened(home, FakeEngine(), names=False), trained=False)
    assert "".join(Session(base).say("are you a bot?")).strip() == "you said: are you a bot?"
    assert base.notice is None
