from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.diversity import copy_rate, degenerate_rate, distinct_n, length_ratio, longest_copied_run, self_bleu
from homespun.evaluation.likelihood import ScoredReply
from homespun.evaluation.result import Report
from homespun.registry.gate import Decision, alpha_at, as_json, attempt_number, decide, explain, fingerprint, table
from homespun.registry.policy import Policy, load_policy

POLICY = load_policy()
ONLY_BETTER = POLICY.model_copy(update={"checks": {}})
"""G1 alone."""
FEWER_DRAWS = POLICY.improvement.model_copy(update={"draws": 1_000})
QUICKER = POLICY.model_copy(update={"improvement": FEWER_DRAWS})
ORDER = ("fail", "inconclusive", "pass")
SIXTY = tuple([8] * 30 + [9] * 30)
"""Replies per conversation: 510 in 60."""


def interval(value: float, half: float = 0.05) -> Interval:
    return Interval(value, value - half, value + half, 60, 20)


Metrics = Mapping[str, Interval | float | None]

FAULTLESS: dict[str, Interval | float] = {
    "finite": 1.0,
    "template_round_trip": 1.0,
    "size_ratio": 1.0,
    "specificity": interval(0.2),
    "closeness": interval(0.8),
    "closeness_masked": interval(0.7),
    "context_gain": interval(0.3),
    "base_context_gain": interval(0.3),
    "minimal_pairs_change": interval(-0.3),
    "general_nll_change": interval(0.01, 0.005),
    "length_ratio": interval(1.0, 0.2),
    "degenerate_rate": 1 / 60,
    "natural_degenerate_rate": 0.01,
    "distinct_2": 0.72,
    "natural_distinct_2": 0.74,
    "distinct_3": 0.89,
    "natural_distinct_3": 0.91,
    "self_bleu": 0.22,
    "natural_self_bleu": 0.2,
    "copy_rate": 1 / 60,
    "natural_copy_rate": 0.011,
    "longest_copied_run": 11.0,
    "pii_emitted": 0.0,
    "stand_ins_emitted": 0.0,
    "exposure_1": 1.2,
    "canaries_extracted": 0.0,
    "extraction_rate": 0.0,
    "membership_auc": 0.6,
    "crows_change": 0.5,
    "crows_worst_category": 2.0,
    "swap_growth_beyond_control": interval(0.05, 0.2),
}


def good(changes: Metrics | None = None, live: bool = True, full: bool = True) -> Report:
    """A report that nothing can be said against, but for the changes; None takes a metric out."""
    report = Report("Ada", "gate+vault", full)
    report.metrics = {name: value for name, value in {**FAULTLESS, **(changes or {})}.items() if value is not None}
    report.scores = scores(np.random.default_rng(0), "live" if live else "base", gain=0.2)
    return report


def scores(
    rng: np.random.Generator,
    rival: str,
    gain: float,
    sizes: Sequence[int] = SIXTY,
    spread: float = 1.0,
    together: float = 0.1,
) -> dict[str, list[ScoredReply]]:
    """Two adapters' likelihoods. `spread`: nats by which a token differs between them; `together`: the share of it that a conversation's
    replies have in common."""
    of = np.repeat(np.arange(len(sizes)), sizes)
    tokens = np.maximum(1, rng.lognormal(2.3, 0.8, len(of)).astype(int))
    common, own = rng.normal(0, together**0.5, len(sizes))[of], rng.standard_t(4, len(of)) / 2**0.5 * (1 - together) ** 0.5
    before = 3.0 * tokens + rng.normal(0, 2, len(of)) * np.sqrt(tokens)
    after = before - gain * tokens - spread * (common + own) * np.sqrt(tokens)
    sides = {rival: before, "avatar": after}
    return {
        side: [ScoredReply(f"c{at}", float(nll), int(count)) for at, nll, count in zip(of, told, tokens, strict=True)]
        for side, told in sides.items()
    }


def judged(report: Report, live: Report | None = None, policy: Policy = POLICY, attempt: int = 1) -> Decision:
    return decide(report, live if live or "live" not in report.scores else good(), policy, attempt)


def outcome(decision: Decision, name: str) -> str:
    return next(check.outcome for check in decision.checks if check.name == name)


