from dataclasses import asdict
from typing import Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, emit, new_app, open_home, table

app = new_app()


@app.command()
def corpus(
    action: Annotated[str, typer.Argument(metavar="[stats|show|imports|redact]")] = "stats",
    last: Annotated[int, typer.Option("--last", help="Conversations (or, to redact, messages) to show.", min=1)] = 3,
    names: Annotated[bool, typer.Option("--names", help="Redact: replace people's names too.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Numbers about the corpus, its last conversations, what was imported, or what redaction would change.

    Contact data (mail addresses, phone numbers, cards, ids) of everybody is replaced by invented data whenever a dataset is built;
    `redact` shows what that changes, and changes no message. Names are replaced only in a recipe with `[privacy] names = true`.
    """
    from homespun.corpus import imports, people, sessions, stats
    from homespun.errors import UnknownName

    place = open_home(home)
    if action == "show":
        shown = sorted(sessions.conversations(place), key=lambda conversation: conversation.start or 0.0)[-last:]
        value = {
            "conversations": [
                {"id": c.id, "messages": [{"id": m.id, "speaker": m.speaker, "text": m.text} for m in c.messages]} for c in shown
            ]
        }
        texts = (f"conversation {c.id} in {c.chat}\n" + "\n".join(f"{m.speaker}: {m.text}" for m in c.messages) for c in shown)
        emit(as_json, value, "\n\n".join(texts) or "nothing yet")
    elif action == "imports":
        found = imports.list_imports(place)
        rows = [(i.number, i.messages, i.created[:16].replace("T", " "), i.format, i.source) for i in found]
        value = {"imports": [asdict(i) for i in found]}
        emit(as_json, value, table(rows, ("import", "messages", "added", "format", "from")) if rows else "nothing yet: homespun add EXPORT")
    elif action == "redact":
        from homespun.cli import redact_view

        redact_view.show(place, names, last, as_json)
    elif action == "stats":
        numbers = stats.summary(sessions.conversations(place), people.owner(place))
        emit(as_json, numbers, table([(name.replace("_", " "), value) for name, value in numbers.items()], ("", "")).strip("\n"))
    else:
        raise UnknownName("action", action, ["stats", "show", "imports", "redact"])
