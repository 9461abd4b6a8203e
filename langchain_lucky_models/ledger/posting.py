"""Carries commands out in one transaction: read what they touch, decide in the book, write what changed."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields

from langchain_lucky_models.ledger.book import Book, Hold, HoldRow, Lease, Refused, Span
from langchain_lucky_models.ledger.commands import Append, Command, Errand, Release, Reserve
from langchain_lucky_models.ledger.database import Session
from langchain_lucky_models.ledger.entries import INSERT, Row, Written, after, next_entry, written
from langchain_lucky_models.ledger.money import picodollars
from langchain_lucky_models.ledger.records import Movement, Posted, storable, to_json

_HOLD = tuple(field.name for field in fields(HoldRow))
_HOLDS = f"SELECT {', '.join(_HOLD)} FROM lucky_holds WHERE "  # noqa: S608 - our own names
_KEEP_HOLD = (
    f"INSERT INTO lucky_holds ({', '.join(_HOLD)}) VALUES ({', '.join(':' + name for name in _HOLD)}) "  # noqa: S608 - our own names
    "ON CONFLICT (attempt_id, key) DO UPDATE SET held = excluded.held, spent = excluded.spent, state = excluded.state"
)
_SLOTS = "SELECT key, slot, spent, held FROM lucky_slots WHERE slot >= :first AND "
_MOVE = (
    "INSERT INTO lucky_slots (key, slot, spent, held) VALUES (:key, :slot, :spent, :held) "
    "ON CONFLICT (key, slot) DO UPDATE SET spent = lucky_slots.spent + excluded.spent, "
    "held = lucky_slots.held + excluded.held"
)


@dataclass(frozen=True, slots=True)
class Terms:
    """Who holds, and for how long without a sign of life; microseconds."""

    owner: str
    lease: int

    def for_attempt(self, now: int, life: int, facts: str = "") -> Lease:
        """The lease of a new hold."""
        return Lease(self.owner, min(now + self.lease, now + life), now + life, facts)


def carry_out(session: Session, now: int, terms: Terms, commands: Sequence[Command]) -> list[object]:
    """Carry all commands out, in order; one result each."""
    results: list[object] = []
    for errands, run in itertools.groupby(commands, lambda command: isinstance(command, Errand)):
        if errands:
            results += [command.run(session, now) for command in run if isinstance(command, Errand)]
        else:
            results += _keep_books(session, now, terms, list(run))
    return results


def _keep_books(session: Session, now: int, terms: Terms, commands: Sequence[Command]) -> list[object]:
    attempts = sorted({attempt for command in commands if (attempt := _attempt(command))})
    book = _open_book(session, now, commands, attempts)
    appended = [command.record.attempt_id for command in commands if isinstance(command, Append)]
    stands = written(session, appended) if appended else {}
    rows: list[Row] = []
    results: list[object] = []
    for command in commands:
        match command:
            case Reserve():
                results.append(_reserve(book, command, terms))
            case Release():
                results.append(book.release(command.attempt_id))
            case Append():
                results.append(_append(book, command, stands, rows, terms))
    _save(session, book, rows)
    return results


def load_holds(session: Session, attempts: Sequence[str]) -> dict[str, dict[str, HoldRow]]:
    """The stored holds of these attempts, by attempt and key."""
    holds: dict[str, dict[str, HoldRow]] = {}
    for row in session.rows(f"{_HOLDS}{session.among('attempt_id', 'ids')}", {"ids": session.listing(attempts)}):
        hold = HoldRow(*row)
        holds.setdefault(hold.attempt_id, {})[hold.key] = hold
    return holds


def _open_book(session: Session, now: int, commands: Sequence[Command], attempts: Sequence[str]) -> Book:
    holds = load_holds(session, attempts) if attempts else {}
    firsts = dict(_firsts(commands, holds, now))
    if firsts and session.lock(sorted(firsts)):
        # Somebody may have settled between the look and the lock.
        holds = load_holds(session, attempts)
    counters: dict[str, dict[int, tuple[int, int]]] = {}
    for first in sorted(set(firsts.values())):
        keys = [key for key, earliest in firsts.items() if earliest == first]
        sql = f"{_SLOTS}{session.among('key', 'keys')}"
        for key, slot, spent, held in session.rows(sql, {"first": first, "keys": session.listing(keys)}):
            counters.setdefault(key, {})[slot] = (spent, held)
    return Book(now, counters, holds)


def _firsts(commands: Iterable[Command], holds: dict[str, dict[str, HoldRow]], now: int) -> Iterable[tuple[str, int]]:
    """The earliest slot needed of each counter."""
    needed: dict[str, int] = {}
    wanted = [
        (charge.key, charge.window(now).first) for c in commands if isinstance(c, Reserve) for charge in c.charges
    ]
    wanted += [(stake.key, stake.first) for c in commands if isinstance(c, Append) for stake in c.stakes]
    wanted += [(row.key, row.first) for rows in holds.values() for row in rows.values()]
    for key, first in wanted:
        needed[key] = min(first, needed.get(key, first))
    return needed.items()


def _attempt(command: Command) -> str | None:
    match command:
        case Reserve() | Append():
            return command.record.attempt_id
        case Release():
            return command.attempt_id
    return None


def _reserve(book: Book, command: Reserve, terms: Terms) -> Hold | Refused:
    facts = to_json(command.record).decode()
    lease = terms.for_attempt(book.now, command.life, facts)
    return book.reserve(command.record.attempt_id, command.charges, lease)


def _append(book: Book, command: Append, stands: dict[str, Written], rows: list[Row], terms: Terms) -> Posted:
    record = command.record
    if record.basis == "bound" and not book.is_open(record.attempt_id):
        return Posted(record.attempt_id, "repeated")
    state, row = next_entry(
        record, stands.get(record.attempt_id), command.at or book.now, correcting=command.correcting
    )
    movements: list[Movement] = []
    if row is not None:
        rows.append(row)
        stands[record.attempt_id] = after(record, row)
        book.book(record.attempt_id, command.stakes, terms.for_attempt(book.now, 0))
        amount = None if record.cost is None else picodollars(record.cost)
        movements = book.settle(record.attempt_id, amount, "orphan" if record.basis == "bound" else "settled")
    return Posted(record.attempt_id, state, tuple(movements))


def _save(session: Session, book: Book, rows: list[Row]) -> None:
    if rows:
        session.write(INSERT, rows)
    if book.moved:
        moved = [
            {"key": key, "slot": slot, "spent": spent, "held": held}
            for (key, slot), (spent, held) in sorted(book.moved.items())
        ]
        session.write(_MOVE, moved)
    if book.written:
        session.write(_KEEP_HOLD, [{name: getattr(row, name) for name in _HOLD} for row in book.written.values()])


def count(session: Session, now: int, key: str, window: Callable[[int], Span]) -> tuple[tuple[int, int], Span]:
    """What a counter's window holds now: spent and held."""
    book = _look(session, now, key, window)
    span = book.span(key, window)
    return book.within(key, span.first), span


def known_counters(session: Session, identity: str) -> list[str]:
    """Every counter of a budget that something was charged to, by name."""
    prefix = f"{identity}="
    sql = "SELECT DISTINCT key FROM lucky_slots WHERE substr(key, 1, :size) = :prefix ORDER BY key"
    return [key for (key,) in session.rows(sql, {"size": len(prefix), "prefix": prefix})]


def reset_counter(session: Session, now: int, key: str, window: Callable[[int], Span], reason: str = "") -> None:
    """Take back what was spent in a counter's window, slot by slot, by entries of their own."""
    session.lock([key])
    book = _look(session, now, key, window)
    book.reset(key, book.span(key, window).first, f"reset-{uuid.uuid4().hex}", storable(reason))
    _save(session, book, [])


def _look(session: Session, now: int, key: str, window: Callable[[int], Span]) -> Book:
    sql = f"{_SLOTS}{session.among('key', 'keys')}"
    rows = session.rows(sql, {"first": window(now).first, "keys": session.listing([key])})
    return Book(now, {key: {slot: (int(spent), int(held)) for _, slot, spent, held in rows}}, {})
