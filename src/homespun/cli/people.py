from typing import Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, emit, new_app, open_home, table

app = new_app()


@app.command()
def people(
    action: Annotated[str, typer.Argument(metavar="[list|me NAME|merge A B]")] = "list",
    names: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who is in the corpus; say who you are; make two names one person (A becomes B)."""
    from homespun.corpus import people as who
    from homespun.errors import UnknownName, UsageError

    place = open_home(home)
    given = names or []
    wanted = {"list": 0, "me": 1, "merge": 2}
    if action not in wanted:
        raise UnknownName("action", action, wanted)
    if len(given) != wanted[action]:
        raise UsageError(
            f"`homespun people {action}` takes {wanted[action]} name{'s' if wanted[action] != 1 else ''}; quote names with blanks"
        )
    if action == "me":
        who.set_me(place, given[0])
    elif action == "merge":
        who.merge_people(place, *given)
    found = who.list_people(place)
    value = {"people": [{"name": p.name, "me": p.is_me, "messages": p.messages, "words": p.words} for p in found]}
    rows = [(p.messages, p.words, p.name + ("  (you)" if p.is_me else "")) for p in found]
    emit(as_json, value, table(rows, ("messages", "words", "name")) if rows else "nobody yet: homespun add EXPORT --me NAME")
