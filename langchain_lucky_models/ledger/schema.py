"""The ledger's tables, as numbered steps that each run once."""

from __future__ import annotations

from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.ledger.database import Database, Session

TEXTS = (
    "attempt_id",
    "kind",
    "day",
    "call_id",
    "user_id",
    "provider",
    "asked",
    "model",
    "served",
    "key_owner",
    "key_id",
    "strategy",
    "experiment",
    "variant",
    "tags",
    "outcome",
    "error",
    "basis",
    "request_id",
)
NUMBERS = (
    "requests",
    "answered",
    "unpriced",
    "estimated",
    "suspect",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "cost",
)
"""What adds up. Cost is in picodollars; a record whose cost nobody knows counts as `unpriced`."""
TIMES = ("latency", "first_token")
"""Microseconds, NULL where nothing was measured."""
COLUMNS = ("seq", "at", *TEXTS, *NUMBERS, *TIMES)

_NULLABLE = frozenset({"served", "experiment", "variant", "error", "request_id"})

_RECORDS = f"""
CREATE TABLE lucky_records (
    seq INTEGER NOT NULL,
    at BIGINT NOT NULL,
    {", ".join(f"{name} TEXT{'' if name in _NULLABLE else ' NOT NULL'}" for name in TEXTS)},
    {", ".join(f"{name} BIGINT NOT NULL" for name in NUMBERS)},
    {", ".join(f"{name} BIGINT" for name in TIMES)},
    PRIMARY KEY (attempt_id, seq)
)"""

_FIRST = (
    _RECORDS,
    "CREATE INDEX lucky_records_at ON lucky_records (at)",
    """
CREATE TABLE lucky_holds (
    attempt_id TEXT NOT NULL,
    key TEXT NOT NULL,
    first BIGINT NOT NULL,
    slot BIGINT NOT NULL,
    held BIGINT NOT NULL,
    spent BIGINT NOT NULL,
    state TEXT NOT NULL,
    owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    dies_at BIGINT NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (attempt_id, key)
)""",
    "CREATE INDEX lucky_holds_open ON lucky_holds (lease_until) WHERE state = 'reserved'",
    """
CREATE TABLE lucky_slots (
    key TEXT NOT NULL,
    slot BIGINT NOT NULL,
    spent BIGINT NOT NULL,
    held BIGINT NOT NULL,
    PRIMARY KEY (key, slot)
)""",
    """
CREATE TABLE lucky_resets (
    at BIGINT NOT NULL,
    dimension TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL
)""",
)

MIGRATIONS = (_FIRST,)
"""Step n brings the tables from version n to n + 1. A step that was released is never changed; a new one is added."""

_VERSIONS = "CREATE TABLE IF NOT EXISTS lucky_versions (version INTEGER PRIMARY KEY, at BIGINT NOT NULL)"


def migrate(database: Database) -> int:
    """Bring the tables up to date; many processes may do so at once.

    Returns:
        How many steps were needed.

    Raises:
        ConfigError: A newer version of the package has written here.
    """
    with database.transaction() as session:
        session.lock(["lucky migrations"])
        session.rows(_VERSIONS)
        version = int(session.rows("SELECT COALESCE(MAX(version), 0) FROM lucky_versions")[0][0])
        if version > len(MIGRATIONS):
            raise ConfigError(
                f"the ledger {database.shown} has version {version}, this package knows up to {len(MIGRATIONS)}. "
                "Please update langchain-lucky-models.",
                field="ledger",
            )
        for number in range(version, len(MIGRATIONS)):
            _step(session, number, database.now(session))
        return len(MIGRATIONS) - version


def _step(session: Session, number: int, now: int) -> None:
    for statement in MIGRATIONS[number]:
        session.rows(statement)
    session.rows("INSERT INTO lucky_versions (version, at) VALUES (:version, :at)", {"version": number + 1, "at": now})
