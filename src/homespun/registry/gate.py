"""May a version go live? A pure function of its report, the live version's report and a frozen policy.

G0 it is whole; G1 it is better; G2 nothing else is worse; G3 it has not forgotten; G4 it has not collapsed; G5 it does not leak; G6 it is
no more biased. A proof of good (G1, specificity) is asked of the version. Harm is held against it: by its value where that is measured
over thousands of items or must not happen once, and where it is a share of few replies only when it is surely too high. One copied
reply of sixty is 1.7 % and proves nothing; a leak does not hide behind that, since one long copied run, one personal detail or one
planted secret fails alone.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from homespun.evaluation.bootstrap import Floats, Interval, cluster_sums, ratio_of_sums
from homespun.evaluation.likelihood import ScoredReply
from homespun.evaluation.result import Report
from homespun.registry.policy import LIVE, Gate, Improvement, Limit, Policy, Rule

Verdict = Literal["pass", "inconclusive", "fail"]
Outcome = Literal["passed", "failed", "open", "not measured"]
IMPROVEMENT = "improvement"
_WORSE: tuple[Outcome, ...] = ("passed", "open", "failed")


@dataclass(frozen=True, slots=True)
class Check:
    gate: Gate
    name: str
    outcome: Outcome
    sentence: str
    """What was measured, and what was asked."""
    needed: bool
    """Whether a version may not go live without it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """`inconclusive`: nothing is wrong, but it is not shown to be better, or something needed was not measured. The data are kept."""

    verdict: Verdict
    reason: str
    checks: tuple[Check, ...]
    policy: str
    """Digest of the policy."""
    attempt: int


def decide(report: Report, live_report: Report | None, policy: Policy, attempt: int) -> Decision:
    """Judge a version.

    Args:
        report: of the candidate. Its `scores` hold "avatar" and, on the same replies, "live" where a version is live, else "base".
        live_report: of the version that is live; None where none is.
        attempt: the how-manieth decision this is on this held-out set, from 1 (`attempt_number`).

    Raises ValueError when the sides of `report.scores` are not of the same replies.
    """
    rival = LIVE if live_report is not None or LIVE in report.scores else "base"
    found = [_improvement(report, rival, policy.improvement, attempt)]
    found += [_check(name, rule, report, live_report, policy.sure) for name, rule in policy.checks.items()]
    checks = tuple(sorted(found, key=lambda check: check.gate))
    return Decision(*_verdict(checks), checks, policy.digest, attempt)


def _verdict(checks: Sequence[Check]) -> tuple[Verdict, str]:
    if failed := [check for check in checks if check.outcome == "failed"]:
        return "fail", _first(failed)
    if waiting := [check for check in checks if check.outcome == "open" or (check.outcome == "not measured" and check.needed)]:
        return "inconclusive", _first(waiting)
    return "pass", next(check.sentence for check in checks if check.name == IMPROVEMENT)


def _first(checks: Sequence[Check]) -> str:
    first, more = checks[0], [check.name for check in checks[1:]]
    return f"{first.gate} {first.name}: {first.sentence}" + (f"; also {', '.join(more)}" if more else "")


def alpha_at(attempt: int, alpha: float) -> float:
    """What the k-th attempt on a held-out set may spend, alpha * 6 / (pi^2 k^2): however many there are, their sum stays below alpha."""
    return alpha * 6 / (math.pi * attempt) ** 2


