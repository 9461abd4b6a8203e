"""What the ledger needs of a database, and how to open one by its URL.

The statements are plain SQL that SQLite and PostgreSQL both read. SQLite is spoken to through Python's own module, so
memory and files need no extra and cost microseconds; everything else goes through SQLAlchemy, imported when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.ledger.sql import SqlDatabase
from langchain_lucky_models.ledger.sqlite import Durability, SqliteDatabase

Clock = Callable[[], int]
"""Microseconds since 1970, UTC."""

MEMORY = ("", "memory", "sqlite://", "sqlite:///:memory:", ":memory:")


class Session(Protocol):
    """One transaction."""

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement; its rows."""

    def write(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each row of parameters."""

    def among(self, column: str, parameter: str) -> str:
        """The condition that a column is one of the values of `listing`."""

    def listing(self, values: Sequence[str]) -> Any:
        """Values in the form that `among` compares with."""

    def lock(self, keys: Sequence[str]) -> bool:
        """Keep everybody else off these keys until the end; False where the transaction already does."""


class Database(Protocol):
    """Where records live."""

    shown: str
    """The URL without its password."""

    def transaction(self) -> AbstractContextManager[Session]:
        """A writing transaction, committed at the end; for one thread at a time."""

    def reading(self) -> AbstractContextManager[Session]:
        """A session to read in, from any thread."""

    def now(self, session: Session) -> int:
        """Microseconds since 1970 by the database's own clock."""

    def close(self) -> None:
        """Let go of every connection."""

    def forked(self) -> None:
        """Drop what a parent process had opened, without closing it."""


def open_database(url: str | Path | None, *, clock: Clock | None = None, durability: Durability = "crash") -> Database:
    """A database by its URL: `sqlite://` (memory), `sqlite:///file.db` or a path, `postgresql://…`.

    Args:
        url: Where; None is memory.
        clock: Replaces the database's own clock.
        durability: What an acknowledged transaction in a SQLite file survives; a server has its own settings.

    Raises:
        ConfigError: No such kind of database.
        MissingExtraError: The driver is not installed.
    """
    if url is None or str(url) in MEMORY:
        return SqliteDatabase(None, clock=clock)
    if isinstance(url, Path) or "://" not in url:
        return SqliteDatabase(Path(url), clock=clock, durability=durability)
    scheme, _, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    if kind == "sqlite":
        return SqliteDatabase(Path(rest.removeprefix("/")), clock=clock, durability=durability)
    if kind in ("postgresql", "postgres"):
        return SqlDatabase(f"postgresql+psycopg://{rest}", clock=clock)
    raise ConfigError(
        f"a ledger cannot be kept in {kind!r}. Write sqlite:///file.db, postgresql://user@host/name, or sqlite://.",
        field="ledger",
    )