def test_a_version_without_fault_passes_and_every_gate_says_why() -> None:
    decision = judged(good())
    assert decision.verdict == "pass"
    assert {check.gate for check in decision.checks} == {f"G{number}" for number in range(7)}
    assert {check.outcome for check in decision.checks} == {"passed"}
    assert "against the live version" in decision.reason
    assert judged(good(live=False)).verdict == "pass"
    for shown in (explain(decision), table(decision)):
        assert all(check.sentence in shown for check in decision.checks) and decision.reason in shown


def test_decisions_are_the_same_byte_for_byte() -> None:
    assert as_json(judged(good())) == as_json(judged(good()))
    again = json.loads(as_json(judged(good())))
    assert (again["verdict"], again["policy"], len(again["checks"])) == ("pass", POLICY.digest, len(POLICY.checks) + 1)


@pytest.mark.parametrize("full", [False, True])
def test_nothing_needed_may_be_missing(full: bool) -> None:
    needed = [name for name, rule in POLICY.checks.items() if rule.is_needed(full)]
    assert {"copy_rate", "pii_emitted", "distinct_2", "length_ratio"} <= set(needed)
    for name in needed:
        decision = judged(good({name: None}, full=full))
        assert (decision.verdict, outcome(decision, name)) == ("inconclusive", "not measured")
        assert name in decision.reason
    assert judged(good(dict.fromkeys(set(POLICY.checks) - set(needed)), full=full)).verdict == "pass"


def test_without_scores_nothing_is_proven() -> None:
    report = good()
    del report.scores["live"]
    assert judged(report, good()).verdict == "inconclusive"
    assert judged(Report("Ada", "gate+vault", False), None).verdict == "inconclusive"


def test_scores_of_other_replies_are_refused() -> None:
    report = good()
    report.scores["live"] = report.scores["live"][:-1]
    with pytest.raises(ValueError, match="not of the same replies"):
        judged(report)


@given(
    st.sampled_from(sorted(POLICY.checks)),
    st.sampled_from(sorted(POLICY.checks)),
    st.sampled_from([-1, 1]),
    st.floats(0, 0.5),
    st.floats(0, 2),
    st.booleans(),
)
@settings(max_examples=300)
def test_worse_is_never_judged_better(name: str, also: str, side: int, start: float, step: float, full: bool) -> None:
    """Wherever a metric is, and whatever else is wrong, moving it the wrong way never mends the verdict."""
    rule, other = POLICY.checks[name], POLICY.checks[also]
    worse = side if rule.at_least and rule.at_most else 1 if rule.at_most else -1
    report = good(full=full)
    if also != name:
        report.metrics[also] = moved(FAULTLESS[also], (1 if other.at_most else -1) * start)

    def verdict(distance: float) -> int:
        report.metrics[name] = moved(FAULTLESS[name], worse * distance)
        return ORDER.index(judged(report, policy=QUICKER).verdict)

    assert verdict(start + step) <= verdict(start)


def moved(metric: Interval | float, distance: float) -> Interval | float:
    if isinstance(metric, Interval):
        return replace(metric, value=metric.value + distance, low=metric.low + distance, high=metric.high + distance)
    return metric + distance


@given(seed=st.integers(0, 50), gain=st.floats(-0.05, 0.15), index=st.integers(0, 509), harm=st.floats(0, 1000))
@settings(max_examples=40)
def test_one_reply_expected_worse_never_helps(seed: int, gain: float, index: int, harm: float) -> None:
    report = good()
    report.scores = scores(np.random.default_rng(seed), "live", gain)
    before = judged(report, policy=ONLY_BETTER).verdict
    own = report.scores["avatar"]
    own[index] = replace(own[index], nll=own[index].nll + harm)
    assert ORDER.index(judged(report, policy=ONLY_BETTER).verdict) <= ORDER.index(before)


def promoted(times: int, gain: float, sizes: Sequence[int], together: float, spread: float = 1.0) -> float:
    rng = np.random.default_rng(1)
    report = Report("Ada", "gate+vault", False)
    count = 0
    for _ in range(times):
        report.scores = scores(rng, "live", gain, sizes, spread, together)
        count += judged(report, policy=ONLY_BETTER.model_copy(update={"improvement": FEWER_DRAWS})).verdict == "pass"
    return count / times


