"""Every rollout of a registry, by name."""

from __future__ import annotations

import functools
import os
import threading
import weakref

from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names
from langchain_lucky_models.rollout.backroom import CLOSING_SECONDS, Backroom
from langchain_lucky_models.rollout.rollout import Rollout
from langchain_lucky_models.users.house import House


class Rollouts:
    """A registry's rollouts: one object for each feature, so that what was switched and counted is known to all.

    Args:
        house: Where they are configured.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._lock = threading.Lock()
        self._backroom = Backroom()
        self._made: dict[str, Rollout] = {}
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=functools.partial(_revive, weakref.ref(self)))

    def named(self, name: str) -> Rollout:
        """The rollout of that name.

        Raises:
            ConfigError: It is not configured.
        """
        with self._lock:
            known = self._house.rollout
            if name not in known and name not in self._made:
                near = did_you_mean(nearest_names(name, known))
                there = f"There are: {', '.join(known)}." if known else "None is configured: rollout={name: {…}}."
                raise ConfigError(f"there is no rollout {name!r}.{near} {there}", field="rollout")
            return self._made.get(name) or self._made.setdefault(name, Rollout(name, self._house, self._backroom))

    def names(self) -> list[str]:
        """Every rollout that is configured now."""
        return list(self._house.rollout)

    def forked(self) -> None:
        """A child of a fork keeps what was switched and counted, and nothing that runs."""
        self._lock = threading.Lock()
        self._backroom.forked()
        for rollout in self._made.values():
            rollout.forked()

    def close(self, within: float = CLOSING_SECONDS) -> None:
        """End what the shadows still do."""
        self._backroom.close(within)


def _revive(rollouts: weakref.ref[Rollouts]) -> None:
    if (found := rollouts()) is not None:
        found.forked()
