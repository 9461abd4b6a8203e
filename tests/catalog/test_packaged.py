"""The catalog that ships holds together, and says what is known to be true."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.guards import checked_entry
from langchain_lucky_models.catalog.loading import packaged_state, read_state, write_state
from langchain_lucky_models.catalog.migrations import follow, table_of
from langchain_lucky_models.catalog.prices import RATE_NAMES, cost, price_at
from langchain_lucky_models.catalog.tiers import TIERS, rank
from langchain_lucky_models.catalog.usage import Usage

DAY = dt.date(2026, 11, 21)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The packaged catalog."""
    return Catalog.packaged()


def test_every_row_that_ships_is_one_that_a_stranger_could_bring(catalog: Catalog) -> None:
    """The guards refuse none of them, and the file is read the same with every row checked."""
    assert all(checked_entry(entry) is entry for entry in catalog)
    assert read_state(write_state(packaged_state())).entries == catalog.entries()


@pytest.mark.parametrize(("day", "into", "out"), [(dt.date(2026, 8, 20), "5", "30"), (dt.date(2026, 8, 21), "4", "20")])
def test_a_known_price_cut_is_dated(catalog: Catalog, day: dt.date, into: str, out: str) -> None:
    price = price_at(catalog.get("openai#gpt-5.6-sol"), day)
    assert price is not None
    assert (price.input, price.output) == (Decimal(into), Decimal(out))


def test_a_known_price_cut_lowers_every_tier(catalog: Catalog) -> None:
    """The day before and the day itself, for a short prompt and for a long one."""
    luna = catalog.get("openai#gpt-5.6-luna")
    bills = [
        cost(Usage(input=prompt, output=1000), luna, dt.date(2026, 7, day)).amount
        for day in (29, 30)
        for prompt in (100_000, 300_000)
    ]
    assert bills == [Decimal("0.106"), Decimal("0.609"), Decimal("0.0212"), Decimal("0.1218")]


def test_an_announced_rise_waits_for_its_day_and_can_be_called_off(catalog: Catalog) -> None:
    """It says who announced it; what the application withdraws stays withdrawn when the source is asked again."""
    rising = catalog.get("google#gemini-4-argon")
    day = dt.date(2026, 12, 1)
    before, after = (cost(Usage(input=10**6), rising, moment).amount for moment in (day - dt.timedelta(1), day))
    assert before is not None
    assert after is not None
    assert before < after
    assert rising.prov["pricing"]
    own = Catalog([rising])
    own.update(rising.ref, pricing=[rising.pricing[0].model_copy(update={"until": None}).model_dump()])
    own.refresh_all([rising])
    assert cost(Usage(input=10**6), own.get(rising.ref), day).amount == before


def test_a_tier_names_every_rate_that_its_period_names(catalog: Catalog) -> None:
    """So that neither a cache nor a service level keeps the price of a short prompt."""
    silent = [
        (str(entry.ref), tier.above, name)
        for entry in catalog
        for period in entry.pricing
        for tier in period.tiers
        for name in RATE_NAMES
        if getattr(period, name) is not None and getattr(tier, name) is None
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("asked", "into", "out"),
    [
        ("openai#gpt-4o-2024-08-06", "2.5", "10"),
        ("openai#gpt-4o-mini-search-preview", "0.15", "0.6"),
        ("openai#gpt-5", "1.25", "10"),
        ("openai#gpt-5.5", "5", "30"),
        ("openai#gpt-4-0613", "30", "60"),
        ("mistral#mistral-large-2411", "2", "6"),
    ],
)
def test_a_model_whose_name_begins_like_anothers_has_its_own_price(
    catalog: Catalog, asked: str, into: str, out: str
) -> None:
    price = price_at(catalog.get(asked), DAY)
    assert price is not None
    assert (price.input, price.output) == (Decimal(into), Decimal(out))


def test_most_models_in_service_that_converse_say_how_much_they_take(catalog: Catalog) -> None:
    """Summaries and fallbacks ask for it: nothing is guessed for the few of whom nobody says it."""
    chat = [
        entry
        for entry in catalog
        if entry.capabilities.streaming and entry.modalities.output == ("text",) and entry.status.state != "retired"
    ]
    silent = [str(entry.ref) for entry in chat if not (entry.limits.input or entry.limits.context)]
    assert len(chat) > 700
    assert len(silent) < 0.01 * len(chat), silent


def test_a_long_prompt_is_priced_by_the_tier_above_272000_tokens(catalog: Catalog) -> None:
    """Prompts between 200,000 and 272,000 tokens cost what short ones do."""
    entry = catalog.get("openai#gpt-5.6-sol")
    bills = [cost(Usage(input=prompt), entry, DAY).amount for prompt in (200_001, 272_000, 272_001)]
    assert bills == [Decimal("0.800004"), Decimal("1.088"), Decimal("2.176008")]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("openai#gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("openai#gpt-5.6", "gpt-5.6-sol"),
        ("anthropic#claude-haiku-4-5-20251001", "claude-haiku-4-5"),
    ],
)
def test_names_lead_to_the_model_whose_price_they_have(catalog: Catalog, asked: str, found: str) -> None:
    assert catalog.get(asked).id == found


@pytest.mark.parametrize("asked", ["openai#gpt-4o-20251399", "openai#gpt-5.9", "openai#gpt", "anthropic#claude"])
def test_names_that_only_look_right_lead_nowhere(catalog: Catalog, asked: str) -> None:
    assert asked not in catalog


def test_an_old_snapshot_keeps_its_own_price(catalog: Catalog) -> None:
    price = price_at(catalog.get("openai#gpt-4o-2024-05-13"), dt.date(2025, 1, 1))
    assert price is not None
    assert (price.input, price.output) == (Decimal(5), Decimal(15))


def test_every_migration_leads_to_a_model_or_says_there_is_none(catalog: Catalog) -> None:
    table = table_of(catalog.state.migrations)
    ends = {old: follow(old, table).ref for old in table}
    assert [old for old, ref in ends.items() if ref is not None and ref not in catalog] == []


def test_a_price_that_is_not_known_is_never_zero(catalog: Catalog) -> None:
    def amount(entry: ModelEntry) -> Decimal | None:
        return cost(Usage(input=1000, output=1000), entry, DAY).amount

    unknown = [entry for entry in catalog if entry.price_state in {"unknown", "dynamic"}]
    priced = [entry for entry in catalog if entry.price_state == "priced"]
    assert unknown
    assert {amount(entry) for entry in unknown} == {None}
    assert 0 not in {amount(entry) for entry in priced}


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_over_everything_keeps_or_explains_every_model(catalog: Catalog, tier: str) -> None:
    ranking = rank(tier, catalog, on=DAY)
    assert len(ranking.places) + len(ranking.left_out) == len(catalog)
    assert all(place.reason for place in ranking.places)
