"""A usage report is believed only where it can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models.catalog.usage import MOST_TOKENS, Usage, read_usage

HOSTILE = [-1, 10**18, MOST_TOKENS + 1, True, 12.0, float("nan"), float("inf"), "12", b"12", [12], {"a": 1}]


def _report(into: object = 100, out: object = 10, **more: object) -> dict[str, object]:
    return {"input_tokens": into, "output_tokens": out, **more}


def test_a_plain_report_is_believed() -> None:
    assert read_usage(_report(total_tokens=110)) == Usage(input=100, output=10)


def test_every_detail_that_langchain_names_is_read() -> None:
    usage = read_usage(
        _report(
            input_token_details={"audio": 5, "cache_creation": 7, "cache_read": 40},
            output_token_details={"audio": 2, "reasoning": 3},
        )
    )
    assert usage == Usage(
        input=100, output=10, cache_read=40, cache_write=7, audio_input=5, reasoning=3, audio_output=2
    )


@pytest.mark.parametrize(
    ("details", "brief", "hour"),
    [
        ({"cache_creation": 0, "ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30}, 20, 30),
        ({"cache_creation": 50, "ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30}, 20, 30),
        ({"cache_creation": 50, "ephemeral_1h_input_tokens": 30}, 20, 30),
        ({"cache_creation": 50}, 50, 0),
        ({"ephemeral_1h_input_tokens": 30}, 0, 30),
    ],
)
def test_cache_writes_are_counted_once(details: Mapping[str, int], brief: int, hour: int) -> None:
    """Whether the sum of both kinds is reported beside them, instead of them, or not at all."""
    usage = read_usage(_report(input_token_details=details))
    assert (usage.cache_write, usage.cache_write_1h) == (brief, hour)


@pytest.mark.parametrize("tier", ["priority", "flex"])
def test_a_service_tier_in_the_details_is_the_mode(tier: str) -> None:
    """LangChain's OpenAI model names the tier in the keys, and keeps the tier's own tokens under its bare name."""
    usage = read_usage(
        _report(
            input_token_details={f"{tier}_cache_read": 60, tier: 40},
            output_token_details={f"{tier}_reasoning": 4, tier: 6},
        )
    )
    assert (usage.mode, usage.cache_read, usage.reasoning, usage.suspect) == (tier, 60, 4, ())


@pytest.mark.parametrize("value", [*HOSTILE, None], ids=repr)
def test_a_total_that_is_no_count_is_unknown_and_named(value: object) -> None:
    """Nothing is guessed for it: neither 0 nor the number it looks like."""
    usage = read_usage(_report(into=value))
    assert usage.input is None
    assert usage.output == 10
    assert any("input_tokens" in doubt for doubt in usage.suspect)


@pytest.mark.parametrize("value", [*HOSTILE, 101], ids=repr)
def test_a_detail_that_is_no_count_is_left_out_and_named(value: object) -> None:
    """A detail larger than its total is none, either: it would hide tokens that are billed."""
    usage = read_usage(_report(input_token_details={"cache_read": value}))
    assert (usage.input, usage.cache_read) == (100, 0)
    assert any("cache_read" in doubt for doubt in usage.suspect)


@pytest.mark.parametrize("value", [109, -110, "110", True])
def test_a_sum_that_is_none_is_named(value: object) -> None:
    assert any("total_tokens" in doubt for doubt in read_usage(_report(total_tokens=value)).suspect)


@pytest.mark.parametrize("report", [None, [], "usage", 7])
def test_no_report_is_an_unknown_use(report: Any) -> None:
    usage = read_usage(report)
    assert (usage.input, usage.output) == (None, None)
    assert usage.suspect


def test_details_of_another_type_are_named_and_left_out() -> None:
    usage = read_usage(_report(input_token_details=[1, 2]))
    assert (usage.input, usage.cache_read) == (100, 0)
    assert usage.suspect


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2)
)
DETAILS = st.dictionaries(
    st.sampled_from(["audio", "cache_read", "cache_creation", "priority", "flex_cache_read", "reasoning", "?"]),
    ANYTHING,
)


@given(
    st.dictionaries(
        st.sampled_from(["input_tokens", "output_tokens", "total_tokens", "input_token_details"]), ANYTHING | DETAILS
    )
)
def test_whatever_is_reported_only_counts_come_out(report: dict[str, object]) -> None:
    """No report makes the reader fail, and none puts a negative or absurd count on a bill."""
    usage = read_usage(report)
    counts = [usage.cache_read, usage.cache_write, usage.cache_write_1h, usage.audio_input, usage.reasoning]
    totals = [total for total in (usage.input, usage.output) if total is not None]
    assert all(type(count) is int and 0 <= count <= 4 * MOST_TOKENS for count in counts + totals)
    assert usage.input is not None or usage.suspect
