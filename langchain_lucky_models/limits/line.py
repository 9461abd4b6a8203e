"""Who waits for room, in the order they came; nobody overtakes on a counter that somebody ahead waits for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

LONGEST_LINE = 100


class Signal(Protocol):
    """Wakes one waiter, from any thread."""

    def set(self) -> None:
        """Wake it, now or as soon as it waits."""

    def clear(self) -> None:
        """Forget earlier wakings."""


class ThreadSignal(threading.Event):
    """A signal for a thread, which may also be told that it waits in vain."""

    vain = False

    def give_up(self) -> None:
        """Nobody wants what it waits for any more."""
        self.vain = True
        self.set()


class TaskSignal:
    """A signal for a task, which only its own loop may touch."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the task; a loop that has ended has nobody to wake."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)

    def clear(self) -> None:
        """Forget earlier wakings."""
        self._event.clear()

    async def wait(self, seconds: float) -> None:
        """Wait for a waking, or so many seconds."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return


@dataclass(eq=False, slots=True)
class Place:
    """A place in the line, for all the counters that its call needs."""

    keys: frozenset[str]
    signal: Signal


class Line:
    """Places in the order they were taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: list[Place] = []

    def join(self, keys: Iterable[str], signal: Signal) -> Place:
        """Stand at the end."""
        place = Place(frozenset(keys), signal)
        with self._lock:
            self._places.append(place)
        return place

    def ahead(self, place: Place) -> int:
        """How many ahead wait for one of the same counters."""
        with self._lock:
            before = self._places[: self._places.index(place)]
        return sum(1 for other in before if other.keys & place.keys)

    def crowd(self, keys: Iterable[str]) -> int:
        """How many wait for one of these counters."""
        wanted = frozenset(keys)
        with self._lock:
            return sum(1 for place in self._places if place.keys & wanted)

    def leave(self, place: Place) -> None:
        """Go, and let those behind look."""
        with self._lock:
            self._places.remove(place)
        self.stir(place.keys)

    def stir(self, keys: Iterable[str]) -> None:
        """Something changed about these counters: let those who wait for them look."""
        changed = frozenset(keys)
        with self._lock:
            waiting = [place for place in self._places if place.keys & changed]
        for place in waiting:
            place.signal.set()
