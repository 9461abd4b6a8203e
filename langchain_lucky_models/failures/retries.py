"""When to ask again: full jitter, a budget, never before the provider allows it, never past the deadline. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Self

from langchain_lucky_models import errors
from langchain_lucky_models.failures.actions import action_for, moves_on

Draw = Callable[[], float]
"""Gives numbers in [0, 1), as `random.random` does."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How eagerly a call is retried.

    Attributes:
        attempts: Requests one call may make, over all members.
        base: Seconds; the longest first pause. It doubles with every attempt.
        cap: Seconds; the longest pause of our own choosing.
    """

    attempts: int = 3
    base: float = 0.5
    cap: float = 8.0


DEFAULT_POLICY = RetryPolicy()


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """How many retries an endpoint may still be burdened with: a tenth of its first attempts.

    Example:
        >>> budget = RetryBudget(tokens=1.0)
        >>> budget.spend().allows, budget.spend().earn().tokens
        (False, 0.1)
    """

    tokens: float = 10.0
    most: float = 10.0
    earned: float = 0.1

    @property
    def allows(self) -> bool:
        """Whether there is a retry left."""
        return self.tokens >= 1.0

    def earn(self) -> Self:
        """After a first attempt."""
        if self.tokens >= self.most:
            return self
        return replace(self, tokens=min(self.most, self.tokens + self.earned))

    def spend(self) -> Self:
        """After a retry."""
        return replace(self, tokens=max(0.0, self.tokens - 1.0))


@dataclass(frozen=True, slots=True)
class Step:
    """What a call does after a failure: wait so many seconds and ask the same again, move on, or give up."""

    kind: Literal["wait", "move_on", "give_up"]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a call stands when an attempt has failed.

    Attributes:
        made: Requests made so far.
        left: Seconds until the deadline.
        others: Whether a member is left that was not tried yet.
        budget: The endpoint's retry budget.
    """

    made: int
    left: float
    others: bool = False
    budget: RetryBudget = RetryBudget()


def backoff(made: int, draw: Draw, policy: RetryPolicy = DEFAULT_POLICY) -> float:
    """A pause of full jitter: anything up to a bound that doubles with every attempt.

    Example:
        >>> backoff(1, lambda: 0.5), backoff(3, lambda: 0.5), backoff(99, lambda: 0.5)
        (0.25, 1.0, 4.0)
    """
    doublings = min(max(made - 1, 0), 30)
    return draw() * min(policy.cap, policy.base * 2.0**doublings)


def pause_for(error: Exception, made: int, draw: Draw, policy: RetryPolicy = DEFAULT_POLICY) -> float:
    """The pause before the same member is asked again; never shorter than the provider asked for."""
    wanted = error.retry_after if isinstance(error, errors.CallError) else None
    if wanted is None:
        return backoff(made, draw, policy)
    return wanted + draw() * min(1.0, 0.1 * wanted)


def next_step(error: Exception, standing: Standing, draw: Draw, policy: RetryPolicy = DEFAULT_POLICY) -> Step:
    """Decide what follows a failure. A member that was not tried yet comes before the same one again.

    Example:
        >>> down = errors.ProviderDownError("503")
        >>> next_step(down, Standing(made=1, left=60, others=True), lambda: 0.5).kind
        'move_on'
        >>> next_step(down, Standing(made=1, left=60), lambda: 0.5)
        Step(kind='wait', seconds=0.25)
    """
    if standing.made >= policy.attempts:
        return Step("give_up")
    if standing.others and moves_on(error):
        return Step("move_on")
    pause = pause_before_retry(error, standing.made, left=standing.left, draw=draw, policy=policy)
    if pause is None or not standing.budget.allows:
        return Step("give_up")
    return Step("wait", pause)


def pause_before_retry(
    error: Exception,
    made: int,
    *,
    left: float,
    draw: Draw = random.random,
    policy: RetryPolicy = DEFAULT_POLICY,
) -> float | None:
    """Seconds to wait before the same member is asked again, or `None` not to ask.

    Args:
        error: Its failure, as `classify` gave it.
        made: Requests the call has made.
        left: Seconds until the call's deadline; a pause that does not fit is not begun.
        draw: Where the jitter comes from.
        policy: How eagerly.
    """
    again = action_for(error).same_again
    if again == "no" or made >= policy.attempts or (again == "once" and made > 1):
        return None
    pause = pause_for(error, made, draw, policy)
    return pause if pause < left else None
