"""A breaker opens, probes, and closes at exactly the moments it promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models.health import breaker as b
from langchain_lucky_models.health.breaker import Breaker, Rules

MIDDLE = 0.5
"""A draw without jitter."""


def failed(breaker: Breaker, times: int, now: float = 0.0) -> Breaker:
    for _ in range(times):
        breaker = b.fail(breaker, now, MIDDLE, "provider_down")
    return breaker


def test_four_failures_in_a_row_leave_it_closed_and_the_fifth_opens_it() -> None:
    assert failed(Breaker(), 4).state == "closed"
    assert failed(Breaker(), 5).state == "open"


def test_an_answer_ends_the_row() -> None:
    assert failed(b.succeed(failed(Breaker(), 4), 1.0), 4, 2.0).state == "closed"


def test_half_of_twenty_results_in_the_window_open_it() -> None:
    breaker = Breaker()
    for _ in range(9):
        breaker = failed(b.succeed(breaker, 1.0), 1, 1.0)
    breaker = b.succeed(breaker, 2.0)
    assert breaker.state == "closed"  # 9 of 19
    assert failed(breaker, 1, 2.0).state == "open"  # 10 of 20


def test_failures_older_than_the_window_do_not_count() -> None:
    breaker = Breaker()
    for second in range(9):
        breaker = failed(b.succeed(breaker, second), 1, second)
    breaker = b.succeed(breaker, 100.0)
    assert failed(breaker, 1, 100.0).state == "closed"
    assert b.recent(breaker, 100.0) == (0, 1)


def test_it_rests_ten_seconds_and_then_lets_one_probe_through() -> None:
    opened = failed(Breaker(), 5, now=100.0)
    assert b.next_try(opened, 109.0) == 110.0
    probing = b.enter(opened, 110.0, lease=3.0)
    assert probing.state == "half_open"
    assert b.next_try(probing, 110.1) == 113.0


def test_a_lost_probe_is_replaced_when_its_lease_ends() -> None:
    probing = b.enter(failed(Breaker(), 5), 10.0, lease=3.0)
    again = b.enter(probing, 13.0, lease=3.0)
    assert again.generation == probing.generation + 1
    assert b.next_try(again, 13.0) == 16.0


def test_two_answered_probes_close_it() -> None:
    probing = b.enter(failed(Breaker(), 5), 10.0, lease=3.0)
    once = b.succeed(probing, 10.5)
    assert once.state == "half_open"
    assert b.next_try(once, 10.5) <= 10.5
    assert b.succeed(b.enter(once, 10.6, lease=3.0), 11.0).state == "closed"


def test_rests_double_up_to_five_minutes() -> None:
    breaker, now, rests = failed(Breaker(), 5), 0.0, []
    for _ in range(7):
        rests.append(breaker.open_until - now)
        now = breaker.open_until
        breaker = b.fail(b.enter(breaker, now, 1.0), now, MIDDLE, "provider_down")
    assert rests == [10, 20, 40, 80, 160, 300, 300]


def test_every_minute_of_health_undoes_one_doubling() -> None:
    well = Breaker(openings=3, well_since=0.0)
    assert failed(well, 5, now=59.0).openings == 4
    assert failed(well, 5, now=121.0).openings == 2
    assert failed(well, 5, now=10_000.0).openings == 1


def test_the_jitter_is_a_tenth_at_most() -> None:
    assert b.trip(Breaker(), 0.0, 0.0, "x").open_until == pytest.approx(9.0)
    assert b.trip(Breaker(), 0.0, 0.999999, "x").open_until == pytest.approx(11.0, abs=0.001)


def test_a_rest_is_no_failure_and_the_longer_one_stays() -> None:
    resting = b.rest(b.rest(Breaker(), 0.0, 30.0, "rate_limited"), 1.0, 5.0, "rate_limited")
    assert (resting.state, resting.streak, b.next_try(resting, 1.0)) == ("closed", 0, 30.0)


@pytest.mark.parametrize(("asked", "given"), [(1e12, 86_400.0), (-5.0, 0.0)])
def test_a_rest_is_bounded(asked: float, given: float) -> None:
    assert b.rest(Breaker(), 0.0, asked, "rate_limited").rest_until == given


def test_a_rest_outlives_closing_and_opening() -> None:
    resting = b.rest(b.enter(failed(Breaker(), 5), 10.0, 1.0), 10.0, 500.0, "rate_limited")
    closed = b.succeed(b.succeed(resting, 11.0), 12.0)
    assert (closed.state, b.next_try(closed, 12.0)) == ("closed", 510.0)
    assert b.next_try(b.trip(resting, 11.0, MIDDLE, "x"), 12.0) == 510.0


def test_a_released_probe_makes_room_for_the_next() -> None:
    probing = b.enter(failed(Breaker(), 5), 10.0, lease=30.0)
    assert b.next_try(b.release(probing, 10.1), 10.2) <= 10.2


@given(results=st.lists(st.tuples(st.booleans(), st.floats(0, 30)), max_size=200))
def test_it_never_opens_without_five_in_a_row_or_half_of_twenty(results: list[tuple[bool, float]]) -> None:
    """Whatever comes, an opening has one of its two reasons."""
    breaker, now, row = Breaker(), 0.0, 0
    seen: list[tuple[float, bool]] = []
    for good, pause in results:
        now += pause
        row = 0 if good else row + 1
        seen.append((now, good))
        breaker = b.succeed(breaker, now) if good else b.fail(breaker, now, MIDDLE, "x")
        if breaker.state == "open":
            window = [was_good for at, was_good in seen if int(at) > now - 60]
            assert row >= 5 or (len(window) >= 20 and window.count(False) * 2 >= len(window))
            return


def test_rules_without_a_share_count_nothing() -> None:
    """Breakers of credentials stay small, however many requests they see."""
    rules = Rules(consecutive=1, share=2.0)
    assert b.succeed(Breaker(), 5.0, rules) == Breaker()
    assert b.fail(Breaker(), 5.0, MIDDLE, "auth_failed", rules).state == "open"
