"""One attempt's way through the wire: its timers, what the wire saw of it, and the switch that ends it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Literal, Protocol, Self

from langchain_lucky_models.errors.base import LuckyError
from langchain_lucky_models.keys import scrub
from langchain_lucky_models.wire.leashes import leash_here

Timer = Literal["deadline", "first_token", "stall"]
ContentTimer = Literal["first_token", "stall"]

SHORTEST_WAIT = 0.001
"""Seconds; less is no time to wait for a network, and clocks of event loops may ring that much early."""

_ENTERED: ContextVar[CallScope | None] = ContextVar("lucky_call_scope", default=None)


class Breakable(Protocol):
    """What a scope can break off from another thread: a connection, or the way to one."""

    def cut(self, scope: CallScope) -> None:
        """End it, if it still belongs to the scope."""

    def close(self) -> None:
        """Give back what it holds; nobody uses it any more."""


class Sealing(Protocol):
    """What knows the keys of a request well enough to remove them from a text."""

    def unseen(self, text: str) -> str:
        """The text without them."""


class CallScope:
    """The timers of one attempt, and what the wire saw of it.

    Whoever drives a call makes one, enters it around the request, and reads it afterwards. Timers are absolute,
    so a server that sends a byte now and then outlasts none of them.

    Attributes:
        deadline: The end of the whole call, on the clock.
        clock: Where the time comes from.
        reason: Which timer ended the attempt, once one did.
        failure: The error of our own that ended it, where one did; partner packages wrap what the wire raises.
        aborted: Whether `abort` was called.
        reaching: Whether the way to a server is being waited for: a name, a connection, a handshake.
        sent: Whether any byte of a request was handed to the network.
        status: The status of the answer, once there is one.
        request_id: The provider's id of the request.
        headers: The answer's headers, names in lower case, without keys.
        received_bytes: How much came back, as it came.
        opening: The first bytes of a successful answer that is no event stream.

    Example:
        >>> scope = CallScope(deadline=12.0, clock=lambda: 10.0)
        >>> scope.expect("first_token", within=0.5)
        >>> scope.time_left()
        0.5
    """

    def __init__(self, *, deadline: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.deadline = deadline
        self.reason: Timer | None = None
        self.failure: LuckyError | None = None
        self.aborted = False
        self.reaching = False
        self.sent = False
        self.status: int | None = None
        self.request_id: str | None = None
        self.headers: Mapping[str, str] = {}
        self.received_bytes = 0
        self.opening = b""
        self.clock = clock
        self._content_due = math.inf
        self._content_timer: ContentTimer = "first_token"
        self._broken_by: Breakable | None = None
        self._seals: tuple[Sealing, ...] = ()

    @property
    def tried(self) -> bool:
        """Whether anybody else had a part in how it ended: a call that only waited for its turn here blames nobody."""
        return self.sent or self.reaching

    def expect(self, what: ContentTimer, within: float | None) -> None:
        """Give content so many seconds from now; call it again for each piece of content.

        Args:
            what: The timer's name, should it run out.
            within: Seconds; `None` leaves only the deadline.
        """
        self._content_timer = what
        self._content_due = math.inf if within is None else self.clock() + within

    def time_left(self) -> float:
        """Seconds until the first timer runs out.

        Raises:
            TimeoutError: One has.
            ConnectionAbortedError: `abort` was called.
        """
        if self.aborted:
            raise ConnectionAbortedError("the call was aborted")
        left = min(self.deadline, self._content_due) - self.clock()
        if left < SHORTEST_WAIT:
            raise self.expired()
        return left

    def expired(self) -> TimeoutError:
        """Note which timer ran out; the error to raise for it."""
        if self.reason is None:
            self.reason = "deadline" if self.deadline <= self._content_due else self._content_timer
        return TimeoutError(f"the {self.reason.replace('_', ' ')} timer ran out")

    def abort(self) -> None:
        """End the attempt now, from any thread or task; a second time does nothing."""
        self.aborted = True
        if (line := self._broken_by) is not None:
            line.cut(self)

    def leave(self) -> None:
        """Close what is still held. For whoever drove the attempt, once it is over: packages may just drop a stream."""
        line, self._broken_by = self._broken_by, None
        if line is not None:
            line.cut(self)
            line.close()

    def hold(self, line: Breakable) -> None:
        """Remember what `abort` has to break."""
        self._broken_by = line
        if self.aborted:
            line.cut(self)

    def drop(self, line: Breakable) -> None:
        """Forget it, unless another one has taken its place."""
        if self._broken_by is line:
            self._broken_by = None

    def learn(self, seal: Sealing) -> None:
        """Remember the keys of a request, so that `scrub` can remove them."""
        self._seals = (*self._seals, seal)

    def scrub(self, text: str) -> str:
        """The text without the keys that this attempt used, nor anything that looks like one."""
        for seal in self._seals:
            text = seal.unseen(text)
        return scrub(text)

    @contextmanager
    def entered(self) -> Iterator[Self]:
        """What is requested inside belongs to this scope."""
        token = _ENTERED.set(self)
        if (leash := leash_here()) is not None:
            leash.take(self)
        try:
            yield self
        finally:
            if leash is not None:
                leash.drop(self)
            # A generator that another task closes leaves in a context that never had the scope.
            with suppress(ValueError):
                _ENTERED.reset(token)


def entered_scope() -> CallScope | None:
    """The scope that the running code has entered."""
    return _ENTERED.get()
