"""Every form of "later" is understood or ignored; none is able to hold us for ever."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from langchain_lucky_models.failures import read_duration, retry_after
from langchain_lucky_models.failures.waits import LONGEST_WAIT, wait_in_text

NOW = 1_795_000_000.0


def http_date(moment: float) -> str:
    return format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2", 2.0),
        ("0", 0.0),
        ("1.5", 1.5),
        (" 7 ", 7.0),
        ("3600", 3600.0),
        ("999999999", LONGEST_WAIT),
        ("1, 7", 7.0),
        ("inf", None),
        ("nan", None),
        ("-5", None),
        ("1e400", None),
        ("1e3", None),
        ("9" * 20, None),
        ("soon, maybe", None),
        ("", None),
        ("٣", None),
        ("Wed, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_in_seconds_or_nothing(value: str, seconds: float | None) -> None:
    """Case 4: never negative, never without end, never an error."""
    assert retry_after({"Retry-After": value}, NOW) == seconds


@pytest.mark.parametrize("skew", [-3600.0, 0.0, 3600.0])
def test_a_date_counts_from_the_answers_own_date(skew: float) -> None:
    """Case 5: a server whose clock is an hour off is understood to the second."""
    headers = {"retry-after": http_date(NOW + skew + 90), "date": http_date(NOW + skew)}
    assert retry_after(headers, NOW) == 90.0
    assert retry_after(headers) == 90.0


def test_a_date_without_date_counts_from_our_clock_where_it_is_given() -> None:
    headers = {"retry-after": http_date(NOW + 90)}
    assert retry_after(headers, NOW) == 90.0
    assert retry_after(headers) is None


def test_a_date_in_the_past_is_now_and_a_far_one_is_a_day() -> None:
    assert retry_after({"retry-after": http_date(NOW - 5)}, NOW) == 0.0
    assert retry_after({"retry-after": http_date(NOW + 1e7)}, NOW) == LONGEST_WAIT


def test_milliseconds_come_first() -> None:
    assert retry_after({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    assert retry_after({"retry-after-ms": "nan", "retry-after": "9"}) == 9.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7.66s"}, 7.66),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2m59.56s"}, 179.56),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-remaining-requests": "12", "x-ratelimit-reset-requests": "6m0s"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int((NOW + 30) * 1000))}, 30.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW + 30))}, 30.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, 30.0),
        (
            {
                "anthropic-ratelimit-tokens-remaining": "0",
                "anthropic-ratelimit-tokens-reset": datetime.fromtimestamp(NOW + 12, UTC).isoformat(),
            },
            12.0,
        ),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "never"}, None),
    ],
)
def test_without_retry_after_the_limit_that_is_used_up_tells(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


def test_retry_after_outranks_the_limits() -> None:
    limits = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7.66s"}
    assert retry_after({**limits, "retry-after": "2"}) == 2.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Rate limit reached for model `x`. Please try again in 5.289s. Need more tokens?", 5.289),
        ("Please try again in 2m59.56s.", 179.56),
        ("Please retry in 120ms", 0.12),
        ("Try again in a while", None),
    ],
)
def test_a_message_may_name_the_wait(text: str, seconds: float | None) -> None:
    assert wait_in_text(text) == seconds


@pytest.mark.parametrize(("text", "seconds"), [("1h", 3600.0), ("1d2h", LONGEST_WAIT), ("1m500ms", 60.5), ("s", None)])
def test_durations(text: str, seconds: float | None) -> None:
    assert read_duration(text) == seconds


HOSTILE = st.one_of(st.text(max_size=40), st.from_regex(r"[-+]?[0-9eE.:, smhdGMTWnaif]{0,30}", fullmatch=True))
NAMES = st.sampled_from(
    [
        "retry-after",
        "retry-after-ms",
        "date",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ]
)


@given(headers=st.dictionaries(NAMES, HOSTILE | st.just("0")), now=st.none() | st.floats(0, 4e9))
@example(headers={"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT", "date": "Mon, 01 Jan 0001 00:00:00 GMT"}, now=None)
@example(headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "999999999999"}, now=0.0)
def test_hostile_headers_never_crash_and_never_hold_for_more_than_a_day(
    headers: dict[str, str], now: float | None
) -> None:
    wait = retry_after(headers, now)
    assert wait is None or 0.0 <= wait <= LONGEST_WAIT
