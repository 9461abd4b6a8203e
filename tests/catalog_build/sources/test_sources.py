"""Each adapter: units, zeros, sentinels, and what is thrown away."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal

import pytest

from catalog_build import snapshots
from catalog_build.claims import Claim, PriceClaim, Refused
from catalog_build.exact import Json
from catalog_build.sources import SOURCES, Source, genai, groq, litellm, models_dev, openrouter, requesty
from catalog_build.sources.genai_package import package_rows
from catalog_build.sources.reading import Reading
from langchain_lucky_models.catalog.entry import PricePeriod

D = Decimal


def only_claim(readings: Iterator[Reading]) -> Claim:
    """The one claim that was read."""
    (reading,) = readings
    assert isinstance(reading, Claim), reading
    return reading


def price_of(claim: Claim) -> PriceClaim:
    """The claim's price."""
    assert claim.price is not None
    return claim.price


def period_of(claim: Claim) -> PricePeriod:
    """The claim's one period."""
    (period,) = price_of(claim).periods
    return period


def from_models_dev(row: dict[str, Json], provider: str = "openai") -> Claim:
    """What models.dev claims by such a row."""
    whole: dict[str, Json] = {"modalities": {"input": ["text"], "output": ["text"]}, **row}
    return only_claim(models_dev.claims({provider: {"m": whole}}))


def from_litellm(row: dict[str, Json]) -> Claim:
    """What litellm claims by such a row."""
    return only_claim(litellm.claims({"openai": {"m": {"mode": "chat", **row}}}))


def from_openrouter(row: dict[str, Json], model: str = "a/m") -> Claim:
    """What OpenRouter claims by such a row."""
    shape: Json = {"input_modalities": ["text"], "output_modalities": ["text"]}
    return only_claim(openrouter.claims([{"id": model, "architecture": shape, **row}]))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_row_of_the_pinned_snapshots_is_usable(source: Source) -> None:
    readings = list(source.claims(snapshots.read_snapshot(source)))
    assert readings
    assert [one for one in readings if isinstance(one, Refused)] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_snapshots_hold_facts_only(source: Source) -> None:
    """No descriptions, no marketing, nobody else's benchmark figures, no addresses."""
    text = json.dumps(snapshots.read_snapshot(source)).lower()
    for word in ("description", "benchmark", "artificial_analysis", "swe-bench", "swe_bench", "http://", "https://"):
        assert word not in text, word


def test_models_dev_reads_tiers_by_their_size_and_not_the_legacy_field() -> None:
    raw: dict[str, Json] = {
        "openai": {
            "models": {
                "m": {
                    "cost": {
                        "input": "5",
                        "output": "30",
                        "tiers": [{"input": "10", "output": "45", "tier": {"type": "context", "size": 272000}}],
                        "context_over_200k": {"input": "10", "output": "45"},
                    }
                }
            }
        }
    }
    for provider in models_dev.PROVIDERS:
        raw.setdefault(provider, {"models": {}})
    claims = models_dev.claims(models_dev.trim(raw))
    assert [tier.above for tier in period_of(only_claim(claims)).tiers] == [272_000]


def test_models_dev_says_free_only_where_zero_is_an_offer() -> None:
    zero: dict[str, Json] = {"cost": {"input": 0, "output": 0}}
    assert price_of(from_models_dev(zero, "openrouter")).state == "free"
    assert from_models_dev(zero, "google").price is None
    sold_by_the_song: dict[str, Json] = {**zero, "modalities": {"input": ["text"], "output": ["audio"]}}
    assert from_models_dev(sold_by_the_song, "openrouter").price is None


def test_litellm_prices_are_for_one_token() -> None:
    period = period_of(
        from_litellm(
            {
                "input_cost_per_token": "4e-06",
                "output_cost_per_token": "2e-05",
                "cache_creation_input_token_cost": "5e-06",
                "cache_creation_input_token_cost_above_1hr": "8e-06",
                "input_cost_per_token_above_272k_tokens": "8e-06",
                "input_cost_per_token_batches": "2e-06",
                "input_cost_per_token_flex": "2e-06",
                "input_cost_per_token_above_272k_tokens_flex": "4e-06",
            }
        )
    )
    assert (period.input, period.output, period.cache_write, period.cache_write_1h) == (D(4), D(20), D(5), D(8))
    assert [(tier.above, tier.input) for tier in period.tiers] == [(272_000, D(8))]
    assert period.modes.batch is not None
    assert (period.modes.batch.input, period.modes.priority) == (D(2), None)


