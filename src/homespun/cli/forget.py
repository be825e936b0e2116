"""Forgetting, with a look at what will go before it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, emit, new_app, open_home, workshop

if TYPE_CHECKING:
    from homespun.corpus.delete import Forgotten
    from homespun.home import Home
    from homespun.registry.lineage import Stale

app = new_app()


@app.command()
def forget(
    person: Annotated[str | None, typer.Option("--person", help="Everything somebody wrote.")] = None,
    chat: Annotated[str | None, typer.Option("--chat", help="A whole chat, by name.")] = None,
    conversation: Annotated[str | None, typer.Option("--conversation", help="A conversation, by id (`homespun corpus show`).")] = None,
    message: Annotated[str | None, typer.Option("--message", help="A message, by id.")] = None,
    imported: Annotated[str | None, typer.Option("--import", help="All an import added, by number (`homespun corpus imports`).")] = None,
    may_return: Annotated[bool, typer.Option("--may-return", help="Adding the export again may bring it back.")] = False,
    retrain: Annotated[bool, typer.Option("--retrain", help="Then train again what had learned from it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove words for good, and name the versions that learned from them.

    What is forgotten does not come back when its export is added again. What others wrote about it stays.
    """
    from homespun import pipeline
    from homespun.corpus import delete
    from homespun.errors import UsageError

    asked = {"person": person, "chat": chat, "conversation": conversation, "message": message, "import": imported}
    given = [(kind, name) for kind, name in asked.items() if name is not None]
    if len(given) != 1:
        raise UsageError("say one thing to forget: --person, --chat, --conversation, --message or --import")
    place = open_home(home)
    with place.lock("forget"):
        chosen = delete.choose(place, *given[0])
        if not (yes or as_json):
            typer.confirm(f"forget {chosen.what}: {len(chosen.messages):,} messages, for good?", abort=True)
        stale = pipeline.forget(place, chosen, may_return)
        again = [_train_again(place, model, as_json) for model in stale.models] if retrain else []
    value = {
        "forgotten": len(chosen.messages),
        "datasets_removed": list(stale.datasets),
        "stale_versions": list(stale.versions),
        "stale": list(stale.others),
        "retrained": again,
    }
    emit(as_json, value, _told(chosen, stale, again))


def _train_again(home: Home, model: str, as_json: bool) -> str:
    from homespun import pipeline
    from homespun.registry.versions import get_model

    made_by = get_model(home, model)
    with workshop(home, made_by.recipe, as_json) as shop:
        return pipeline.train(shop, model, made_by.person).version.title


def _told(chosen: Forgotten, stale: Stale, again: list[str]) -> str:
    lines = [f"forgot {chosen.what}: {len(chosen.messages):,} messages"]
    if stale.datasets:
        lines.append(f"removed {len(stale.datasets)} dataset{'s' if len(stale.datasets) > 1 else ''} that held them")
    if stale.versions:
        lines.append(f"learned from them, and now stale: {', '.join(stale.versions)}")
        if again:
            lines.append(f"trained again without them: {', '.join(again)}")
        else:
            lines += [f"train again without them: homespun train {model}" for model in stale.models]
            lines.append("a stale version answers until then; `homespun models delete NAME` removes a model with all its versions")
    return "\n".join(lines)
