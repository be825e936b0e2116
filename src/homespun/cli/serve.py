"""The server in the foreground: the API and the pages on one port, until Ctrl-C."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from homespun.cli.common import HomeOption, new_app, open_home

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI

    from homespun.serving.options import ServeOptions

app = new_app()

KEEP_ALIVE, CLOSING = 30, 5
"""Seconds that an idle connection stays open, and that replies may still take when the server is told to stop."""
LONGEST_HEAD = 64 * 1024
"""Bytes of a request's line and headers."""
CONNECTIONS = 512
LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"


@app.command()
def serve(
    host: Annotated[
        str, typer.Option("--host", help="The address to listen on; others than this machine's own are for networks.")
    ] = LOOPBACK,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")] = 8420,
    lan: Annotated[bool, typer.Option("--lan", help="Let your phone in: listen to the network and print a QR code.")] = False,
    token_file: Annotated[Path | None, typer.Option("--token-file", help="A file with a token of yours; default the home's own.")] = None,
    name: Annotated[list[str] | None, typer.Option("--name", help="Another name that this server is called by; may be repeated.")] = None,
    cors: Annotated[list[str] | None, typer.Option("--cors", help="Origin of a page that may use the API; may be repeated.")] = None,
    slots: Annotated[int, typer.Option("--slots", min=1, max=64, help="Replies written at the same time.")] = 8,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="Of the engine; default what this machine does best.")] = None,
    home: HomeOption = None,
) -> None:
    """The API and the web pages, on this machine."""
    from homespun.config import settings
    from homespun.serving.app import create_app
    from homespun.serving.options import ServeOptions
    from homespun.serving.tokens import FILE, token_of

    place = open_home(home)
    options = ServeOptions(
        token=token_of(place, token_file),
        host=EVERYWHERE if lan and host == LOOPBACK else host,
        port=port,
        hosts=tuple(name or ()),
        cors_origins=tuple(cors or ()),
        slots=slots,
        threads=threads,
    )
    server = create_app(place, settings(), options)
    _add_pages(server)
    _run(server, options, lan, token_file or place.path / FILE)


def _add_pages(server: "FastAPI") -> None:
    from homespun.ui import login
    from homespun.ui.mount import mount

    server.state.login_page = login.page
    mount(server, server.state.house)


def _run(server: "FastAPI", options: "ServeOptions", lan: bool, token_file: Path) -> None:
    import contextlib

    import uvicorn

    with _listening(options.host, options.port) as listener:
        _tell(options, listener.getsockname()[1], lan, token_file)
        config = uvicorn.Config(
            server,
            http="h11",
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=CLOSING,
            h11_max_incomplete_event_size=LONGEST_HEAD,
            ws_max_size=options.max_body,
            limit_concurrency=CONNECTIONS,
        )
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
    sys.stderr.write("stopped\n")


def _listening(host: str, port: int) -> "socket.socket":
    """Bound before anything is loaded, so that what is wrong with it is said at once."""
    import socket

    from homespun.errors import UsageError

    listener = None
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
        return listener
    except OSError as error:
        if listener:
            listener.close()
        raise UsageError(f"cannot listen on {host} port {port} ({error.strerror}): choose others with --host and --port") from None


def _tell(options: "ServeOptions", port: int, lan: bool, token_file: Path) -> None:
    """Where it is. The token is shown on a terminal only: elsewhere it would end in a log."""
    from homespun.serving.access import is_loopback
    from homespun.serving.qr import lan_address, picture

    shown = sys.stdout.isatty()
    far = None if is_loopback(options.host) else lan_address() if options.host in (EVERYWHERE, "::") else options.host
    address = f"http://{f'[{far}]' if far and ':' in far else far or 'localhost'}:{port}"
    door = f"{address}/login?token={options.token}" if shown else f"{address}/"
    lines = [f"homespun is at {door}"]
    if lan and shown and far:
        lines.append(f"{picture(door)}your phone opens this, in the same network")
    elif lan and far is None:
        lines.append("this machine has no network that a phone could come from")
    if not shown:
        lines.append(f"the token is in {token_file}")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