def test_litellms_peak_price_is_read_as_the_price_off_peak() -> None:
    claim = from_litellm(
        {
            "input_cost_per_token": "3e-07",
            "output_cost_per_token": "1.2e-06",
            "off_peak_pricing": {
                "input_cost_per_token": "1.5e-07",
                "output_cost_per_token": "6e-07",
                "windows": [
                    {"hours_utc": ["00:00-01:00", "04:00-06:00", "10:00-00:00"], "weekdays": [1, 2, 3, 4, 5]},
                    {"hours_utc": "00:00-00:00", "weekdays": [6, 7]},
                ],
            },
        }
    )
    assert (period_of(claim).input, period_of(claim).output) == (D("0.15"), D("0.6"))
    spans = [(window.start.hour, window.until.hour, window.output) for window in period_of(claim).schedule]
    assert spans == [(1, 4, D("1.2")), (6, 10, D("1.2"))]


def test_litellms_context_is_an_input_limit() -> None:
    assert from_litellm({"max_input_tokens": 272000}).facts["limits.input"] == 272_000


@pytest.mark.parametrize("key", ["ft:gpt-4o", "high/1024-x-1024/gpt-image-1", "container"])
def test_litellms_rows_that_are_no_models_are_left_out(key: str) -> None:
    raw: Json = {key: {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": "1e-6"}}
    assert litellm.trim(raw) == {}


def test_a_negative_price_of_litellm_is_refused_by_name() -> None:
    """Case 67: the row is refused, its neighbours are not."""
    (refusal,) = litellm.claims({"openai": {"m": {"mode": "chat", "input_cost_per_token": "-1"}}})
    assert isinstance(refusal, Refused)
    assert (refusal.ref, "input" in refusal.reason) == ("openai#m", True)


def test_openrouters_minus_one_is_a_dynamic_price() -> None:
    price = price_of(from_openrouter({"pricing": {"prompt": "-1", "completion": "-1"}}))
    assert (price.state, price.periods) == ("dynamic", ())


def test_openrouters_free_variant_with_a_price_is_refused() -> None:
    row: dict[str, Json] = {"id": "a/m:free", "pricing": {"prompt": "0.000001", "completion": "0.000002"}}
    (refusal,) = openrouter.claims([row])
    assert isinstance(refusal, Refused)
    assert refusal.reason == "a free variant has a price"


def test_openrouters_overrides_become_tiers_and_hours() -> None:
    pricing: Json = {
        "prompt": "0.00000044",
        "completion": "0.00000132",
        "overrides": [
            {"prompt": "0.00000022", "completion": "0.00000066", "utc_start": 1000, "utc_end": 130},
            {"prompt": "0.00000044", "completion": "0.00000132", "utc_start": 130, "utc_end": 1000},
            {"prompt": "0.00000088", "min_prompt_tokens": 200000},
        ],
    }
    period = period_of(from_openrouter({"pricing": pricing}))
    assert [(tier.above, tier.input, tier.output) for tier in period.tiers] == [(200_000, D("0.88"), D("1.32"))]
    (window,) = period.schedule
    assert (window.start, window.until, window.input) == (dt.time(10), dt.time(1, 30), D("0.22"))


def test_an_override_under_an_unknown_condition_is_left_out() -> None:
    override: Json = {"prompt": "0.000001", "utc_start": 100, "utc_end": 400, "utc_days": ["sat"]}
    pricing: Json = {"prompt": "0.000002", "completion": "0.000002", "overrides": [override]}
    period = period_of(from_openrouter({"pricing": pricing}))
    assert (period.schedule, period.tiers) == ((), ())


def test_openrouters_far_expiry_means_never() -> None:
    assert "status.shutdown_on" not in from_openrouter({"expiration_date": "2098-12-31"}).facts
    assert from_openrouter({"expiration_date": "2026-12-31"}).facts["status.shutdown_on"] == "2026-12-31"


def test_a_variant_has_a_base_and_leaves_the_permanent_slug_to_it() -> None:
    row: dict[str, Json] = {"canonical_slug": "a/m-20260101"}
    assert from_openrouter(row).facts["snapshots"] == ("a/m-20260101",)
    assert from_openrouter(row, "a/m:batch").facts["base"] == "a/m"
    assert "snapshots" not in from_openrouter(row, "a/m:batch").facts
    assert from_openrouter({**row, "alias_target": "a/m"}, "~a/m-latest").facts["base"] == "a/m"


def test_a_parameter_that_some_endpoints_lack_is_said_so() -> None:
    endpoints: Json = [
        {"model_variant_slug": "a/m", "variant": "standard", "supported_parameters": ["tools", "response_format"]},
        {"model_variant_slug": "a/m", "variant": "standard", "supported_parameters": ["tools"]},
    ]
    claim = only_claim(openrouter.support_claims(openrouter.trim_support({"a/m-1": {"data": endpoints}})))
    assert claim.facts == {"capabilities.json_mode": "some_endpoints"}
    assert not claim.adds


def test_groqs_zeros_for_images_and_requests_say_nothing() -> None:
    pricing: Json = {"prompt": "0.0000008", "completion": "0.000004", "image": "0", "input_cache_read": "0.0000004"}
    limits: Json = {"m": {"rpm": 30, "tpd": None}}
    claim = only_claim(
        groq.claims(groq.trim({"data": [{"id": "m", "pricing": pricing}], "free_tier_rate_limits": limits}))
    )
    assert (period_of(claim).cache_read, period_of(claim).request) == (D("0.4"), None)
    assert (claim.facts["rate_limits.requests_per_minute"], claim.facts["rate_limits.plan"]) == (30, "free")
    assert "rate_limits.tokens_per_day" not in claim.facts


def test_requestys_caching_price_is_for_writing_and_its_cached_price_for_reading() -> None:
    row: Json = {
        "id": "m",
        "input_price": "2.8e-06",
        "output_price": "1.5e-05",
        "caching_price": "3.75e-06",
        "cached_price": "3e-07",
    }
    period = period_of(only_claim(requesty.claims(requesty.trim({"data": [row]}))))
    assert (period.cache_write, period.cache_read) == (D("3.75"), D("0.3"))


def test_genai_prices_become_periods_hours_and_levels() -> None:
    row: Json = {
        "id": "m",
        "also": ["n"],
        "prices": [
            {"rates": {"input_mtok": "5", "output_mtok": "30"}},
            {"from_date": "2026-08-21", "rates": {"input_mtok": {"0": "4", "272000": "8"}, "output_mtok": "20"}},
            {"from_time": "01:00:00", "to_time": "04:00:00", "rates": {"input_mtok": "9", "output_mtok": "40"}},
        ],
        "variants": [
            {"when": {"processing": "batch"}, "rates": {"input_mtok": "2"}},
            {"when": {"route": "elsewhere"}, "rates": {"input_mtok": "1"}},
        ],
    }
    first, second = genai.claims({"openai": [row]})
    assert isinstance(first, Claim)
    before, now = price_of(first).periods
    assert (before.until, now.start, before.schedule) == (dt.date(2026, 8, 21), dt.date(2026, 8, 21), ())
    assert [(tier.above, tier.input, tier.output) for tier in now.tiers] == [(272_000, D(8), D(20))]
    assert [window.input for window in now.schedule] == [9]
    assert now.modes.batch is not None
    assert {reading.ref for reading in (first, second)} == {"openai#m", "openai#n"}


def test_the_genai_snapshot_is_the_pinned_packages() -> None:
    (source,) = [source for source in SOURCES if source.name == genai.NAME]
    assert snapshots.read_snapshot(source) == package_rows()
