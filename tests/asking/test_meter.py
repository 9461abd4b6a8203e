"""What surrounds an attempt: whether it may be made, who hears how it ended, and that it ends once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from langchain_lucky_models import errors
from langchain_lucky_models.asking.members import Candidate
from langchain_lucky_models.asking.meter import Meter, Terms, Visit, meter_of
from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.health import HealthBoard
from langchain_lucky_models.keys import Credential
from langchain_lucky_models.limits.line import ThreadSignal
from langchain_lucky_models.meter import accounts_of
from langchain_lucky_models.providers.table import family_of
from langchain_lucky_models.refs import ModelRef
from langchain_lucky_models.wire.leashes import Leash
from tests.accounts import SecondsClock

GPT = ModelRef.parse("openai#gpt-4o")
CANDIDATE = Candidate(
    GPT, Catalog.packaged().get(GPT), family_of("openai"), Credential(provider="openai", owner="house")
)
TERMS = Terms(lease=10.0)
DOWN = errors.ProviderDownError("down")
ENOUGH = 5
"""Failures in a row after which somebody rests."""


@pytest.fixture
def clock() -> SecondsClock:
    """A clock that a test turns."""
    return SecondsClock()


@pytest.fixture
def meter(clock: SecondsClock) -> Meter:
    """A meter on that clock."""
    return Meter(HealthBoard(clock=clock))


def fail(meter: Meter, candidate: Candidate = CANDIDATE, error: Exception = DOWN, terms: Terms = TERMS) -> None:
    """So many attempts that end so."""
    for _ in range(ENOUGH):
        meter.admit(candidate, terms).settle(error)


def booked(visit: Visit) -> list[tuple[Exception | None, bool]]:
    """What the visit is charged with, each time."""
    found: list[tuple[Exception | None, bool]] = []
    visit.book = lambda error, cancelled: found.append((error, cancelled))
    return found


class TestSettling:
    def test_only_the_first_word_counts(self, meter: Meter) -> None:
        visit = meter.admit(CANDIDATE, TERMS)
        charges = booked(visit)
        visit.settle()
        visit.settle(DOWN)
        visit.settle(cancelled=True)
        assert charges == [(None, False)]

    def test_of_many_threads_one_settles(self, meter: Meter) -> None:
        visit = meter.admit(CANDIDATE, TERMS)
        charges, start = booked(visit), threading.Barrier(20)

        def settle(number: int) -> None:
            start.wait()
            visit.settle(DOWN if number % 2 else None)

        with ThreadPoolExecutor(20) as pool:
            list(pool.map(settle, range(20)))
        assert len(charges) == 1

    def test_a_seat_is_left_however_it_ends(self, meter: Meter) -> None:
        narrow = replace(CANDIDATE, max_concurrency=1)
        for error, cancelled in ((None, False), (DOWN, False), (None, True)):
            seat = meter.line_up(narrow, ThreadSignal())
            assert seat is not None
            assert seat.taken
            meter.admit(narrow, TERMS, seat).settle(error, cancelled=cancelled)
            assert not seat.taken

    def test_a_stream_that_has_begun_is_well_though_it_is_left(self, meter: Meter) -> None:
        for _ in range(ENOUGH):
            visit = meter.admit(CANDIDATE, TERMS)
            visit.begin()
            visit.settle(cancelled=True)
        assert meter.resting(CANDIDATE) is None

    def test_a_stream_that_breaks_after_it_has_begun_is_a_failure(self, meter: Meter) -> None:
        broken = errors.StreamTruncatedError("broken")
        for _ in range(40):
            if meter.resting(CANDIDATE):
                break
            visit = meter.admit(CANDIDATE, TERMS)
            visit.begin()
            visit.settle(broken)
        assert meter.resting(CANDIDATE)


class TestHealth:
    def test_who_fails_often_rests_until_the_clock_says_so(self, meter: Meter, clock: SecondsClock) -> None:
        fail(meter)
        with pytest.raises(errors.CircuitOpenError, match="openai#gpt-4o is not asked") as refused:
            meter.admit(CANDIDATE, TERMS)
        assert refused.value.retry_after is not None
        assert meter.why_resting(CANDIDATE)
        clock.now += refused.value.retry_after + 0.01
        meter.admit(CANDIDATE, TERMS).settle()

    @pytest.mark.parametrize("cancelled", [True, False], ids=["cancelled", "blameless"])
    def test_what_nobody_waited_for_says_nothing(self, meter: Meter, *, cancelled: bool) -> None:
        for _ in range(ENOUGH):
            meter.admit(CANDIDATE, TERMS).settle(DOWN, cancelled=cancelled, blameless=not cancelled)
        assert meter.resting(CANDIDATE) is None

    @pytest.mark.parametrize(("hasty", "rests"), [(True, False), (False, True)])
    def test_running_out_of_a_short_time_says_nothing(self, meter: Meter, *, hasty: bool, rests: bool) -> None:
        fail(meter, error=errors.ProviderTimeoutError("late"), terms=Terms(10.0, hasty=hasty))
        assert (meter.resting(CANDIDATE) is not None) == rests

    def test_what_is_asked_beside_a_users_call_says_nothing(self, meter: Meter) -> None:
        with Leash("shadow").held():
            fail(meter)
        assert meter.resting(CANDIDATE) is None

    def test_one_users_bad_key_is_nobody_elses(self, meter: Meter) -> None:
        eve = replace(CANDIDATE, credential=Credential(provider="openai", owner="user:eve"))
        meter.admit(eve, TERMS).settle(errors.AuthFailedError("no"))
        assert meter.resting(eve)
        assert meter.resting(CANDIDATE) is None

    def test_who_insists_is_let_through(self, meter: Meter) -> None:
        fail(meter)
        meter.admit(CANDIDATE, Terms(10.0, insists=True)).settle()


class TestSeats:
    def test_none_are_needed_where_nothing_limits_calls_at_once(self, meter: Meter) -> None:
        assert meter.line_up(CANDIDATE, ThreadSignal()) is None

    def test_the_next_in_line_gets_a_seat_that_is_left(self, meter: Meter) -> None:
        narrow = replace(CANDIDATE, max_concurrency=1)
        signal = ThreadSignal()
        first, second = meter.line_up(narrow, ThreadSignal()), meter.line_up(narrow, signal)
        assert first is not None
        assert second is not None
        with pytest.raises(errors.LimitReachedError, match="max_concurrency lets 1 calls at once"):
            meter.check_seat(narrow, second)
        first.leave()
        assert signal.is_set()
        meter.check_seat(narrow, second)

    def test_nobody_waits_for_a_seat_of_somebody_who_rests(self, meter: Meter) -> None:
        narrow = replace(CANDIDATE, max_concurrency=1)
        held = meter.line_up(narrow, ThreadSignal())
        fail(meter, narrow)
        with pytest.raises(errors.CircuitOpenError):
            meter.line_up(narrow, ThreadSignal())
        assert held is not None
        held.leave()
        assert meter.line_up(narrow, ThreadSignal())


class TestRetries:
    def test_each_ten_calls_pay_for_one_and_an_empty_purse_for_none(self, meter: Meter) -> None:
        while meter.may_retry(CANDIDATE):
            meter.admit(CANDIDATE, Terms(10.0, again=True)).settle()
        for _ in range(9):
            meter.admit(CANDIDATE, TERMS).settle()
        assert not meter.may_retry(CANDIDATE)
        for _ in range(2):
            meter.admit(CANDIDATE, TERMS).settle()
        assert meter.may_retry(CANDIDATE)


def test_a_word_that_means_nothing_is_refused() -> None:
    with accounts_of() as accounts, pytest.raises(errors.ConfigError, match="'fail' or 'probe'"):
        meter_of(None, "hope", accounts)
