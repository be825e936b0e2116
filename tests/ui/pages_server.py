"""A server with every page, for tests of those beside the chat: `python pages_server.py HOME PORT`, with an engine that needs no base."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from homespun.config import settings
from homespun.engines.fake import FakeEngine
from homespun.home import Home

TOKEN = "a-token-that-only-tests-know"


def make_engine(folder: Path, adapters: Mapping[str, Path]) -> FakeEngine:
    return FakeEngine(lambda turns: f"You said: {turns[-1].text}")


def main(place: str, port: int) -> None:
    import uvicorn

    from homespun.serving.app import create_app
    from homespun.serving.options import ServeOptions
    from homespun.ui.mount import mount

    options = ServeOptions(token=TOKEN, port=port, max_upload=8 << 20)
    app = create_app(Home.create(Path(place)), settings(), options, make_engine=make_engine)
    mount(app, app.state.house)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
