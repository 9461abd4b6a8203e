"""What waits for one subscriber, and the thread that delivers it.

Whoever publishes only puts into a queue that never waits. `queue.SimpleQueue` may be entered again while it is being
put into, so that publishing is safe even where a collected object publishes in the midst of it.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import wait
from queue import Empty, SimpleQueue

from langchain_lucky_models.events.kinds import Event

Subscriber = Callable[[Event], object] | Callable[[Event], Awaitable[object]]

LOOP_LOOK = 1.0
"""Seconds after which it is seen that a subscriber's event loop has been closed under it."""

_LOG = logging.getLogger(__name__)


class LoopGoneError(Exception):
    """The event loop that a subscriber belongs to is closed."""


class Mailbox:
    """What waits for one subscriber. The thread holds it and nothing above it, so that a forgotten registry can go.

    Args:
        call: The subscriber.
        most: How many events may wait; one that comes when so many wait is dropped and counted.
        loop: Where an async subscriber runs; a loop of the thread's own by default.
    """

    def __init__(self, call: Subscriber, most: int, loop: asyncio.AbstractEventLoop | None) -> None:
        self.call = call
        self.most = most
        self.loop = loop
        self.name = getattr(call, "__qualname__", type(call).__name__)
        self._awaits = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(call, "__call__", None))  # noqa: B004
        self.closed = False
        self.failed = 0
        self.forked()

    def forked(self) -> None:
        """A child of a fork begins anew: what waits in the parent is delivered there, and threads do not come along."""
        self._waiting: SimpleQueue[Event | None] = SimpleQueue()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._told = 0
        self.dropped = 0

    def begin(self) -> bool:
        """Have a thread that delivers, and say whether there is one."""
        if self._thread is not None:
            return True
        with self._lock:
            if self._thread is None:
                # Known before it starts: what is published in the midst of these lines may not start another one.
                self._thread = threading.Thread(target=self.run, name=f"lucky-events-{self.name}", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:  # no thread can be had now
                    self._thread = None
        return self._thread is not None

    def put(self, event: Event) -> None:
        """Let an event wait for its delivery; it never waits itself, and never fails."""
        if self.closed:
            return
        if self._waiting.qsize() >= self.most or not self.begin():
            self._drop(1)
        else:
            self._waiting.put(event)

    def end(self) -> None:
        """Take nothing any more; what waits is still delivered."""
        if not self.closed:
            self.closed = True
            self._waiting.put(None)

    def join(self, seconds: float) -> None:
        """Wait until what waits has been delivered, and give it up after that time."""
        thread = self._thread
        if thread is None or thread is threading.current_thread() or self._delivers_here():
            return  # nothing was started, or waiting would be for ourselves
        thread.join(seconds)
        if thread.is_alive():
            self._give_up()

    def run(self) -> None:
        """Deliver, one after the other, until the end is reached."""
        runner = asyncio.Runner()  # not entered: most subscribers are sync, and need no event loop
        while (event := self._waiting.get()) is not None:
            self._tell_of_drops()
            try:
                self._deliver(event, runner)
            except LoopGoneError:
                self.closed = True
                _LOG.warning("The event loop of the subscriber %s is closed; it hears no more.", self.name)
                break
            except BaseException:  # noqa: BLE001 - the boundary: no subscriber may end the thread of its mailbox
                self._note_failure()
        self._tell_of_drops()
        runner.close()

    def _deliver(self, event: Event, runner: asyncio.Runner) -> None:
        result = self.call(event)
        if not inspect.isawaitable(result):
            return
        self._awaits = True
        if self.loop is None:
            runner.run(_awaited(result))
        else:
            _awaited_in(self.loop, result)

    def _delivers_here(self) -> bool:
        try:
            return self._awaits and asyncio.get_running_loop() is self.loop
        except RuntimeError:
            return False

    def _give_up(self) -> None:
        left = 0
        try:
            while True:
                left += self._waiting.get_nowait() is not None
        except Empty:
            self._waiting.put(None)
        self._drop(left)

    def _drop(self, count: int) -> None:
        with self._lock:
            self.dropped += count

    def _tell_of_drops(self) -> None:
        # Told here and not where they are dropped, for writing a log may wait.
        if self.dropped > self._told:
            _LOG.warning(
                "The subscriber %s is too slow: %d events were dropped, for %d were waiting.",
                self.name,
                self.dropped - self._told,
                self.most,
            )
            self._told = self.dropped

    def _note_failure(self) -> None:
        self.failed += 1
        if self.failed == 1:
            _LOG.warning(
                "The subscriber %s failed; it is told of further events, its further failures are only counted.",
                self.name,
                exc_info=True,
            )


async def _awaited(result: Awaitable[object]) -> object:
    return await result


def _awaited_in(loop: asyncio.AbstractEventLoop, result: Awaitable[object]) -> None:
    """Wait for work in somebody else's loop, which may be closed meanwhile."""
    work = _awaited(result)
    try:
        done = asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError:
        for unused in (work, result):
            if inspect.iscoroutine(unused):
                unused.close()
        raise LoopGoneError from None
    while not wait([done], LOOP_LOOK).done:
        if loop.is_closed():
            raise LoopGoneError
    done.result()
