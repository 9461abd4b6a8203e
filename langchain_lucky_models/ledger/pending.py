"""A result that is on its way: waited for by a thread, or awaited by a task."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from langchain_lucky_models import errors

T = TypeVar("T")

LONGEST_WAIT = 30.0
"""Seconds after which a ledger that does not answer counts as away."""


class Pending(Generic[T]):
    """What the writer will answer; once it has, the work is on disk.

    `pending.result()` waits in a thread, `await pending` in a task; both may be left out. Where the work can be undone,
    whoever stops waiting early (a timeout, a cancelled task) has it taken back; all other work is done all the same.

    Args:
        future: The writer's own promise.
        change: Makes the answer of what the writer gave; may raise.
        undo: What reverses the work for a waiter who has gone.
    """

    __slots__ = ("_change", "_future", "_undo")

    def __init__(
        self,
        future: concurrent.futures.Future[Any],
        change: Callable[[Any], T],
        undo: Callable[[T], object] | None = None,
    ) -> None:
        self._future = future
        self._change = change
        self._undo = undo

    @classmethod
    def ready(cls, answer: T) -> Pending[T]:
        """An answer that needed no work."""
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        future.set_result(answer)
        return cls(future, _itself)

    def result(self, timeout: float = LONGEST_WAIT) -> T:
        """Wait in this thread.

        Raises:
            LedgerUnavailableError: Nothing came within `timeout` seconds.
        """
        try:
            raw = self._future.result(timeout)
        except concurrent.futures.TimeoutError:
            self._leave()
            raise errors.LedgerUnavailableError(
                f"The ledger did not answer within {timeout:g} s. Is its database locked, or its disk gone?"
            ) from None
        except BaseException:
            if not self._future.done():
                self._leave()
            raise
        return self._change(raw)

    def __await__(self) -> Generator[Any, None, T]:
        try:
            raw = yield from asyncio.wrap_future(self._copied()).__await__()
        except asyncio.CancelledError:
            self._leave()
            raise
        return self._change(raw)

    def then(self, work: Callable[[T], object]) -> None:
        """Do something with the answer on the writer's thread once it is there; a failure is passed over."""
        change = self._change

        def arrive(future: concurrent.futures.Future[Any]) -> None:
            if not future.cancelled() and future.exception() is None:
                work(change(future.result()))

        self._future.add_done_callback(arrive)

    def done(self) -> bool:
        """Whether the answer is there."""
        return self._future.done()

    def _copied(self) -> concurrent.futures.Future[Any]:
        # A cancelled task would cancel the future itself and hide whether the work was done; it gets a copy.
        copy: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def arrive(future: concurrent.futures.Future[Any]) -> None:
            if not copy.set_running_or_notify_cancel():
                return
            if future.cancelled():
                copy.set_exception(concurrent.futures.CancelledError())
            elif error := future.exception():
                copy.set_exception(error)
            else:
                copy.set_result(future.result())

        self._future.add_done_callback(arrive)
        return copy

    def _leave(self) -> None:
        """Nobody waits any more: take the work back, or undo it when it is done."""
        if self._undo is None or self._future.cancel():
            return
        undo, change = self._undo, self._change

        def reverse(future: concurrent.futures.Future[Any]) -> None:
            # What failed, or was refused, has left nothing to undo.
            with contextlib.suppress(Exception):
                undo(change(future.result()))

        self._future.add_done_callback(reverse)


def _itself(answer: T) -> T:
    return answer
