"""Calls that are made beside a user's own: ended from outside, charged apart, and nothing that health hears of."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, Self

_HELD: ContextVar[Leash | None] = ContextVar("lucky_leash", default=None)


class Abortable(Protocol):
    """What a leash ends: the scope of an attempt."""

    def abort(self) -> None:
        """End it now, from any thread."""


class Leash:
    """Ends from outside whatever is asked inside it, in any thread or task that inherits its context.

    Args:
        name: What it is for.

    Attributes:
        name: The same.
        pulled: Whether everything was told to end; what begins afterwards ends at once.
        gave_way: Whether that was because a user's own call wanted its place.

    Example:
        >>> leash = Leash()
        >>> with leash.held():
        ...     leash_here() is leash
        True
        >>> leash_here() is None
        True
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.pulled = False
        self.gave_way = False
        self._lock = threading.Lock()
        self._scopes: list[Abortable] = []

    @contextmanager
    def held(self) -> Iterator[Self]:
        """What is asked inside belongs to it."""
        token = _HELD.set(self)
        try:
            yield self
        finally:
            _HELD.reset(token)

    def pull(self) -> None:
        """End everything that belongs to it; a second time does nothing more."""
        with self._lock:
            self.pulled = True
            scopes = list(self._scopes)
        for scope in scopes:
            scope.abort()

    def give_way(self) -> None:
        """Pull it, for a user's own call."""
        self.gave_way = True
        self.pull()

    def take(self, scope: Abortable) -> None:
        """Remember what has begun."""
        with self._lock:
            self._scopes.append(scope)
        if self.pulled:
            scope.abort()

    def asking_for(self, user_id: str) -> str:
        """Who asks, as accounts know it: not the user, whose own calls find all the room that they had.

        Example:
            >>> Leash("shadow:new-chat").asking_for("ada")
            'shadow:new-chat:ada'
        """
        return f"{self.name}:{user_id}"

    def drop(self, scope: Abortable) -> None:
        """Forget what is over."""
        with self._lock:
            self._scopes.remove(scope)


def leash_here() -> Leash | None:
    """The leash that the running code is on; a user's own call is on none."""
    return _HELD.get()
