"""When a race asks one more because the first is slower than usual: after a learned wait, and seldom.

A hedge that starts at the 95th percentile of recent times to first content costs one extra request in twenty calls.
Where a provider slows down as a whole, that percentile lags behind, so extra requests are capped as well.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from cachetools import LRUCache

from langchain_lucky_models.asking.members import Candidate
from langchain_lucky_models.strategies import Plan

A = TypeVar("A")

Kind = Literal["whole", "stream"]
"""What is waited for: a whole answer takes longer than the first content of a stream."""

REMEMBERED = 200
"""Times by which a wait is judged."""
ENOUGH_TIMES = 20
"""Fewer of them say nothing about one in twenty."""
PERCENTILE = 0.95
UNKNOWN_WAIT = 2.0
"""Seconds to wait for somebody of whom nothing is known yet."""
MOST_EXTRA = 0.05
"""Extra requests, as a share of the calls that began at an endpoint within the window."""
WINDOW, SLOT = 600.0, 10.0
"""Seconds over which that share is counted, and seconds that are counted as one."""
MOST_KEYS = 4096
"""Models, and endpoints, that are remembered; the least recently used is forgotten first."""


def usual_wait(times: Collection[float]) -> float:
    """Seconds within which nineteen of twenty answered.

    Example:
        >>> usual_wait([place / 100 for place in range(1, 101)]), usual_wait([0.1])
        (0.95, 2.0)
    """
    if len(times) < ENOUGH_TIMES:
        return UNKNOWN_WAIT
    return sorted(times)[math.ceil(len(times) * PERCENTILE) - 1]


@dataclass(frozen=True, slots=True)
class Slot:
    """What began within the same ten seconds."""

    number: int
    calls: int = 0
    extra: int = 0


@dataclass(frozen=True, slots=True)
class Traffic:
    """The calls of the last ten minutes that began at one endpoint, and how many extra requests they cost.

    Example:
        >>> traffic = Traffic()
        >>> for _ in range(20):
        ...     traffic = traffic.called(now=0.0)
        >>> traffic.allows(now=1.0), traffic.hedged(now=1.0).allows(now=1.0)
        (True, False)
    """

    slots: tuple[Slot, ...] = ()

    def called(self, now: float) -> Traffic:
        """After one more call."""
        last, earlier = self._latest(now)
        return Traffic((*earlier, replace(last, calls=last.calls + 1)))

    def hedged(self, now: float) -> Traffic:
        """After one more extra request."""
        last, earlier = self._latest(now)
        return Traffic((*earlier, replace(last, extra=last.extra + 1)))

    def allows(self, now: float) -> bool:
        """Whether one more extra request is within the share."""
        recent = [slot for slot in self.slots if slot.number > (now - WINDOW) // SLOT]
        return sum(slot.extra for slot in recent) + 1 <= MOST_EXTRA * sum(slot.calls for slot in recent)

    def _latest(self, now: float) -> tuple[Slot, tuple[Slot, ...]]:
        number = int(now // SLOT)
        if self.slots and self.slots[-1].number == number:
            return self.slots[-1], self.slots[:-1]
        return Slot(number), tuple(slot for slot in self.slots if slot.number > (now - WINDOW) // SLOT)


class Hedges:
    """What a registry knows about how long its members take, and how often it has asked one more. Safe for threads.

    Args:
        clock: A monotonic clock.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._times: LRUCache[Hashable, deque[float]] = LRUCache(MOST_KEYS)
        self._traffic: LRUCache[str, Traffic] = LRUCache(MOST_KEYS)

    def begin(self, candidate: Candidate, kind: Kind) -> float:
        """Note a call that asks this candidate first; seconds after which one more may be asked."""
        with self._lock:
            self._traffic[candidate.endpoint] = self._of(candidate).called(self._clock())
            return usual_wait(self._times.get(_key(candidate, kind), ()))

    def grant(self, first: Candidate) -> bool:
        """Whether a call that began with this candidate may cost one extra request; it counts as made."""
        with self._lock:
            traffic, now = self._of(first), self._clock()
            if not traffic.allows(now):
                return False
            self._traffic[first.endpoint] = traffic.hedged(now)
            return True

    def took(self, candidate: Candidate, kind: Kind, seconds: float) -> None:
        """Learn from an answer, or from a wait that was broken off: it would have taken at least as long."""
        with self._lock:
            self._times.setdefault(_key(candidate, kind), deque(maxlen=REMEMBERED)).append(seconds)

    def _of(self, candidate: Candidate) -> Traffic:
        found: Traffic | None = self._traffic.get(candidate.endpoint)
        return found or Traffic()


class Hedge:
    """One call's extra request: at most one, after the learned wait, within the cap, and to somebody who is well.

    Args:
        hedges: What is known.
        candidates: Who is asked, in order.
        kind: What is waited for.
        is_well: Whether a candidate neither rests nor is being probed.
    """

    def __init__(
        self, hedges: Hedges, candidates: Sequence[Candidate], kind: Kind, is_well: Callable[[Candidate], bool]
    ) -> None:
        self.wait = hedges.begin(candidates[0], kind)
        self._hedges = hedges
        self._first = candidates[0]
        self._kind: Kind = kind
        self._is_well = is_well
        self._used = False

    def allows(self, candidate: Candidate) -> bool:
        """Whether this candidate may be asked now, although the first may still answer."""
        if self._used or not self._is_well(candidate):
            return False
        self._used = True
        return self._hedges.grant(self._first)

    def learning(self, plan: Plan[Candidate, A]) -> Plan[Candidate, A]:
        """The same plan, of which is remembered how long answers took."""
        verdict = yield from plan
        for attempt in verdict.attempts:
            if attempt.outcome in ("answered", "cancelled"):
                self._hedges.took(attempt.candidate, self._kind, attempt.seconds)
        return verdict


def _key(candidate: Candidate, kind: Kind) -> Hashable:
    return (candidate.endpoint, candidate.ref.model, kind)
