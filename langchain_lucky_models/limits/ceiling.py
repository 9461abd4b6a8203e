"""What providers have said is left, until it resets: it lowers our own view, and never raises it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from langchain_lucky_models.limits.counts import Clock
from langchain_lucky_models.limits.headers import Ceiling
from langchain_lucky_models.limits.limit import Caller, Kind

Spot = tuple[str, str, str]
"""Key, model, kind."""


class Ceilings:
    """The providers' own counts, by key and model.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[Spot, tuple[int, float]] = {}

    def lower(self, caller: Caller, said: Sequence[Ceiling]) -> None:
        """Believe a provider that has less left than we thought."""
        now = self._clock()
        with self._lock:
            for ceiling in said:
                spot = _spot(caller, ceiling.kind)
                left, until = self._left.get(spot, (ceiling.remaining, 0.0))
                if until <= now or ceiling.remaining <= left:
                    self._left[spot] = (ceiling.remaining, now + ceiling.seconds)

    def take(self, caller: Caller, amounts: Sequence[tuple[Kind, int]], *, taking: bool = True) -> float:
        """Take from what is left, or nothing; seconds to wait, 0 where it was taken."""
        now = self._clock()
        with self._lock:
            if not self._left:
                return 0.0
            wait = 0.0
            for kind, amount in amounts:
                left, until = self._left.get(_spot(caller, kind), (amount, 0.0))
                if until > now and left < amount:
                    wait = max(wait, until - now)
            if not wait and taking:
                self._add(caller, [(kind, -amount) for kind, amount in amounts])
            return wait

    def give_back(self, caller: Caller, amounts: Sequence[tuple[Kind, int]]) -> None:
        """Undo a `take` that led to nothing."""
        with self._lock:
            self._add(caller, amounts)

    def forked(self) -> None:
        """A lock that another thread held at the fork would stay shut for ever."""
        self._lock = threading.Lock()

    def _add(self, caller: Caller, amounts: Sequence[tuple[Kind, int]]) -> None:
        for kind, amount in amounts:
            if (known := self._left.get(_spot(caller, kind))) is not None:
                self._left[_spot(caller, kind)] = (known[0] + amount, known[1])


def _spot(caller: Caller, kind: Kind) -> Spot:
    return caller.key or "", caller.model or "", kind
