"""Who is told what happens."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names
from langchain_lucky_models.events import kinds as known
from langchain_lucky_models.events.kinds import Event
from langchain_lucky_models.events.mailbox import Mailbox, Subscriber

MOST_WAITING = 10_000
"""Events that wait for one subscriber."""
CLOSING_SECONDS = 2.0
"""Seconds that closing waits for subscribers."""

KINDS = {kind.kind: kind for kind in Event.__subclasses__() if kind.__module__ == known.__name__}


class Subscription:
    """One subscriber's place. Close it, or use it as a context manager, to hear no more.

    Made by `registry.subscribe` or `Events.subscribe`.
    """

    def __init__(self, events: Events, mailbox: Mailbox, wanted: frozenset[str] | None) -> None:
        self._events = weakref.ref(events)
        self._mailbox = mailbox
        self._wanted = wanted
        # A registry that nobody closed, and nobody holds, takes the threads of its subscribers with it.
        weakref.finalize(self, mailbox.end).atexit = False

    @property
    def dropped(self) -> int:
        """How many events were not delivered because the subscriber was too slow."""
        return self._mailbox.dropped

    @property
    def failed(self) -> int:
        """How often the subscriber has failed. The first failure is in the log."""
        return self._mailbox.failed

    @property
    def closed(self) -> bool:
        """Whether it hears nothing any more."""
        return self._mailbox.closed

    def offer(self, event: Event) -> None:
        """Let the subscriber know, if it is of a kind it wants to hear."""
        if self._wanted is None or event.kind in self._wanted:
            self._mailbox.put(event)

    def forked(self) -> None:
        """See `Mailbox.forked`; the loops of the parent run on there alone."""
        self._mailbox.loop = None
        self._mailbox.forked()

    def end(self) -> None:
        """Hear nothing new; what has happened so far is still delivered."""
        self._mailbox.end()
        if (events := self._events()) is not None:
            events.forget(self)

    def close(self, *, within: float = CLOSING_SECONDS) -> None:
        """Hear nothing new, and wait until what has happened so far is delivered.

        Args:
            within: Seconds after which what still waits is given up, and counted as dropped.
        """
        self.end()
        self._mailbox.join(within)

    async def aclose(self, *, within: float = CLOSING_SECONDS) -> None:
        """Same as `close`, without blocking the event loop."""
        await asyncio.to_thread(self.close, within=within)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        state = "closed" if self.closed else ", ".join(sorted(self._wanted)) if self._wanted else "every kind"
        return f"<Subscription of {self._mailbox.name}: {state}>"


class Events:
    """Tells subscribers what happens. To publish costs next to nothing, never waits, and never fails.

    Each subscriber hears what one thread publishes in that order, on a thread of its own; an async one in the loop it
    has subscribed from. One that is slow, or fails, is no matter to whoever publishes, nor to the other subscribers.

    Example:
        >>> events, heard = Events(), []
        >>> with events.subscribe(heard.append, kinds=["model_removed"]):
        ...     events.publish(known.ModelRegistered(ref="mybox#tiny"))
        ...     events.publish(known.ModelRemoved(ref="mybox#tiny"))
        >>> [(event.kind, event.ref) for event in heard]
        [('model_removed', 'mybox#tiny')]
    """

    def __init__(self) -> None:
        self._subscriptions: tuple[Subscription, ...] = ()
        self._lock = threading.Lock()
        _ALIVE.add(self)

    @property
    def heard(self) -> bool:
        """Whether anybody listens; where nobody does, an event need not be made."""
        return bool(self._subscriptions)

    def publish(self, event: Event) -> None:
        """Tell it to whoever wants to hear it."""
        for subscription in self._subscriptions:
            subscription.offer(event)

    def subscribe(
        self,
        call: Subscriber,
        *,
        kinds: Iterable[str | type[Event]] | None = None,
        most_waiting: int = MOST_WAITING,
    ) -> Subscription:
        """Tell a function what happens from now on.

        Args:
            call: The subscriber, sync or async. An async one runs in the running loop, if there is one.
            kinds: What it wants to hear, by name or class; everything by default.
            most_waiting: How many events may wait for it; further ones are dropped and counted.

        Raises:
            ConfigError: There is no event of a kind.
        """
        wanted = None if kinds is None else frozenset(map(_kind, kinds))
        if most_waiting < 1:
            raise ConfigError(f"most_waiting is at least 1, not {most_waiting!r}.", field="most_waiting")
        mailbox = Mailbox(call, most_waiting, _running_loop())
        mailbox.begin()
        subscription = Subscription(self, mailbox, wanted)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Tell it nothing any more."""
        with self._lock:
            self._subscriptions = tuple(one for one in self._subscriptions if one is not subscription)

    def close(self, *, within: float = CLOSING_SECONDS) -> None:
        """Close every subscription; all of them together have so many seconds to hear what waits."""
        subscriptions, until = self._subscriptions, time.monotonic() + within
        for subscription in subscriptions:
            subscription.end()
        for subscription in subscriptions:
            subscription.close(within=max(0.0, until - time.monotonic()))

    async def aclose(self, *, within: float = CLOSING_SECONDS) -> None:
        """Same as `close`, without blocking the event loop."""
        if self._subscriptions:
            await asyncio.to_thread(self.close, within=within)

    def forked(self) -> None:
        """A child of a fork tells its subscribers itself; see `Mailbox.forked`."""
        self._lock = threading.Lock()
        for subscription in self._subscriptions:
            subscription.forked()


_ALIVE: weakref.WeakSet[Events] = weakref.WeakSet()


def _revive() -> None:
    for events in list(_ALIVE):
        events.forked()


os.register_at_fork(after_in_child=_revive)


def _kind(asked: str | type[Event]) -> str:
    name = asked if isinstance(asked, str) else asked.kind
    if name not in KINDS:
        near = did_you_mean(nearest_names(name, KINDS))
        raise ConfigError(f"there is no event {name!r}.{near} There are: {', '.join(sorted(KINDS))}.", field="kinds")
    return name


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
