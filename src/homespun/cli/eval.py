import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, ModelArgument, emit, new_app, open_home, workshop

if TYPE_CHECKING:
    from homespun.home import Home
    from homespun.registry.versions import Version

app = new_app()


@app.command("eval")
def evaluate(
    model: ModelArgument,
    on: Annotated[Path | None, typer.Option("--on", help="An export that is not in the corpus, and will not be.")] = None,
    format: Annotated[str | None, typer.Option("--as", help="Its format, where it is not recognised.")] = None,
    person: Annotated[str | None, typer.Option("--person", help="The person's name in that export, if it is another.")] = None,
    gap: Annotated[str, typer.Option("--gap", help="Silence that ends a conversation there.")] = "30m",
    full: Annotated[bool, typer.Option("--full", help="All that can be measured, and the gate; takes some trainings, once.")] = False,
    privacy: Annotated[
        bool | None,
        typer.Option("--privacy/--no-privacy", help="Does it leak? Trains a twin with secrets planted, once; part of --full."),
    ] = None,
    blind: Annotated[bool, typer.Option("--blind", help="You judge: which of two replies is the person's?")] = False,
    trials: Annotated[int, typer.Option("--trials", min=1, help="Questions of the blind test.")] = 20,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a version on words it never learned from."""
    from homespun import pipeline
    from homespun.config import seconds_of
    from homespun.errors import UsageError
    from homespun.evaluation import report as reporting
    from homespun.registry import versions

    place = open_home(home)
    version = versions.get_version(place, model)
    owner = versions.get_model(place, version.model)
    silence = seconds_of(gap)
    if blind:
        if on or full or privacy:
            raise UsageError("--blind asks about what was held out: leave out --on, --full and --privacy")
        _blind(place, version, owner.person, trials, as_json)
        return
    with place.lock(f"eval {model}"), workshop(place, versions.recipe_of(place, version), as_json) as shop:
        judged = pipeline.judge(shop, version, person or owner.person, on, format, silence, full, privacy)
    page = judged.folder / "report.md"
    value = {
        "version": version.title,
        "report": reporting.as_json(judged.report),
        "decision": asdict(judged.decision) if judged.decision else None,
        "page": str(page),
    }
    emit(as_json, value, page.read_text(encoding="utf-8"))


def _blind(place: "Home", version: "Version", person: str, count: int, as_json: bool) -> None:
    from homespun import pipeline
    from homespun.cli.blind import play
    from homespun.evaluation.blind import in_words
    from homespun.registry import versions

    with place.lock(f"eval {version.title}"), workshop(place, versions.recipe_of(place, version), as_json) as shop:
        trials, folder = pipeline.blind_trials(shop, version, person, count)
    result = play(trials, folder, person, sys.stderr if as_json else sys.stdout)
    value = {"version": version.title, "trials": len(trials), "result": asdict(result) if result else None, "folder": str(folder)}
    emit(as_json, value, in_words(result) if result else "no answers: nothing was measured")
