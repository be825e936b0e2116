"""What a version knows of its person, asked as it would be asked when it is served."""

from __future__ import annotations

from collections.abc import Sequence

from homespun.corpus import facts as known
from homespun.dataset.turns import system_turn
from homespun.evaluation import facts as asking
from homespun.evaluation.result import Report
from homespun.pipeline.workshop import Workshop
from homespun.registry import versions
from homespun.registry.versions import Version
from homespun.retrieval.grounding import SAYS, grounded
from homespun.retrieval.passages import Passage
from homespun.serving.memory import remembered
from homespun.training import run as running
from homespun.types import Turn


def measure(shop: Workshop, version: Version, report: Report) -> None:
    """Facts, abstention and what it makes up, with and without looking things up."""
    shop.say("asking about facts")
    home, recipe, view = shop.home, shop.recipe, shop.view
    person = versions.get_model(home, version.model).person
    memory = remembered(home, version.artefact, person, view, recipe.retrieval.passages)
    engine = shop.engine()
    engine.use(running.load_weights(versions.version_folder(home, version)))
    sampling = recipe.with_sampling(seed=recipe.evaluation.seed).sampling

    def prompt(question: str, passages: Sequence[str]) -> list[Turn]:
        turns = [system_turn(recipe, memory.person, None), Turn("user", view.hide(question))]
        return grounded(turns, [Passage(text, memory.person, "", None, "", (), cosine=1.0) for text in passages], engine.count)[0]

    def retrieve(question: str) -> list[str]:
        return [passage.text for passage in memory.told(prompt(question, ()), engine.count)[1]]

    def answer(conversations: Sequence[Sequence[Turn]]) -> list[str]:
        """As served: what nobody told it is not generated."""
        told = [[Passage(turns[0].text, "", "", None, "", ())] if SAYS in turns[0].text else [] for turns in conversations]
        ruled = [memory.unknown(turns[-1].text, passages) for turns, passages in zip(conversations, told, strict=True)]
        open_ones = [turns for turns, said in zip(conversations, ruled, strict=True) if said is None]
        written = iter(engine.generate(open_ones, sampling)) if open_ones else iter(())
        return [said if said is not None else next(written).text for said in ruled]

    facts = [(relation, view.hide(value)) for relation, value in memory.facts]
    others = [(fact.relation, view.hide(fact.value)) for fact in known.everybodys_facts(home)]
    language = next(iter(recipe.dataset.filter.languages), "en")
    found = asking.measure(facts, others, language, engine.log_likelihoods, answer, prompt, retrieve)
    report.metrics |= found.metrics
    report.notes += found.notes
