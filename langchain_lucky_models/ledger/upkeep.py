"""What an operator does to the ledger: reset counts, fold old records into totals, export. Nothing is lost by any."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Literal

import orjson

from langchain_lucky_models.ledger.database import Session
from langchain_lucky_models.ledger.entries import day_of
from langchain_lucky_models.ledger.money import dollars
from langchain_lucky_models.ledger.records import storable
from langchain_lucky_models.ledger.schema import COLUMNS, NUMBERS, TIMES
from langchain_lucky_models.ledger.statistics import group_column
from langchain_lucky_models.tables import inert_cell

PAGE = 5_000
KEPT_APART = (
    "day",
    "user_id",
    "provider",
    "model",
    "key_owner",
    "key_id",
    "strategy",
    "experiment",
    "variant",
    "outcome",
    "basis",
)
"""What totals of folded records still tell apart."""

_RESET = "INSERT INTO lucky_resets (at, dimension, value, reason) VALUES (:at, :dimension, :value, :reason)"
_GROUPED = ", ".join(KEPT_APART)
_FOLDED = (
    f"SELECT {_GROUPED}, MAX(at), MIN(attempt_id), {', '.join(f'SUM({name})' for name in NUMBERS)} "  # noqa: S608 - our own names
    f"FROM lucky_records WHERE at < :before AND kind <> 'total' GROUP BY {_GROUPED}"
)
_FORGET_RECORDS = "DELETE FROM lucky_records WHERE at < :before AND kind <> 'total'"
_INSERT = f"INSERT INTO lucky_records ({', '.join(COLUMNS)}) VALUES ({', '.join(':' + name for name in COLUMNS)})"  # noqa: S608 - our own names
# A window that lies wholly in the past is counted by nobody; a total's one slot (0) keeps the sum of its holds.
_ENDED = (
    "slot > 0 AND slot < :before AND NOT EXISTS (SELECT 1 FROM lucky_holds AS open "
    "WHERE open.key = {0}.key AND open.slot = {0}.slot AND open.state = 'reserved')"
)
_FORGET_HOLDS = f"DELETE FROM lucky_holds WHERE {_ENDED.format('lucky_holds')}"  # noqa: S608 - our own names
_FORGET_SLOTS = f"DELETE FROM lucky_slots WHERE {_ENDED.format('lucky_slots')}"  # noqa: S608 - our own names
_PAGE = (
    f"SELECT {', '.join(COLUMNS)} FROM lucky_records WHERE (at > :at OR (at = :at AND (attempt_id > :attempt_id "  # noqa: S608 - our own names
    f"OR (attempt_id = :attempt_id AND seq > :seq)))) ORDER BY at, attempt_id, seq LIMIT {PAGE}"
)


def reset(session: Session, now: int, *, group: str = "all", value: str = "", reason: str = "") -> None:
    """Start counting anew from now, for everything or for one user, model, …; records stay, and a reset is an entry."""
    if group != "all":
        group_column(group)
    told = {"value": storable(value), "reason": storable(reason)}
    session.rows(_RESET, {"at": now, "dimension": group, **told})


def fold(session: Session, before: int) -> int:
    """Put totals in the place of records older than `before`; how many totals that made."""
    # Two machines that fold at once would count everything twice.
    session.lock(["lucky fold"])
    totals = [_total(row) for row in session.rows(_FOLDED, {"before": before})]
    session.rows(_FORGET_RECORDS, {"before": before})
    session.write(_INSERT, totals)
    session.rows(_FORGET_SLOTS, {"before": before})
    session.rows(_FORGET_HOLDS, {"before": before})
    return len(totals)


def entries(session: Session) -> Iterator[dict[str, Any]]:
    """Every entry as plain values, oldest first; dollars as text, so that no reader rounds them."""
    place: dict[str, Any] = {"at": -1, "attempt_id": "", "seq": -1}
    while rows := session.rows(_PAGE, place):
        for row in rows:
            plain = dict(zip(COLUMNS, row, strict=True))
            place = {name: plain[name] for name in place}
            plain["cost"] = None if plain["unpriced"] else format(dollars(int(plain["cost"])), "f")
            plain["tags"] = orjson.loads(plain["tags"])
            yield plain


def exported(session: Session, form: Literal["csv", "jsonl"]) -> Iterator[str]:
    """The entries as text, line by line."""
    if form == "jsonl":
        yield from (orjson.dumps(entry).decode() + "\n" for entry in entries(session))
        return
    yield _csv_line(COLUMNS)
    for entry in entries(session):
        yield _csv_line([_cell(entry[name]) for name in COLUMNS])


def _total(row: tuple[Any, ...]) -> dict[str, Any]:
    size = len(KEPT_APART)
    kept = dict(zip(KEPT_APART, row[:size], strict=True))
    at, attempt_id = row[size], row[size + 1]
    numbers = dict(zip(NUMBERS, map(int, row[size + 2 :]), strict=True))
    empty: dict[str, Any] = {
        "call_id": "",
        "asked": "",
        "served": None,
        "tags": "[]",
        "error": None,
        "request_id": None,
    }
    times: dict[str, Any] = dict.fromkeys(TIMES)
    own = {"seq": 0, "at": at, "attempt_id": f"total-{kept['day']}-{attempt_id}", "kind": "total"}
    return {**empty, **times, **kept, **numbers, **own, "day": kept["day"] or day_of(int(at))}


def _csv_line(values: Any) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def _cell(value: Any) -> object:
    return inert_cell(" ".join(value) if isinstance(value, list) else value)
