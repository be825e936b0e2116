from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, ModelArgument, emit, new_app, open_home, workshop

if TYPE_CHECKING:
    from homespun.config import Recipe
    from homespun.home import Home

app = new_app()


@app.command()
def train(
    model: ModelArgument,
    person: Annotated[str, typer.Option("--person", help="Whose model; default you.")] = "me",
    recipe: Annotated[str | None, typer.Option("--recipe", help="A built-in recipe or a TOML file; default the model's own.")] = None,
    budget: Annotated[str | None, typer.Option("--budget", help="Time for the training itself: 90s, 5m, 1h30m.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    review: Annotated[bool, typer.Option("--review", help="A version that passes the gate waits for your approval.")] = False,
    agreed: Annotated[
        str | None, typer.Option("--consent", metavar="NOTE", help="How and when somebody other than you agreed to a model of them.")
    ] = None,
    gently: Annotated[bool, typer.Option("--gently", help="Let every other program go first.")] = False,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="Cores to use; default all.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a model: builds the dataset if needed, trains, makes a version and its quick report."""
    from homespun import pipeline
    from homespun.config import seconds_of
    from homespun.evaluation import report as reporting
    from homespun.machine.neighbour import give_way
    from homespun.registry import consent
    from homespun.registry.versions import version_folder

    if gently:
        give_way()
    seconds = seconds_of(budget) if budget else None
    place = open_home(home)
    with place.lock(f"train {model}"):
        name, made_by = chosen(place, model, person, recipe)
        if agreed:
            consent.record(place, name, agreed)
        if review:
            made_by = made_by.model_copy(update={"review": True})
        with workshop(place, made_by, as_json) as shop:
            shop.threads = threads
            done = pipeline.train(shop, model, name, seconds, resume)
    page = version_folder(place, done.version) / "report.md"
    value = {
        "version": done.version.title,
        "live": done.version.is_live,
        "new": done.decision is not None,
        "decision": asdict(done.decision) if done.decision else None,
        "report": reporting.as_json(done.report),
        "page": str(page),
    }
    lines = [f"{done.version.title}: {reporting.headline(done.report)}"]
    if done.decision is None:
        lines.append("nothing is new since this version: add messages, or change the recipe, for another one")
    if done.report.samples:
        sample = done.report.samples[0]
        lines.append(f"asked “{sample.context.splitlines()[-1]}” it says “{sample.avatar}” ({name} said “{sample.real}”)")
    if done.version.is_live:
        lines.append(f"it is live. Next: homespun chat {model}    the report: {page}")
    elif done.version.waits:
        lines.append(f"it passed and waits for you: homespun promote {done.version.title}    (or --refuse WHY)    the report: {page}")
    else:
        lines.append(f"it is not live ({done.version.verdict}): {done.version.reason}")
        lines.append(f"try it: homespun chat {done.version.title}    why: homespun versions {model} --decisions    the report: {page}")
    emit(as_json, value, "\n".join(lines))


def chosen(home: "Home", model: str, person: str, recipe: str | None) -> "tuple[str, Recipe]":
    """The person and the recipe a command means: what was asked for, else what the model was made with, else the defaults."""
    from homespun.config import load_recipe
    from homespun.corpus import people
    from homespun.registry.versions import find_model

    known = find_model(home, model)
    name = known.person if known and person == people.ME else people.find_person(home, person)
    if recipe is None and known:
        return name, known.recipe
    return name, load_recipe(recipe or "avatar")
