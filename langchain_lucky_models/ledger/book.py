"""Reservations, decided: which holds fit under which caps. No input or output, so that every case can be tested.

A counter adds up, slot by slot, what was spent and what is held under a key. A window is a run of slots: the one slot
of a calendar day, or the last sixty of a rolling hour. Reserving asks every counter of an attempt at once, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from langchain_lucky_models.ledger.records import Movement

HoldState = Literal["reserved", "settled", "released", "orphan", "reset"]


@dataclass(frozen=True, slots=True)
class Span:
    """A window at one instant, in microseconds since 1970.

    Attributes:
        first: The earliest slot that still counts.
        slot: The slot that is written to now.
        ends: When room comes back, None for never.
    """

    first: int
    slot: int
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """What an attempt asks of one counter.

    Attributes:
        key: The counter.
        amount: Picodollars to hold.
        cap: The most that spent and held together may be; None counts without refusing.
        window: The counter's window at an instant.
    """

    key: str
    amount: int
    cap: int | None
    window: Callable[[int], Span]


@dataclass(frozen=True, slots=True)
class Stake:
    """Where a charge has come to lie."""

    key: str
    first: int
    slot: int
    amount: int


@dataclass(frozen=True, slots=True)
class Hold:
    """A reservation that was granted.

    Attributes:
        stakes: One for each counter.
        backed: Whether the database knows of it; it does not where policy let a call go on without.
    """

    attempt_id: str
    stakes: tuple[Stake, ...] = ()
    backed: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """The counter that had no room; amounts in picodollars."""

    key: str
    spent: int
    held: int
    cap: int
    asked: int
    now: int
    ends: int | None


@dataclass(frozen=True, slots=True)
class HoldRow:
    """One hold on one counter, as it is stored."""

    attempt_id: str
    key: str
    first: int
    slot: int
    held: int
    spent: int
    state: HoldState
    owner: str
    lease_until: int
    dies_at: int
    facts: str


@dataclass(frozen=True, slots=True)
class Lease:
    """Whose hold it is, and until when without a sign of life; microseconds. The first hold keeps the facts."""

    owner: str
    until: int
    dies_at: int
    facts: str


@dataclass(slots=True)
class Book:
    """A picture of the counters and holds that a batch touches; it collects what changes.

    Attributes:
        now: The database's time.
        counters: (spent, held) by key and slot, as stored plus what this batch has changed.
        holds: Stored holds by attempt and key.
        moved: What to add to each (key, slot): spent, held.
        written: The holds to store.
    """

    now: int
    counters: dict[str, dict[int, tuple[int, int]]]
    holds: dict[str, dict[str, HoldRow]]
    moved: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    written: dict[tuple[str, str], HoldRow] = field(default_factory=dict)

    def reserve(self, attempt_id: str, charges: Sequence[Charge], lease: Lease) -> Hold | Refused:
        """Hold every charge, or none. The same attempt asked again gets the hold it has."""
        if rows := self.holds.get(attempt_id):
            return Hold(attempt_id, tuple(Stake(row.key, row.first, row.slot, row.held) for row in rows.values()))
        spans = [self.span(charge.key, charge.window) for charge in charges]
        for charge, span in zip(charges, spans, strict=True):
            spent, held = self.within(charge.key, span.first)
            if charge.cap is not None and spent + held + charge.amount > charge.cap:
                return Refused(charge.key, spent, held, charge.cap, charge.amount, self.now, span.ends)
        stakes = tuple(
            Stake(charge.key, span.first, span.slot, charge.amount) for charge, span in zip(charges, spans, strict=True)
        )
        for number, stake in enumerate(stakes):
            self._hold(attempt_id, stake, lease, lease.facts if number == 0 else "")
        return Hold(attempt_id, stakes)

    def is_open(self, attempt_id: str) -> bool:
        """Whether something is still held for the attempt."""
        return any(row.state == "reserved" for row in self.holds.get(attempt_id, {}).values())

    def release(self, attempt_id: str) -> bool:
        """Give back what is held for an attempt that cost nothing; False where nothing was."""
        rows = [row for row in self.holds.get(attempt_id, {}).values() if row.state == "reserved"]
        for row in rows:
            self._turn(row, "released", held=0, spent=0)
        return bool(rows)

    def settle(self, attempt_id: str, amount: int | None, state: HoldState = "settled") -> list[Movement]:
        """Turn what is held into what was spent. Done again, or late, it books the difference only.

        Args:
            attempt_id: Whose holds.
            amount: The cost; None, where nobody knows it, is all that was held.
            state: `orphan` where the process died, so that the true figure may still replace it.
        """
        movements = []
        for row in self.holds.get(attempt_id, {}).values():
            spent = amount if amount is not None else max(row.held, row.spent)
            before, _ = self.within(row.key, row.first)
            self._turn(row, state, held=0, spent=spent)
            movements.append(Movement(row.key, before, before + spent - row.spent))
        return movements

    def book(self, attempt_id: str, stakes: Iterable[Stake], lease: Lease) -> None:
        """Hold for an attempt that was never reserved here, without asking whether there is room: it has happened."""
        for stake in stakes:
            if stake.key not in self.holds.get(attempt_id, {}):
                self._hold(attempt_id, stake, lease, "")

    def reset(self, key: str, first: int, entry_id: str, reason: str) -> None:
        """Take back what was spent in each slot that counts, by an entry each."""
        for slot, (spent, _) in list(self.counters.get(key, {}).items()):
            if slot >= first and spent:
                row = HoldRow(f"{entry_id}-{slot}", key, first, slot, 0, -spent, "reset", "", 0, 0, reason)
                self._keep(row)
                self._move(key, slot, -spent, 0)

    def span(self, key: str, window: Callable[[int], Span]) -> Span:
        """The window now; a clock that was set back does not open one that had been closed."""
        span = window(self.now)
        newest = max(self.counters.get(key, ()), default=span.slot)
        return window(newest) if newest > span.slot else span

    def within(self, key: str, first: int) -> tuple[int, int]:
        """What is spent and held from a slot on."""
        slots = [sums for slot, sums in self.counters.get(key, {}).items() if slot >= first]
        # What is corrected downwards after a reset would leave less than nothing: that is no credit.
        return max(0, sum(spent for spent, _ in slots)), sum(held for _, held in slots)

    def _hold(self, attempt_id: str, stake: Stake, lease: Lease, facts: str) -> None:
        row = HoldRow(
            attempt_id,
            stake.key,
            stake.first,
            stake.slot,
            stake.amount,
            0,
            "reserved",
            lease.owner,
            lease.until,
            lease.dies_at,
            facts,
        )
        self._keep(row)
        self._move(row.key, row.slot, 0, row.held)

    def _turn(self, row: HoldRow, state: HoldState, *, held: int, spent: int) -> None:
        # Spelled out: dataclasses.replace costs more than everything else here.
        self._keep(
            HoldRow(
                row.attempt_id,
                row.key,
                row.first,
                row.slot,
                held,
                spent,
                state,
                row.owner,
                row.lease_until,
                row.dies_at,
                row.facts,
            )
        )
        self._move(row.key, row.slot, spent - row.spent, held - row.held)

    def _keep(self, row: HoldRow) -> None:
        self.holds.setdefault(row.attempt_id, {})[row.key] = row
        self.written[row.attempt_id, row.key] = row

    def _move(self, key: str, slot: int, spent: int, held: int) -> None:
        slots = self.counters.setdefault(key, {})
        stored = slots.get(slot, (0, 0))
        slots[slot] = (stored[0] + spent, stored[1] + held)
        before = self.moved.get((key, slot), (0, 0))
        self.moved[key, slot] = (before[0] + spent, before[1] + held)
