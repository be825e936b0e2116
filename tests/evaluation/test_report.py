"""What is written is what is read again."""

from __future__ import annotations

import math
from pathlib import Path

from homespun.evaluation import report as reporting
from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.habits import Gap
from homespun.evaluation.likelihood import ScoredReply
from homespun.evaluation.result import Report, Sample


def test_a_report_survives_its_file(tmp_path: Path) -> None:
    report = Report(
        "Anna",
        "gate+vault",
        full=True,
        metrics={"gain": Interval(0.5, -math.inf, math.inf, 12, 1), "stops": 1.0},
        sides={"base": {"nll": 3.0}},
        gaps=[Gap("kiss", "you kiss", "missed", 0.4, 0.1, -0.7, True, ("night x",))],
        samples=[Sample("hi", "hello", "greetings", "hey")],
        notes=["one conversation only"],
        scores={"base": [ScoredReply("c1", 12.5, 4)]},
    )
    reporting.write(report, tmp_path, "anna@1")
    assert reporting.read(tmp_path) == report
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "cannot be shown" in page and "you kiss" in page and "one conversation only" in page
