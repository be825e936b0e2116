"""A server with pages for tests: the bundled sample's Wren as a model of three versions, and an engine that says what it is asked to.

`python chat_server.py HOME PORT` (an empty HOME is filled first).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path

from homespun.config import Recipe, RetrievalSection, SamplingSection, settings
from homespun.corpus import imports
from homespun.corpus.people import set_relation
from homespun.corpus.sessions import conversations
from homespun.engines.base import NOTHING, Piece, Prompt, Wanted
from homespun.engines.fake import FakeEngine
from homespun.errors import HomespunError
from homespun.home import Home, Manifest, write_text
from homespun.registry import versions
from homespun.retrieval import index
from homespun.retrieval.passages import passages_of
from homespun.serving import store
from homespun.types import Turn

TOKEN = "a-token-that-only-tests-know"
ANSWERS = {
    "ceilidh": "friday week, the net loft, doors at 7.. we're on from half past & i'm calling the first two myself\n\n"
    "bring your own chair leg, last time one went through mid strip the willow",
    "accordion": "the reeds, mostly. people blame the bellows, but a bellows lasts for ever if nobody lets the cat near it",
    "html": """<img src="/x.png" onerror="document.title='owned'"><script>document.title='owned'</script><b>bold</b> [a](http://a.test)""",
    "long": " ".join(f"word{number}" for number in range(150)),
}
TALKS = (
    (None, "what's the weather doing up there", "raining, but only on the washing"),
    ("Tuuli", "did you ring mum back?", "i did.. an hour & ten minutes, most of it about the boiler"),
    ("Margaret", "Is the melodeon ready?", "Dear Margaret, it is, and it is in better voice than I am."),
)
BASE = "I'm excited to hear that you are interested in the ceilidh! Unfortunately, I don't have access to current event information."


def answer(turns: Sequence[Turn]) -> str:
    said = turns[-1].text.lower()
    return next((words for key, words in ANSWERS.items() if key in said), f"You said: {turns[-1].text}")


class Slow(FakeEngine):
    """Writes as fast as one reads; the base answers something else; "break now" breaks off; "how warm" tells its temperature."""

    def stream(self, prompt: Prompt, sampling: SamplingSection, wanted: Wanted = NOTHING) -> Iterator[Piece]:
        last = prompt if isinstance(prompt, str) else prompt[-1].text
        if "break now" in last:
            yield Piece("This is how f")
            raise HomespunError("the engine stopped: start the server again")
        if "how warm" in last:
            yield from FakeEngine(lambda _: f"at {sampling.temperature}").stream(prompt, sampling, wanted)
            return
        pieces = super().stream(prompt, sampling, wanted) if wanted.adapter else FakeEngine(lambda _: BASE).stream(prompt, sampling, wanted)
        for piece in pieces:
            time.sleep(0 if sampling.max_tokens <= 8 else 0.02)
            yield piece


def furnish(home: Home) -> None:
    sample = resources.files("homespun") / "sample"
    for name in ("WhatsApp Chat with Tuuli.txt", "result.json"):
        imports.add_export(home, Path(str(sample / name)), "Wren Kallio", 1800.0)
    set_relation(home, "Tuuli", "sister")
    recipe = Recipe(retrieval=RetrievalSection(abstain=False))
    versions.put_model(home, "wren", "Wren Kallio", recipe)
    with home.artefact(Manifest("retrieval", "words")) as folder:
        index.write(folder, "Wren Kallio", list(passages_of(conversations(home), "Wren Kallio")), embedded=0)
    for number in (1, 2, 3):
        with home.artefact(Manifest("version", f"version{number}", ("retrieval:words",))) as folder:
            (folder / "adapter_model.safetensors").write_bytes(b"nothing" * number)
            write_text(folder / "recipe.toml", recipe.toml())
        versions.add_version(home, "wren", f"version{number}")
    versions.promote(home, "wren@3")
    for speaker, question, reply in TALKS:
        session = store.create(home, "wren", speaker).id
        store.write(home, store.ask(home, session, question, "wren@2")[1].id, reply, "complete")


def make_engine(folder: Path, adapters: Mapping[str, Path]) -> FakeEngine:
    return Slow(answer)


def main(place: str, port: int) -> None:
    import uvicorn

    from homespun.serving.app import create_app
    from homespun.serving.options import ServeOptions
    from homespun.ui.mount import mount

    new = not Path(place).exists()
    home = Home.create(Path(place))
    if new:
        furnish(home)
    app = create_app(home, settings(), ServeOptions(token=TOKEN, port=port, slots=2), make_engine=make_engine)
    mount(app, app.state.house)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
