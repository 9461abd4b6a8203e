"""Windows: they follow each other without gap or overlap, begin at local midnight, and never let spending go early."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models.budgets import window_of
from langchain_lucky_models.errors import ConfigError

ZONES = [
    "UTC",
    "Asia/Tokyo",
    "America/Los_Angeles",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "America/Havana",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
]
MICROS = 1_000_000
instants = st.integers(1_000_000_000 * MICROS, 2_200_000_000 * MICROS)


def local(micros: int, zone: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(micros // MICROS, zoneinfo.ZoneInfo(zone))


@given(instants, st.sampled_from(ZONES), st.sampled_from(["day", "week", "month"]))
def test_a_calendar_window_holds_its_instant_and_the_next_begins_where_it_ends(now: int, zone: str, name: str) -> None:
    window = window_of(name, zone)
    span = window(now)
    assert span.ends is not None
    assert span.first == span.slot <= now < span.ends
    assert window(span.slot) == span == window(span.ends - 1)
    following = window(span.ends)
    assert following.slot == span.ends


@given(instants, st.sampled_from(ZONES), st.sampled_from(["day", "week", "month"]))
def test_a_calendar_window_begins_on_the_first_instant_of_its_local_day(now: int, zone: str, name: str) -> None:
    """Case 65: window k ends at local midnight exactly, on days of 23 and 25 hours as well; none loses an hour."""
    start = window_of(name, zone)(now).slot
    first, before = local(start, zone), local(start - MICROS, zone)
    assert first.date() != before.date()
    if name == "month":
        assert first.day == 1
    if name == "week":
        assert first.weekday() == 0


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", dt.date(2026, 3, 29), 23),
        ("Europe/Berlin", dt.date(2026, 10, 25), 25),
        ("America/Sao_Paulo", dt.date(2018, 11, 4), 23),
        ("America/Sao_Paulo", dt.date(2018, 2, 17), 25),
        ("Australia/Lord_Howe", dt.date(2026, 4, 5), 24.5),
        ("Asia/Tokyo", dt.date(2024, 2, 29), 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_make_it(zone: str, day: dt.date, hours: float) -> None:
    """Case 65: days of 23, 24 and 25 hours, leap days among them."""
    noon = dt.datetime.combine(day, dt.time(12), zoneinfo.ZoneInfo(zone))
    span = window_of("day", zone)(int(noon.timestamp()) * MICROS)
    assert span.ends is not None
    assert (span.ends - span.slot) / MICROS / 3600 == hours


@given(instants, st.sampled_from([("90m", 90 * 60), ("24h", 86_400), ("7d", 7 * 86_400)]))
def test_a_rolling_window_counts_all_of_its_period_and_at_most_a_sixtieth_more(now: int, form: tuple[str, int]) -> None:
    name, seconds = form
    period = seconds * MICROS
    span = window_of(name)(now)
    assert span.slot <= now
    assert now - period - period // 60 <= span.first <= now - period


@given(st.lists(instants, min_size=2, max_size=20).map(sorted), st.sampled_from(["24h", "day", "month", "total"]))
def test_windows_only_ever_move_forwards(times: list[int], name: str) -> None:
    """Case 65: whatever the clock says."""
    spans = [window_of(name)(now) for now in times]
    assert all(a.slot <= b.slot and a.first <= b.first for a, b in pairwise(spans))


def test_a_total_never_begins_anew() -> None:
    assert window_of("total")(1) == window_of("total")(10**18)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("year", "UTC"),
        ("0h", "UTC"),
        ("1.5h", "UTC"),
        ("-1d", "UTC"),
        ("day", "Mars/Olympus"),
        ("day", "../etc/passwd"),
        ("", "UTC"),
    ],
)
def test_what_is_no_window_or_no_zone_is_refused_by_name(name: str, zone: str) -> None:
    with pytest.raises(ConfigError):
        window_of(name, zone)
