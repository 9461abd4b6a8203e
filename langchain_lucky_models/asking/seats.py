"""How many calls a provider is sent at once: seats, given out in the order in which they were asked for.

Threads and tasks of any event loop stand in the same line. A seat that becomes free is handed to whoever stands first,
so nobody overtakes and nobody wakes in vain. Only calls beside a user's own, those on a leash, give way to the others.
"""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections import OrderedDict

from langchain_lucky_models.limits.line import Signal
from langchain_lucky_models.wire.leashes import Leash


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
        self._lent: dict[Seat, Leash] = {}

    def line_up(self, signal: Signal, leash: Leash | None = None) -> Seat:
        """Stand at the end of the line; the signal is set once the seat is there.

        Args:
            signal: Whose wait it ends.
            leash: What the call is on, if it is none of a user's own. It is let go for whoever finds no seat.
        """
        seat = Seat(self)
        with self._lock:
            self._line[seat] = signal
            if leash is not None:
                self._lent[seat] = leash
            self._seat_next()
            way = None if leash is not None or seat in self._taken else self._taken_back()
        if way is not None:
            way.give_way()
        return seat

    def holds(self, seat: Seat) -> bool:
        """Whether somebody sits there."""
        return seat in self._taken

    def vacate(self, seat: Seat) -> None:
        """Free a seat, or a place in the line."""
        with self._lock:
            self._taken.discard(seat)
            self._lent.pop(seat, None)
            if (signal := self._line.pop(seat, None)) is not None:
                signal.set()  # whoever waits there need not any more
            self._seat_next()

    def _seat_next(self) -> None:
        while self._line and len(self._taken) < self.seats:
            seat = next((seat for seat in self._line if seat not in self._lent), None) or next(iter(self._line))
            self._taken.add(seat)
            self._line.pop(seat).set()

    def _taken_back(self) -> Leash | None:
        seat = next((seat for seat in self._lent if seat in self._taken), None)
        return None if seat is None else self._lent.pop(seat)


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
