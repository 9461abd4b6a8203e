"""What a call may cost: never less than it will, and how much output a sum buys."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models.budgets import CallSize, affordable_output, estimate_call, step_down
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.prices import cost

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


def entry(model: str = "m", *, state: str = "priced", **rates: Any) -> ModelEntry:
    pricing = [rates] if rates else []
    return ModelEntry.model_validate({"provider": "p", "id": model, "price_state": state, "pricing": pricing})


TIERED = entry(
    input="2",
    output="10",
    cache_read="0.2",
    cache_write="2.5",
    cache_write_1h="4",
    request="0.001",
    tiers=[{"above": 200_000, "input": "4", "output": "20"}],
)


@given(
    tokens=st.integers(0, 400_000),
    shares=st.lists(st.integers(0, 100), min_size=3, max_size=3),
    put_out=st.integers(0, 8_000),
    thought=st.integers(0, 100),
)
def test_no_bill_within_the_bounds_is_higher_than_the_most(
    tokens: int, shares: list[int], put_out: int, thought: int
) -> None:
    """However the tokens are billed (cached, written for minutes or an hour, thought), on either side of a tier."""
    written, hour, read = (tokens * share // 400 for share in shares)
    usage = {
        "input_tokens": tokens,
        "output_tokens": put_out,
        "input_token_details": {
            "cache_creation": written + hour,
            "ephemeral_1h_input_tokens": hour,
            "cache_read": read,
        },
        "output_token_details": {"reasoning": put_out * thought // 100},
    }
    billed = cost(usage, TIERED, NOW).amount
    most = estimate_call(TIERED, CallSize(tokens, 8_000), NOW).most
    assert billed is not None
    assert most is not None
    assert billed <= most


@pytest.mark.parametrize("tokens", [199_999, 200_000, 200_001, 300_000])
def test_a_long_prompt_is_held_at_the_rate_of_its_tier(tokens: int) -> None:
    held = estimate_call(TIERED, CallSize(tokens, 0, counted=True), NOW).most
    spent = cost({"input_tokens": tokens, "output_tokens": 0}, TIERED, NOW).amount
    assert held is not None
    assert spent is not None
    assert held >= spent
    assert (held > Decimal("0.9")) == (tokens > 225_000) or tokens <= 200_001


def test_an_unknown_price_has_no_estimate_and_a_free_one_costs_nothing() -> None:
    assert estimate_call(entry(state="unknown"), CallSize(10, 10), NOW).most is None
    assert estimate_call(entry(state="dynamic", input="1", output="1"), CallSize(10, 10), NOW).most is None
    assert estimate_call(entry(state="free"), CallSize(10, 10), NOW).most == 0


def test_the_usual_cost_is_what_was_learned_and_never_more_than_the_most() -> None:
    plain = entry(input="1", output="10")
    learned = estimate_call(plain, CallSize(0, 1_000, usual_output_tokens=100, counted=True), NOW)
    assert (learned.usual, learned.most) == (Decimal("0.001"), Decimal("0.01"))
    unseen = estimate_call(plain, CallSize(0, 1_000, counted=True), NOW)
    assert unseen.usual == unseen.most
    beyond = estimate_call(plain, CallSize(0, 1_000, usual_output_tokens=5_000, counted=True), NOW)
    assert beyond.usual == beyond.most


@given(st.decimals(0, 5, places=6), st.integers(0, 250_000))
def test_the_affordable_output_is_affordable_and_one_token_more_is_not(money: Decimal, tokens: int) -> None:
    tokens_out = affordable_output(TIERED, CallSize(tokens), money, NOW)
    assert tokens_out is not None
    most = estimate_call(TIERED, CallSize(tokens, tokens_out), NOW).most
    more = estimate_call(TIERED, CallSize(tokens, tokens_out + 1), NOW).most
    assert most is not None
    assert more is not None
    assert more > money
    assert most <= money or tokens_out == 0


def test_stepping_down_finds_the_dearest_model_that_is_cheaper_and_fits() -> None:
    models = {
        name: entry(name, input=rate, output=rate) for name, rate in {"a": "40", "b": "20", "c": "10", "d": "1"}.items()
    }
    unpriced = entry("u", state="unknown")
    size = CallSize(0, 1_000_000, counted=True)
    everybody = [*models.values(), unpriced]

    def next_after(name: str, money: str) -> str | None:
        found = step_down(everybody, models[name], size, Decimal(money), NOW)
        return None if found is None else found.id

    assert next_after("a", "100") == "b"
    assert next_after("a", "15") == "c"
    assert next_after("b", "15") == "c"
    assert next_after("d", "100") is None
    assert next_after("a", "0.5") is None
