"""Is a training file fit to learn from? Every bad record by line, copies, lengths, balance, private data, and what would be learned."""

from __future__ import annotations

import itertools
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import jinja2
import numpy as np

from homespun.bases.template import Template
from homespun.dataset.build import FEWEST
from homespun.dataset.copies import SHORT, Copies
from homespun.dataset.findings import Finding, Findings, Level, Segments
from homespun.dataset.formats import LABELS, Record, Shape, opened, parse
from homespun.dataset.problems import LOST_CHARACTERS, WRONG_ENCODING, Judge, problems
from homespun.types import Turn

MANY_LABELS = 1000
"""With more different values a field is no label."""
TOO_SHORT, TOO_LONG, OUTLIER = 10, 1000, 10.0
"""Characters of an average output; how many averages the longest may have."""
DAMAGED = 0.01
"""Share of rows with damaged characters from which it is not a few messages but the whole file."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is asked of a file."""

    max_tokens: int = 512
    min_rows: int = FEWEST
    """Rows without exact copies."""
    max_copies: float = 0.10
    """Share of rows that may repeat others, and of longer outputs that may repeat."""
    balance: float = 3.0
    """How many times as large as the smallest group of a label the largest may be."""
    tasks: tuple[str, ...] = ()
    """Words of which each must be in some value of `task`."""


KINDS = {
    "chat": Limits(),
    "command": Limits(512, 1000),
    "extraction": Limits(1024, 2000, tasks=("contact", "reminder", "calendar", "classification")),
}


