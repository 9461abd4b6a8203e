"""How many tokens models usually put out, and so what a call is charged before it is sent."""

from __future__ import annotations

import bisect
import threading
from collections import deque

REMEMBERED = 200
SHARE = 0.95
LEAST_OUTPUT = 64
UNKNOWN_OUTPUT = 1_000
MOST_MODELS = 2_000


class LearnedOutputs:
    """The output tokens of the last answers, by model."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[deque[int], list[int]]] = {}

    def observe(self, model: str, tokens: int) -> None:
        """An answer had so many tokens."""
        with self._lock:
            if model not in self._seen and len(self._seen) >= MOST_MODELS:
                self._seen.pop(next(iter(self._seen)))
            recent, ordered = self._seen.setdefault(model, (deque(), []))
            recent.append(tokens)
            bisect.insort(ordered, tokens)
            if len(recent) > REMEMBERED:
                del ordered[bisect.bisect_left(ordered, recent.popleft())]

    def usual(self, model: str) -> int | None:
        """What nineteen of twenty answers stay under; None before the first."""
        with self._lock:
            if (seen := self._seen.get(model)) is None:
                return None
            ordered = seen[1]
            return ordered[min(len(ordered) - 1, int(len(ordered) * SHARE))]


def token_charge(input_tokens: int, max_output_tokens: int | None, usual_output_tokens: int | None) -> int:
    """Tokens that a call is charged before its answer tells.

    Example:
        >>> token_charge(100, max_output_tokens=500, usual_output_tokens=None)
        600
        >>> token_charge(100, max_output_tokens=None, usual_output_tokens=20)
        164
    """
    unknown = UNKNOWN_OUTPUT if max_output_tokens is None else max_output_tokens
    expected = max(LEAST_OUTPUT, unknown if usual_output_tokens is None else usual_output_tokens)
    return input_tokens + (expected if max_output_tokens is None else min(expected, max_output_tokens))
