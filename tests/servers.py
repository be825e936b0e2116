"""Real database servers for the tests: a graph that speaks Bolt, and PostgreSQL. Each runs in its own processes and folder, on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PASSWORD = "s3cret:p@ss/word"  # needs escaping in a URL, so that a leak in either form shows
ESCAPED = "s3cret%3Ap%40ss%2Fword"
WAIT = 60.0


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class GraphServer:
    """ArcadeDB, which speaks Bolt and Cypher as Neo4j does, with a database `app`."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"bolt://root:{ESCAPED}@127.0.0.1:{self.port}/app"

    def start(self) -> None:
        command = [sys.executable, __file__, str(self.folder / "data"), str(self.port), str(free_port())]
        environment = {**os.environ, "ARCADEDB_JVM_ARGS": "-Xmx320m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, env=environment)
        _wait_for(self.port, self.process, self.folder / "log")

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    @contextmanager
    def running(self) -> Iterator[GraphServer]:
        self.start()
        try:
            yield self
        finally:
            self.kill()


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The URL of a fresh PostgreSQL. It refuses to run as root, so root runs it as the user `postgres`."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert found, "no PostgreSQL server here: apt-get install postgresql-15"
    programs, data, port = found[-1].parent, folder / "data", free_port()
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if as_postgres:
        owner = pwd.getpwnam("postgres")
        for path in (folder, secret):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    options = (
        f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c fsync=off -c synchronous_commit=off "
        "-c full_page_writes=off -c shared_buffers=16MB"
    )
    control = [*as_postgres, str(programs / "pg_ctl"), "-D", str(data)]
    created = ["-U", "app", "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    _run([*as_postgres, str(programs / "initdb"), "-D", str(data), *created])
    _run([*control, "-w", "-t", "30", "-l", str(folder / "log"), "-o", options, "start"])
    try:
        yield f"postgresql://app:{ESCAPED}@127.0.0.1:{port}/postgres"
    finally:
        _run([*control, "-m", "immediate", "stop"])


@contextmanager
def open_folder(name: str) -> Iterator[Path]:
    """A scratch folder that another user can reach: pytest's own are closed to everybody else."""
    folder = Path(f"/tmp/homespun-{name}-{os.getpid()}")
    folder.mkdir(mode=0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + WAIT
    while time.monotonic() < end and process.poll() is None:
        if b"READY" in log.read_bytes():
            log.write_bytes(b"")
            return
        time.sleep(0.05)
    raise AssertionError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")


def _serve_graph(folder: str, port: str, http: str) -> None:
    import arcadedb_embedded

    bolt = {"server_plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin", "bolt_port": int(port), "bolt_host": "127.0.0.1"}
    server = arcadedb_embedded.create_server(
        root_path=folder, root_password=PASSWORD, config={"host": "127.0.0.1", "http_port": int(http), **bolt}
    )
    server.start()
    try:
        server.get_database("app")
    except Exception:  # it says in its own ways that there is none yet
        server.create_database("app")
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    _serve_graph(*sys.argv[1:])
