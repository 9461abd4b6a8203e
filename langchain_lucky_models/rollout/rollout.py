"""`Rollout`: one feature on its way from an old path to a new one."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from types import MappingProxyType
from typing import Any

from langchain_core.runnables.base import coerce_to_runnable

from langchain_lucky_models.asking.errands import passes_through
from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.events import RolloutChanged
from langchain_lucky_models.rollout.backroom import Backroom
from langchain_lucky_models.rollout.deciding import Decision, Rule, decide
from langchain_lucky_models.rollout.paths import Asking, Path, aask, ask
from langchain_lucky_models.rollout.report import RolloutReport
from langchain_lucky_models.rollout.rolled_out import RolledOut
from langchain_lucky_models.rollout.shadow import Shadow, Unwatched, Watch
from langchain_lucky_models.rollout.switches import ByHand, Switchboard, percentage_of
from langchain_lucky_models.rollout.tally import PriceList
from langchain_lucky_models.settings.rollout import RolloutConfig
from langchain_lucky_models.users.house import House

WAIT_SECONDS = 60.0
"""Seconds that `wait` waits."""
_GONE = RolloutConfig()


class Rollout:
    """One feature on its way from an old path to a new one. Made by `registry.rollout(name)`.

    Everything that decides is looked up at every call: the configuration, the environment variable
    `LUCKY_ROLLOUT_<NAME>`, and what was switched by hand. Whoever says off is right.

    Args:
        name: The feature.
        house: Where its configuration, its events and its prices are.
        backroom: Where its shadow runs.
        environment: Where its variable is looked up.
        random: Decides which calls the shadow tries.
    """

    def __init__(
        self,
        name: str,
        house: House,
        backroom: Backroom,
        *,
        environment: Mapping[str, str] = os.environ,
        random: Random | None = None,
    ) -> None:
        self.name = name
        self._house = house
        self._counts: Counter[str] = Counter()
        self._switchboard = Switchboard(name, self._configured, environment, self._tell)
        self._shadow = Shadow(backroom, PriceList(house), self._counts, random or Random())  # noqa: S311 - a sample

    @property
    def rule(self) -> Rule:
        """What holds now."""
        return self._switchboard.rule()

    def choose(self, user_id: str) -> Decision:
        """Which path a user gets now, and why. The decision is true where it is the new one.

        Args:
            user_id: Who asks.

        Raises:
            ConfigError: It is no text.
        """
        if not isinstance(user_id, str) or not user_id:
            raise ConfigError(f"a user id is a text that is not empty, not {user_id!r}.", field="user_id")
        return decide(self._switchboard.rule(), user_id)

    # --- switches of this process

    @property
    def by_hand(self) -> ByHand:
        """What was switched by a method."""
        return self._switchboard.by_hand

    def switch_off(self) -> None:
        """Give everybody the old path, from the next call on; in this process, until `switch_on`."""
        self._by_hand(ByHand(off=True, percentage=self._switchboard.by_hand.percentage))

    def switch_on(self) -> None:
        """Take `switch_off` back. What the configuration or the environment switched off stays off."""
        self._by_hand(ByHand(percentage=self._switchboard.by_hand.percentage))

    def set_percentage(self, percentage: float) -> None:
        """Put a percentage in the place of the configuration's, in this process, until `reset`.

        Raises:
            ConfigError: It is no number from 0 to 100.
        """
        self._by_hand(ByHand(off=self._switchboard.by_hand.off, percentage=percentage_of(percentage)))

    def reset(self) -> None:
        """Forget what was switched by hand: the configuration and the environment decide."""
        self._by_hand(ByHand())

    # --- calls

    def call(self, user_id: str, old: Path, new: Path, /, *arguments: Any, **keywords: Any) -> Any:
        """Call one of two paths with the same arguments.

        Args:
            user_id: Who asks.
            old: A function, or a Runnable that is invoked.
            new: Same; asked instead of the old one where the user gets the new path.
            *arguments: For either.
            **keywords: For either.

        Returns:
            What the path answers.

        Raises:
            Exception: What the path raises. With `on_failure: old` what the new one raises is recorded, and the old
                one answers.
        """
        if self.gives_new(user_id):
            try:
                return ask(new, arguments, keywords)
            except Exception as error:
                if not self.rescues(error):
                    raise
            return ask(old, arguments, keywords)
        with self.watch(Asking.of(self.name, user_id, new, arguments, keywords)) as watch:
            watch.answer = ask(old, arguments, keywords)
        return watch.answer

    async def acall(self, user_id: str, old: Path, new: Path, /, *arguments: Any, **keywords: Any) -> Any:
        """Same as `call`, where a path is an `async def`, or a Runnable that is awaited."""
        if self.gives_new(user_id):
            try:
                return await aask(new, arguments, keywords)
            except Exception as error:
                if not self.rescues(error):
                    raise
            return await aask(old, arguments, keywords)
        asking = replace(Asking.of(self.name, user_id, new, arguments, keywords), awaited=True)
        with self.watch(asking) as watch:
            watch.answer = await aask(old, arguments, keywords)
        return watch.answer

    def runnable(self, *, old: Path, new: Path, user_id: str | None = None) -> RolledOut:
        """Two paths as one Runnable, to stand where the old one stood.

        Args:
            old: A Runnable, or a function of one argument.
            new: Same.
            user_id: Who asks. Where left out, the run's configuration says it, `{"configurable": {"user_id": …}}`;
                else a path that is a handle: it knows its user.
        """
        return RolledOut(self, coerce_to_runnable(old), coerce_to_runnable(new), user_id)

    # --- what came of it

    def report(self) -> RolloutReport:
        """What came of it so far in this process: counts, and the comparisons of the shadow."""
        counts = {name: count for name, count in sorted(self._counts.items()) if count}
        return RolloutReport(self.name, self._shadow.rows(), counts, self._shadow.purse.spent)

    def wait(self, within: float = WAIT_SECONDS) -> bool:
        """Wait until every shadow call under way is in the report.

        Returns:
            Whether it was in time.
        """
        return self._shadow.wait(within)

    async def await_shadows(self, within: float = WAIT_SECONDS) -> bool:
        """Same as `wait`, without blocking the event loop."""
        return await asyncio.to_thread(self._shadow.wait, within)

    # --- for calls of every kind

    def gives_new(self, user_id: str) -> bool:
        """Decide for a call, and count it."""
        new = self.choose(user_id).new
        self._counts["new" if new else "old"] += 1
        return new

    def rescues(self, error: Exception) -> bool:
        """Whether the old path answers where the new one failed; LangGraph's interrupts are no failures."""
        rescues = self._config.on_failure == "old" and not passes_through(error)
        if rescues:
            self._counts["rescued"] += 1
            self._counts[f"rescued: {type(error).__name__}"] += 1
        return rescues

    def watch(self, asking: Asking) -> Watch | Unwatched:
        """Watch a call of the old path, for the shadow."""
        return self._shadow.watch(asking, None if self.rule.off else self._config.shadow)

    def forked(self) -> None:
        """In a child of a fork: what runs on the side runs in the parent."""
        self._switchboard.forked()
        self._shadow.forked()

    @property
    def _config(self) -> RolloutConfig:
        return self._configured() or _GONE

    def _configured(self) -> RolloutConfig | None:
        return self._house.rollout.get(self.name)

    def _by_hand(self, by_hand: ByHand) -> None:
        self._switchboard.by_hand = by_hand
        self._switchboard.rule()

    def _tell(self, old: Rule, new: Rule, source: str) -> None:
        told = (MappingProxyType(rule.plain()) for rule in (old, new))
        self._house.events.publish(RolloutChanged(name=self.name, old=next(told), new=next(told), source=source))

    def __repr__(self) -> str:
        rule = self.rule
        return f"<Rollout {self.name}: {f'off, {rule.off}' if rule.off else f'{rule.percentage:g} %'}>"
