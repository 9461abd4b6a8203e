"""Prices from figures: what a zero means, what a tier holds."""

from __future__ import annotations

from decimal import Decimal

from catalog_build.rates import is_zero, list_claim, mode_of, paid, period_of

D = Decimal


def test_zero_beside_a_paid_rate_means_that_nothing_is_said() -> None:
    period = period_of({"input": D(1), "output": D(2), "cache_read": D(0)})
    assert (period.input, period.cache_read) == (D(1), None)


def test_a_rate_that_only_repeats_what_it_would_be_billed_as_is_left_out() -> None:
    """Or it would stay behind where a tier raises the other."""
    assert paid({"output": D(2), "reasoning": D(2), "image_output": D(3)}) == {"output": D(2), "image_output": D(3)}


def test_a_tier_names_the_unchanged_rates_too() -> None:
    period = period_of({"input": D(1), "output": D(2)}, {200_000: {"input": D(2)}})
    (tier,) = period.tiers
    assert (tier.above, tier.input, tier.output) == (200_000, D(2), D(2))


def test_a_tier_that_changes_nothing_is_none() -> None:
    assert period_of({"input": D(1)}, {200_000: {"input": D(1)}}).tiers == ()


def test_a_level_without_an_input_price_is_none() -> None:
    assert mode_of({"output": D(1)}) is None


def test_only_zeros_all_over_are_free() -> None:
    assert is_zero({"input": D(0), "output": D(0), "cache_read": D(0)})
    assert not is_zero({"input": D(0), "output": D(0), "image_output": D(1)})
    assert not is_zero({"input": D(0), "output": None})


def test_a_list_that_names_no_rate_claims_no_price() -> None:
    assert list_claim(period_of({"input": None})) is None
