"""Stop texts: found wherever the pieces of a reply end, and never shown."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from homespun.bases.template import Template
from homespun.engines.base import Scored
from homespun.engines.stops import Decoder, Speaker, StopFinder

PIECES = st.lists(st.text("ab\n", max_size=4), max_size=12)
STOPS = st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3)


def shown(pieces: list[str], stops: list[str]) -> tuple[str, bool]:
    finder = StopFinder(stops)
    text = "".join(finder.feed(piece) for piece in pieces)
    return text + finder.rest(), finder.found


@given(pieces=PIECES, stops=STOPS)
def test_the_stop_that_is_complete_first_ends_the_text_however_it_is_cut(pieces: list[str], stops: list[str]) -> None:
    whole = "".join(pieces)
    ends = [(place + len(stop), place) for stop in stops if (place := whole.find(stop)) >= 0]
    expected = whole[: min(ends)[1]] if ends else whole
    assert shown(pieces, stops) == (expected, bool(ends))
    assert shown(list(whole), stops) == (expected, bool(ends))


@given(pieces=PIECES, stops=STOPS)
def test_nothing_is_held_back_longer_than_it_must_be(pieces: list[str], stops: list[str]) -> None:
    """What is held back is the beginning of a stop text."""
    finder = StopFinder(stops)
    for piece in pieces:
        finder.feed(piece)
        assert not finder.held or any(stop.startswith(finder.held) and stop != finder.held for stop in stops)


@given(pieces=PIECES, stops=STOPS)
def test_scores_come_with_their_text_and_not_with_a_stop(pieces: list[str], stops: list[str]) -> None:
    """Every token that is shown, if only in part, has its score in the piece where it begins; no other has."""
    speaker = Speaker(stops)
    made = [one for piece in pieces if piece and not speaker.stopped for one in speaker.hear(piece, [Scored(piece, 0.0)])]
    made += speaker.end()
    text, scored = "".join(one.text for one in made), [score.text for one in made for score in one.scores]
    assert text == shown(pieces, stops)[0] and all(one.text for one in made)
    begun = "".join(scored)
    assert begun.startswith(text) and len(begun) - len(text) < (len(scored[-1]) if scored else 1)


@given(text=st.text(max_size=12) | st.text("né🥖日 \n", max_size=20))
def test_characters_are_shown_when_they_are_whole(template: Template, text: str) -> None:
    ids = template.ids(text)
    assume(template.decode(ids) == text)  # some bytes of rare scripts are unknown to this tokenizer
    decoder = Decoder(template)
    pieces = [decoder.add(token) for token in ids]
    assert "".join(pieces) == text
    assert len(pieces) == len(ids) and not any("\ufffd" in piece for piece in pieces if "\ufffd" not in text)
