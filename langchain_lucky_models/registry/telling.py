"""What a registry tells of what happens in it."""

from __future__ import annotations

from collections.abc import Iterable

from langchain_lucky_models.events import Event, Subscriber, Subscription
from langchain_lucky_models.users.house import House


class Telling:
    """The part of a registry that tells what happens."""

    _house: House

    def subscribe(self, call: Subscriber, kinds: Iterable[str | type[Event]] | None = None) -> Subscription:
        """Tell a function what happens from now on; calls are neither slowed down by it, nor can it break them.

        Args:
            call: Called with each event, in order, on a thread of its own; an async function in the running loop.
            kinds: What it wants to hear: `"budget_alert"`, or the class of an event; everything by default.

        Returns:
            What to close to hear no more.

        Raises:
            ConfigError: There is no event of a kind.
        """
        return self._house.events.subscribe(call, kinds=kinds)
