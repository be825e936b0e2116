"""Windows: what a reply is shown before it."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from homespun.config import DatasetSection
from homespun.dataset.windows import OVERHEAD, windows
from homespun.types import Turn

OPTIONS = DatasetSection(max_tokens=120, context_tokens=50)


@st.composite
def told(draw: st.DrawFn) -> list[Turn]:
    """A conversation of turns of any length up to what a reply may have; a character is a token. Every turn's text is its own."""
    turns = []
    for place in range(draw(st.integers(1, 25))):
        mine = draw(st.booleans())
        most = OPTIONS.max_tokens - 2 * OVERHEAD - 1 if mine else 3 * OPTIONS.max_tokens
        lengths = draw(st.lists(st.integers(1, draw(st.sampled_from([8, 60]))), min_size=1, max_size=4))
        text = f"{place:02}" + draw(st.sampled_from(["-", " ", "\n"])).join("x" * length for length in lengths)
        turns.append(Turn("assistant" if mine else "user", text[:most].strip(), target=mine and draw(st.integers(0, 3)) > 0))
    return turns


@given(turns=told())
def test_every_reply_is_a_target_in_exactly_one_window(turns: list[Turn]) -> None:
    targets = [turn.text for window in windows(turns, len, OPTIONS) for turn in window if turn.target]
    assert targets == [turn.text for turn in turns if turn.target]


@given(turns=told())
def test_a_window_is_an_unbroken_stretch_that_ends_in_a_target(turns: list[Turn]) -> None:
    """Only the end of a turn may be left of it, where it is history."""
    for window in windows(turns, len, OPTIONS):
        assert window[-1].target
        last = next(place for place, turn in enumerate(turns) if turn.target and turn.text == window[-1].text)
        original = turns[last + 1 - len(window) : last + 1]
        assert [turn.role for turn in window] == [turn.role for turn in original]
        assert all(whole.text.endswith(turn.text) and turn.text for turn, whole in zip(window, original, strict=True))
        assert all(whole.text == turn.text for turn, whole in zip(window, original, strict=True) if turn.target)


@given(turns=told())
def test_no_window_is_longer_than_allowed(turns: list[Turn]) -> None:
    for window in windows(turns, len, OPTIONS):
        assert sum(len(turn.text) + OVERHEAD for turn in window) <= OPTIONS.max_tokens


@given(turns=told())
def test_two_replies_far_apart_do_not_share_a_window(turns: list[Turn]) -> None:
    for window in windows(turns, len, OPTIONS):
        targets = [place for place, turn in enumerate(window) if turn.target]
        for earlier, later in itertools.pairwise(targets):
            assert sum(len(turn.text) + OVERHEAD for turn in window[earlier + 1 : later]) <= OPTIONS.context_tokens


@given(turns=told())
def test_a_reply_is_never_shown_before_it_is_asked_for(turns: list[Turn]) -> None:
    for window in windows(turns, len, OPTIONS):
        for place, turn in enumerate(window):
            assert not turn.target or turn.text not in [before.text for before in window[:place]]


@given(turns=told())
def test_a_reply_has_the_turn_before_it_as_history(turns: list[Turn]) -> None:
    for window in windows(turns, len, OPTIONS):
        assert not window[0].target or window[0].text == turns[0].text
