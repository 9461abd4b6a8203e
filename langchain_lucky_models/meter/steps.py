"""Carries out plans that wait for ledger and limits: a thread or a task waits, what is decided stays the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Protocol, TypeVar

from langchain_lucky_models import errors

T = TypeVar("T")

SHORTEST_PATIENCE = 0.001
GRACE = 0.2
"""Seconds that a step has to say for itself that its time is over, before it is cut off."""


class Step(Awaitable[Any], Protocol):
    """Something to wait for."""

    def result(self, timeout: float) -> Any:
        """Wait in this thread, so many seconds at most."""


Plan = Generator[Step, Any, T]
"""Yields what to wait for, is sent what came of it, and returns the whole."""


def carry(plan: Plan[T], left: Callable[[], float]) -> T:
    """Carry a plan out in this thread.

    Args:
        plan: What to wait for.
        left: Seconds that may still be waited.
    """
    try:
        step = next(plan)
        while True:
            try:
                answer = step.result(max(left(), SHORTEST_PATIENCE))
            except BaseException as error:  # noqa: BLE001 - the plan cleans up, and lets it go on
                step = plan.throw(error)
            else:
                step = plan.send(answer)
    except StopIteration as done:
        whole: T = done.value
        return whole


async def acarry(plan: Plan[T], left: Callable[[], float]) -> T:
    """Same as `carry`, without blocking the event loop."""
    try:
        step = next(plan)
        while True:
            try:
                answer = await _within(step, left())
            except BaseException as error:  # noqa: BLE001 - as above
                step = plan.throw(error)
            else:
                step = plan.send(answer)
    except StopIteration as done:
        whole: T = done.value
        return whole


async def _within(step: Step, seconds: float) -> Any:
    try:
        async with asyncio.timeout(max(seconds, SHORTEST_PATIENCE) + GRACE):
            return await step
    except TimeoutError:
        raise errors.LedgerUnavailableError(
            "The ledger did not answer within the call's timeout. Is its database locked, or its disk gone?"
        ) from None
