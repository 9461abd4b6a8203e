"""Limits at work: a call takes its part of all of them at once, waits in line, or is refused."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import os
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from langchain_lucky_models.limits.counts import Clock, Counts, Demand, MemoryCounts
from langchain_lucky_models.limits.gate import Gate, Recall, Rest, Step, Take
from langchain_lucky_models.limits.headers import ceilings
from langchain_lucky_models.limits.limit import Bound, Caller, Limit
from langchain_lucky_models.limits.line import Line, TaskSignal, ThreadSignal
from langchain_lucky_models.limits.passage import (
    NOTHING,
    SAID,
    Load,
    Passage,
    Verdict,
    demands_of,
    label_of,
    never_fits,
    refused,
    taken,
)

T = TypeVar("T")

History = Callable[[Mapping[str, str], float], Iterable[tuple[float, int, int]]]
"""What was used before this process began: (seconds ago, requests, tokens), for records with these values."""

LEASE_SECONDS = 900.0


class Limiter:
    """The limits of a registry.

    Args:
        limits: Values, or mappings with their names.
        counts: Where they are counted; this process's memory where left out.
        history: What a limit for a day remembers after a restart, such as `Ledger.history`.
        clock: Seconds that never go back.

    Example:
        >>> limiter = Limiter([Limit(scope="user", requests_per_minute=1)])
        >>> ada = Caller(user="ada")
        >>> limiter.check(ada).allowed, limiter.acquire(ada) is not None, limiter.check(ada).limit
        (True, True, 'the limit of 1 requests a minute for user ada')
    """

    def __init__(
        self,
        limits: Sequence[Limit | Mapping[str, Any]] = (),
        counts: Counts | None = None,
        *,
        history: History | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.limits = tuple(Limit.read(limit) for limit in limits)
        self._counts = counts or MemoryCounts(clock)
        self._history = history
        self._gate = Gate(self.limits, self._counts, clock)
        os.register_at_fork(after_in_child=functools.partial(_revive, weakref.ref(self)))

    @property
    def shared(self) -> bool:
        """Whether counts stand on a server, so that a settlement waits for it."""
        return self._counts.shared

    def said(self, caller: Caller, load: Load) -> float:
        """Seconds until the provider, by its own word, has room for a call; 0 where it has, or has said nothing."""
        return self._gate.ceilings.take(caller, load.amounts, taking=False)

    def change(self, limits: Sequence[Limit | Mapping[str, Any]]) -> None:
        """Keep other limits from now on; what was taken stays taken.

        Raises:
            ConfigError: One of them cannot be used; then all stay as they are.
        """
        self.limits = tuple(Limit.read(limit) for limit in limits)
        self._gate.change(self.limits)

    def acquire(
        self,
        caller: Caller,
        load: Load = NOTHING,
        *,
        wait_up_to: float = 0.0,
        lease: float = LEASE_SECONDS,
        signal: ThreadSignal | None = None,
    ) -> Passage:
        """Take a call's part of every limit it falls under, in one step; wait in line for it in this thread.

        Args:
            caller: Who calls whom.
            load: How much it asks for.
            wait_up_to: Seconds it may wait.
            lease: Seconds that the call can last; a place among calls at once is free again after that at the latest.
            signal: Wakes the wait; by it somebody else may end it.

        Raises:
            LimitReachedError: There is no room in that time; `retry_after` says when there is.
        """
        signal = signal or ThreadSignal()
        with contextlib.closing(self._gate.admission(caller, load, (wait_up_to, lease), signal)) as plan:
            try:
                step = next(plan)
                while True:
                    step = plan.send(self._answer(step, signal))
            except StopIteration as done:
                return _passage(done)

    async def aacquire(
        self, caller: Caller, load: Load = NOTHING, *, wait_up_to: float = 0.0, lease: float = LEASE_SECONDS
    ) -> Passage:
        """Same as `acquire`, but waits in a task."""
        signal = TaskSignal()
        with contextlib.closing(self._gate.admission(caller, load, (wait_up_to, lease), signal)) as plan:
            try:
                step = next(plan)
                while True:
                    step = plan.send(await self._aanswer(step, signal))
            except StopIteration as done:
                return _passage(done)

    def check(self, caller: Caller, load: Load = NOTHING) -> Verdict:
        """What a call would meet now; nothing is taken."""
        bounds = self._gate.bounds(caller)
        for bound in bounds:
            if never_fits(bound, load):
                return Verdict(allowed=False, retry_after=math.inf, limit=bound.label)
        demands = demands_of(bounds, load)
        said = self.said(caller, load)
        short = self._counts.look(demands) if demands else None
        if short is None and not said:
            return Verdict(allowed=True)
        return Verdict(
            allowed=False,
            retry_after=max(said, short.wait if short else 0.0),
            limit=label_of(bounds, short) if short else SAID,
        )

    async def acheck(self, caller: Caller, load: Load = NOTHING) -> Verdict:
        """Same as `check`; where counts are shared, a thread waits for their server."""
        return await self._aside(functools.partial(self.check, caller, load))

    def settle(self, passage: Passage, tokens: int | None = None) -> None:
        """The call is over: correct what it was charged by what it used, and leave the calls at once.

        Args:
            passage: What `acquire` gave. Settling it twice corrects twice: do it once.
            tokens: What it used; None, where nobody knows, leaves the charge as it was.
        """
        changes = [
            (demand, slot, tokens - demand.amount) for demand, slot in taken(passage, "tokens") if tokens is not None
        ]
        self._finish(passage, changes)

    async def asettle(self, passage: Passage, tokens: int | None = None) -> None:
        """Same as `settle`; where counts are shared, a thread waits for their server."""
        await self._aside(functools.partial(self.settle, passage, tokens))

    def give_back(self, passage: Passage) -> None:
        """The call was never sent: everything it took is free again."""
        places = (*taken(passage, "tokens"), *taken(passage, "requests"))
        self._gate.ceilings.give_back(passage.caller, passage.load.amounts)
        self._finish(passage, [(demand, slot, -demand.amount) for demand, slot in places])

    async def agive_back(self, passage: Passage) -> None:
        """Same as `give_back`; where counts are shared, a thread waits for their server."""
        await self._aside(functools.partial(self.give_back, passage))

    def heed(self, caller: Caller, headers: Mapping[str, str], now: float) -> None:
        """Believe what a provider says is left for this key and model, until it resets.

        Args:
            caller: Whose call was answered.
            headers: The answer's headers.
            now: Seconds since 1970.
        """
        self._gate.ceilings.lower(caller, ceilings(headers, now))

    def _answer(self, step: Step, signal: ThreadSignal) -> object:
        match step:
            case Take():
                return self._counts.take(step.demands, step.lease)
            case Recall():
                self._recall(step.bounds)
            case Rest():
                if signal.vain or (signal.wait(step.seconds) and signal.vain):
                    raise refused("nobody waits for the call any more", None)
        return None

    async def _aanswer(self, step: Step, signal: TaskSignal) -> object:
        match step:
            case Take():
                return await self._counts.atake(step.demands, step.lease)
            case Recall():
                await asyncio.to_thread(self._recall, step.bounds)
            case Rest():
                await signal.wait(step.seconds)
        return None

    async def _aside(self, work: Callable[[], T]) -> T:
        return await asyncio.to_thread(work) if self._counts.shared else work()

    def _recall(self, bounds: Iterable[Bound]) -> None:
        for bound in bounds:
            past = self._history(bound.where, bound.period) if self._history else ()
            self._counts.seed(bound.key, bound.period, _amounts(bound, past))

    def _finish(self, passage: Passage, changes: Sequence[tuple[Demand, int, int]]) -> None:
        keys = [demand.key for demand in passage.demands]
        places = [demand.key for demand in passage.demands if demand.kind == "concurrent"]
        if passage.slots is not None and (changes or places):
            self._counts.settle(changes, places, passage.lease)
        self._gate.line.stir(keys)

    def close(self) -> None:
        """Let go of the server of shared counts."""
        self._counts.close()

    def forked(self) -> None:
        """A child has none of the parent's waiters, and locks that other threads held stay shut in it."""
        self._gate.line = Line()
        self._gate.ceilings.forked()
        self._counts.forked()


def _revive(reference: weakref.ref[Limiter]) -> None:
    if (limiter := reference()) is not None:
        limiter.forked()


def _amounts(bound: Bound, past: Iterable[tuple[float, int, int]]) -> list[tuple[float, int]]:
    return [(ago, requests if bound.kind == "requests" else tokens) for ago, requests, tokens in past]


def _passage(done: StopIteration) -> Passage:
    passage: Passage = done.value
    return passage
