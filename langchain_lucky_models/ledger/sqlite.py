"""SQLite, in memory or in a file, through Python's own module."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson

from langchain_lucky_models.extras import Later
from langchain_lucky_models.ledger.trouble import StorageTroubleError

if TYPE_CHECKING:
    import sqlite3
else:
    sqlite3 = Later("sqlite3")  # no ledger is opened before somebody asks it something

BUSY_SECONDS = 10.0

Durability = Literal["power", "crash"]
"""What an acknowledged transaction survives: a power cut too (one fsync each), or the end of the process alone."""

# Checkpoints are what a write without fsync costs most; 16 MB of log make them rare.
_SETTINGS = ("PRAGMA temp_store=MEMORY", "PRAGMA cache_size=-16000", "PRAGMA wal_autocheckpoint=4000")
_SYNCHRONOUS = {"power": "PRAGMA synchronous=FULL", "crash": "PRAGMA synchronous=NORMAL"}


class SqliteSession:
    """A transaction on one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement; its rows."""
        return self._connection.execute(sql, parameters or {}).fetchall()

    def write(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each row."""
        self._connection.executemany(sql, rows)

    def among(self, column: str, parameter: str) -> str:
        """One constant text for any number of values, so that the statement stays prepared."""
        return f"{column} IN (SELECT value FROM json_each(:{parameter}))"  # noqa: S608 - our own names

    def listing(self, values: Sequence[str]) -> str:
        """The values as a JSON array."""
        return orjson.dumps(values).decode()

    def lock(self, keys: Sequence[str]) -> bool:  # noqa: ARG002 - others need them
        """Nothing to do: a writing transaction has the whole file to itself."""
        return False


class SqliteDatabase:
    """A file in WAL mode, or memory where there is no path.

    An acknowledged transaction is written. The file is watched: one that was deleted or replaced while in use is
    trouble, never a fresh and empty ledger.
    """

    def __init__(
        self, path: Path | None, *, clock: Callable[[], int] | None = None, durability: Durability = "crash"
    ) -> None:
        self.path = path
        self._settings = (*_SETTINGS, _SYNCHRONOUS[durability])
        self.shown = f"sqlite:///{path}" if path else "sqlite://"
        self._clock = clock or wall_clock
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._writing: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._inherited: list[sqlite3.Connection] = []

    @contextlib.contextmanager
    def transaction(self) -> Iterator[SqliteSession]:
        """A writing transaction that starts with the lock, so that what it reads stays true until it commits."""
        with self._lock, _translated(self.shown):
            connection = self._connected()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield SqliteSession(connection)
                connection.execute("COMMIT")
            except BaseException as error:
                self._abandon(connection, error)
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[SqliteSession]:
        """A connection of its own for a file; memory has only the one."""
        if self.path is None:
            with self.transaction() as session:
                yield session
            return
        with _translated(self.shown), contextlib.closing(self._connect()) as connection:
            yield SqliteSession(connection)

    def now(self, session: object) -> int:
        """SQLite has no clock but its machine's."""
        del session
        return self._clock()

    def close(self) -> None:
        """Close the writing connection."""
        with self._lock:
            if self._writing is not None:
                self._writing.close()
            self._writing = None

    def forked(self) -> None:
        """Keep the parent's connection unused and open: closing it here would touch the parent's file."""
        inherited = [*self._inherited, *([self._writing] if self._writing is not None else [])]
        identity = self._identity
        self._begin()
        self._inherited = inherited
        self._identity = identity

    def _connected(self) -> sqlite3.Connection:
        if self._writing is None:
            self._writing = self._connect()
        if self.path is not None:
            self._check_identity(self.path)
        return self._writing

    def _connect(self) -> sqlite3.Connection:
        if self.path is not None:
            self._check_identity(self.path)
            _create_private(self.path)
        connection = sqlite3.connect(
            self.path or ":memory:",
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            for setting in self._settings:
                connection.execute(setting)
            if self.path is not None:
                _enter_wal(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_identity(self, path: Path) -> None:
        try:
            status = path.stat()
        except OSError:
            found = None
        else:
            found = (status.st_dev, status.st_ino)
        if self._identity is None:
            if found is not None and self._writing is not None:
                self._identity = found
            return
        if found != self._identity:
            what = "is gone" if found is None else "was replaced"
            raise StorageTroubleError(f"{self.shown} {what} while in use; put it back, or restart")

    def _abandon(self, connection: sqlite3.Connection, error: BaseException) -> None:
        with contextlib.suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        # After an input/output error the connection's view of the file cannot be trusted; memory is nothing else.
        if isinstance(error, sqlite3.Error) and self.path is not None:
            connection.close()
            self._writing = None


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL. Processes that open a new file at once have to take turns; SQLite does not make them wait here."""
    give_up = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def _create_private(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


@contextlib.contextmanager
def _translated(shown: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # Nothing here passes by itself: a lock has been waited for already.
        raise StorageTroubleError(f"{shown}: {error}") from None
    except OSError as error:
        raise StorageTroubleError(f"{shown}: {error.strerror}") from None


def wall_clock() -> int:
    """Microseconds since 1970 by this machine."""
    return time.time_ns() // 1000
