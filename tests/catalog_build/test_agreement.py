"""Two of three must agree about a lab's price; whoever agrees may complete it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_build.agreement import TOLERANCE, choose_price, close, same_price
from catalog_build.claims import Claim, PriceClaim
from langchain_lucky_models.catalog.entry import PriceModes, PricePeriod, PriceTier, PriceWindow, Rates

TODAY = dt.date(2026, 11, 12)
CUT = dt.date(2026, 8, 21)


def period(input: str, output: str, **more: object) -> PricePeriod:
    """A period of these rates."""
    return PricePeriod.model_validate({"input": input, "output": output, **more})


def claim(source: str, *periods: PricePeriod, provider: str = "openai") -> Claim:
    """A claim about one and the same model."""
    return Claim(source, provider, "m", price=PriceClaim("priced", periods))


def test_the_first_of_those_who_agree_wins_and_the_others_are_named() -> None:
    said = [
        claim("models.dev", period("1", "2")),
        claim("litellm", period("1", "2")),
        claim("genai-prices", period("3", "4")),
    ]
    choice = choose_price("openai", said, TODAY)
    assert choice.sources == ("litellm", "models.dev")
    assert choice.disputed == ("genai-prices",)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ([claim("litellm", period("1", "2"))], "only one source names a price"),
        ([claim("litellm", period("1", "2")), claim("models.dev", period("1", "3"))], "no two sources agree"),
    ],
)
def test_a_labs_price_without_a_second_voice_is_not_believed(said: list[Claim], fault: str) -> None:
    choice = choose_price("openai", said, TODAY)
    assert choice.claim is None
    assert choice.fault is not None
    assert choice.fault.startswith(fault)


def test_a_decision_replaces_the_second_voice() -> None:
    choice = choose_price(
        "mistral", [claim("genai-prices", period("1", "2"), provider="mistral")], TODAY, "genai-prices"
    )
    assert choice.sources == ("genai-prices",)


def test_a_providers_own_list_needs_no_second_voice() -> None:
    own = claim("groq", period("1", "2"), provider="groq")
    other = claim("litellm", period("5", "6"), provider="groq")
    choice = choose_price("groq", [other, own], TODAY)
    assert (choice.sources, choice.disputed) == (("groq",), ("litellm",))


def test_those_who_agree_add_rates_tiers_levels_and_history() -> None:
    tier = PriceTier(above=200_000, input=Decimal(2), output=Decimal(4))
    plain = claim("litellm", period("1", "2"), provider="groq")
    rich = claim(
        "genai-prices",
        period("5", "6", until=CUT),
        period(
            "1", "2", start=CUT, cache_read="0.1", tiers=(tier,), modes=PriceModes(batch=Rates(input=Decimal("0.5")))
        ),
        provider="groq",
    )
    price = choose_price("groq", [plain, rich], TODAY).claim
    assert price is not None
    before, now = price.periods
    assert (before.input, before.until, now.start) == (Decimal(5), CUT, CUT)
    assert (now.cache_read, now.tiers, now.modes.batch) == (Decimal("0.1"), (tier,), Rates(input=Decimal("0.5")))


def test_a_tier_or_an_hour_that_a_providers_own_list_does_not_name_is_over() -> None:
    """Others keep them for months; what the list only leaves out, such as a cache price, they still add."""
    tier = PriceTier(above=200_000, input=Decimal(2), output=Decimal(4))
    window = PriceWindow(start=dt.time(1), until=dt.time(4), input=Decimal(2))
    own = claim("openrouter", period("1", "2"), provider="openrouter")
    late = claim(
        "models.dev", period("1", "2", cache_read="0.1", tiers=(tier,), schedule=(window,)), provider="openrouter"
    )
    price = choose_price("openrouter", [own, late], TODAY).claim
    assert price is not None
    assert (price.periods[0].tiers, price.periods[0].schedule) == ((), ())
    assert price.periods[0].cache_read == Decimal("0.1")


def test_those_who_disagree_add_nothing() -> None:
    own = claim("groq", period("1", "2"), provider="groq")
    other = claim("litellm", period("1", "3", cache_read="0.1"), provider="groq")
    price = choose_price("groq", [own, other], TODAY).claim
    assert price is not None
    assert price.periods[0].cache_read is None


def test_the_price_of_the_day_is_compared_not_that_of_before() -> None:
    dated = PriceClaim("priced", (period("5", "30", until=CUT), period("4", "20", start=CUT)))
    assert same_price(dated, PriceClaim("priced", (period("4", "20"),)), TODAY)
    assert not same_price(dated, PriceClaim("priced", (period("5", "30"),)), TODAY)


@given(st.decimals(min_value="0.01", max_value=1000, places=4))
def test_the_tolerance_forgives_rounding_and_nothing_more(figure: Decimal) -> None:
    assert close(figure, figure * (1 - TOLERANCE / 2))
    assert not close(figure, figure * (1 - TOLERANCE * 2))
    assert not close(figure, None)
