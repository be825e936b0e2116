"""The whole circle on the bundled sample: import, train, judge, then chat."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from homespun.cli.common import JsonOption, emit, new_app, workshop

if TYPE_CHECKING:
    from homespun.home import Home
    from homespun.pipeline import Outcome

app = new_app()

PERSON, MODEL, BUDGET = "Wren Kallio", "wren", "150s"
SAMPLE = ("WhatsApp Chat with Tuuli.txt", "result.json", "reflections.jsonl")
QUESTIONS = (
    ("Tuuli", "How is Admiral? Is he eating?"),
    ("Dev Raman", "Bro are you coming Saturday or what"),
    ("Margaret Pargeter", "Is the bellows job finished. The customer rang."),
)


@app.command()
def demo(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="A new home for the demo.")] = Path("demo-home"),
    budget: Annotated[str, typer.Option("--budget", help="Time for the training itself.")] = BUDGET,
    as_json: JsonOption = False,
) -> None:
    """The whole circle on the bundled sample: import, train, prove, talk. Wren is invented; everything else is real."""
    from homespun import pipeline
    from homespun.config import load_recipe, seconds_of
    from homespun.home import Home

    home = Home.create(directory)
    with home.lock("demo"), workshop(home, load_recipe("avatar"), as_json) as shop:
        counted = _import(home)
        shop.say(f"imported {counted:,} messages of {PERSON} and what six others wrote to her")
        done = pipeline.train(shop, MODEL, PERSON, seconds_of(budget), resume=True)
        answers = [] if sys.stdin.isatty() and not as_json else _side_by_side(shop, done)
    _tell(home, done, answers, as_json)
    if sys.stdin.isatty() and not as_json:
        from homespun.cli.chat import talk
        from homespun.config import settings
        from homespun.serving.session import open_version

        talk(lambda title: open_version(home, title, settings()), MODEL, QUESTIONS[0][0])


def _import(home: "Home") -> int:
    """Add the sample as a user would add exports. Returns the messages by Wren."""
    from importlib import resources

    from homespun.corpus import imports, people

    for name in SAMPLE:
        with resources.as_file(resources.files("homespun") / "sample" / name) as file:
            imports.add_export(home, file, PERSON)
    return next(person.messages for person in people.list_people(home) if person.is_me)


def _side_by_side(shop: object, done: "Outcome") -> list[dict[str, str]]:
    """The three questions, to the base and to the avatar."""
    from homespun.dataset.turns import system_turn
    from homespun.pipeline import Workshop
    from homespun.registry.versions import version_folder
    from homespun.training.run import load_weights
    from homespun.types import Turn

    assert isinstance(shop, Workshop)
    engine, recipe = shop.engine(), shop.recipe
    asked = [(system_turn(recipe, PERSON, who), Turn("user", question)) for who, question in QUESTIONS]
    sampling = recipe.sampling.model_copy(update={"seed": 1})
    engine.use(None)
    base = engine.generate(asked, sampling)
    engine.use(load_weights(version_folder(shop.home, done.version)))
    avatar = engine.generate(asked, sampling)
    return [
        {"from": who, "question": question, "base": one.text, "avatar": other.text}
        for (who, question), one, other in zip(QUESTIONS, base, avatar, strict=True)
    ]


def _tell(home: "Home", done: "Outcome", answers: list[dict[str, str]], as_json: bool) -> None:
    from homespun.evaluation import report as reporting
    from homespun.registry.versions import version_folder

    page = version_folder(home, done.version) / "report.md"
    verdict = "it is live" if done.version.is_live else f"it is not live ({done.version.verdict}): {done.version.reason}"
    lines = [f"{done.version.title}: {reporting.headline(done.report)}", verdict, f"the report: {page}", ""]
    for answer in answers:
        lines += [
            f"{answer['from']}: {answer['question']}",
            f"  base:   {_indent(answer['base'])}",
            f"  avatar: {_indent(answer['avatar'])}",
            "",
        ]
    lines.append(f"talk with it:       homespun chat {MODEL} --with Tuuli --home {home.path}")
    lines.append(f"the whole proof:    homespun eval {MODEL} --full --home {home.path}")
    lines.append("your own:           homespun add EXPORT --me NAME, then homespun train NAME")
    value = {"version": done.version.title, "report": reporting.as_json(done.report), "answers": answers, "page": str(page)}
    emit(as_json, value, "\n".join(lines))


def _indent(text: str) -> str:
    return text.replace("\n", "\n          ")
