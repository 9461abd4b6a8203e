"""Reservations against a model of them, for as long as an office keeps its books: caps hold, sums equal entries."""

from __future__ import annotations

import random
from functools import partial

import pytest

from langchain_lucky_models.ledger.book import Book, Charge, Hold, Lease, Span

DAY, SLOT = 1_000, 100
CAPS = {"day": 1_000, "rolling": 700, "total": 12_000}
LEASE = Lease("me", 0, 0, "{}")
LOOK_EVERY = 250
MOST_KEPT = 40
"""Attempts that are still settled, released or corrected."""


def _span(key: str, now: int) -> Span:
    if key == "total":
        return Span(0, 0)
    if key == "day":
        return Span(now // DAY * DAY, now // DAY * DAY, now // DAY * DAY + DAY)
    return Span((now - DAY) // SLOT * SLOT, now // SLOT * SLOT)


class Walk:
    """One office: what it holds and has spent, beside what the book says of it.

    Args:
        seed: Of all that happens.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.book = Book(10_000, {}, {})
        self.attempts: list[str] = []
        self.count = 0

    def go(self, steps: int) -> None:
        """Take so many steps, and look at everything now and then."""
        ways = (self.reserve, self.reserve, self.settle, self.settle, self.release, self.orphan, self.wait)
        for step in range(steps):
            self.random.choice(ways)()
            if step % LOOK_EVERY == 0:
                self.look()
        self.look()

    def reserve(self) -> None:
        """Ask for room under some of the caps: it is given exactly where all of them have it."""
        self.count += 1
        amount, keys = self.random.randint(1, 40), self.random.sample(sorted(CAPS), self.random.randint(1, 3))
        room = min(CAPS[key] - sum(self.within(key)) for key in keys)
        charges = [Charge(key, amount, CAPS[key], partial(_span, key)) for key in keys]
        name = f"a{self.count}"
        if isinstance(self.book.reserve(name, charges, LEASE), Hold):
            assert amount <= room
            self.attempts = [*self.attempts[-MOST_KEPT:], name]
        else:
            assert amount > room

    def settle(self) -> None:
        """Pay what was held, or less, once or again."""
        if name := self.one():
            held = max(row.held for row in self.book.holds[name].values())
            self.book.settle(name, self.random.choice([None, held, self.random.randint(0, held)]))

    def release(self) -> None:
        """Give back what was never sent."""
        if name := self.one():
            self.book.release(name)

    def orphan(self) -> None:
        """Its process died."""
        if (name := self.one()) and self.book.is_open(name):
            self.book.settle(name, None, "orphan")

    def wait(self) -> None:
        """Time goes on, and sometimes a little back."""
        self.book.now = max(2_000, self.book.now + self.random.randint(-150, 600))

    def one(self) -> str | None:
        """Some attempt."""
        return self.random.choice(self.attempts) if self.attempts else None

    def within(self, key: str) -> tuple[int, int]:
        """What a window holds now."""
        return self.book.within(key, self.book.span(key, partial(_span, key)).first)

    def look(self) -> None:
        """Every counter equals the sum of its entries, and no window holds more than its cap."""
        sums: dict[tuple[str, int], tuple[int, int]] = {}
        for rows in self.book.holds.values():
            for row in rows.values():
                spent, held = sums.get((row.key, row.slot), (0, 0))
                sums[row.key, row.slot] = (spent + row.spent, held + row.held)
        assert {(key, slot): pair for key, slots in self.book.counters.items() for slot, pair in slots.items()} == sums
        for key, cap in CAPS.items():
            spent, held = self.within(key)
            assert held >= 0
            assert spent + held <= cap


@pytest.mark.parametrize("seed", range(3))
def test_a_long_walk_keeps_every_cap_and_every_sum(seed: int) -> None:
    """Case 54: two thousand steps; all two hundred walks of ten thousand are counted apart."""
    Walk(seed).go(2_000)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_hundred_walks_of_ten_thousand_steps_keep_every_cap_and_every_sum() -> None:
    """Case 54: 200 runs of 10,000 steps, 0 violations."""
    for seed in range(200):
        Walk(seed).go(10_000)
