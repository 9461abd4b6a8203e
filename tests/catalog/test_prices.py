"""Costs are exact, follow tiers, dates, hours and modes, and are never 0 where nobody knows them."""

from __future__ import annotations

import datetime as dt
import decimal
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.prices import FREE, Cost, Price, blended, cost, estimate, price_at
from langchain_lucky_models.catalog.usage import Mode, Usage
from tests.catalog.rows import entry, priced

DAY = dt.date(2026, 11, 1)

SOL = entry(
    "openai#sol",
    pricing=[
        {
            "until": "2026-08-21",
            "input": "5",
            "output": "30",
            "cache_read": "0.5",
            "tiers": [{"above": 272000, "input": "10", "output": "45", "cache_read": "1"}],
        },
        {
            "start": "2026-08-21",
            "input": "4",
            "output": "20",
            "cache_read": "0.4",
            "cache_write": "5",
            "tiers": [{"above": 272000, "input": "8", "output": "30", "cache_read": "0.8"}],
            "modes": {"batch": {"input": "2", "output": "10"}, "priority": {"input": "8", "output": "40"}},
        },
    ],
)

SONNET = entry(
    "anthropic#sonnet",
    pricing={"input": "3", "output": "15", "cache_read": "0.3", "cache_write": "3.75", "cache_write_1h": "6"},
)


def _amount(usage: Usage | dict[str, Any], model: ModelEntry, at: dt.date = DAY, mode: Mode | None = None) -> Decimal:
    amount = cost(usage, model, at, mode).amount
    assert amount is not None
    return amount


def test_a_bill_is_exact() -> None:
    """Thirds of a cent are not rounded away, whatever the application's own decimal context says."""
    with decimal.localcontext(prec=3):
        amount = _amount(Usage(input=333_333, output=77_777), priced("a#b", "0.075", "0.3"))
    assert amount == Decimal("0.048333075")


def test_each_kind_of_token_has_its_line() -> None:
    """Cached, written, spoken and thought tokens are parts of their totals, and are billed once."""
    model = entry(
        "a#b",
        pricing={
            "input": "10",
            "output": "20",
            "cache_read": "1",
            "cache_write": "12",
            "cache_write_1h": "16",
            "reasoning": "30",
            "audio_input": "40",
            "audio_output": "80",
            "image_input": "5",
            "image_output": "7",
            "request": "0.001",
        },
    )
    usage = Usage(
        input=1000,
        output=500,
        cache_read=100,
        cache_write=50,
        cache_write_1h=25,
        audio_input=20,
        image_input=5,
        reasoning=200,
        audio_output=30,
        image_output=10,
    )
    bill = cost(usage, model, DAY)
    assert {part.kind: (part.quantity, part.rate) for part in bill.parts} == {
        "input": (800, Decimal(10)),
        "cache_read": (100, Decimal(1)),
        "cache_write": (50, Decimal(12)),
        "cache_write_1h": (25, Decimal(16)),
        "audio_input": (20, Decimal(40)),
        "image_input": (5, Decimal(5)),
        "output": (260, Decimal(20)),
        "reasoning": (200, Decimal(30)),
        "audio_output": (30, Decimal(80)),
        "image_output": (10, Decimal(7)),
        "request": (1, Decimal("0.001")),
    }
    assert bill.amount == Decimal("0.024595")
    assert bill.amount == sum(part.amount for part in bill.parts)


def test_speech_from_the_cache_is_billed_once() -> None:
    """Such tokens are counted among the cached and among the spoken ones."""
    model = entry(
        "a#b", pricing={"input": "1", "output": "1", "cache_read": "2", "audio_input": "8", "audio_cache_read": "4"}
    )
    usage = Usage(input=100, cache_read=60, audio_input=50, audio_cache_read=40)
    bill = cost(usage, model, DAY)
    assert {part.kind: part.quantity for part in bill.parts} == {
        "input": 30,
        "cache_read": 20,
        "audio_input": 10,
        "audio_cache_read": 40,
    }


