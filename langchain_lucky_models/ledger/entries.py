"""What is written for a record: always the difference to what stands there already, never a change of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from langchain_lucky_models.ledger.database import Session
from langchain_lucky_models.ledger.money import dollars, picodollars
from langchain_lucky_models.ledger.records import TOKEN_FIELDS, Record, storable
from langchain_lucky_models.ledger.schema import COLUMNS, NUMBERS

Row = Mapping[str, Any]
State = Literal["recorded", "repeated", "conflicting", "corrected"]

INSERT = (
    f"INSERT INTO lucky_records ({', '.join(COLUMNS)}) VALUES ({', '.join(':' + name for name in COLUMNS)}) "  # noqa: S608 - our own names
    "ON CONFLICT (attempt_id, seq) DO NOTHING"
)
_ENTRIES = (
    f"SELECT {', '.join(COLUMNS)} FROM lucky_records WHERE attempt_id = :attempt_id AND kind <> 'total' ORDER BY seq"  # noqa: S608 - our own names
)
_WRITTEN = f"SELECT attempt_id, seq, basis, {', '.join(NUMBERS)} FROM lucky_records WHERE "  # noqa: S608 - our own names


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in the ledger for an attempt.

    Attributes:
        seq: The last entry's number.
        basis: That entry's basis; `bound` may be replaced by the true figure.
        numbers: The sums over its entries, in the order of `NUMBERS`.
    """

    seq: int
    basis: str
    numbers: tuple[int, ...]


def written(session: Session, attempt_ids: Sequence[str]) -> dict[str, Written]:
    """What stands there for these attempts."""
    found: dict[str, Written] = {}
    sql = f"{_WRITTEN}{session.among('attempt_id', 'ids')} ORDER BY attempt_id, seq"
    for attempt_id, seq, basis, *numbers in session.rows(sql, {"ids": session.listing(attempt_ids)}):
        before = found[attempt_id].numbers if attempt_id in found else (0,) * len(NUMBERS)
        found[attempt_id] = Written(seq, basis, tuple(map(int.__add__, before, map(int, numbers))))
    return found


def recorded(session: Session, attempt_id: str) -> tuple[Record, int] | None:
    """What stands there for an attempt, all its entries together, and when the first was written, in microseconds.

    How long it took stays with that entry, so that percentiles count it once.
    """
    rows = [
        dict(zip(COLUMNS, row, strict=True)) for row in session.rows(_ENTRIES, {"attempt_id": storable(attempt_id)})
    ]
    if not rows:
        return None
    sums = {name: sum(int(row[name]) for row in rows) for name in NUMBERS}
    kept: dict[str, Any] = {name: rows[-1][name] for name in _KEPT} | {name: sums[name] for name in TOKEN_FIELDS}
    record = Record(
        **kept,
        attempt_id=rows[-1]["attempt_id"],
        user=rows[-1]["user_id"],
        tags=tuple(orjson.loads(rows[-1]["tags"])),
        cost=None if sums["unpriced"] else dollars(sums["cost"]),
        estimated=bool(sums["estimated"]),
        suspect=bool(sums["suspect"]),
    )
    return record, int(rows[0]["at"])


def next_entry(record: Record, stands: Written | None, now: int, *, correcting: bool) -> tuple[State, Row | None]:
    """The row to add for a record, if any, and what that makes of it."""
    numbers = numbers_of(record)
    if stands is None:
        return "recorded", _row(record, 0, now, numbers)
    if numbers == stands.numbers and record.basis == stands.basis:
        return "repeated", None
    if not correcting and stands.basis != "bound":
        return ("repeated" if numbers == stands.numbers else "conflicting"), None
    return "corrected", _row(record, stands.seq + 1, now, tuple(map(int.__sub__, numbers, stands.numbers)))


def after(record: Record, row: Row) -> Written:
    """What stands once the row is written."""
    return Written(row["seq"], record.basis, numbers_of(record))


def numbers_of(record: Record) -> tuple[int, ...]:
    """The record's figures in the order of `NUMBERS`."""
    return (
        1,
        int(record.outcome == "answered"),
        int(record.cost is None),
        int(record.estimated),
        int(record.suspect),
        *(getattr(record, name) for name in TOKEN_FIELDS),
        0 if record.cost is None else picodollars(record.cost),
    )


def day_of(at: int) -> str:
    """The UTC day of an instant in microseconds.

    Example:
        >>> day_of(0)
        '1970-01-01'
    """
    return dt.date.fromordinal(_EPOCH + at // 86_400_000_000).isoformat()


_EPOCH = dt.date(1970, 1, 1).toordinal()
_KEPT = (
    "call_id",
    "provider",
    "asked",
    "model",
    "served",
    "key_owner",
    "key_id",
    "strategy",
    "experiment",
    "variant",
    "outcome",
    "error",
    "basis",
    "request_id",
)
"""Texts that a record and its columns call by the same name."""


def _row(record: Record, seq: int, now: int, numbers: Sequence[int]) -> Row:
    return {
        "seq": seq,
        "at": now,
        "attempt_id": record.attempt_id,
        "kind": "correction" if seq else "attempt",
        "day": day_of(now),
        "call_id": record.call_id,
        "user_id": record.user,
        "provider": record.provider,
        "asked": record.asked,
        "model": record.model,
        "served": record.served,
        "key_owner": record.key_owner,
        "key_id": record.key_id,
        "strategy": record.strategy,
        "experiment": record.experiment,
        "variant": record.variant,
        "tags": orjson.dumps(record.tags).decode(),
        "outcome": record.outcome,
        "error": record.error,
        "basis": record.basis,
        "request_id": record.request_id,
        "latency": None if record.basis == "bound" else _micros(record.seconds),
        "first_token": _micros(record.first_token),
        **dict(zip(NUMBERS, numbers, strict=True)),
    }


def _micros(seconds: float | None) -> int | None:
    return None if seconds is None else max(0, round(seconds * 1_000_000))
