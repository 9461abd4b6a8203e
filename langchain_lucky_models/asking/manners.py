"""How a handle asks, apart from whom: its strategy, its time limits, and which keywords are whose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from langchain_core.messages import AIMessage

from langchain_lucky_models.asking.members import Candidate
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.errors.calls import CallError
from langchain_lucky_models.meter import Purpose, StepDownError
from langchain_lucky_models.meter.numbers import IDS
from langchain_lucky_models.refs import ModelRef
from langchain_lucky_models.strategies import Strategy, needs_whole_answers, strategy_named
from langchain_lucky_models.wire.leashes import leash_here

DEFAULT_TIMEOUT = 120.0
DEFAULT_STREAM_TIMEOUT = 600.0
DEFAULT_FIRST_TOKEN = 30.0
DEFAULT_STALL = 30.0
DEFAULT_RETRIES = 2
LONGEST_WAIT = 7 * 86_400.0
"""Seconds; who would wait longer, or for ever, waits so long: clocks of operating systems know no infinity."""

NUMBERS = frozenset(("timeout", "first_token_timeout", "stall_timeout", "max_retries", "stagger", "quorum"))
WHOLE_NUMBERS = frozenset(("max_retries", "quorum"))
OPINIONS = frozenset(("comparer", "moves_on"))
LEARNED = "p95"
"""The stagger that is learned from how long answers have taken of late."""
OWN_WORDS = NUMBERS | OPINIONS | {"judge"}
"""Keywords that this package acts on itself; partner classes do not get them."""


@dataclass(frozen=True)
class Timeouts:
    """How long a call may take, in seconds; `None` is as long as the whole.

    Attributes:
        total: From the call to the end of the answer, waits and retries included.
        first_token: Until the first content of a stream.
        stall: Between two pieces of content.
        by_caller: Whether the caller said how long the whole may take; then no provider's own timeout counts.
    """

    total: float = DEFAULT_TIMEOUT
    first_token: float | None = None
    stall: float | None = None
    by_caller: bool = False

    @cached_property
    def shortest(self) -> float:
        """The shortest of them."""
        return min(bound for bound in (self.total, self.first_token, self.stall) if bound is not None)


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is asked for a name, in order, with the reason for each, and who is not.

    Attributes:
        refs: The models, each with what the catalog knows and why it stands there.
        left_out: The other models of the user's list that were looked at, with the reason.
        strategy: The tier's or experiment's own strategy, where it has one.
        params: The tier's or experiment's own parameters.
        experiment: The experiment it is, by its full name: `user:ada:local_first`.
        variant: Which of the experiment's variants.
        tags: The experiment's words, its variant's included.
    """

    refs: tuple[tuple[ModelRef, ModelEntry | None, str], ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    strategy: str | Strategy[Any, Any] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    experiment: str | None = None
    variant: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manner:
    """How a handle asks, apart from whom: its strategy and the keywords that are ours.

    Attributes:
        strategy: Makes the plan.
        label: Its name.
        given: Our keywords as the caller gave them; defaults fill in the rest.
    """

    strategy: Strategy[Any, Any]
    label: str
    given: Mapping[str, Any]

    @classmethod
    def of(cls, strategy: str | Strategy[Any, Any], given: Mapping[str, Any]) -> Manner:
        """Check and keep.

        Raises:
            ConfigError: There is no such strategy, or a keyword cannot be used.
        """
        for name, value in given.items():
            _check(name, value)
        label = strategy if isinstance(strategy, str) else getattr(strategy, "__name__", "custom")
        return cls(strategy_named(strategy), label, given)

    @cached_property
    def timeouts(self) -> Timeouts:
        """How long a whole answer may take."""
        return Timeouts(self._seconds("timeout", DEFAULT_TIMEOUT), by_caller="timeout" in self.given)

    @cached_property
    def stream_timeouts(self) -> Timeouts:
        """How long a stream may take."""
        return Timeouts(
            self._seconds("timeout", DEFAULT_STREAM_TIMEOUT),
            self._seconds("first_token_timeout", DEFAULT_FIRST_TOKEN),
            self._seconds("stall_timeout", DEFAULT_STALL),
            by_caller="timeout" in self.given,
        )

    @property
    def max_retries(self) -> int:
        """Further requests that a call may make where a failure may pass."""
        return int(self.given.get("max_retries", DEFAULT_RETRIES))

    @property
    def stagger(self) -> float | None:
        """Seconds between the starts of a race; `None` where they are learned."""
        return None if self.given.get("stagger") == LEARNED else self._seconds("stagger", 0.0)

    @property
    def quorum(self) -> int | None:
        """How many must agree."""
        return int(self.given["quorum"]) if "quorum" in self.given else None

    @property
    def comparer(self) -> Callable[[AIMessage, AIMessage], bool] | None:
        """The caller's own opinion on whether two answers say the same."""
        return self.given.get("comparer")

    @property
    def moves_on(self) -> Callable[[CallError], bool | None] | None:
        """The caller's own opinion on whether the next member may do better; `None` leaves it to the table."""
        return self.given.get("moves_on")

    @cached_property
    def whole_answers(self) -> bool:
        """Whether the strategy must see answers whole before one of them is shown."""
        return needs_whole_answers(self.strategy)

    def _seconds(self, name: str, default: float) -> float:
        return min(float(self.given.get(name, default)), LONGEST_WAIT)


Cheaper = Callable[[Candidate, StepDownError], Candidate | None]
"""Finds somebody cheaper than a candidate for whom a budget has no room; nobody, where there is none."""


def nobody_cheaper(_candidate: Candidate, _refused: StepDownError) -> Candidate | None:
    """Nobody is."""
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Everybody a handle asks, in order, and how.

    Attributes:
        asked: What the user typed.
        candidates: Who is asked, in order.
        manner: How.
        choice: Why these, and why not others.
        judge: Who is asked which answer is right, where too few agree.
        user_id: Who asks.
        cheaper: Finds somebody cheaper of the same user's list, where a budget wants one.
    """

    asked: str
    candidates: tuple[Candidate, ...]
    manner: Manner
    choice: Choice
    judge: Candidate | None = None
    user_id: str = ""
    cheaper: Cheaper = nobody_cheaper

    def __post_init__(self) -> None:
        """What could never be agreed on is refused before anybody is paid for an answer."""
        quorum, members = self.manner.quorum, len(self.candidates)
        if quorum is not None and quorum > members and self.manner.whole_answers:
            raise ConfigError(
                f"quorum={quorum} is never reached by {members} members of {self.asked!r}.", field="quorum"
            )

    @property
    def everybody(self) -> tuple[Candidate, ...]:
        """Who may be asked in a call: the candidates, and the judge."""
        return self.candidates if self.judge is None else (*self.candidates, self.judge)

    def timeouts(self, *, streams: bool) -> Timeouts:
        """How long a call along it may take: as the caller says, else as long as its most patient member's settings."""
        usual = self.manner.stream_timeouts if streams else self.manner.timeouts
        own = [candidate.timeout for candidate in self.candidates]
        if usual.by_caller or not any(own):
            return usual
        return replace(usual, total=min(max(seconds or usual.total for seconds in own), LONGEST_WAIT))

    def purpose(self, tags: Iterable[str] = ()) -> Purpose:
        """What one call along it is for.

        Args:
            tags: The call's own words, beside those of its experiment.
        """
        leash = leash_here()
        return Purpose(
            user=self.user_id if leash is None else leash.asking_for(self.user_id),
            asked=self.asked,
            strategy=self.manner.label,
            experiment=self.choice.experiment,
            variant=self.choice.variant,
            tags=tuple(dict.fromkeys((*self.choice.tags, *tags))),
            call_id=IDS.next(),
        )

    def but(self, given: Mapping[str, Any]) -> Line:
        """The same line, asked with some of our keywords changed.

        Raises:
            ConfigError: A keyword cannot be used, or not for one call alone.
        """
        if not given:
            return self
        if "judge" in given:
            raise ConfigError("judge belongs to the handle: user.models(…, judge=…), not to one call.", field="judge")
        return replace(
            self,
            manner=replace(Manner.of(self.manner.strategy, {**self.manner.given, **given}), label=self.manner.label),
        )


def _check(name: str, value: object) -> None:
    if name in OPINIONS:
        if not callable(value):
            raise ConfigError(f"{name} must be a function, not {value!r}.", field=name)
    elif name == "judge":
        if not isinstance(value, str):
            raise ConfigError(f"judge must be a name of the user's list, not {value!r}.", field=name)
    elif name != "stagger" or value != LEARNED:
        least = 0 if name in {"max_retries", "stagger"} else 1e-9
        kind = int if name in WHOLE_NUMBERS else int | float
        if isinstance(value, bool) or not isinstance(value, kind) or not value >= least:
            learned = f", or {LEARNED!r}," if name == "stagger" else ","
            whole = "whole " if name in WHOLE_NUMBERS else ""
            raise ConfigError(f"{name} must be a positive {whole}number{learned} not {value!r}.", field=name)