@pytest.mark.parametrize(
    ("kind", "billed_as"),
    [
        ("cache_read", "input"),
        ("cache_write", "input"),
        ("cache_write_1h", "input"),
        ("audio_input", "input"),
        ("image_input", "input"),
        ("reasoning", "output"),
        ("audio_output", "output"),
        ("image_output", "output"),
    ],
)
def test_a_missing_rate_falls_back_to_its_total_never_to_nothing(kind: str, billed_as: str) -> None:
    details: dict[str, Any] = {kind: 10}
    usage = Usage(input=10, output=10, **details)
    (line,) = (part for part in cost(usage, priced("a#b", "3", "5"), DAY).parts if part.kind == kind)
    assert line.billed_as == billed_as
    assert line.amount > 0


def test_cache_writes_of_an_hour_have_their_own_rate() -> None:
    usage = {
        "input_tokens": 1000,
        "output_tokens": 0,
        "input_token_details": {"ephemeral_5m_input_tokens": 400, "ephemeral_1h_input_tokens": 600},
    }
    assert _amount(usage, SONNET) == Decimal("0.0051")


@pytest.mark.parametrize(
    ("prompt", "rate"), [(271_999, "4"), (272_000, "4"), (272_001, "8")], ids=["below", "at", "above"]
)
def test_a_tier_begins_above_its_edge_and_prices_the_whole_prompt(prompt: int, rate: str) -> None:
    assert _amount(Usage(input=prompt), SOL) == prompt * Decimal(rate) / 1_000_000


def test_a_tier_prices_cached_tokens_and_answers_too() -> None:
    """The length that counts is that of the whole prompt, its cached part included."""
    usage = Usage(input=272_001, cache_read=272_000, output=1000)
    assert _amount(usage, SOL) == Decimal("0.000008") + Decimal("0.2176") + Decimal("0.03")


def test_what_a_tier_does_not_name_stays_as_it_was() -> None:
    usage = Usage(input=300_000, cache_write=300_000)
    assert _amount(usage, SOL) == Decimal("1.5")


def test_of_several_tiers_the_highest_that_is_reached_counts() -> None:
    model = entry(
        "a#b",
        pricing={
            "input": "1",
            "output": "1",
            "tiers": [{"above": 200, "input": "3"}, {"above": 100, "input": "2"}],
        },
    )
    assert [_amount(Usage(input=n), model) * 1_000_000 / n for n in (100, 150, 201)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("day", "into", "out"),
    [
        (dt.date(2020, 1, 1), "5", "30"),
        (dt.date(2026, 8, 20), "5", "30"),
        (dt.date(2026, 8, 21), "4", "20"),
        (dt.date(2026, 8, 22), "4", "20"),
    ],
)
def test_a_price_changes_on_its_day(day: dt.date, into: str, out: str) -> None:
    price = price_at(SOL, day)
    assert price is not None
    assert (price.input, price.output) == (Decimal(into), Decimal(out))


def test_a_day_is_one_of_utc() -> None:
    """The last hour of 20 August in New York is 21 August already."""
    evening = dt.datetime(2026, 8, 20, 23, tzinfo=dt.timezone(-dt.timedelta(hours=4)))
    price = price_at(SOL, evening)
    assert price is not None
    assert price.input == 4


