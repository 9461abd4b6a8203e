"""When a budget begins anew: calendar windows in a time zone, rolling ones, and never."""

from __future__ import annotations

import datetime as dt
import functools
import re
import zoneinfo
from collections.abc import Callable

from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.ledger import Span

CALENDAR = ("day", "week", "month")
ROLLING_SLOTS = 60
"""A rolling window counts in slots of a sixtieth, and lets one go only when it lies outside as a whole: spending
counts for up to a sixtieth longer than the window, never shorter."""

_ROLLING = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
# Clocks of every zone change, and its days begin, on a quarter of an hour in UTC.
_QUARTER = 900_000_000

TOTAL = Span(0, 0)


def window_of(name: str, zone: str = "UTC") -> Callable[[int], Span]:
    """The window of that name, as a function from an instant (microseconds since 1970) to its span.

    Args:
        name: `total`, `day`, `week` (from Monday), `month`, or a rolling one such as `90m`, `24h`, `7d`.
        zone: The time zone whose midnights a calendar window follows.

    Raises:
        ConfigError: No such window, or no such zone.

    Example:
        >>> span = window_of("day", "Asia/Tokyo")(1_700_000_000_000_000)
        >>> (span.ends - span.slot) // 3_600_000_000
        24
    """
    if name == "total":
        return _total
    if name in CALENDAR:
        return functools.partial(_calendar, name, _zone(zone))
    if match := _ROLLING.fullmatch(name):
        return functools.partial(_rolling, int(match[1]) * _UNITS[match[2]])
    raise ConfigError(
        f"{name!r} is no window of a budget. Write total, day, week, month, or a rolling one: 90m, 24h, 7d.",
        field="window",
    )


def _total(_now: int) -> Span:
    return TOTAL


def _rolling(period: int, now: int) -> Span:
    width = max(1, period // ROLLING_SLOTS)
    return Span((now - period) // width * width, now // width * width)


def _calendar(name: str, zone: zoneinfo.ZoneInfo, now: int) -> Span:
    return _calendar_span(name, zone, now // _QUARTER)


@functools.lru_cache(maxsize=256)
def _calendar_span(name: str, zone: zoneinfo.ZoneInfo, quarter: int) -> Span:
    local = (_EPOCH + quarter * _QUARTER * _MICROSECOND).astimezone(zone).date()
    start = _start(name, local)
    begins = _midnight(start, zone)
    return Span(begins, begins, _midnight(_after(name, start), zone))


def _start(name: str, day: dt.date) -> dt.date:
    if name == "month":
        return day.replace(day=1)
    return day - dt.timedelta(days=day.weekday()) if name == "week" else day


def _after(name: str, start: dt.date) -> dt.date:
    if name == "month":
        return (start + dt.timedelta(days=32)).replace(day=1)
    return start + dt.timedelta(days=7 if name == "week" else 1)


def _midnight(day: dt.date, zone: zoneinfo.ZoneInfo) -> int:
    """The first instant of a day; where a clock change swallows midnight, the instant of the change."""
    return (dt.datetime.combine(day, dt.time(), zone) - _EPOCH) // _MICROSECOND


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"{name!r} is no time zone this machine knows, such as Europe/Berlin.", field="zone"
        ) from None
