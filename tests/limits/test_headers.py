"""What providers say about their limits, and what hostile ones do."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models.limits import ceilings, reset_seconds

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360.0),
        ("20ms", 0.02),
        ("2m59.56s", 179.56),
        ("1h2m3s", 3_723.0),
        ("1d", 86_400.0),
        ("12", 12.0),
        ("0.5", 0.5),
        ("2026-09-21T14:13:30Z", 10.0),
        ("2026-09-21T16:13:30+02:00", 10.0),
        ("1790000030", 30.0),
        ("1790000030500", 30.5),
        ("1780000000", 0.0),
        ("9" * 15, 86_400.0),
        ("400d", 86_400.0),
    ],
)
def test_every_known_form_of_a_reset_is_read(text: str, seconds: float) -> None:
    """Case 81: durations, dates, epochs."""
    assert reset_seconds(text, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-5",
        "inf",
        "nan",
        "1e400",
        "9" * 20,
        "6m0",
        "m",
        "٣s",
        "1" * 100,
        "2026-99-99T00:00:00Z",
        "0x10",
        "1_000",
        "5 s",
        "\n",
    ],
)
def test_what_is_no_time_is_passed_over(text: str) -> None:
    assert reset_seconds(text, NOW) is None


def test_a_hundred_thousand_random_texts_crash_nothing_and_wait_no_longer_than_a_day() -> None:
    """Case 81: 10^5 texts, 0 crashes."""
    seed = random.Random(5)
    letters = "0123456789.mshd-:TZ+einfaNx \0é٣"
    for _ in range(100_000):
        text = "".join(seed.choices(letters, k=seed.randrange(0, 24)))
        seconds = reset_seconds(text, NOW)
        assert seconds is None or (math.isfinite(seconds) and 0 <= seconds <= 86_400)


@given(
    st.dictionaries(
        st.sampled_from(["x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", "X-RateLimit-Reset"]), st.text()
    )
)
def test_any_headers_are_read_or_passed_over(headers: dict[str, str]) -> None:
    for ceiling in ceilings(headers, NOW):
        assert 0 <= ceiling.remaining <= 10**12
        assert 0 < ceiling.seconds <= 86_400


def test_the_headers_of_each_provider_are_known() -> None:
    groq = {
        "x-ratelimit-remaining-requests": "14370",
        "x-ratelimit-reset-requests": "2m59.56s",
        "x-ratelimit-remaining-tokens": "17997",
        "x-ratelimit-reset-tokens": "7.66s",
    }
    anthropic = {
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2026-09-21T14:13:21Z",
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-input-tokens-reset": "2026-09-21T14:14:20Z",
    }
    openrouter = {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "1790000060000"}
    found = [
        [(c.kind, c.remaining, round(c.seconds, 2)) for c in ceilings(h, NOW)] for h in (groq, anthropic, openrouter)
    ]
    assert found == [
        [("requests", 14_370, 179.56), ("tokens", 17_997, 7.66)],
        [("requests", 49, 1.0), ("tokens", 0, 60.0)],
        [("requests", 3, 60.0)],
    ]
