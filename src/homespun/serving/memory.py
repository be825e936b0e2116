"""What an avatar knows beyond its weights: facts that were confirmed, and what its person wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from homespun.corpus.asking import relation_asked
from homespun.corpus.facts import facts_of, valid
from homespun.corpus.statements import statement
from homespun.corpus.view import View
from homespun.home import Home
from homespun.retrieval import index as retrieval
from homespun.retrieval.grounding import grounded
from homespun.retrieval.index import Index
from homespun.retrieval.passages import Passage
from homespun.serving.abstain import language_of, unknown
from homespun.types import Turn


@dataclass(frozen=True, slots=True)
class Memory:
    person: str
    view: View
    index: Index | None = None
    facts: tuple[tuple[str, str], ...] = ()
    """(relation, value) of those that are confirmed and count now."""
    found: int = 3
    """Passages that are looked up for a message."""

    def told(self, turns: Sequence[Turn], count: Callable[[str], int]) -> tuple[list[Turn], list[Passage]]:
        """The turns with what is known about the newest one in their system line, and the passages that were put there.

        Args:
            turns: as the model is to read them, names hidden.
            count: tokens of a text.
        """
        return grounded(turns, self.look_up(turns[-1].text), count)

    def look_up(self, question: str) -> list[Passage]:
        """Confirmed facts that it asks for, then what fits it in the person's words.

        Args:
            question: with names hidden.
        """
        asked = relation_asked(question)
        known = [
            Passage(self.view.hide(statement(relation, value, language_of(question))), self.person, "", None, "", (), cosine=1.0)
            for relation, value in self.facts
            if relation == asked
        ]
        return known + (retrieval.search(self.index, question, self.found) if self.index else [])

    def unknown(self, question: str, told: Sequence[Passage]) -> str | None:
        """What to say to a question about the person that nothing is known of; None where the model may answer."""
        # The name is in the system line.
        return unknown(question, {"name", *(relation for relation, _ in self.facts)}, [passage.text for passage in told])


def remembered(home: Home, artefact: str, person: str, view: View, found: int) -> Memory:
    """What belongs to a version, by its artefact, and to its person."""
    facts = tuple((fact.relation, fact.value) for fact in valid(facts_of(home, person)))
    return Memory(view.name(person), view, retrieval.of_version(home, artefact), facts, found)
