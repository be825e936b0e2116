from shlex import quote
from typing import Annotated, Any

import typer

from homespun.cli.common import HomeOption, JsonOption, emit, new_app, open_home, table

app = new_app()


ACTIONS = {"list": (0, 0), "me": (1, 1), "merge": (2, 2), "same": (0, 0), "relation": (1, 2), "facts": (0, 1)}
"""Action -> how many names it takes, at least and at most."""


@app.command()
def people(
    action: Annotated[str, typer.Argument(metavar="[list|me NAME|merge A B|same|relation NAME LABEL|facts NAME]")] = "list",
    names: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    confirm: Annotated[list[str] | None, typer.Option("--confirm", metavar="ID", help="Facts: these are true, such as 3,5.")] = None,
    reject: Annotated[list[str] | None, typer.Option("--reject", metavar="ID", help="Facts: these are not.")] = None,
    add: Annotated[list[str] | None, typer.Option("--add", metavar="RELATION=VALUE", help="Facts: say one yourself.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who is in the corpus; say who you are; make two names one person (A becomes B).

    `same` proposes who may be one person under two names, and why. `relation` says what somebody is to you (partner, mother,
    work): your avatar is told whenever it talks with them; without a label it is taken back. `facts` lists what is known of somebody
    (you, if no name is given), found in their own messages; an avatar is asked only about what you confirmed.
    """
    from homespun.cli import facts_view
    from homespun.corpus import identity
    from homespun.corpus import people as who
    from homespun.errors import UnknownName, UsageError

    place, given = open_home(home), names or []
    if action not in ACTIONS:
        raise UnknownName("action", action, ACTIONS)
    least, most = ACTIONS[action]
    if not least <= len(given) <= most:
        raise UsageError(f"`homespun people {action}` takes {least or 'no'} name{'' if least == 1 else 's'}; quote names with blanks")
    if action == "facts":
        facts_view.show(place, given[0] if given else who.ME, confirm or [], reject or [], add or [], as_json)
        return
    if confirm or reject or add:
        raise UsageError("--confirm, --reject and --add are for facts: homespun people facts [NAME] …")
    if action == "same":
        found = identity.proposals(place)
        value = {"proposals": [{"gone": p.gone, "kept": p.kept, "evidence": list(p.evidence)} for p in found]}
        lines = [f"homespun people merge {quote(p.gone)} {quote(p.kept)}\n    {'; '.join(p.evidence)}" for p in found]
        emit(as_json, value, "\n".join(lines) or "nobody seems to be here twice")
        return
    if action == "me":
        who.set_me(place, given[0])
    elif action == "merge":
        who.merge_people(place, *given)
    elif action == "relation":
        who.set_relation(place, given[0], given[1].strip() if len(given) == 2 else None)
    everybody = who.list_people(place)
    told: dict[str, Any] = {
        "people": [{"name": p.name, "me": p.is_me, "relation": p.relation, "messages": p.messages, "words": p.words} for p in everybody]
    }
    rows = [(p.messages, p.words, p.name + ("  (you)" if p.is_me else f"  ({p.relation})" if p.relation else "")) for p in everybody]
    emit(as_json, told, table(rows, ("messages", "words", "name")) if rows else "nobody yet: homespun add EXPORT --me NAME")
