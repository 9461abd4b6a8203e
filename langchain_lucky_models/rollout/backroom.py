"""Where shadows run: on threads of their own, or as tasks of the loop they were asked in, and never for too long.

A user's call only puts an errand into a queue. One thread takes it from there, starts it, ends it when its time is up,
and hears how it ended.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from langchain_lucky_models.wire.leashes import Leash

CLOSING_SECONDS = 2.0
"""Seconds that closing waits for what still runs."""

HEAD_START = 20
"""Turns of the loop that the user's answer has, to get to whoever waits for it, before an errand takes a turn."""

Work = Callable[[], object]
AsyncWork = Callable[[], Coroutine[Any, Any, object]]


@dataclass(frozen=True, slots=True)
class Ending:
    """How an errand ended.

    Attributes:
        answer: What it brought.
        error: Why it brought nothing.
        seconds: How long it took.
        timed_out: Whether its time was up.
    """

    answer: object = None
    error: BaseException | None = None
    seconds: float = 0.0
    timed_out: bool = False


@dataclass(eq=False, slots=True)
class Errand:
    """Something to be done on the side.

    Attributes:
        work: What, on a thread.
        timeout: Seconds it may take.
        ended: Told once how it ended, on the room's own thread.
        left: Told when nothing of it runs any more; that may be later, for a thread cannot be killed.
        leash: What ends the calls that it makes.
    """

    work: Work
    timeout: float
    ended: Callable[[Ending], None]
    left: Callable[[], None]
    leash: Leash = field(default_factory=Leash)
    begun: float = 0.0


class Backroom:
    """One registry's room for shadows.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._closed = False
        self.forked()

    def forked(self) -> None:
        """A child of a fork begins with an empty room: threads and tasks stayed in the parent."""
        self._lock = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._desk = _Desk(self._clock)
        # The thread of a registry that nobody closed, and nobody holds, ends with it.
        weakref.finalize(self, self._desk.end).atexit = False

    def open(self) -> None:
        """Be ready: its thread is started before an answer waits for that, and for whom it lets go first."""
        self._at_desk(_Desk.open)

    def begin(self, errand: Errand) -> bool:
        """Do it on a thread, soon.

        Returns:
            Whether it is begun; not once the room is closed.
        """
        return self._at_desk(lambda desk: desk.start(errand))

    def begin_here(self, errand: Errand, work: AsyncWork) -> bool:
        """Do it as a task of the running loop, in a context of its own.

        Coroutines of the caller's hold on to their loop: their clients, pools and locks belong to it.
        """
        with self._lock:
            if self._closed:
                return False
            task = asyncio.get_running_loop().create_task(self._timed(errand, work), context=contextvars.Context())
            self._tasks.add(task)
        task.add_done_callback(lambda done: self._over(done, errand))
        return True

    async def _timed(self, errand: Errand, work: AsyncWork) -> None:
        for _ in range(HEAD_START):
            await asyncio.sleep(0)
        begun = self._clock()
        limit = asyncio.timeout(errand.timeout)
        answer: object = None
        error: BaseException | None = None
        try:
            async with limit:
                with errand.leash.held():
                    answer = await work()
        except (Exception, asyncio.CancelledError) as caught:  # noqa: BLE001 - the comparison carries it
            error = caught
            errand.leash.pull()  # what it has begun in threads cannot be cancelled
        ending = Ending(answer, error, self._clock() - begun, limit.expired())
        if not self._at_desk(lambda desk: desk.note(errand, ending)):
            errand.ended(ending)

    def _over(self, task: asyncio.Task[None], errand: Errand) -> None:
        self._tasks.discard(task)
        if task.cancelled():  # before its first step
            errand.ended(Ending(error=asyncio.CancelledError()))
        errand.left()

    def _at_desk(self, what: Callable[[_Desk], None]) -> bool:
        with self._lock:
            if self._closed:
                return False
            what(self._desk)
            return True

    def close(self, within: float = CLOSING_SECONDS) -> None:
        """Begin nothing more, end what runs, and wait a little for it."""
        with self._lock:
            self._closed = True
            tasks, desk = list(self._tasks), self._desk
        for task in tasks:
            loop = task.get_loop()
            if not loop.is_closed():
                loop.call_soon_threadsafe(task.cancel)
        desk.close(within)


class _Desk:
    """The thread that starts errands and watches over them; it begins with the first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._running: dict[Errand, threading.Thread] = {}
        self._watched: set[Errand] = set()
        self._thread: threading.Thread | None = None
        self._ending = False

    def open(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="lucky-shadows", daemon=True)
            self._thread.start()

    def start(self, errand: Errand) -> None:
        self._order(lambda: self._start(errand))

    def note(self, errand: Errand, ending: Ending) -> None:
        self._order(lambda: errand.ended(ending))

    def end(self) -> None:
        if self._thread is not None:
            self._order(self._end)

    def close(self, within: float) -> None:
        deadline = self._clock() + within
        self.end()
        if self._thread is not None:
            self._thread.join(within)
        for thread in list(self._running.values()):
            thread.join(max(0.0, deadline - self._clock()))

    def _order(self, order: Callable[[], None]) -> None:
        self._orders.put(order)
        self.open()

    def _work(self) -> None:
        while not self._ending or not self._orders.empty():
            try:
                self._orders.get(timeout=self._next_due())()
            except queue.Empty:
                self._end_overdue()

    def _start(self, errand: Errand) -> None:
        errand.begun = self._clock()
        self._watched.add(errand)
        run = contextvars.Context().run
        thread = threading.Thread(target=run, args=(self._run, errand), name="lucky-shadow", daemon=True)
        self._running[errand] = thread
        thread.start()

    def _run(self, errand: Errand) -> None:
        answer: object = None
        error: BaseException | None = None
        try:
            with errand.leash.held():
                answer = errand.work()
        except BaseException as caught:  # noqa: BLE001 - the comparison carries it
            error = caught
        ending = Ending(answer, error, self._clock() - errand.begun)
        self._running.pop(errand, None)
        errand.left()
        self._orders.put(lambda: self._tell(errand, ending))

    def _tell(self, errand: Errand, ending: Ending) -> None:
        """Only the first word counts: what comes after its time was up is nobody's any more."""
        if errand in self._watched:
            self._watched.discard(errand)
            errand.ended(ending)

    def _next_due(self) -> float | None:
        dues = [errand.begun + errand.timeout for errand in self._watched]
        return max(0.0, min(dues) - self._clock()) if dues else None

    def _end_overdue(self) -> None:
        now = self._clock()
        for errand in [errand for errand in self._watched if errand.begun + errand.timeout <= now]:
            errand.leash.pull()
            self._tell(errand, Ending(seconds=now - errand.begun, timed_out=True))

    def _end(self) -> None:
        self._ending = True
        for errand in list(self._watched):
            errand.leash.pull()
            self._tell(errand, Ending(error=asyncio.CancelledError(), seconds=self._clock() - errand.begun))