def _improvement(report: Report, rival: str, options: Improvement, attempt: int) -> Check:
    own, theirs = report.scores.get("avatar", []), report.scores.get(rival, [])

    def check(outcome: Outcome, sentence: str) -> Check:
        return Check("G1", IMPROVEMENT, outcome, sentence, needed=True)

    if not own or not theirs:
        return check("not measured", f"no held-out replies scored by it and by the {_called(rival)}")
    if [(reply.conversation, reply.tokens) for reply in own] != [(reply.conversation, reply.tokens) for reply in theirs]:
        raise ValueError(f"the scores of the version and of the {_called(rival)} are not of the same replies")
    better = np.array([before.nll - after.nll for before, after in zip(theirs, own, strict=True)])
    if not np.isfinite(better).all():
        return check("failed", "its likelihoods are not finite: the model is broken")
    alpha = alpha_at(attempt, options.alpha)
    gain = _bounded(better, own, alpha, options)
    wins, replies = int((better > 0).sum()), int((better != 0).sum())
    chance = _at_least(wins, replies, 0.5)
    proven = gain.low > 0 and gain.value >= options.effect and chance < alpha
    return check(
        "passed" if proven else "failed" if gain.high < 0 else "open",
        f"{gain.value:+.3f} nats per token against the {_called(rival)}, surely above {gain.low:+.3f} (asked: {options.effect:g}, and "
        f"surely above 0); better on {wins} of {replies} replies, p {chance:.2g} (asked: below {alpha:.2g}, attempt {attempt})",
    )


def _called(rival: str) -> str:
    return "live version" if rival == LIVE else rival


def _bounded(better: Floats, replies: Sequence[ScoredReply], alpha: float, options: Improvement) -> Interval:
    """Nats per token with one-sided bounds at 1 - alpha, whole conversations redrawn.

    Percentile bounds are too narrow for few conversations, so the quantile is moved as far out as Student's t is wider than the
    normal distribution (the expanded percentile interval: Hesterberg 2015, arXiv 1411.5279, section 5.3). Conversations of unequal
    size count as fewer (Kish 1965): with two or three all of them must agree.
    """
    from scipy.special import ndtr, stdtrit

    tokens, conversations = [float(reply.tokens) for reply in replies], [reply.conversation for reply in replies]
    sizes = cluster_sums(np.array(tokens)[:, None], conversations)[:, 0]
    count = sizes.sum() ** 2 / (sizes**2).sum()
    tail = float(ndtr(math.sqrt(count / (count - 1)) * stdtrit(count - 1, alpha))) if count > 1 else alpha
    return ratio_of_sums(better, tokens, conversations, options.draws, options.seed, level=1 - 2 * tail)


def _at_least(events: int, trials: int, chance: float) -> float:
    """The probability of so many events or more, each of the trials having this chance (exact binomial)."""
    from scipy.stats import binom

    return float(binom.sf(events - 1, trials, min(max(chance, 0.0), 1.0)))


def _check(name: str, rule: Rule, report: Report, live_report: Report | None, sure: float) -> Check:
    def check(outcome: Outcome, sentence: str) -> Check:
        return Check(rule.gate, name, outcome, f"{rule.what}: {sentence}", rule.is_needed(report.full))

    if name not in report.metrics:
        return check("not measured", "not measured")
    measured = _interval(report.metrics[name])
    if not math.isfinite(measured.value):
        return check("failed", "not a finite number")
    replies = _replies(measured, report) if rule.judge == "rate" else None
    said = _say(measured.value, rule) + (f" ({round(measured.value * replies)} of {replies} replies)" if replies else "")
    outcomes: list[Outcome] = []
    for side, limit in ((1, rule.at_least), (-1, rule.at_most)):
        if limit is None:
            continue
        beside = _beside(limit, name, report, live_report)
        if beside is None:
            return check("not measured", f"{said}, but there is no {_called(limit.of)} to compare it with")
        bound = limit.at(beside.value)
        spread = limit.times * (beside.value - beside.low if side > 0 else beside.high - beside.value)
        outcomes.append(_outcome(rule, side, measured, bound, spread, replies, sure))
        if rule.unit != "yes":
            said += f"{' and' if len(outcomes) > 1 else ', asked:'} {'at least' if side > 0 else 'at most'} {_say(bound, rule)}"
        if outcomes[-1] == "passed" and side * (measured.value - bound) < 0:
            said += " (beyond it, which is only a warning)" if rule.judge == "warning" else " (beyond it, but not surely so)"
    return check(max(outcomes, key=_WORSE.index), said)


