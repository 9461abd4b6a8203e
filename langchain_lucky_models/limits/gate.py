"""How a call gets past the limits, as a plan: it says what to take and when to wait, and whoever drives it does so.

So the rules stand here once, for threads and for tasks.
"""

from __future__ import annotations

import functools
import itertools
import math
import uuid
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_lucky_models.limits.ceiling import Ceilings
from langchain_lucky_models.limits.counts import Clock, Counts, Demand, Lease, Short, Taken
from langchain_lucky_models.limits.limit import DAY, Bound, Caller, Limit, bounds_of
from langchain_lucky_models.limits.line import LONGEST_LINE, Line, Signal
from langchain_lucky_models.limits.passage import (
    SAID,
    WAITING,
    Load,
    Passage,
    demands_of,
    label_of,
    refuse_oversized,
    refused,
)

KNOWN_CALLERS = 1024
"""Callers whose bounds are remembered; working them out costs more than counting."""
POLL_SECONDS = 0.05
"""How often a shared counter is looked at for a place that another process may have left."""


@dataclass(frozen=True, slots=True)
class Take:
    """Take everything, or nothing."""

    demands: tuple[Demand, ...]
    lease: Lease


@dataclass(frozen=True, slots=True)
class Recall:
    """Find out what these counters held before this process began."""

    bounds: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Rest:
    """Wait for the signal, or so many seconds."""

    seconds: float


Step = Take | Recall | Rest
Plan = Generator[Step, Any, Passage]


class Gate:
    """The rules of passing.

    Args:
        limits: What a call may fall under.
        counts: Where they are counted; only asked what it knows and whether it is shared.
        clock: Seconds that never go back.
    """

    def __init__(self, limits: Sequence[Limit], counts: Counts, clock: Clock) -> None:
        self.change(limits)
        self._counts = counts
        self._clock = clock
        self._leases = map(f"{uuid.uuid4().hex}-{{}}".format, itertools.count())
        self.line = Line()
        self.ceilings = Ceilings(clock)

    def change(self, limits: Sequence[Limit]) -> None:
        """Keep other limits from now on; what was taken stays taken."""
        self._bounds = functools.lru_cache(maxsize=KNOWN_CALLERS)(lambda caller: tuple(bounds_of(limits, caller)))

    def bounds(self, caller: Caller) -> tuple[Bound, ...]:
        """What a caller is counted under."""
        return self._bounds(caller)

    def admission(self, caller: Caller, load: Load, times: tuple[float, float], signal: Signal) -> Plan:
        """The steps to a passage: what to take, and how long to wait in between. It does neither itself."""
        bounds = self.bounds(caller)
        refuse_oversized(bounds, load)
        if forgotten := tuple(bound for bound in bounds if bound.period >= DAY and not self._counts.knows(bound.key)):
            yield Recall(forgotten)
        passage = Passage(caller, load, Lease(next(self._leases), times[1]), demands_of(bounds, load))
        give_up = self._clock() + times[0]
        crowd = self.line.crowd(demand.key for demand in passage.demands)
        answer = WAITING if crowd else (yield from self._attempt(passage))
        if isinstance(answer, Passage):
            return answer
        self._refuse_hopeless(bounds, answer, give_up, crowd)
        return (yield from self._wait(passage, bounds, give_up, signal))

    def _wait(self, passage: Passage, bounds: Sequence[Bound], give_up: float, signal: Signal) -> Plan:
        place = self.line.join([demand.key for demand in passage.demands], signal)
        try:
            while True:
                signal.clear()
                ahead = self.line.ahead(place)
                answer = WAITING if ahead else (yield from self._attempt(passage))
                if isinstance(answer, Passage):
                    return answer
                left = self._refuse_hopeless(bounds, answer, give_up, ahead)
                yield Rest(min(left, answer.wait, POLL_SECONDS if self._counts.shared else math.inf))
        finally:
            self.line.leave(place)

    def _refuse_hopeless(self, bounds: Sequence[Bound], short: Short, give_up: float, ahead: int) -> float:
        """Seconds that may still be waited, where waiting can help."""
        left = give_up - self._clock()
        if ahead > LONGEST_LINE:
            raise refused(f"{ahead} calls wait for the same limit already, and the line is full", None)
        if left <= 0 or (short.firm and short.wait > left):
            raise refused(f"{label_of(bounds, short)} is reached", short.wait)
        return left

    def _attempt(self, passage: Passage) -> Generator[Step, Any, Passage | Short]:
        if wait := self.ceilings.take(passage.caller, passage.load.amounts):
            return Short(SAID, wait, firm=True)
        if not passage.demands:
            return passage
        outcome: Taken | Short = yield Take(passage.demands, passage.lease)
        if isinstance(outcome, Taken):
            return replace(passage, slots=outcome.slots)
        self.ceilings.give_back(passage.caller, passage.load.amounts)
        return outcome
