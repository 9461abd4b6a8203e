"""What a shadow may spend: held before each model is asked, so that the cap of a day is not passed."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Hashable
from decimal import Decimal

from langchain_lucky_models.errors.base import ShadowCapError

NOTHING = Decimal(0)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Purse:
    """The day's money of one shadow, in this process.

    Args:
        now: The time, in UTC; the day ends with its date.
    """

    def __init__(self, now: Callable[[], dt.datetime] = _now) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._held: dict[Hashable, Decimal] = {}
        self._day = now().date()
        self._spent = NOTHING

    def forked(self) -> None:
        """What is held is the parent's of a fork; what was spent counts here too."""
        self._lock = threading.Lock()
        self._held = {}

    @property
    def spent(self) -> Decimal:
        """What was spent today."""
        with self._lock:
            self._turn_day()
            return self._spent

    def room(self, cap: Decimal) -> bool:
        """Whether anything is left of the cap."""
        with self._lock:
            self._turn_day()
            return self._spent + sum(self._held.values(), NOTHING) < cap or not cap

    def hold(self, key: Hashable, most: Decimal, cap: Decimal) -> None:
        """Hold the most that a request may cost.

        Args:
            key: The request, for `settle`.
            most: Dollars.
            cap: Dollars a day.

        Raises:
            ShadowCapError: It would pass the cap.
        """
        with self._lock:
            self._turn_day()
            if self._spent + sum(self._held.values(), NOTHING) + most > cap:
                raise ShadowCapError(
                    f"the shadow does not ask: ${most:.4f} at most would pass its max_cost of ${cap} a day."
                )
            self._held[key] = most

    def settle(self, key: Hashable, cost: Decimal | None) -> Decimal:
        """The request is over; what was held is given back, and its cost is spent.

        Args:
            key: As it was held.
            cost: Dollars; where nobody knows them, all that was held.

        Returns:
            What was booked.
        """
        with self._lock:
            self._turn_day()
            held = self._held.pop(key, NOTHING)
            booked = held if cost is None else cost
            self._spent += booked
            return booked

    def _turn_day(self) -> None:
        today = self._now().date()
        if today != self._day:
            self._day, self._spent = today, NOTHING
