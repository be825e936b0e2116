from pathlib import Path
from typing import Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, ModelArgument, emit, new_app, open_home, workshop

app = new_app()


@app.command("eval")
def evaluate(
    model: ModelArgument,
    on: Annotated[Path | None, typer.Option("--on", help="An export that is not in the corpus, and will not be.")] = None,
    format: Annotated[str | None, typer.Option("--as", help="Its format, where it is not recognised.")] = None,
    person: Annotated[str | None, typer.Option("--person", help="The person's name in that export, if it is another.")] = None,
    gap: Annotated[str, typer.Option("--gap", help="Silence that ends a conversation there.")] = "30m",
    full: Annotated[bool, typer.Option("--full", help="Adds impostors, Hits@1/20 and variety; takes a training or two.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a version on words it never learned from."""
    from homespun import pipeline
    from homespun.config import seconds_of
    from homespun.evaluation import report as reporting
    from homespun.registry import versions

    place = open_home(home)
    version = versions.get_version(place, model)
    owner = versions.get_model(place, version.model)
    silence = seconds_of(gap)
    with place.lock(f"eval {model}"), workshop(place, versions.recipe_of(place, version), as_json) as shop:
        report, folder = pipeline.judge(shop, version, person or owner.person, on, format, silence, full)
    page = folder / "report.md"
    emit(as_json, {"version": version.title, "report": reporting.as_json(report), "page": str(page)}, page.read_text(encoding="utf-8"))
