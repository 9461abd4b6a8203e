"""Our limits as LangChain's own rate limiters: for chat models, and anything else, that no handle stands for."""

from __future__ import annotations

import math

from langchain_core.rate_limiters import BaseRateLimiter

from langchain_lucky_models.errors import LimitReachedError
from langchain_lucky_models.limits.limit import Caller
from langchain_lucky_models.limits.limiter import Limiter
from langchain_lucky_models.limits.passage import Load, Passage


class CallerLimiter(BaseRateLimiter):
    """One caller's way past the limits, as LangChain asks for it: before a call, and never after it.

    So it counts requests exactly, and tokens as they are charged beforehand. Whoever asks it does not say when a call
    is over: calls at once are not limited by it.

    Args:
        limiter: Whose limits.
        caller: Who calls whom.
        tokens: What each call is charged.

    Example:
        >>> from langchain_lucky_models.limits import Limit
        >>> limiter = Limiter([Limit(scope="user", requests_per_minute=1)])
        >>> ada = CallerLimiter(limiter, Caller(user="ada"))
        >>> ada.acquire(), ada.acquire(blocking=False)
        (True, False)
    """

    def __init__(self, limiter: Limiter, caller: Caller, tokens: int = 0) -> None:
        self._limiter = limiter
        self._caller = caller
        self._load = Load(tokens, tokens)

    def acquire(self, *, blocking: bool = True) -> bool:
        """Take a call's part of every limit.

        Args:
            blocking: Wait for room; otherwise say at once whether there was any.

        Raises:
            LimitReachedError: No wait helps: the call is larger than a limit, or too many wait already.
        """
        try:
            passage = self._limiter.acquire(self._caller, self._load, wait_up_to=math.inf if blocking else 0.0)
        except LimitReachedError:
            if blocking:
                raise
            return False
        self._limiter.settle(passage)
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        """Same as `acquire`, but waits in a task."""
        try:
            passage: Passage = await self._limiter.aacquire(
                self._caller, self._load, wait_up_to=math.inf if blocking else 0.0
            )
        except LimitReachedError:
            if blocking:
                raise
            return False
        await self._limiter.asettle(passage)
        return True
