"""One thread that writes for all others: what waits is written together, in one transaction."""

from __future__ import annotations

import concurrent.futures
import functools
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from langchain_lucky_models import errors

MOST_TOGETHER = 256
LONGEST_QUEUE = 20_000


class Desk(Protocol):
    """Where commands are carried out."""

    def carry_out(self, commands: Sequence[Any]) -> Sequence[object]:
        """Carry out all commands durably; one result each, an exception object where one failed."""

    def tidy(self) -> None:
        """Housekeeping, about every `pause` seconds."""

    def forked(self) -> None:
        """This is a child process now: nothing inherited may be used."""


@dataclass(slots=True)
class _Job:
    command: object
    future: concurrent.futures.Future[Any] = field(default_factory=concurrent.futures.Future)


class Writer:
    """A queue with one thread behind it. Safe in threads, event loops and after a fork.

    Args:
        desk: Who carries the commands out; called from the one thread only.
        pause: Seconds between two calls of `desk.tidy`.
    """

    def __init__(self, desk: Desk, *, pause: float = 20.0) -> None:
        self._desk = desk
        self._pause = pause
        self._begin()
        # A child has none of its parent's threads, and locks may be left shut by them: it starts anew.
        os.register_at_fork(after_in_child=functools.partial(_revive, weakref.ref(self)))

    def _begin(self) -> None:
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._then: Callable[[], object] = bool

    def submit(self, command: object) -> concurrent.futures.Future[Any]:
        """Have a command carried out; the future is done when the result is durable."""
        job = _Job(command)
        with self._lock:
            if self._closed:
                raise errors.LedgerUnavailableError("The ledger is closed.")
            if self._queue.qsize() >= LONGEST_QUEUE:
                raise errors.LedgerUnavailableError(
                    f"The ledger is behind by {LONGEST_QUEUE} records; it takes no more."
                )
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="lucky-ledger", daemon=True)
                self._thread.start()
            self._queue.put(job)
        return job.future

    def close(self, then: Callable[[], object] = bool) -> None:
        """Carry out what waits, and end the thread. Closing twice does no harm.

        Args:
            then: What is done after that. Where the thread itself closes, as it may if it is the one to collect what
                nobody uses any more, it finishes first what it is at.
        """
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
            if thread is not None:
                self._queue.put(None)
        if thread is threading.current_thread():
            self._then = then
            return
        if thread is not None:
            thread.join()
        then()

    def forked(self) -> None:
        """Forget the parent's thread and its queue."""
        closed = self._closed
        self._begin()
        self._closed = closed
        self._desk.forked()

    def _work(self) -> None:
        tidy_at = time.monotonic() + self._pause
        going_on = True
        while going_on:
            jobs, going_on = self._gather(max(0.0, tidy_at - time.monotonic()))
            if jobs:
                self._carry_out(jobs)
            if going_on and time.monotonic() >= tidy_at:
                self._desk.tidy()
                tidy_at = time.monotonic() + self._pause
        self._then()

    def _gather(self, patience: float) -> tuple[list[_Job], bool]:
        """What waits by now, and whether there may come more."""
        jobs: list[_Job] = []
        try:
            job = self._queue.get(timeout=patience)
            while job is not None:
                jobs.append(job)
                if len(jobs) >= MOST_TOGETHER:
                    return jobs, True
                job = self._queue.get_nowait()
        except queue.Empty:
            return jobs, True
        return jobs, False

    def _carry_out(self, jobs: Sequence[_Job]) -> None:
        wanted = [job for job in jobs if job.future.set_running_or_notify_cancel()]
        if not wanted:
            return
        try:
            results = self._desk.carry_out([job.command for job in wanted])
        except BaseException as error:  # noqa: BLE001 - a waiter must never wait for ever
            results = [error] * len(wanted)
        for job, result in zip(wanted, results, strict=True):
            if isinstance(result, BaseException):
                job.future.set_exception(result)
            else:
                job.future.set_result(result)


def _revive(reference: weakref.ref[Writer]) -> None:
    if (writer := reference()) is not None:
        writer.forked()
