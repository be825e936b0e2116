"""What the gate needs to know: the version that is live, scored on the same replies, and how often they were used before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from homespun.dataset.build import Dataset
from homespun.evaluation import report as reporting
from homespun.evaluation.likelihood import ScoredReply
from homespun.evaluation.result import Report
from homespun.evaluation.scoring import score
from homespun.home import Home
from homespun.pipeline.workshop import Workshop
from homespun.registry import decisions, gate, policy, versions
from homespun.registry.gate import Decision
from homespun.registry.policy import Policy
from homespun.registry.versions import Version
from homespun.training import run as running
from homespun.types import HELD_OUT, Example


def rules(home: Home) -> Policy:
    """The shipped policy with what the home changes of it.

    Raises:
        UsageError: the home's file is wrong.
    """
    return policy.load_policy(home.path / policy.FILE)


def fingerprint(dataset: Dataset) -> str:
    """Of the replies that a version is judged on."""
    return gate.fingerprint(dataset.person, (example.id for example in dataset.of(*HELD_OUT)))


def decide(home: Home, model: str, report: Report, held_out: str, judged: Version | None = None) -> Decision:
    """May a version of this report go live, in place of the one that is?

    Args:
        judged: the version, if it was judged before. It is no rival of its own, and to look at it more closely is no further attempt.
    """
    asked = rules(home)
    rival = _rival(home, model, judged)
    live_report = reporting.read(versions.version_folder(home, rival)) if rival else None
    attempt = gate.attempt_number(held_out, decisions.judged_on(home), asked.improvement.fresh)
    return gate.decide(report, live_report, asked, max(1, attempt - 1) if judged else attempt)


def judge_again(home: Home, version: Version, report: Report, dataset: Dataset) -> Decision:
    """What the gate says of a version by a fuller report. It is written down, and nothing goes live or down by it."""
    decision = decide(home, version.model, report, fingerprint(dataset), version)
    with versions.locked(home, version.model) as (db, row):
        decisions.append(db, row, version.number, "judged", decision.reason, decision)
    return decision


def _rival(home: Home, model: str, judged: Version | None) -> Version | None:
    """The live version, which a new one must beat; none if that is the one to be judged.

    Nor is one that learned from words which were forgotten since: what is made without them has to take its place, not to excel it.
    """
    for version in versions.list_versions(home, model):
        if version.is_live and not (judged and judged.artefact == version.artefact):
            return None if home.why_stale("version", version.artefact) else version
    return None


def live_scores(shop: Workshop, model: str, judged: Version | None = None) -> Callable[[Sequence[Example]], list[ScoredReply]] | None:
    """What scores with the version of a model that answers now, if one does that is not the one to be `judged`."""
    version = _rival(shop.home, model, judged)
    if version is None:
        return None

    def scored(examples: Sequence[Example]) -> list[ScoredReply]:
        shop.say(f"scoring with {version.title}, which is live")
        theirs = Workshop(shop.home, versions.recipe_of(shop.home, version), shop.settings, threads=shop.threads)
        weights = running.load_weights(versions.version_folder(shop.home, version))
        return score(theirs.scorer(), theirs.template, weights, examples)

    return scored