@pytest.mark.parametrize(
    ("mode", "into", "out"),
    [("standard", "4", "20"), ("batch", "2", "10"), ("flex", "4", "20"), ("priority", "8", "40")],
)
def test_a_mode_has_its_own_rates_and_an_unlisted_cheap_one_none(mode: Mode, into: str, out: str) -> None:
    amount = _amount(Usage(input=1_000_000 // 10, output=100_000), SOL, mode=mode)
    assert amount == (Decimal(into) + Decimal(out)) / 10


def test_the_price_of_an_unlisted_priority_is_not_known() -> None:
    """It is more than standard by a factor that nobody told."""
    assert cost(Usage(input=10, mode="priority"), SONNET, DAY) == Cost(None, "unknown")


def test_a_long_prompt_raises_a_mode_by_the_same_factor() -> None:
    usage = Usage(input=300_000, output=100_000)
    assert _amount(usage, SOL, mode="batch") == Decimal("0.3") * 4 + Decimal("0.1") * 15


def test_the_mode_that_a_report_names_is_billed() -> None:
    usage = {"input_tokens": 100, "output_tokens": 0, "input_token_details": {"priority": 100}}
    assert _amount(usage, SOL) == Decimal("0.0008")


NIGHT = entry(
    "deepseek#chat",
    pricing={
        "input": "2",
        "output": "4",
        "schedule": [{"start": "16:30:00", "until": "00:30:00", "input": "1"}],
    },
)


@pytest.mark.parametrize(
    ("clock", "rate"),
    [("16:29:59", 2), ("16:30:00", 1), ("23:59:59", 1), ("00:00:00", 1), ("00:29:59", 1), ("00:30:00", 2)],
)
def test_hourly_prices_hold_over_midnight(clock: str, rate: int) -> None:
    moment = dt.datetime.combine(DAY, dt.time.fromisoformat(clock))
    assert price_at(NIGHT, moment) == Price(input=Decimal(rate), output=Decimal(4))


def test_of_two_windows_that_overlap_the_later_one_counts() -> None:
    """What it does not name stays as the earlier one has it."""
    model = entry(
        "a#b",
        pricing={
            "input": "9",
            "output": "9",
            "schedule": [
                {"start": "01:00:00", "until": "05:00:00", "input": "1", "output": "2"},
                {"start": "03:00:00", "until": "04:00:00", "input": "3"},
            ],
        },
    )
    at = dt.datetime.combine(DAY, dt.time(3))
    assert price_at(model, at) == Price(input=Decimal(3), output=Decimal(2))


def test_a_day_without_an_hour_has_the_ordinary_price() -> None:
    assert price_at(NIGHT, DAY) == Price(input=Decimal(2), output=Decimal(4))


@pytest.mark.parametrize("state", ["unknown", "dynamic"])
def test_an_unknown_price_is_no_price(state: str) -> None:
    model = entry("a#b", price_state=state)
    assert price_at(model, DAY) is None
    assert blended(model, DAY) is None
    assert cost(Usage(input=1), model, DAY) == Cost(None, "unknown")


@pytest.mark.parametrize("state", ["free", "local"])
def test_free_and_local_models_cost_nothing(state: str) -> None:
    model = entry("local#b", price_state=state)
    assert price_at(model, DAY) == FREE
    assert blended(model, DAY) == 0
    assert cost(Usage(input=1), model, DAY) == Cost(Decimal(0), "catalog", cost(Usage(input=1), model, DAY).parts)


def test_a_day_without_a_price_is_unknown() -> None:
    model = entry("a#b", pricing={"start": "2026-01-01", "input": "1", "output": "1"})
    assert cost(Usage(input=1), model, dt.date(2025, 12, 31)).amount is None


def test_an_answer_without_an_output_price_is_unknown_and_a_prompt_alone_is_not() -> None:
    embedding = entry("a#embed", pricing={"input": "1"})
    assert cost(Usage(input=10, output=1), embedding, DAY).amount is None
    assert cost(Usage(input=10), embedding, DAY).amount == Decimal("0.00001")
    assert blended(embedding, DAY) is None


def test_a_report_that_cannot_be_believed_costs_an_unknown_amount() -> None:
    bill = cost({"input_tokens": -5, "output_tokens": 3}, SOL, DAY)
    assert (bill.amount, bill.basis) == (None, "unknown")
    assert bill.suspect


def test_a_doubtful_detail_is_billed_at_the_full_rate() -> None:
    bill = cost({"input_tokens": 100, "output_tokens": 0, "input_token_details": {"cache_read": -1}}, SOL, DAY)
    assert bill.amount == Decimal("0.0004")
    assert bill.suspect


def test_what_the_provider_says_is_its_own_basis() -> None:
    assert Cost.reported(Decimal("0.5")) == Cost(Decimal("0.5"), "provider")


def test_an_estimate_is_the_cost_of_that_size() -> None:
    assert estimate(SOL, 1000, 200, DAY) == cost(Usage(input=1000, output=200), SOL, DAY)


def test_now_is_when_no_moment_is_given() -> None:
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
    model = entry(
        "a#b",
        pricing=[
            {"until": tomorrow.isoformat(), "input": "1", "output": "1"},
            {"start": tomorrow.isoformat(), "input": "9", "output": "9"},
        ],
    )
    assert estimate(model, 1_000_000, 0).amount == 1


def test_the_blended_price_is_three_parts_input_and_one_part_output() -> None:
    assert blended(SOL, DAY) == 8


RATES = st.decimals(min_value="0.0001", max_value=1000, places=4)
COUNTS = st.integers(min_value=0, max_value=10**6)


@given(RATES, RATES, COUNTS, COUNTS, COUNTS)
def test_more_tokens_never_cost_less(into: Decimal, out: Decimal, a: int, b: int, more: int) -> None:
    """Neither more input nor more output does, and over a tier's edge neither."""
    tier = {"above": 1000, "input": into * 2, "output": out * 2}
    model = entry("a#b", pricing={"input": into, "output": out, "tiers": [tier]})
    before = _amount(Usage(input=a, output=b), model)
    assert _amount(Usage(input=a + more, output=b), model) >= before
    assert _amount(Usage(input=a, output=b + more), model) >= before


@given(RATES, RATES, RATES, st.lists(st.tuples(COUNTS, COUNTS, COUNTS), min_size=1, max_size=4))
def test_the_bills_of_parts_sum_to_the_bill_of_the_whole(
    into: Decimal, out: Decimal, cached: Decimal, calls: list[tuple[int, int, int]]
) -> None:
    """Exactly, where no tier makes long prompts dearer."""
    model = entry("a#b", pricing={"input": into, "output": out, "cache_read": cached})
    parts = [Usage(input=fresh + read, cache_read=read, output=said) for fresh, read, said in calls]
    whole = Usage(
        input=sum(part.input or 0 for part in parts),
        cache_read=sum(part.cache_read for part in parts),
        output=sum(part.output or 0 for part in parts),
    )
    assert _amount(whole, model) == sum(_amount(part, model) for part in parts)


@given(st.integers(min_value=1, max_value=10**6), RATES, RATES)
def test_a_tiers_edge_belongs_to_the_lower_side(edge: int, low: Decimal, high: Decimal) -> None:
    model = entry("a#b", pricing={"input": low, "output": low, "tiers": [{"above": edge, "input": high}]})
    assert _amount(Usage(input=edge), model) == low * edge / 1_000_000
    assert _amount(Usage(input=edge + 1), model) == high * (edge + 1) / 1_000_000


@given(st.dates(dt.date(2024, 1, 1), dt.date(2027, 1, 1)), st.dates(dt.date(2024, 1, 1), dt.date(2027, 1, 1)))
def test_every_day_has_the_price_of_its_period(change: dt.date, day: dt.date) -> None:
    model = entry(
        "a#b",
        pricing=[
            {"until": change.isoformat(), "input": "1", "output": "1"},
            {"start": change.isoformat(), "input": "2", "output": "2"},
        ],
    )
    price = price_at(model, day)
    assert price is not None
    assert price.input == (1 if day < change else 2)


@given(COUNTS, COUNTS, st.lists(COUNTS, min_size=6, max_size=6))
def test_no_details_make_a_bill_negative(into: int, out: int, details: list[int]) -> None:
    """Details larger than their totals bill the details."""
    names = ("cache_read", "cache_write", "audio_input", "image_input", "reasoning", "audio_output")
    parts: dict[str, Any] = dict(zip(names, details, strict=True))
    bill = cost(Usage(input=into, output=out, **parts), SONNET, DAY)
    assert all(part.amount > 0 for part in bill.parts)


def test_a_copy_with_another_rate_costs_another_sum() -> None:
    """What was worked out for the first one is not the copy's."""
    before = priced("a#b", "1", "2")
    assert _amount(Usage(input=1_000_000, output=0), before) == 1
    dearer = before.pricing[0].model_copy(update={"input": Decimal(5)})
    after = before.model_copy(update={"id": "c", "pricing": (dearer,)})
    assert (str(before.ref), str(after.ref)) == ("a#b", "a#c")
    assert _amount(Usage(input=1_000_000, output=0), after) == 5
