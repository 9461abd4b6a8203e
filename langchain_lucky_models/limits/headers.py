"""What providers say about their own limits in the headers of an answer. Nothing in a header is believed blindly."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

LONGEST_RESET = 86_400.0
MOST_REMAINING = 10**12

_DURATION = re.compile(
    r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,7}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,6})?)ms)?",
    re.ASCII,
)
_UNITS = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_NUMBER = re.compile(r"\d{1,16}(?:\.\d{1,9})?", re.ASCII)
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
# Larger numbers are instants, not durations: seconds since 1970, or milliseconds.
_FIRST_EPOCH = 1e9
_FIRST_EPOCH_MS = 1e11

_NAMES: tuple[tuple[Literal["requests", "tokens"], str, str], ...] = (
    ("requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("requests", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("tokens", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("tokens", "anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    ("requests", "x-ratelimit-remaining", "x-ratelimit-reset"),
    ("requests", "ratelimit-remaining", "ratelimit-reset"),
)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A provider's word: so much is left, for so many seconds."""

    kind: Literal["requests", "tokens"]
    remaining: int
    seconds: float


def ceilings(headers: Mapping[str, str], now: float) -> tuple[Ceiling, ...]:
    """What an answer's headers say; what cannot be read, or cannot be true, is passed over.

    Args:
        headers: By name, in any case.
        now: Seconds since 1970, by the answer's own `Date` where it has one.

    Example:
        >>> ceilings({"x-ratelimit-remaining-tokens": "1500", "x-ratelimit-reset-tokens": "2m59.56s"}, now=0.0)
        (Ceiling(kind='tokens', remaining=1500, seconds=179.56),)
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    found = []
    for kind, remaining_name, reset_name in _NAMES:
        remaining = _remaining(lowered.get(remaining_name, ""))
        seconds = reset_seconds(lowered.get(reset_name, ""), now)
        if remaining is not None and seconds is not None and seconds > 0:
            found.append(Ceiling(kind, remaining, seconds))
    return tuple(found)


def reset_seconds(text: str, now: float) -> float | None:
    """Seconds until a reset: `6m0s`, `20ms`, `12`, RFC 3339, or seconds or milliseconds since 1970; a day at most.

    Example:
        >>> [reset_seconds(text, now=1e9) for text in ("6m0s", "20ms", "12", "1000000030", "soon")]
        [360.0, 0.02, 12.0, 30.0, None]
        >>> reset_seconds("2001-09-09T01:46:50Z", now=1e9)
        10.0
    """
    text = text.strip()
    if len(text) > 64:  # noqa: PLR2004 - longer than any form below
        return None
    seconds = _number(text, now) if _NUMBER.fullmatch(text) else _duration(text)
    if seconds is None and _STAMP.fullmatch(text):
        seconds = _stamp(text, now)
    return None if seconds is None or not math.isfinite(seconds) else min(max(0.0, seconds), LONGEST_RESET)


def _remaining(text: str) -> int | None:
    text = text.strip()
    return min(int(float(text)), MOST_REMAINING) if _NUMBER.fullmatch(text) else None


def _number(text: str, now: float) -> float:
    number = float(text)
    if number < _FIRST_EPOCH:
        return number
    return (number / 1000 if number >= _FIRST_EPOCH_MS else number) - now


def _duration(text: str) -> float | None:
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        return None
    return sum(float(part) * unit for part, unit in zip(match.groups(), _UNITS, strict=True) if part)


def _stamp(text: str, now: float) -> float | None:
    try:
        return dt.datetime.fromisoformat(text).timestamp() - now
    except (ValueError, OverflowError):
        return None
