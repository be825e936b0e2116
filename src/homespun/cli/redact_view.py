"""How `homespun corpus redact` shows what redaction does: counts, then messages with what goes struck out and what comes in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homespun.cli.common import emit, table

if TYPE_CHECKING:
    from rich.text import Text

    from homespun.corpus.preview import Changed
    from homespun.home import Home


def show(home: Home, with_names: bool, last: int, as_json: bool) -> None:
    """Print the preview. The words go to standard output and nowhere else."""
    from homespun.corpus.preview import preview

    seen = preview(home, last, with_names)
    if as_json:
        shown = [
            {"before": one.before, "after": one.after, "changes": [[c.start, c.end, c.kind, c.replacement] for c in one.spans]}
            for one in seen.shown
        ]
        emit(True, {"messages": seen.messages, "affected": seen.affected, "counts": seen.counts, "shown": shown}, "")
        return
    from rich.console import Console

    console = Console(highlight=False)
    for one in seen.shown:
        console.print(_marked(one), soft_wrap=True)
        console.rule(style="dim")
    if seen.counts:
        emit(False, {}, table([(count, kind) for kind, count in seen.counts.items()], ("found", "kind")))
    summary = f"{seen.affected:,} of {seen.messages:,} messages hold personal data; datasets get what is green instead of what is red."
    console.print(summary if seen.affected else f"nothing personal found in {seen.messages:,} messages", style="dim")


def _marked(one: Changed) -> Text:
    from rich.text import Text

    text = Text()
    done = 0
    for change in one.spans:
        text.append(one.before[done : change.start])
        text.append(one.before[change.start : change.end], style="red strike")
        text.append(" ")
        text.append(change.replacement, style="bold green")
        done = change.end
    text.append(one.before[done:])
    return text
