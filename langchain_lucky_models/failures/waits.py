"""How long a provider asks to be left alone, in every form that providers use. Pure; the time is an argument."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 86_400.0
"""Seconds. Whoever asks for more is taken to mean a day."""

_SECONDS = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)
_DURATION = re.compile(
    r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?"
)
_DURATION_UNITS = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_IN_TEXT = re.compile(r"(?:try again|retry) in ((?:\d+(?:\.\d+)?(?:ms|[dhms]))+)", re.IGNORECASE | re.ASCII)

_EPOCH_SECONDS = 1e9
_EPOCH_MILLISECONDS = 1e12

_BUDGETS = ("requests", "tokens", "input-tokens", "output-tokens")
_RESETS = (
    *((f"x-ratelimit-remaining-{budget}", f"x-ratelimit-reset-{budget}") for budget in _BUDGETS),
    *((f"anthropic-ratelimit-{budget}-remaining", f"anthropic-ratelimit-{budget}-reset") for budget in _BUDGETS),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
)
"""Header pairs: what is left of a limit, and when it is whole again."""


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds until the provider wants to hear from us again.

    `retry-after-ms` and `Retry-After` come first; without them, the reset of whichever limit is used up. Dates count
    from the answer's own `Date`, so a server whose clock is wrong is understood all the same.

    Args:
        headers: The answer's headers.
        now: The wall clock, for dates in answers without a `Date`; without either, a date says nothing.

    Returns:
        Between 0 and a day; `None` where nothing usable was said.

    Example:
        >>> retry_after({"Retry-After": "2"}), retry_after({"retry-after-ms": "1500"})
        (2.0, 1.5)
        >>> retry_after({"Retry-After": "nan"}) is None
        True
        >>> retry_after({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2.5s"})
        62.5
    """
    known = {name.lower(): value for name, value in headers.items()}
    sent = _read_date(known.get("date", ""))
    base = sent if sent is not None else now
    for seconds in _spoken(known, base):
        return min(seconds, LONGEST_WAIT)
    used_up = [
        wait
        for left, reset in _RESETS
        if known.get(left, "").strip() in ("0", "0.0") and (wait := _read_reset(known.get(reset, ""), base)) is not None
    ]
    return min(max(used_up), LONGEST_WAIT) if used_up else None


def wait_in_text(text: str) -> float | None:
    """The wait that an error message names, such as Groq's "try again in 5.289s".

    Example:
        >>> wait_in_text("Rate limit reached. Please try again in 2m59.56s. Visit us.")
        179.56
    """
    found = _IN_TEXT.search(text)
    return read_duration(found[1]) if found else None


def read_duration(text: str) -> float | None:
    """A duration as OpenAI and Groq write it.

    Example:
        >>> read_duration("6m0s"), read_duration("20ms"), read_duration("7.66s"), read_duration("soon")
        (360.0, 0.02, 7.66, None)
    """
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()):
        return None
    parts = zip(found.groups(), _DURATION_UNITS, strict=True)
    return min(round(sum(float(part) * unit for part, unit in parts if part), 6), LONGEST_WAIT)


def _spoken(headers: Mapping[str, str], base: float | None) -> Iterator[float]:
    if (milliseconds := _read_seconds(headers.get("retry-after-ms", ""))) is not None:
        yield milliseconds / 1000
    value = headers.get("retry-after", "")
    # Two headers arrive as one, joined by a comma: the longer wait satisfies both.
    listed = [_read_seconds(part) for part in value.split(",")]
    if listed and all(part is not None for part in listed):
        yield max(part for part in listed if part is not None)
    if (date := _read_date(value)) is not None and base is not None:
        yield max(0.0, date - base)


def _read_seconds(text: str) -> float | None:
    return float(text) if _SECONDS.fullmatch(text := text.strip()) else None


def _read_date(text: str) -> float | None:
    with suppress(ValueError, TypeError, OverflowError, IndexError):
        date = parsedate_to_datetime(text.strip())
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    return None


def _read_reset(text: str, base: float | None) -> float | None:
    """A reset: a duration, seconds, a moment as epoch seconds or milliseconds, or an RFC 3339 time."""
    if (number := _read_seconds(text)) is None:
        return read_duration(text) if text.strip()[-1:] == "s" else _until(_read_iso(text), base)
    if number < _EPOCH_SECONDS:
        return number
    return _until(number / 1000 if number >= _EPOCH_MILLISECONDS else number, base)


def _read_iso(text: str) -> float | None:
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


def _until(moment: float | None, base: float | None) -> float | None:
    return None if moment is None or base is None else max(0.0, moment - base)
