"""What holds for a feature now: its configuration, the environment, and what was switched by hand."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.rollout.deciding import Rule
from langchain_lucky_models.settings.rollout import RolloutConfig, variable_of

_OFF = frozenset({"off", "false", "no", "disabled"})
_ON = frozenset({"", "on", "true", "yes", "enabled"})
_PERCENTAGE = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?) ?%?", re.ASCII)
_ALL = 100


@dataclass(frozen=True, slots=True)
class ByHand:
    """What was switched by a method, in this process.

    Attributes:
        off: Whether `switch_off` was called last.
        percentage: What `set_percentage` said.
    """

    off: bool = False
    percentage: float | None = None


def percentage_of(value: float) -> float:
    """A percentage, checked.

    Raises:
        ConfigError: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _ALL:
        raise ConfigError(f"a percentage is a number from 0 to 100, not {value!r}.", field="percentage")
    return float(value)


def rule_of(name: str, config: RolloutConfig | None, by_hand: ByHand, said: str | None) -> Rule:
    """What holds now.

    Whoever says off is right, wherever it is said. Otherwise the environment's percentage comes before that of
    `set_percentage`, and that before the configuration's. What nobody can read is taken for off: somebody wanted to
    interfere, and the old path is the safe one.

    Args:
        name: The feature.
        config: Its configuration; `None` where there is none any more.
        by_hand: What was switched by a method.
        said: What the environment variable says.

    Example:
        >>> rule_of("new-chat", RolloutConfig(percentage=10), ByHand(percentage=20), "30%").percentage
        30.0
        >>> rule_of("new-chat", RolloutConfig(percentage=10), ByHand(), "Off").off
        'LUCKY_ROLLOUT_NEW_CHAT says so'
    """
    if config is None:
        return Rule(name, off="it is not configured any more")
    off, percentage = _heard(variable_of(name), said)
    if percentage is None:
        percentage = config.percentage if by_hand.percentage is None else by_hand.percentage
    if by_hand.off:
        off = off or "switch_off() was called"
    if not config.enabled:
        off = off or "enabled is false"
    return Rule(name, percentage, frozenset(config.allow), frozenset(config.deny), off)


def _heard(variable: str, said: str | None) -> tuple[str, float | None]:
    word = (said or "").strip().casefold()
    if word in _ON:
        return "", None
    if word in _OFF:
        return f"{variable} says so", None
    found = _PERCENTAGE.fullmatch(word)
    if found is None or float(found[1]) > _ALL:
        return f"{variable} says neither on, off nor a percentage", None
    return "", float(found[1])


class Switchboard:
    """Looks up what holds for a feature, at every call, and says when it changes.

    Args:
        name: The feature.
        configured: Looks up its configuration.
        environment: Where the variable is looked up.
        tell: Told of every change: what held, what holds, and whether `config`, `environment` or a `method` changed it.
    """

    def __init__(
        self,
        name: str,
        configured: Callable[[], RolloutConfig | None],
        environment: Mapping[str, str],
        tell: Callable[[Rule, Rule, str], None],
    ) -> None:
        self._name = name
        self._configured = configured
        self._environment = environment
        self._variable = variable_of(name)
        self._tell = tell
        self._lock = threading.Lock()
        self.by_hand = ByHand()
        self._known = self._looked_up(self._said())

    def rule(self) -> Rule:
        """What holds now."""
        said = self._said()
        config, by_hand, heard, rule = self._known
        if config is self._configured() and by_hand is self.by_hand and heard == said:
            return rule
        with self._lock:  # of many calls that see a change at once, one tells it
            known = self._known
            fresh = self._known = self._looked_up(said)
        if fresh[-1] != known[-1]:
            self._tell(known[-1], fresh[-1], _source(known, fresh))
        return fresh[-1]

    def forked(self) -> None:
        """A lock that was held in the parent of a fork is never released in the child."""
        self._lock = threading.Lock()

    def _said(self) -> str | None:
        return self._environment.get(self._variable)

    def _looked_up(self, said: str | None) -> _Known:
        config, by_hand = self._configured(), self.by_hand
        return config, by_hand, said, rule_of(self._name, config, by_hand, said)


_Known = tuple[RolloutConfig | None, ByHand, str | None, Rule]


def _source(known: _Known, fresh: _Known) -> str:
    if known[1] is not fresh[1]:
        return "method"
    return "config" if known[0] is not fresh[0] else "environment"
