from datetime import datetime
from typing import Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, emit, home_path, new_app

app = new_app()


@app.command()
def add(
    export: Annotated[
        str, typer.Argument(metavar="EXPORT", help="File, folder or zip; or a database: neo4j://…, postgresql://…, sqlite:///….")
    ],
    format: Annotated[str | None, typer.Option("--as", help="The format, where it is not recognised.")] = None,
    me: Annotated[str | None, typer.Option("--me", help="Your name, as the export writes it.")] = None,
    gap: Annotated[str, typer.Option("--gap", help="Silence that ends a conversation.")] = "30m",
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="OURS=THEIRS", help="What a column or property is called there; may be repeated.")
    ] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", help="Take the [source] of a recipe, such as a mapping or a query.")] = None,
    person: Annotated[str | None, typer.Option("--person", help="From a graph: only chats in which this person writes.")] = None,
    since: Annotated[datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="First day wanted.")] = None,
    until: Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Last day wanted.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Messages wanted.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import an export. Adding it again, or a newer one of the same chat, adds only what is new."""
    from homespun import sources
    from homespun.config import load_recipe, seconds_of
    from homespun.corpus import imports, stats
    from homespun.home import Home

    silence = seconds_of(gap)
    given = {
        "format": format,
        "columns": dict(_pair(column) for column in columns) if columns else None,
        "person": person,
        "since": since.date() if since else None,
        "until": until.date() if until else None,
        "max_messages": limit,
    }
    wanted = load_recipe(recipe or "avatar").source.model_copy(update={key: value for key, value in given.items() if value is not None})
    place = Home.create(home_path(home))
    with place.lock("add"):
        added, report = imports.add_export(place, export, me, silence, wanted)
    histogram, conversations = stats.silences(place, added.chats)
    value = {
        **report.as_dict(),
        "chats": len(added.chats),
        "conversations": conversations,
        "added": added.messages,
        "already_there": added.known,
        "mine": added.mine,
        "silences": histogram,
        "home": str(place.path),
    }
    emit(as_json, value, _told(sources.shown(export), value, stats.drawn(histogram, silence)))


def _pair(text: str) -> tuple[str, str]:
    from homespun.errors import UsageError

    ours, found, theirs = text.partition("=")
    if not found or not ours or not theirs:
        raise UsageError(f"--map {text!r} is no pair: write --map text=body")
    return ours, theirs


def _told(name: str, value: dict[str, object], drawn: str) -> str:
    lines = [
        f"{name}: {value['format']}, {value['kept']:,} messages, {value['chats']:,} chats, {value['conversations']:,} conversations",
        f"added {value['added']:,}" + (f", {value['already_there']:,} were there already" if value["already_there"] else ""),
    ]
    skipped = value["skipped"]
    assert isinstance(skipped, dict)
    lines += [f"skipped {count:,}: {reason}" for reason, count in sorted(skipped.items(), key=lambda item: -item[1])]
    notes = value["notes"]
    assert isinstance(notes, list)
    lines += [f"note: {note}" for note in notes]
    lines += ["silences between messages (a conversation ends at the line):", drawn]
    if value["mine"]:
        lines.append(f"{value['mine']:,} of the messages are yours. Next: homespun train NAME")
    else:
        lines.append("nobody is marked as you yet. Next: homespun people, then homespun people me NAME")
    return "\n".join(lines)
