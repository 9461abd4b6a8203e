"""Counting in any window, exactly: what a counter holds is what was taken in the last minute or day, at every instant.

A bucket that refills (GCRA, and the windows of the `limits` package) lets up to twice its limit through around a
boundary, or takes no correction after the answer. Here a period is counted in slots of its hundred-and-twentieth, and a
slot is let go only when it lies outside the period as a whole. So no interval of a period's length ever holds more than
the limit; room comes back up to half a second (of a minute) late.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from langchain_lucky_models.limits.limit import Kind

SLOTS = 120
MICROS = 1_000_000

Clock = Callable[[], float]
"""Seconds that never go back."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a call takes of one counter."""

    key: str
    kind: Kind
    most: int
    period: float
    amount: int

    @property
    def micros(self) -> int:
        """The period in microseconds."""
        return round(self.period * MICROS)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a place among calls at once, and how many seconds at most."""

    id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Taken:
    """Everything was taken: the slot of each counter, for a later correction."""

    slots: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Short:
    """Nothing was taken.

    Attributes:
        key: The counter that has room last.
        wait: Seconds until it has.
        firm: Whether it cannot have room earlier; a call that ends makes room at any time.
    """

    key: str
    wait: float
    firm: bool


class Counts(Protocol):
    """Where counters live. Every method decides about all counters of a call in one atomic step."""

    shared: bool
    """Whether other processes count here, too."""
    forgets: bool
    """Whether a restart begins at zero."""

    def take(self, demands: Sequence[Demand], lease: Lease) -> Taken | Short:
        """Take all, or nothing."""

    async def atake(self, demands: Sequence[Demand], lease: Lease) -> Taken | Short:
        """Same as `take`; may wait for a server."""

    def look(self, demands: Sequence[Demand]) -> Short | None:
        """What `take` would answer, without taking; None where it would take."""

    def settle(self, changes: Sequence[tuple[Demand, int, int]], places: Sequence[str], lease: Lease) -> None:
        """Correct what was taken, by (demand, its slot, difference), and leave the places among calls at once."""

    def seed(self, key: str, period: float, past: Iterable[tuple[float, int]]) -> None:
        """Remember what was taken before this process began: (seconds ago, amount). Only the first time counts."""

    def knows(self, key: str) -> bool:
        """Whether a counter was seeded."""

    def forked(self) -> None:
        """This is a child process now."""

    def close(self) -> None:
        """Let go of a server."""


@dataclass(slots=True)
class _State:
    slots: dict[str, dict[int, int]] = field(default_factory=dict)
    places: dict[str, dict[str, int]] = field(default_factory=dict)
    seeded: set[str] = field(default_factory=set)


class MemoryCounts:
    """Counters of this process, under one lock; after a fork each process counts on by itself.

    Args:
        clock: Seconds that never go back.
    """

    shared = False
    forgets = True

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._state = _State()
        self._lock = threading.Lock()

    def forked(self) -> None:
        """A lock that another thread held at the fork would stay shut for ever."""
        self._lock = threading.Lock()

    def close(self) -> None:
        """Nothing is held open."""

    def take(self, demands: Sequence[Demand], lease: Lease) -> Taken | Short:
        """Take all, or nothing."""
        with self._lock:
            now = round(self._clock() * MICROS)
            if (short := self._shortage(demands, now)) is not None:
                return short
            for demand in demands:
                self._add(demand, lease, now)
            return Taken({demand.key: now // slot_width(demand.micros) for demand in demands if demand.period})

    async def atake(self, demands: Sequence[Demand], lease: Lease) -> Taken | Short:
        """Same as `take`, which takes microseconds."""
        return self.take(demands, lease)

    def look(self, demands: Sequence[Demand]) -> Short | None:
        """What `take` would answer."""
        with self._lock:
            return self._shortage(demands, round(self._clock() * MICROS))

    def settle(self, changes: Sequence[tuple[Demand, int, int]], places: Sequence[str], lease: Lease) -> None:
        """Correct and leave; a slot never falls below zero, and one that is gone stays gone."""
        with self._lock:
            for demand, slot, difference in changes:
                slots = self._state.slots.get(demand.key, {})
                if slot in slots:
                    slots[slot] = max(0, slots[slot] + difference)
            for key in places:
                self._state.places.get(key, {}).pop(lease.id, None)

    def seed(self, key: str, period: float, past: Iterable[tuple[float, int]]) -> None:
        """Remember the past, once."""
        with self._lock:
            if key in self._state.seeded:
                return
            self._state.seeded.add(key)
            now, width = self._clock(), slot_width(round(period * MICROS))
            slots = self._state.slots.setdefault(key, {})
            for ago, amount in past:
                slot = round((now - ago) * MICROS) // width
                slots[slot] = slots.get(slot, 0) + amount

    def knows(self, key: str) -> bool:
        """Whether a counter was seeded."""
        return key in self._state.seeded

    def _shortage(self, demands: Sequence[Demand], now: int) -> Short | None:
        shorts = [short for demand in demands if (short := self._short_of(demand, now)) is not None]
        return max(shorts, key=lambda short: (short.firm, short.wait), default=None)

    def _short_of(self, demand: Demand, now: int) -> Short | None:
        if demand.kind == "concurrent":
            places = self._state.places.setdefault(demand.key, {})
            for lease in [lease for lease, until in places.items() if until <= now]:
                del places[lease]
            if len(places) + demand.amount <= demand.most:
                return None
            return Short(demand.key, (min(places.values()) - now) / MICROS, firm=False)
        slots = self._state.slots.setdefault(demand.key, {})
        _let_go(slots, now, demand.micros)
        wait = micros_until_room(slots, demand.most - demand.amount, now, demand.micros)
        return Short(demand.key, wait / MICROS, firm=True) if wait else None

    def _add(self, demand: Demand, lease: Lease, now: int) -> None:
        if demand.kind == "concurrent":
            self._state.places[demand.key][lease.id] = now + round(lease.seconds * MICROS)
            return
        slots, slot = self._state.slots[demand.key], now // slot_width(demand.micros)
        slots[slot] = slots.get(slot, 0) + demand.amount


def slot_width(period: int) -> int:
    """Microseconds of a slot."""
    return max(1, period // SLOTS)


def micros_until_room(slots: Mapping[int, int], most: int, now: int, period: int) -> int:
    """Microseconds until no more than `most` is left in the slots; 0 where that is so now.

    Example:
        >>> micros_until_room({0: 3, 1: 2}, most=2, now=1_000_000, period=60_000_000)
        59500000
    """
    left, width = sum(slots.values()), slot_width(period)
    for slot in sorted(slots) if left > most else ():
        left -= slots[slot]
        if left <= most:
            return max(1, (slot + 1) * width + period - now)
    return 0 if left <= most else period


def _let_go(slots: dict[int, int], now: int, period: int) -> None:
    first = (now - period) // slot_width(period)
    for slot in [slot for slot in slots if slot < first]:
        del slots[slot]
