"""Counting, in memory and in Redis by the same contract."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_lucky_models.limits import Counts, MemoryCounts
from langchain_lucky_models.limits.counts import Demand, Lease, Short, Taken
from tests.accounts import SecondsClock

LEASE = Lease("lease", 30.0)


def requests(most: int, period: float = 60.0, amount: int = 1, key: str = "r") -> Demand:
    return Demand(key, "requests", most, period, amount)


def place(most: int, key: str = "c") -> Demand:
    return Demand(key, "concurrent", most, 0.0, 1)


def test_no_more_is_taken_than_fits_and_the_wait_is_told(counts: Counts) -> None:
    taken = [counts.take([requests(3)], LEASE) for _ in range(4)]
    assert [type(answer) for answer in taken] == [Taken, Taken, Taken, Short]
    short = taken[3]
    assert isinstance(short, Short)
    assert (short.key, short.firm) == ("r", True)
    assert 59 <= short.wait <= 60.6


def test_one_counter_without_room_leaves_the_others_untouched(counts: Counts) -> None:
    counts.take([requests(1, key="b")], LEASE)
    for _ in range(3):
        assert isinstance(counts.take([requests(2, key="a"), requests(1, key="b"), place(2)], LEASE), Short)
    assert counts.look([requests(2, amount=2, key="a"), place(1)]) is None


def test_looking_takes_nothing(counts: Counts) -> None:
    for _ in range(5):
        assert counts.look([requests(1), place(1)]) is None
    assert isinstance(counts.take([requests(1), place(1)], LEASE), Taken)
    assert counts.look([requests(1)]) is not None


def test_places_are_free_again_when_they_are_left_or_their_lease_runs_out(counts: Counts) -> None:
    assert isinstance(counts.take([place(1)], Lease("first", 0.6)), Taken)
    short = counts.take([place(1)], Lease("second", 30.0))
    assert isinstance(short, Short)
    assert not short.firm
    assert short.wait <= 0.6
    time.sleep(short.wait + 0.01)
    assert isinstance(counts.take([place(1)], Lease("second", 30.0)), Taken)
    counts.settle([], ["c"], Lease("second", 30.0))
    assert isinstance(counts.take([place(1)], Lease("third", 30.0)), Taken)


def test_a_correction_frees_what_was_not_used_and_never_gives_credit(counts: Counts) -> None:
    """Case 79: the next window is no larger for it."""
    tokens = Demand("t", "tokens", 1_000, 60.0, 900)
    taken = counts.take([tokens], LEASE)
    assert isinstance(taken, Taken)
    counts.settle([(tokens, taken.slots["t"], 90 - 900)], [], LEASE)
    assert counts.look([Demand("t", "tokens", 1_000, 60.0, 910)]) is None
    assert counts.look([Demand("t", "tokens", 1_000, 60.0, 911)]) is not None
    counts.settle([(tokens, taken.slots["t"], -(10**9))], [], LEASE)
    assert counts.look([Demand("t", "tokens", 1_000, 60.0, 1_001)]) is not None


def test_a_correction_upwards_makes_later_calls_wait(counts: Counts) -> None:
    tokens = Demand("t", "tokens", 1_000, 60.0, 100)
    taken = counts.take([tokens], LEASE)
    assert isinstance(taken, Taken)
    counts.settle([(tokens, taken.slots["t"], 9_900)], [], LEASE)
    assert counts.look([Demand("t", "tokens", 1_000, 60.0, 1)]) is not None


def test_a_correction_for_a_slot_that_is_gone_has_no_effect(counts: Counts) -> None:
    tokens = Demand("t", "tokens", 1_000, 60.0, 100)
    counts.settle([(tokens, 7, -100)], [], LEASE)
    assert counts.look([Demand("t", "tokens", 1_000, 60.0, 1_000)]) is None


def test_room_comes_back_when_the_period_has_passed(counts: Counts) -> None:
    demand = requests(2, period=0.6)
    assert all(isinstance(counts.take([demand], LEASE), Taken) for _ in range(2))
    short = counts.take([demand], LEASE)
    assert isinstance(short, Short)
    time.sleep(short.wait + 0.002)
    assert isinstance(counts.take([demand], LEASE), Taken)


async def test_tasks_take_by_the_same_rules(counts: Counts) -> None:
    answers = await asyncio.gather(*(counts.atake([requests(7)], Lease(str(n), 1.0)) for n in range(20)))
    assert sum(isinstance(answer, Taken) for answer in answers) == 7


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 4)), min_size=1, max_size=120), st.integers(4, 12))
@settings(max_examples=300, deadline=None)
def test_no_interval_of_a_period_ever_holds_more_than_the_limit(steps: list[tuple[float, int]], most: int) -> None:
    """Case 76: neither around a boundary nor anywhere else; and whoever is told to wait passes after that wait."""
    clock = SecondsClock()
    counting = MemoryCounts(clock)
    taken: list[tuple[float, int]] = []
    for pause, amount in steps:
        clock.now += pause
        answer = counting.take([requests(most, amount=amount)], LEASE)
        if isinstance(answer, Short):
            clock.now += answer.wait
            assert isinstance(counting.take([requests(most, amount=amount)], LEASE), Taken)
        taken.append((clock.now, amount))
    for start, _ in taken:
        assert sum(amount for at, amount in taken if start <= at < start + 60.0) <= most


def test_ten_at_the_end_of_a_minute_and_ten_at_its_beginning_are_ten() -> None:
    """Case 76: no boundary to burst at."""
    clock = SecondsClock()
    clock.now = 59.0
    counting = MemoryCounts(clock)
    before = sum(isinstance(counting.take([requests(10)], LEASE), Taken) for _ in range(10))
    clock.now = 61.0
    after = sum(isinstance(counting.take([requests(10)], LEASE), Taken) for _ in range(10))
    assert (before, after) == (10, 0)


def test_the_past_is_remembered_once() -> None:
    clock = SecondsClock()
    counting = MemoryCounts(clock)
    assert not counting.knows("d")
    day = Demand("d", "requests", 10, 86_400.0, 1)
    for _ in range(2):
        counting.seed("d", 86_400.0, [(3_600.0, 6), (90_000.0, 100)])
    taken = [isinstance(counting.take([day], LEASE), Taken) for _ in range(6)]
    assert taken == [True] * 4 + [False] * 2


@pytest.mark.parametrize("period", [1.0, 60.0, 86_400.0])
def test_a_counter_keeps_a_bounded_number_of_slots(period: float) -> None:
    clock = SecondsClock()
    counting = MemoryCounts(clock)
    for _ in range(2_000):
        clock.now += period / 200
        counting.take([requests(10**9, period=period)], LEASE)
    assert len(counting._state.slots["r"]) <= 122