@pytest.mark.parametrize(
    ("sizes", "together"),
    [(SIXTY, 0.0), (SIXTY, 0.3), ((263, 90, 60, 15, 4), 0.3)],
    ids=["60 conversations", "60 conversations, replies alike", "5 unequal conversations, replies alike"],
)
def test_a_version_as_good_as_the_live_one_is_rarely_promoted(sizes: Sequence[int], together: float) -> None:
    assert promoted(1000, 0.0, sizes, together) <= 0.05


def test_a_real_gain_is_seen() -> None:
    assert promoted(100, 0.05, SIXTY, 0.1) >= 0.75
    assert promoted(100, 0.05, SIXTY, 0.1, spread=0.5) >= 0.95
    assert promoted(20, 0.7, (263, 90, 60, 15, 4), 0.1) == 1.0


def test_a_tiny_gain_is_not_worth_a_promotion_however_sure() -> None:
    report = good()
    report.scores = scores(np.random.default_rng(0), "live", gain=0.008, spread=0.01)
    decision = judged(report)
    assert (decision.verdict, outcome(decision, "improvement")) == ("inconclusive", "open")


def test_a_version_that_is_surely_worse_fails() -> None:
    report = good()
    report.scores = scores(np.random.default_rng(0), "live", gain=-0.1)
    decision = judged(report)
    assert decision.verdict == "fail" and decision.reason.startswith("G1 improvement")


def test_one_conversation_proves_nothing() -> None:
    report = good()
    report.scores = scores(np.random.default_rng(0), "live", gain=0.5, sizes=[300])
    assert judged(report).verdict == "inconclusive"


def test_all_attempts_together_spend_no_more_than_alpha() -> None:
    spent = [alpha_at(attempt, 0.05) for attempt in range(1, 100_000)]
    assert sum(spent) <= 0.05 and spent == sorted(spent, reverse=True)
    decision = judged(good(), attempt=30)
    assert decision.attempt == 30 and "attempt 30" in decision.reason


def test_attempts_count_until_the_held_out_set_is_fresh() -> None:
    def mark(*parts: range, person: str = "Ada") -> str:
        return fingerprint(person, (f"c{number}-0" for part in parts for number in part))

    first = mark(range(100))
    assert attempt_number(first, [], 0.3) == 1
    assert attempt_number(first, [first, first], 0.3) == 3
    assert attempt_number(mark(range(140)), [first, first], 0.3) == 3, "29 % are new"
    assert attempt_number(mark(range(143)), [first, first], 0.3) == 1, "30 % are new"
    assert attempt_number(mark(range(143)), [first, mark(range(142))], 0.3) == 2, "what was tried on nearly the same counts"
    assert attempt_number(mark(range(50)), [first], 0.3) == 2, "what is left of a held-out set is not new"
    assert attempt_number(mark(range(100), person="Bob"), [first], 0.3) == 1
    assert "c1-0" not in first and len(first) == 9 * 100 - 1


PLANTED: Mapping[str, tuple[str, Metrics]] = {
    "broken numbers": ("G0 finite", {"finite": 0.0}),
    "not a number": ("G0 size_ratio", {"size_ratio": float("nan")}),
    "twice as large": ("G0 size_ratio", {"size_ratio": 2.0}),
    "another person": ("G2 specificity", {"specificity": interval(-0.1)}),
    "less like them than the live one": ("G2 closeness", {"closeness": interval(0.3)}),
    "deaf to the context": ("G2 context_gain", {"context_gain": interval(0.02)}),
    "forgotten grammar": ("G3 minimal_pairs_change", {"minimal_pairs_change": interval(-4.0, 1.0)}),
    "forgotten language": ("G3 general_nll_change", {"general_nll_change": interval(0.2, 0.01)}),
    "too short": ("G4 length_ratio", {"length_ratio": interval(0.4)}),
    "too long": ("G4 length_ratio", {"length_ratio": interval(2.0)}),
    "collapsed": ("G4 distinct_2", {"distinct_2": 0.4}),
    "recites": ("G5 longest_copied_run", {"longest_copied_run": 31.0}),
    "a phone number": ("G5 pii_emitted", {"pii_emitted": 1.0}),
    "remembers a secret": ("G5 exposure_1", {"exposure_1": 7.0}),
    "gives a secret away": ("G5 canaries_extracted", {"canaries_extracted": 1.0}),
    "goes on with what it learned": ("G5 extraction_rate", {"extraction_rate": Interval(0.05, 0.02, 0.08, 200, 40)}),
    "stereotypes": ("G6 crows_change", {"crows_change": 4.0}),
    "stereotypes of one kind": ("G6 crows_worst_category", {"crows_worst_category": 9.0}),
    "names matter more": ("G6 swap_growth_beyond_control", {"swap_growth_beyond_control": interval(0.6, 0.1)}),
}


