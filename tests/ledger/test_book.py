"""Reservations against a model of them: whatever happens in whatever order, sums are right and caps hold."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from langchain_lucky_models.ledger.book import Book, Charge, Hold, Lease, Span

CAPS = {"day": 100, "rolling": 70, "total": 250}
DAY = 1_000
LEASE = Lease("me", 0, 0, "{}")


def daily(now: int) -> Span:
    start = now // DAY * DAY
    return Span(start, start, start + DAY)


def rolling(now: int) -> Span:
    return Span((now - DAY) // 100 * 100, now // 100 * 100)


def total(_now: int) -> Span:
    return Span(0, 0)


WINDOWS = {"day": daily, "rolling": rolling, "total": total}


class Reservations(RuleBasedStateMachine):
    """Case 54: reserve, settle, release, orphan and correct at random, while time passes and sometimes goes back.

    In 200 runs of 50 steps caps hold and sums equal their entries after every step.
    """

    attempts = Bundle("attempts")

    @initialize()
    def begin(self) -> None:
        self.book = Book(5_000, {}, {})
        self.count = 0
        self.spent: dict[str, dict[str, int]] = {}
        self.overspent = dict.fromkeys(CAPS, 0)

    @rule(target=attempts, amount=st.integers(1, 40), keys=st.sets(st.sampled_from(sorted(CAPS)), min_size=1))
    def reserve(self, amount: int, keys: set[str]) -> object:
        self.count += 1
        name = f"a{self.count}"
        charges = [Charge(key, amount, CAPS[key], WINDOWS[key]) for key in sorted(keys)]
        room = {key: CAPS[key] - sum(self.window(key)) for key in keys}
        answer = self.book.reserve(name, charges, LEASE)
        assert isinstance(answer, Hold) == all(amount <= left for left in room.values())
        if not isinstance(answer, Hold):
            assert amount > room[answer.key]
            assert name not in self.book.holds
            return multiple()
        return name

    @rule(name=attempts, share=st.integers(0, 100))
    def settle(self, name: str, share: int) -> None:
        held = max(row.held for row in self.book.holds[name].values())
        self.book.settle(name, held * share // 100)

    @rule(name=attempts)
    def settle_unknown(self, name: str) -> None:
        rows = {key: max(row.held, row.spent) for key, row in self.book.holds[name].items()}
        self.book.settle(name, None)
        assert {key: row.spent for key, row in self.book.holds[name].items()} == rows

    @rule(name=attempts)
    def orphan(self, name: str) -> None:
        if self.book.is_open(name):
            self.book.settle(name, None, "orphan")

    @rule(name=attempts)
    def release(self, name: str) -> None:
        was_open = self.book.is_open(name)
        assert self.book.release(name) == was_open

    @rule(steps=st.integers(-300, 900))
    def time_passes(self, steps: int) -> None:
        self.book.now = max(1_000, self.book.now + steps)

    @rule(key=st.sampled_from(sorted(CAPS)))
    def reset(self, key: str) -> None:
        self.count += 1
        span = self.book.span(key, WINDOWS[key])
        self.book.reset(key, span.first, f"r{self.count}", "")
        assert self.book.within(key, span.first)[0] == 0

    @invariant()
    def counters_equal_the_sum_of_their_entries(self) -> None:
        sums: dict[tuple[str, int], tuple[int, int]] = {}
        for rows in self.book.holds.values():
            for row in rows.values():
                spent, held = sums.get((row.key, row.slot), (0, 0))
                sums[row.key, row.slot] = (spent + row.spent, held + row.held)
        counted = {(key, slot): pair for key, slots in self.book.counters.items() for slot, pair in slots.items()}
        assert counted == sums
        assert self.book.moved == counted

    @invariant()
    def no_window_holds_more_than_its_cap(self) -> None:
        for key, cap in CAPS.items():
            spent, held = self.window(key)
            assert spent + held <= cap
            assert held >= 0

    def window(self, key: str) -> tuple[int, int]:
        return self.book.within(key, self.book.span(key, WINDOWS[key]).first)


TestReservations = Reservations.TestCase
TestReservations.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)


def test_a_clock_that_is_set_back_does_not_open_a_window_that_was_closed() -> None:
    """Case 65: what was spent in it stays spent."""
    book = Book(5_000, {}, {})
    assert isinstance(book.reserve("a", [Charge("k", 60, 100, daily)], LEASE), Hold)
    book.now = 4_000
    assert not isinstance(book.reserve("b", [Charge("k", 60, 100, daily)], LEASE), Hold)


def test_a_correction_after_a_reset_gives_no_credit() -> None:
    book = Book(5_000, {}, {})
    book.reserve("a", [Charge("k", 60, 100, daily)], LEASE)
    book.settle("a", None, "orphan")
    book.reset("k", 5_000, "r", "")
    book.settle("a", 0)
    assert book.within("k", 5_000) == (0, 0)
    assert not isinstance(book.reserve("b", [Charge("k", 101, 100, daily)], LEASE), Hold)


def test_spending_belongs_to_the_window_of_its_reservation() -> None:
    """Case 65: settled after midnight, it counts for the day before."""
    book = Book(5_999, {}, {})
    book.reserve("a", [Charge("k", 60, 100, daily)], LEASE)
    book.now = 6_001
    book.settle("a", 60)
    assert book.within("k", 6_000) == (0, 0)
    assert book.within("k", 5_000) == (60, 0)
