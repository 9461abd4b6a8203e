"""Databases behind SQLAlchemy: PostgreSQL, for many machines."""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from langchain_lucky_models import extras
from langchain_lucky_models.ledger.trouble import StorageTroubleError

PASSING_STATES = frozenset({"40001", "40P01", "55P03", "57P01", "57P02", "57P03"})
"""Serialisation failure, deadlock, lock timeout, and a server that shuts down or starts."""

_PATIENCE = "SET LOCAL lock_timeout = '8s'; SET LOCAL statement_timeout = '20s'"
_NOW = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"
# The keys come sorted, and unnest keeps their order: everybody takes them in the same one.
_LOCK = "SELECT count(*) FROM (SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key) AS taken"


class SqlSession:
    """A transaction on one connection."""

    __slots__ = ("_connection", "_text")

    def __init__(self, connection: Any, text: Callable[[str], Any]) -> None:
        self._connection = connection
        self._text = text

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement; its rows."""
        result = self._connection.execute(self._text(sql), parameters or {})
        return [tuple(row) for row in result] if result.returns_rows else []

    def write(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement for all rows, pipelined by the driver."""
        if rows:
            self._connection.execute(self._text(sql), list(rows))

    def among(self, column: str, parameter: str) -> str:
        """One constant text for any number of values."""
        return f"{column} = ANY(:{parameter})"

    def listing(self, values: Sequence[str]) -> list[str]:
        """The values as an array."""
        return list(values)

    def lock(self, keys: Sequence[str]) -> bool:
        """Take the keys' advisory locks, all of them in one order; they are given back with the transaction."""
        if keys:
            self.rows(_LOCK, {"keys": sorted({_lock_number(key) for key in keys})})
        return bool(keys)


class SqlDatabase:
    """A database by SQLAlchemy URL; many processes and machines may share it."""

    def __init__(self, url: str, *, clock: Callable[[], int] | None = None) -> None:
        self._core = extras.require("sqlalchemy", extra="postgres")
        extras.require("psycopg", extra="postgres")
        self._url = self._core.engine.make_url(url)
        self.shown = self._url.render_as_string(hide_password=True)
        self._clock = clock
        self._text = functools.lru_cache(maxsize=256)(self._core.text)
        self._engine = self._core.create_engine(
            self._url, pool_size=2, max_overflow=8, pool_pre_ping=True, connect_args={"connect_timeout": 3}
        )

    @contextlib.contextmanager
    def transaction(self) -> Iterator[SqlSession]:
        """A writing transaction with bounded waits."""
        with self._translated(), self._engine.begin() as connection:
            connection.exec_driver_sql(_PATIENCE)
            yield SqlSession(connection, self._text)

    @contextlib.contextmanager
    def reading(self) -> Iterator[SqlSession]:
        """A session whose answers may take their time."""
        with self._translated(), self._engine.connect() as connection:
            yield SqlSession(connection, self._text)

    def now(self, session: Any) -> int:
        """The server's clock, the same for every machine."""
        if self._clock is not None:
            return self._clock()
        return int(session.rows(_NOW)[0][0])

    def close(self) -> None:
        """Close the pool."""
        self._engine.dispose()

    def forked(self) -> None:
        """Leave the parent's connections alone; the pool opens new ones."""
        self._engine.dispose(close=False)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except self._core.exc.DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            passing = error.connection_invalidated or state in PASSING_STATES
            # The driver's text may hold parameters, and its URL the password.
            raise StorageTroubleError(
                f"{self.shown}: {type(error.orig).__name__} {state or ''}".rstrip(), passing=passing
            ) from None
        except self._core.exc.SQLAlchemyError as error:
            raise StorageTroubleError(f"{self.shown}: {type(error).__name__}") from None


def _lock_number(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8, person=b"lucky-lock").digest(), signed=True)
