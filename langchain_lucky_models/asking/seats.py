"""How many calls a provider is sent at once: seats, given out in the order in which they were asked for.

Threads and tasks of any event loop stand in the same line. A seat that becomes free is handed to whoever stands first,
so nobody overtakes and nobody wakes in vain.
"""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections import OrderedDict

from langchain_lucky_models.limits.line import Signal


class Room:
    """The seats of one endpoint.

    Args:
        seats: How many there are.

    Example:
        >>> room = Room(1)
        >>> first, second = room.line_up(threading.Event()), room.line_up(threading.Event())
        >>> first.taken, second.taken
        (True, False)
        >>> first.leave()
        >>> second.taken
        True
    """

    def __init__(self, seats: int) -> None:
        self.seats = seats
        # A stream that is collected as garbage leaves its seat in whatever thread runs, maybe inside these very lines.
        self._lock = threading.RLock()
        self._line: OrderedDict[Seat, Signal] = OrderedDict()
        self._taken: set[Seat] = set()

    def line_up(self, signal: Signal) -> Seat:
        """Stand at the end of the line; the signal is set once the seat is there."""
        seat = Seat(self)
        with self._lock:
            self._line[seat] = signal
            self._seat_next()
        return seat

    def holds(self, seat: Seat) -> bool:
        """Whether somebody sits there."""
        return seat in self._taken

    def vacate(self, seat: Seat) -> None:
        """Free a seat, or a place in the line."""
        with self._lock:
            self._taken.discard(seat)
            if (signal := self._line.pop(seat, None)) is not None:
                signal.set()  # whoever waits there need not any more
            self._seat_next()

    def _seat_next(self) -> None:
        while self._line and len(self._taken) < self.seats:
            seat, signal = self._line.popitem(last=False)
            self._taken.add(seat)
            signal.set()


class Seat:
    """One call's seat, or its place in the line for one."""

    __slots__ = ("_room",)

    def __init__(self, room: Room) -> None:
        self._room = room

    @property
    def taken(self) -> bool:
        """Whether the call has it."""
        return self._room.holds(self)

    def leave(self) -> None:
        """Give it back, or stop waiting for it; a second time does nothing."""
        self._room.vacate(self)


class Rooms:
    """The rooms of a registry, by endpoint."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}
        os.register_at_fork(after_in_child=functools.partial(_empty, weakref.ref(self)))

    def room(self, endpoint: str, seats: int) -> Room:
        """The room of an endpoint."""
        found = self._rooms.get(endpoint)
        return found if found is not None else self._rooms.setdefault(endpoint, Room(seats))

    def forked(self) -> None:
        """Whoever sat or waited did so in the parent."""
        self._rooms = {}


def _empty(reference: weakref.ref[Rooms]) -> None:
    if (rooms := reference()) is not None:
        rooms.forked()
