"""Real Redis and PostgreSQL servers for the tests: started when first asked for, on free ports, their data removed.

A server that is not installed is an error that names its package: a test that was skipped proves nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 30.0
ACCOUNT = "postgres"
"""PostgreSQL does not run as root; this is who runs it then."""


@dataclass(slots=True)
class Server:
    """A server process of ours.

    Attributes:
        url: How to reach it.
        command: What starts it.
        folder: Its data.
    """

    url: str
    port: int
    command: Sequence[str]
    folder: Path
    account: str | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self, answers: Callable[[int], bool]) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, user=self.account, cwd=self.folder, start_new_session=True
            )
        give_up = time.monotonic() + PATIENCE
        while not answers(self.port):
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.stop()
                raise RuntimeError(f"{self.command[0]} did not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it by a signal to this one process."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)
        self.process = None


def redis_server(*options: str) -> Server:
    """A Redis of its own; end it with `discard`."""
    binary = _binary("redis-server", "redis-server")
    port, folder = _free_port(), Path(tempfile.mkdtemp(prefix="lucky-redis-"))
    defaults = ("--bind", "127.0.0.1", "--save", "", "--dir", str(folder))
    server = Server(f"redis://127.0.0.1:{port}/0", port, (binary, "--port", str(port), *defaults, *options), folder)
    server.start(redis_answers)
    return server


def postgres_server() -> Server:
    """A PostgreSQL of its own, with one database `lucky`; end it with `discard`."""
    postgres = _binary("postgres", "postgresql")
    port, folder = _free_port(), Path(tempfile.mkdtemp(prefix="lucky-postgres-"))
    account = ACCOUNT if os.geteuid() == 0 else None
    if account:
        os.chown(folder, pwd.getpwnam(account).pw_uid, -1)
    cluster = folder / "cluster"
    # Its companions lie beside the file itself, not beside a link to it.
    initdb = [str(Path(postgres).resolve().with_name("initdb")), "-D", str(cluster), "-U", "lucky", "-A", "trust", "-N"]
    subprocess.run(initdb, check=True, user=account, cwd=folder, stdout=subprocess.DEVNULL)
    options = [
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"unix_socket_directories={folder}",
        "-c",
        "max_connections=80",
    ]
    url = f"postgresql://lucky@127.0.0.1:{port}/postgres"
    server = Server(url, port, (postgres, "-D", str(cluster), "-p", str(port), *options), folder, account)
    server.start(postgres_answers)
    return server


@functools.cache
def redis_url() -> str:
    """The tests' common Redis; each test uses keys of its own."""
    server = redis_server()
    atexit.register(discard, server)
    return server.url


@functools.cache
def postgres_url() -> str:
    """The tests' common PostgreSQL; `fresh_database` gives each test a place of its own."""
    server = postgres_server()
    atexit.register(discard, server)
    return server.url


def fresh_database(name: str) -> str:
    """A new, empty database on the common PostgreSQL."""
    import psycopg

    url = postgres_url()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return url.rpartition("/")[0] + f"/{name}"


def discard(server: Server) -> None:
    """Stop a server and remove its data."""
    server.stop()
    shutil.rmtree(server.folder, ignore_errors=True)


def _binary(name: str, package: str) -> str:
    found = shutil.which(name) or next(map(str, sorted(Path("/usr/lib").glob(f"postgresql/*/bin/{name}"))), None)
    if found is None:
        raise RuntimeError(f"{name} is missing; these tests run real servers. Please run: apt-get install -y {package}")
    return found


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def redis_answers(port: int) -> bool:
    """Whether a Redis answers there."""
    try:
        with socket.create_connection(("127.0.0.1", port), 0.5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def postgres_answers(port: int) -> bool:
    """Whether a PostgreSQL takes connections there."""
    import psycopg

    try:
        psycopg.connect(host="127.0.0.1", port=port, user="lucky", dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
