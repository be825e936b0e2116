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
from homespun.registry.versions import Version
from homespun.training import run as running
from homespun.types import HELD_OUT, Example


def fingerprint(dataset: Dataset) -> str:
    """Of the replies that a version is judged on."""
    return gate.fingerprint(dataset.person, (example.id for example in dataset.of(*HELD_OUT)))


def decide(home: Home, model: str, report: Report, held_out: str) -> Decision:
    """May a version of this report go live, in place of the one that is?"""
    rules = policy.load_policy(home.path / policy.FILE)
    live = live_version(home, model)
    live_report = reporting.read(versions.version_folder(home, live)) if live else None
    attempt = gate.attempt_number(held_out, decisions.judged_on(home), rules.improvement.fresh)
    return gate.decide(report, live_report, rules, attempt)


def judge_again(home: Home, version: Version, report: Report, dataset: Dataset) -> Decision:
    """What the gate says of a version by a fuller report. It is written down, and nothing goes live or down by it."""
    rules = policy.load_policy(home.path / policy.FILE)
    live = live_version(home, version.model)
    rival = live if live and live.artefact != version.artefact else None
    live_report = reporting.read(versions.version_folder(home, rival)) if rival else None
    # It was counted when it was new: looking at it more closely is no further attempt.
    attempt = max(1, gate.attempt_number(fingerprint(dataset), decisions.judged_on(home), rules.improvement.fresh) - 1)
    decision = gate.decide(report, live_report, rules, attempt)
    with versions.locked(home, version.model) as (db, row):
        decisions.append(db, row, version.number, "judged", decision.reason, decision)
    return decision


def live_version(home: Home, model: str) -> Version | None:
    """The version that a new one must beat.

    One that learned from words which were forgotten since is none: what is made without them has to take its place, not to excel it.
    """
    live = (version for version in versions.list_versions(home, model) if version.is_live)
    return next((version for version in live if not home.why_stale("version", version.artefact)), None)


def live_scores(shop: Workshop, model: str, judged: Version | None = None) -> Callable[[Sequence[Example]], list[ScoredReply]] | None:
    """What scores with the version of a model that answers now, if one does that is not the one to be `judged`."""
    version = live_version(shop.home, model)
    if version is None or (judged and version.artefact == judged.artefact):
        return None

    def scored(examples: Sequence[Example]) -> list[ScoredReply]:
        shop.say(f"scoring with {version.title}, which is live")
        theirs = Workshop(shop.home, versions.recipe_of(shop.home, version), shop.settings, threads=shop.threads)
        weights = running.load_weights(versions.version_folder(shop.home, version))
        return score(theirs.scorer(), theirs.template, weights, examples)

    return scored
