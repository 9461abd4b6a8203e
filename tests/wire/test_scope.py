"""A scope's timers are absolute, name themselves, and follow the clock that was given."""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass

import pytest

from langchain_lucky_models.wire import CallScope
from langchain_lucky_models.wire.scope import entered_scope


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scope(clock: Clock) -> CallScope:
    return CallScope(deadline=110.0, clock=clock)


def test_the_deadline_ends_everything(scope: CallScope, clock: Clock) -> None:
    assert scope.time_left() == 10
    clock.now = 110
    with pytest.raises(TimeoutError):
        scope.time_left()
    assert scope.reason == "deadline"


@pytest.mark.parametrize("what", ["first_token", "stall"])
def test_content_must_come_within_its_time(scope: CallScope, clock: Clock, what: str) -> None:
    scope.expect(what, within=2)  # type: ignore[arg-type]
    clock.now = 102
    with pytest.raises(TimeoutError, match=what.replace("_", " ")):
        scope.time_left()
    assert scope.reason == what


def test_content_gives_new_time_and_none_lifts_the_timer(scope: CallScope, clock: Clock) -> None:
    scope.expect("first_token", within=2)
    clock.now = 101
    scope.expect("stall", within=2)
    assert scope.time_left() == 2
    scope.expect("stall", within=None)
    assert scope.time_left() == 9


def test_the_first_reason_stays(scope: CallScope, clock: Clock) -> None:
    scope.expect("stall", within=1)
    clock.now = 101
    scope.expired()
    clock.now = 200
    scope.expired()
    assert scope.reason == "stall"


def test_a_content_timer_beyond_the_deadline_is_the_deadline(scope: CallScope, clock: Clock) -> None:
    scope.expect("first_token", within=100)
    clock.now = 110
    with pytest.raises(TimeoutError):
        scope.time_left()
    assert scope.reason == "deadline"


def test_an_aborted_scope_has_no_time(scope: CallScope) -> None:
    scope.abort()
    with pytest.raises(ConnectionAbortedError):
        scope.time_left()
    assert scope.reason is None


def test_the_innermost_scope_is_the_one_that_counts(scope: CallScope) -> None:
    inner = CallScope(deadline=1)
    with scope.entered():
        with inner.entered():
            assert entered_scope() is inner
        assert entered_scope() is scope
    assert entered_scope() is None


def test_a_scope_may_be_left_in_another_context() -> None:
    entered = CallScope(deadline=1).entered()
    contextvars.copy_context().run(entered.__enter__)
    entered.__exit__(None, None, None)
    assert entered_scope() is None


async def test_tasks_do_not_share_a_scope() -> None:
    async def own(number: int) -> bool:
        with (mine := CallScope(deadline=number)).entered():
            await asyncio.sleep(0)
            return entered_scope() is mine

    assert all(await asyncio.gather(*(own(number) for number in range(10))))