@pytest.mark.parametrize("defect", PLANTED)
def test_each_defect_fails_at_its_gate(defect: str) -> None:
    gate, metrics = PLANTED[defect]
    decision = judged(good(metrics))
    assert decision.verdict == "fail" and decision.reason.startswith(gate)


def test_a_rate_fails_only_when_it_is_surely_too_high() -> None:
    """One or two copies of sixty are chance (really: 1.1 %); seven are not."""
    for copies, verdict in ((1, "pass"), (2, "pass"), (4, "pass"), (5, "fail"), (7, "fail")):
        decision = judged(good({"copy_rate": copies / 60}))
        assert decision.verdict == verdict
        assert f"({copies} of 60 replies)" in next(check.sentence for check in decision.checks if check.name == "copy_rate")


def test_nobody_has_to_be_more_varied_than_the_person() -> None:
    assert judged(good({"distinct_2": 0.60, "natural_distinct_2": 0.60})).verdict == "pass"
    assert judged(good({"distinct_2": 0.60, "natural_distinct_2": 0.70})).verdict == "fail"


def test_what_cannot_be_compared_is_not_held_against_a_first_version() -> None:
    decision = decide(good(live=False), None, POLICY, 1)
    assert decision.verdict == "pass" and outcome(decision, "closeness") == "not measured"


def test_a_warning_is_only_said() -> None:
    decision = judged(good({"membership_auc": 0.9}))
    assert decision.verdict == "pass" and "warning" in explain(decision)


def test_defects_planted_in_text_are_caught() -> None:
    """The same through the real measures: loops, copies, somebody else's tag, one sentence for everything."""
    words = [f"{one}{two}" for one in "bdfgklmnprst" for two in ("ado", "emi", "ilu", "ora", "upe", "ani", "eto", "iba")]
    rng = np.random.default_rng(0)

    def say(count: int) -> list[str]:
        return [" ".join(rng.choice(words, rng.integers(5, 30))) + "." for _ in range(count)]

    learned, real, avatar = say(300), say(60), say(60)
    contexts = ["and then?"] * 60

    def measured(replies: list[str]) -> Report:
        found: Metrics = {
            "length_ratio": length_ratio(replies, real, [f"c{index // 3}" for index in range(60)]),
            "degenerate_rate": degenerate_rate(replies, contexts, ["Bob"]).rate,
            "natural_degenerate_rate": degenerate_rate(real, contexts, ["Bob"]).rate,
            "copy_rate": copy_rate(replies, learned),
            "natural_copy_rate": copy_rate(real, learned),
            "longest_copied_run": float(longest_copied_run(replies, learned).tokens),
            **{f"distinct_{n}": distinct_n(replies, n).value for n in (2, 3)},
            **{f"natural_distinct_{n}": distinct_n(real, n).value for n in (2, 3)},
            "self_bleu": self_bleu(replies).value,
            "natural_self_bleu": self_bleu(real).value,
        }
        return good(found)

    def failed(replies: list[str]) -> set[str]:
        return {check.name for check in judged(measured(replies)).checks if check.outcome == "failed"}

    assert failed(avatar) == set()
    assert "degenerate_rate" in failed([*avatar[:50], *["tell me more tell me more " * 5] * 10])
    assert "degenerate_rate" in failed([*avatar[:50], *[f"Bob: {text}" for text in avatar[50:]]])
    assert {"copy_rate", "longest_copied_run"} <= failed([*avatar[:40], *sorted(learned, key=len)[-20:]])
    assert failed([*avatar[:-1], max(learned, key=len)]) == {"longest_copied_run"}, "a single recitation is enough"
    assert {"distinct_2", "distinct_3"} <= failed([avatar[0]] * 60)
    assert "length_ratio" in failed([" ".join(text.split()[:3]) for text in avatar])
