"""Whom to believe, field by field."""

from __future__ import annotations

from catalog_build.claims import Claim
from catalog_build.precedence import LAB_PRICES, LIST_PRICES, ORDER, OTHERWISE, choose, price_rank, rank
from catalog_build.sources import SOURCES, curated


def test_every_source_that_is_named_exists() -> None:
    names = {source.name for source in SOURCES} | {curated.NAME}
    for order in (*ORDER.values(), OTHERWISE, LAB_PRICES, LIST_PRICES):
        assert set(order) <= names
        assert len(order) == len(set(order))


def test_every_source_has_a_place_where_no_line_names_the_field() -> None:
    assert {source.name for source in SOURCES} | {curated.NAME} == set(OTHERWISE)


def test_our_decisions_come_first_everywhere() -> None:
    assert all(order[0] == curated.NAME for order in (*ORDER.values(), OTHERWISE, LAB_PRICES, LIST_PRICES))


def test_a_providers_own_list_beats_everybody_about_what_its_models_can_do() -> None:
    assert rank("capabilities.tools", "groq") < rank("capabilities.tools", "models.dev")
    assert price_rank("groq", "groq") < price_rank("groq", "litellm")
    assert price_rank("openai", "genai-prices") < price_rank("openai", "litellm") < price_rank("openai", "models.dev")


def test_the_winner_stands_whatever_order_the_claims_come_in() -> None:
    claims = [
        Claim("litellm", "openai", "m", {"limits.output": 1}),
        Claim("models.dev", "openai", "m", {"limits.output": 2}),
    ]
    for said in (claims, claims[::-1]):
        choice = choose(said)["limits.output"]
        assert (choice.won.source, choice.won.value) == ("models.dev", 2)
        assert [word.source for word in choice.disputed] == ["litellm"]
