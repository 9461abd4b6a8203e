"""Carries a plan out, sync and async: the only place that starts threads and tasks for a call.

What is decided is decided in `strategies.py`; the two drivers here differ only in who waits.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from langchain_lucky_models.strategies import Attempt, Plan, Verdict, Wave

C = TypeVar("C")
A = TypeVar("A")

LOSERS_END_WITHIN = 0.1
"""Seconds that the answer waits for cancelled losers, so that their records precede it."""


class Errand(Protocol[C, A]):
    """One attempt that is about to be made. It never raises what a model raised; the attempt carries it."""

    @property
    def candidate(self) -> C:
        """Who is asked."""
        ...

    def run(self) -> Attempt[C, A]:
        """Make the attempt."""
        ...

    async def arun(self) -> Attempt[C, A]:
        """Same as `run`, without blocking the event loop."""
        ...

    def abort(self) -> None:
        """End it at once, from any thread; what it brings afterwards is thrown away and recorded."""
        ...


@dataclass(frozen=True, slots=True)
class Pauses:
    """How to wait; tests pass a clock of their own."""

    sleep: Callable[[float], None] = time.sleep
    asleep: Callable[[float], Awaitable[None]] = asyncio.sleep


PAUSES = Pauses()


Begin = Callable[[C, Wave[C, A]], Errand[C, A]]
"""Makes the errand for a candidate of a wave."""


def drive(plan: Plan[C, A], begin: Begin[C, A], pauses: Pauses = PAUSES) -> Verdict[C, A]:
    """Run a plan to its verdict.

    Args:
        plan: Whom to ask next.
        begin: Makes the errand for a candidate of a wave.
        pauses: How to wait between waves.
    """
    try:
        wave = next(plan)
        while True:
            if wave.pause:
                pauses.sleep(wave.pause)
            if len(wave.candidates) == 1:
                wave = plan.send([begin(wave.candidates[0], wave).run()])
            else:
                wave = plan.send(_Heat(wave, begin).run())
    except StopIteration as end:
        verdict: Verdict[C, A] = end.value
        return verdict


async def adrive(plan: Plan[C, A], begin: Begin[C, A], pauses: Pauses = PAUSES) -> Verdict[C, A]:
    """Same as `drive`, without blocking the event loop."""
    try:
        wave = next(plan)
        while True:
            if wave.pause:
                await pauses.asleep(wave.pause)
            if len(wave.candidates) == 1:
                wave = plan.send([await begin(wave.candidates[0], wave).arun()])
            else:
                wave = plan.send(await _Heat(wave, begin).arun())
    except StopIteration as end:
        verdict: Verdict[C, A] = end.value
        return verdict


class _Heat(Generic[C, A]):
    """Several candidates asked at once: who has started, who has ended, when the next one starts."""

    def __init__(self, wave: Wave[C, A], begin: Begin[C, A]) -> None:
        self._wave = wave
        self._waiting = [begin(candidate, wave) for candidate in wave.candidates]
        self._begun: list[Errand[C, A]] = []
        self._running: dict[Errand[C, A], float] = {}
        self._ended: list[Attempt[C, A]] = []
        self._overdue = True
        self._late = False
        self._hedging = bool(wave.stagger)

    def run(self) -> Sequence[Attempt[C, A]]:
        arrivals: queue.SimpleQueue[_Arrival[C, A]] = queue.SimpleQueue()

        def start(errand: Errand[C, A]) -> None:
            run = contextvars.copy_context().run
            work = lambda: arrivals.put((errand, _caught(lambda: run(errand.run))))  # noqa: E731 - one expression
            threading.Thread(target=work, name="lucky-attempt", daemon=True).start()

        with self._ending():
            while not self._decided():
                self._start_due(start)
                self._wait_for(arrivals, self._next_start_in())
            self._abort_running()
            deadline = time.monotonic() + LOSERS_END_WITHIN
            while self._running and (left := deadline - time.monotonic()) > 0:
                self._wait_for(arrivals, left)
        return self._all()

    def _wait_for(self, arrivals: queue.SimpleQueue[_Arrival[C, A]], seconds: float | None) -> None:
        try:
            errand, came = arrivals.get(timeout=seconds)
        except queue.Empty:
            self._late = True
            return
        if isinstance(came, BaseException):
            raise came
        self._note(errand, came)

    async def arun(self) -> Sequence[Attempt[C, A]]:
        tasks: dict[asyncio.Task[Attempt[C, A]], Errand[C, A]] = {}

        def start(errand: Errand[C, A]) -> None:
            task = asyncio.create_task(errand.arun())
            # What passes through may come from several at once: it is raised once, the loop need not report the rest.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            tasks[task] = errand

        with self._ending():
            try:
                while not self._decided():
                    self._start_due(start)
                    in_time = self._next_start_in()
                    done, _ = await asyncio.wait(tasks, timeout=in_time, return_when=asyncio.FIRST_COMPLETED)
                    self._late = not done
                    for task in done:
                        self._note(tasks.pop(task), task.result())
            finally:
                self._abort_running()
                await _ended(tasks)
        for task, errand in tasks.items():
            if task.done() and not task.cancelled() and task.exception() is None:
                self._note(errand, task.result())
        return self._all()

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Where the wave itself is ended from outside, answers that were there already are nobody's."""
        try:
            yield
        except BaseException:
            for errand in self._begun:
                errand.abort()
            raise

    def _decided(self) -> bool:
        over = not self._waiting and not self._running
        return over or (bool(self._ended) and self._wave.enough(self._ended))

    def _start_due(self, start: Callable[[Errand[C, A]], object]) -> None:
        """Start whoever is due: all at once, or the next one when its time or a failure has come."""
        while self._waiting and (self._overdue or not self._running or self._may_hedge()):
            errand = self._waiting.pop(0)
            self._begun.append(errand)
            self._running[errand] = time.monotonic()
            start(errand)
            self._overdue = not self._wave.stagger

    def _may_hedge(self) -> bool:
        late, self._late = self._late, False
        if late:
            self._hedging = self._wave.hedges(self._waiting[0].candidate)
        return late and self._hedging

    def _next_start_in(self) -> float | None:
        return self._wave.stagger if self._hedging and self._waiting else None

    def _note(self, errand: Errand[C, A], attempt: Attempt[C, A]) -> None:
        self._ended.append(attempt)
        self._running.pop(errand)
        self._overdue = self._overdue or attempt.outcome != "answered"

    def _abort_running(self) -> None:
        for errand in self._running:
            errand.abort()

    def _all(self) -> Sequence[Attempt[C, A]]:
        """Those that ended, then those that were cancelled, whose own records come when they notice."""
        now = time.monotonic()
        return [
            *self._ended,
            *(Attempt(errand.candidate, None, None, "cancelled", now - at) for errand, at in self._running.items()),
        ]


_Arrival = tuple[Errand[C, A], Attempt[C, A] | BaseException]


async def _ended(tasks: Iterable[asyncio.Task[Attempt[C, A]]]) -> None:
    """Cancel what still runs, and give it a moment to end."""
    running = [task for task in tasks if not task.done()]
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=LOSERS_END_WITHIN)


def _caught(work: Callable[[], Attempt[C, A]]) -> Attempt[C, A] | BaseException:
    try:
        return work()
    except BaseException as error:  # noqa: BLE001 - carried over to the thread that waits
        return error