def _outcome(rule: Rule, side: int, measured: Interval, bound: float, spread: float, replies: int | None, sure: float) -> Outcome:
    """`side`: 1 where more is better, -1 where less is. `spread`: how far the bound itself may be off. `replies`: behind a rate."""
    worst, best = (measured.low, measured.high) if side > 0 else (measured.high, measured.low)
    if rule.judge == "proof":
        return "passed" if side * (worst - bound) > 0 else "failed" if side * (best - bound) < 0 else "open"
    if side * (measured.value - bound) >= 0 or rule.judge == "warning":
        return "passed"
    if replies and _at_least(round(measured.value * replies), replies, bound) >= sure:
        return "passed"
    if rule.judge == "change" and side * (measured.value - bound) + math.hypot(best - measured.value, spread) >= 0:
        return "passed"
    return "failed"


def _interval(measured: Interval | float) -> Interval:
    return measured if isinstance(measured, Interval) else Interval(measured, measured, measured, 0, 0)


def _replies(rate: Interval, report: Report) -> int | None:
    """How many replies a rate is of; those that were written for its report, where it does not say so itself."""
    written = report.metrics.get("length_ratio")
    return rate.n or (written.n if isinstance(written, Interval) else None)


def _beside(limit: Limit, name: str, report: Report, live_report: Report | None) -> Interval | None:
    if not limit.of:
        return _interval(0.0)
    source, metric = (live_report, name) if limit.of == LIVE else (report, limit.of)
    found = source.metrics.get(metric) if source else None
    return None if found is None or not math.isfinite(_interval(found).value) else _interval(found)


def _say(value: float, rule: Rule) -> str:
    match rule.unit:
        case "yes":
            return "yes" if value else "no"
        case "share":
            return f"{100 * value:.1f} %"
        case "points":
            return f"{value:+.1f} points"
        case "count":
            return f"{value:.0f}"
        case "nats":
            return f"{value:.3f}"
        case "number":
            return f"{value:.2f}"


def as_json(decision: Decision) -> str:
    """The decision in one line; the same decision is the same bytes."""
    return json.dumps(asdict(decision), ensure_ascii=False, sort_keys=True)


def explain(decision: Decision) -> str:
    """Lines for a terminal."""
    checks = _telling(decision)
    width = max(len(check.outcome) for check in checks)
    lines = [f"{check.gate}  {check.outcome:<{width}}  {check.sentence}" for check in checks]
    return "\n".join([f"{decision.verdict}: {decision.reason}", "", *lines])


def table(decision: Decision) -> str:
    """The same in Markdown, for a report."""
    rows = [f"| {check.gate} | {check.outcome} | {check.sentence} |" for check in _telling(decision)]
    return "\n".join([f"**{decision.verdict}**: {decision.reason}", "", "| gate | outcome | what was measured |", "|---|---|---|", *rows])


def _telling(decision: Decision) -> list[Check]:
    """Without what was not measured and need not be: in a quick report that is half of all."""
    return [check for check in decision.checks if check.needed or check.outcome != "not measured"]


def fingerprint(person: str, examples: Iterable[str]) -> str:
    """What a decision keeps of the held-out set it was made on, to count attempts by: a short digest of every example's id, in order.

    Nothing of the examples can be read from it. 500 examples take 4.5 kB.
    """
    return " ".join(sorted({hashlib.sha256(f"{person} {example}".encode()).hexdigest()[:8] for example in examples}))


def attempt_number(now: str, earlier: Iterable[str], fresh: float) -> int:
    """The how-manieth decision on this held-out set is due.

    An earlier decision counts when less than `fresh` of today's examples were not in it: who tries often enough on the same replies
    succeeds by chance, who brings enough new ones starts again (Blum & Hardt 2015, arXiv 1502.04585).

    Args:
        now: the fingerprint of today's held-out set.
        earlier: those of all decisions before, of whatever model.
    """
    held_out = set(now.split())
    return 1 + sum(len(held_out - set(mark.split())) < fresh * len(held_out) for mark in earlier)