class Span(Protocol):
    @property
    def kind(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Examiner:
    """How a file is looked at."""

    limits: Limits = KINDS["chat"]
    template: Template | None = None
    """Of the base to train; without it only characters are counted."""
    find_private: Callable[[str], Iterable[Span]] | None = None
    judge: Judge | None = None
    """What every output must pass, such as a schema."""
    preview: int = 2
    """Rows whose mask is shown."""


def check(path: Path, by: Examiner = Examiner()) -> Findings:
    """Read a file once, in memory that does not grow with its texts.

    Raises:
        UsageError: there is no such file.
        SourceError: it cannot be read.
        BaseError: the base of the template cannot be trained on anything.
    """
    with opened(path) as (shape, pieces):
        seen = _Seen(by)
        for piece in pieces:
            if piece.value is None:
                seen.note("error", piece.problem, piece.number)
                continue
            try:
                record = parse(piece.value)
            except ValueError as error:
                seen.note("error", str(error), piece.number)
            else:
                seen.take(record, piece.number)
        return seen.findings(path.name, shape)


def segments(turns: Sequence[Turn], template: Template | None = None) -> Segments:
    """What is learned of a conversation: token by token with a template, so that a wrong mask is seen; else turn by turn."""
    if template is None:
        return tuple(part for turn in turns for part in ((f"{turn.role}: ", False), (turn.text, turn.target), ("\n", False)))
    rendered = template.render(turns)
    learned = [bool(target) for target in rendered.target]
    runs = itertools.groupby(zip(rendered.ids, learned, strict=True), key=lambda pair: pair[1])
    parts = [([token for token, _ in run], is_learned) for is_learned, run in runs]
    return tuple((template.tokenizer.decode(ids, skip_special_tokens=False), is_learned) for ids, is_learned in parts)


@dataclass(slots=True)
class _Seen:
    by: Examiner
    noted: dict[tuple[Level, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    formats: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    copies: Copies = field(default_factory=Copies)
    lengths: dict[str, array[int]] = field(default_factory=lambda: defaultdict(lambda: array("q")))
    longest_output: tuple[int, int] = (0, 0)
    """(characters, number of the row)"""
    labels: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    private: Counter[str] = field(default_factory=Counter)
    preview: list[Segments] = field(default_factory=list)

    def note(self, level: Level, what: str, number: int) -> None:
        self.noted[level, what].append(number)

    def take(self, record: Record, number: int) -> None:
        self.formats[record.format].append(number)
        self.copies.add(record, number)
        for key, label in record.labels.items():
            if len(self.labels[key]) <= MANY_LABELS:
                self.labels[key][label] += 1
        found = list(problems(record, self.by.judge))
        found += self._measured(record, number)
        for level, what in found:
            self.note(level, what, number)
        if not any(level == "error" for level, _ in found) and len(self.preview) < self.by.preview and record.format != "message":
            self.preview.append(segments(record.turns, self.by.template) if record.turns else ((record.text, True),))
        if self.by.find_private is not None:
            texts = [turn.text for turn in record.turns] or [record.text]
            self.private.update(span.kind for text in texts for span in self.by.find_private(text))

    def _measured(self, record: Record, number: int) -> Iterator[tuple[Level, str]]:
        output = record.output if record.turns else record.text
        if output is not None:
            self.lengths["characters of outputs"].append(len(output))
            self.longest_output = max(self.longest_output, (len(output), number))
        if record.turns:
            self.lengths["characters of inputs"].append(sum(len(turn.text) for turn in record.turns) - len(output or ""))
        template, most = self.by.template, self.by.limits.max_tokens
        if template is None or record.format == "message":
            return
        try:
            tokens = template.count(template.text(record.turns) if record.turns else record.text)
        except jinja2.TemplateError as error:
            yield "error", f"refused by the base's chat template: {error}"
            return
        self.lengths["tokens"].append(tokens)
        if tokens > most:
            yield "error", f"longer than {most:,} tokens"

    def findings(self, file: str, shape: Shape) -> Findings:
        rows = sum(map(len, self.formats.values()))
        exact, near = self.copies.exact(), self.copies.near()
        numbers = {
            "container": shape.container,
            "formats": {name: len(lines) for name, lines in self.formats.items()},
            "rows": rows,
            "rows without exact copies": rows - len(exact),
            "near copies": len(near),
            "repeated outputs": round(self.copies.repeated_outputs(), 4),
            **{name: _spread(lengths) for name, lengths in self.lengths.items()},
            **{key: dict(counts.most_common(20)) for key, counts in self._real_labels()},
            "private data": dict(self.private.most_common()),
        }
        levels: dict[Level, list[Finding]] = {"error": [], "warning": []}
        for level, finding in [*self._of_rows(rows), *self._of_copies(rows, exact, near), *self._of_file(rows, len(exact))]:
            levels[level].append(finding)
        return Findings(file, shape.unit, tuple(levels["error"]), tuple(levels["warning"]), numbers, tuple(self.preview))

    def _of_rows(self, rows: int) -> Iterator[tuple[Level, Finding]]:
        for (level, what), lines in self.noted.items():
            damaged = what in (LOST_CHARACTERS, WRONG_ENCODING) and len(lines) > DAMAGED * rows
            yield "error" if damaged else level, Finding(what, tuple(lines))

    def _of_copies(self, rows: int, exact: list[int], near: list[int]) -> Iterator[tuple[Level, Finding]]:
        allowed = self.by.limits.max_copies
        for what, lines in (("an exact copy of an earlier row", exact), ("nearly a copy of an earlier row", near)):
            if lines:
                yield "error" if len(lines) > allowed * rows else "warning", Finding(what, tuple(lines))
        repeated = self.copies.repeated_outputs()
        if repeated > allowed:
            yield "error", Finding(f"{repeated:.0%} of the outputs of {SHORT} characters and more repeat an earlier one")
        if other := self.copies.contradictions():
            # A task has one right answer; a person may answer the same words in many ways.
            level: Level = "error" if {"instruction", "task"} & self.formats.keys() else "warning"
            yield level, Finding("another output than an earlier row has for the same input", tuple(other))

    def _of_file(self, rows: int, exact: int) -> Iterator[tuple[Level, Finding]]:
        limits = self.by.limits
        if not rows:
            yield "error", Finding("no record in it can be used" if self.noted else "the file is empty")
            return
        if len(self.formats) > 1:
            *others, _ = sorted(self.formats.values(), key=len)
            yield "error", Finding("in another format than most rows", tuple(sorted(itertools.chain.from_iterable(others))))
        if rows - exact < limits.min_rows:
            yield "error", Finding(f"{rows - exact:,} rows without exact copies, and at least {limits.min_rows:,} are needed")
        missing = [word for word in limits.tasks if not any(word in label.casefold() for label in self.labels["task"])]
        if missing:
            yield "error", Finding(f"no rows with a task for {', '.join(missing)}")
        for key, counts in self._real_labels():
            (largest, most), (smallest, least) = counts.most_common()[0], counts.most_common()[-1]
            if most > limits.balance * least:
                yield "warning", Finding(f"out of balance: {most:,} rows of {key} {largest!r} and {least:,} of {smallest!r}")
        yield from self._of_lengths()
        if self.private:
            yield "warning", Finding(f"{self.private.total():,} pieces of private data, which a model can repeat")

    def _of_lengths(self) -> Iterator[tuple[Level, Finding]]:
        if outputs := self.lengths.get("characters of outputs"):
            mean, (longest, number) = sum(outputs) / len(outputs), self.longest_output
            if not TOO_SHORT <= mean <= TOO_LONG:
                yield "warning", Finding(f"outputs are very {'short' if mean < TOO_SHORT else 'long'}: {mean:,.0f} characters on average")
            if longest > OUTLIER * mean:
                yield "warning", Finding(f"an output {longest / mean:.0f} times as long as the average", (number,))

    def _real_labels(self) -> list[tuple[str, Counter[str]]]:
        return [(key, counts) for key in LABELS if 0 < len(counts := self.labels[key]) <= MANY_LABELS]


def _spread(lengths: array[int]) -> dict[str, Any]:
    values = np.asarray(lengths)
    middle, most = np.percentile(values, [50, 95])
    return {"mean": round(float(values.mean())), "median": round(float(middle)), "95 %": round(float(most)), "longest": int(values.max())}
