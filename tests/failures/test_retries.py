"""Pauses are jittered, bounded, and never shorter than the provider asks; the rest is giving up in time."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models import errors
from langchain_lucky_models.failures import (
    RetryBudget,
    RetryPolicy,
    Standing,
    Step,
    backoff,
    next_step,
    pause_before_retry,
    pause_for,
)

DOWN = errors.ProviderDownError("503")
SLOW = errors.ProviderTimeoutError("slow")


def limited(seconds: float | None) -> errors.RateLimitedError:
    return errors.RateLimitedError("429", facts=errors.CallFacts(retry_after=seconds))


@pytest.mark.parametrize(("made", "bound"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (99, 8.0)])
def test_backoff_is_uniform_up_to_its_bound(made: int, bound: float) -> None:
    """Case 6: a thousand seeded pauses differ from the uniform distribution by less than Kolmogorov's 1 % bound."""
    draw = random.Random(made).random
    pauses = sorted(backoff(made, draw) / bound for _ in range(1000))
    distance = max(abs(pause - place / 1000) for place, pause in enumerate(pauses))
    assert distance < 1.63 / 1000**0.5


@given(seconds=st.floats(0.0, 86_400.0), draw=st.floats(0.0, 1.0, exclude_max=True))
def test_a_pause_is_never_shorter_than_asked_and_little_longer(seconds: float, draw: float) -> None:
    pause = pause_for(limited(seconds), 1, lambda: draw)
    assert seconds <= pause <= seconds + min(1.0, 0.1 * seconds)


@given(seconds=st.floats(0.0, 86_400.0), left=st.floats(0.0, 1000.0), draw=st.floats(0.0, 1.0, exclude_max=True))
def test_a_pause_that_would_outlast_the_deadline_is_not_begun(seconds: float, left: float, draw: float) -> None:
    pause = pause_before_retry(limited(seconds), 1, left=left, draw=lambda: draw)
    assert pause is None or seconds <= pause < left


def test_a_member_that_was_not_tried_comes_before_the_same_again() -> None:
    assert next_step(limited(2.0), Standing(made=1, left=60, others=True), lambda: 0.0) == Step("move_on")
    assert next_step(limited(2.0), Standing(made=1, left=60), lambda: 0.0) == Step("wait", 2.0)


def test_a_failure_that_nobody_can_do_better_with_ends_the_call() -> None:
    refused = errors.InvalidRequestError("400")
    assert next_step(refused, Standing(made=1, left=60, others=True), lambda: 0.0) == Step("give_up")


def test_three_attempts_are_the_end() -> None:
    assert next_step(DOWN, Standing(made=2, left=60), lambda: 0.0).kind == "wait"
    assert next_step(DOWN, Standing(made=3, left=60, others=True), lambda: 0.0).kind == "give_up"
    assert next_step(DOWN, Standing(made=3, left=60), lambda: 0.0, RetryPolicy(attempts=5)).kind == "wait"


def test_what_may_be_repeated_once_is_not_repeated_twice() -> None:
    assert next_step(SLOW, Standing(made=1, left=60), lambda: 0.0).kind == "wait"
    assert next_step(SLOW, Standing(made=2, left=60), lambda: 0.0).kind == "give_up"


def test_an_empty_budget_stops_retries_but_not_the_fallback() -> None:
    empty = RetryBudget(tokens=0.0)
    assert next_step(DOWN, Standing(made=1, left=60, budget=empty), lambda: 0.0).kind == "give_up"
    assert next_step(DOWN, Standing(made=1, left=60, others=True, budget=empty), lambda: 0.0).kind == "move_on"


@given(steps=st.lists(st.booleans(), max_size=300))
def test_retries_stay_a_tenth_of_first_attempts(steps: list[bool]) -> None:
    """Whatever the order, an endpoint is burdened with ten retries and a tenth of its first attempts at most."""
    budget, firsts, retries = RetryBudget(), 0, 0
    for is_first in steps:
        if is_first:
            budget, firsts = budget.earn(), firsts + 1
        elif budget.allows:
            budget, retries = budget.spend(), retries + 1
    assert retries <= 10 + 0.1 * firsts + 1e-6
    assert 0.0 <= budget.tokens <= 10.0
