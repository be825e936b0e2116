from typing import Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, emit, new_app, open_home, table

app = new_app()


@app.command()
def corpus(
    action: Annotated[str, typer.Argument(metavar="[stats|show]")] = "stats",
    last: Annotated[int, typer.Option("--last", help="Conversations to show.", min=1)] = 3,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Numbers about the corpus, or its last conversations as they were."""
    from homespun.corpus import people, sessions, stats
    from homespun.errors import UnknownName

    conversations = sessions.conversations(open_home(home))
    if action == "show":
        shown = sorted(conversations, key=lambda conversation: conversation.start or 0.0)[-last:]
        value = {"conversations": [[{"speaker": m.speaker, "text": m.text} for m in c.messages] for c in shown]}
        emit(as_json, value, "\n\n".join("\n".join(f"{m.speaker}: {m.text}" for m in c.messages) for c in shown) or "nothing yet")
    elif action == "stats":
        me = next((person.name for person in people.list_people(open_home(home)) if person.is_me), None)
        numbers = stats.summary(conversations, me)
        emit(as_json, numbers, table([(name.replace("_", " "), value) for name, value in numbers.items()], ("", "")).strip("\n"))
    else:
        raise UnknownName("action", action, ["stats", "show"])
