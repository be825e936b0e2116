from pathlib import Path
from typing import Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, emit, home_path, new_app

app = new_app()


@app.command()
def add(
    export: Annotated[Path, typer.Argument(metavar="EXPORT", help="A chat export: file, folder or zip.")],
    format: Annotated[str | None, typer.Option("--as", help="The format, where it is not recognised.")] = None,
    me: Annotated[str | None, typer.Option("--me", help="Your name, as the export writes it.")] = None,
    gap: Annotated[str, typer.Option("--gap", help="Silence that ends a conversation.")] = "30m",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import an export. Adding it again, or a newer one of the same chat, adds only what is new."""
    from homespun import sources
    from homespun.config import seconds_of
    from homespun.corpus import stats, store
    from homespun.home import Home

    silence = seconds_of(gap)
    found, report = sources.read(export, format)
    place = Home.create(home_path(home))
    with place.lock("add"):
        added = store.add(place, found, report, str(export), me, silence)
    histogram = stats.silences([chat.messages for chat in found])
    sessions = [session for chat in found for session in store.cut(chat.name, chat.group, store.identified(chat, report.format), silence)]
    value = {
        **report.as_dict(),
        "chats": added.chats,
        "conversations": len(sessions),
        "added": added.messages,
        "already_there": added.known,
        "mine": added.mine,
        "silences": histogram,
        "home": str(place.path),
    }
    emit(as_json, value, _told(export, value, stats.drawn(histogram, silence)))


def _told(export: Path, value: dict[str, object], drawn: str) -> str:
    lines = [
        f"{export.name}: {value['format']}, {value['kept']:,} messages, {value['chats']:,} chats, {value['conversations']:,} conversations",
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
