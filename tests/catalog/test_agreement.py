"""The same usage costs the same here and by the `genai-prices` package, to the cent, but for what is listed below."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, Provider

from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.prices import cost
from langchain_lucky_models.catalog.usage import Mode, Usage

CENT = Decimal("0.01")
FIRST_MOMENT = dt.datetime(2026, 11, 11, tzinfo=dt.UTC)
USAGES_PER_MODEL = 8

PROVIDERS = {name: name for name in ("openai", "anthropic", "google", "mistral", "deepseek", "groq", "openrouter")} | {
    "xai": "x-ai"
}
"""Our names of the providers that both know, with theirs."""

CACHE_KNOWN_HERE = "litellm or the provider states a price for cached input, genai-prices states none and bills input"
BY_CHARACTERS = "sold by the character, which no token count tells"

DIFFERENCES: Mapping[str, str] = {
    "google#gemini-2.5-flash-image": CACHE_KNOWN_HERE,
    "google#gemini-2.5-pro-preview-tts": CACHE_KNOWN_HERE,
    "groq#canopylabs/orpheus-arabic-saudi": BY_CHARACTERS,
    "groq#canopylabs/orpheus-v1-english": BY_CHARACTERS,
    "groq#qwen/qwen3.8-27b": CACHE_KNOWN_HERE,
    "mistral#codestral-latest": CACHE_KNOWN_HERE,
    "mistral#devstral-small-latest": CACHE_KNOWN_HERE,
    "mistral#mistral-large-latest": "the name moved to Mistral Large 3, at a quarter of the old price",
    "mistral#mistral-tiny": CACHE_KNOWN_HERE,
    "mistral#pixtral-large-latest": CACHE_KNOWN_HERE,
    "openai#gpt-4o-search-preview": CACHE_KNOWN_HERE,
    "openai#gpt-4o-search-preview-2025-03-11": CACHE_KNOWN_HERE,
    "openai#gpt-5.6-cyber": "long prompts cost twice as much by litellm; genai-prices has no tier for it",
}
"""Models whose bills differ, each with the reason."""

OPENROUTER_AGREE = 250
"""OpenRouter's own list gives our prices, theirs are of another day; so many models at least cost the same on both."""


@dataclass(frozen=True)
class Pair:
    """One model as both know it."""

    ours: ModelEntry
    theirs: ModelInfo
    provider: Provider

    def bills(self, usage: Usage, at: dt.datetime) -> tuple[Decimal | None, Decimal]:
        """What the usage costs here and there."""
        written = usage.cache_write + usage.cache_write_1h
        theirs = self.theirs.calc_price(
            TheirUsage(
                input_tokens=usage.input or 0,
                output_tokens=usage.output or 0,
                cache_read_tokens=usage.cache_read,
                cache_write_tokens=written,
                cache_write_5m_tokens=usage.cache_write,
                cache_write_1h_tokens=usage.cache_write_1h,
            ),
            self.provider,
            genai_request_timestamp=at,
        )
        return cost(usage, self.ours, at).amount, theirs.total_price


def _pairs() -> Iterator[Pair]:
    known = get_snapshot()
    theirs = {provider.id: provider for provider in known.providers}
    for entry in Catalog.packaged():
        if entry.provider not in PROVIDERS or entry.price_state != "priced":
            continue
        provider = theirs[PROVIDERS[entry.provider]]
        model = provider.find_model(entry.id, all_providers=known.providers)
        if model is not None:
            yield Pair(entry, model, provider)


PAIRS = {str(pair.ours.ref): pair for pair in _pairs()}
LABS = sorted(ref for ref in PAIRS if not ref.startswith("openrouter#"))
ROUTED = sorted(set(PAIRS) - set(LABS))


def _usages(pair: Pair) -> Iterator[tuple[Usage, dt.datetime]]:
    """Short and long prompts, cached or not, at hours of a month; without answers where answers have no price here."""
    random_of = random.Random(str(pair.ours.ref))
    answers = any(period.output is not None for period in pair.ours.pricing)
    for number in range(USAGES_PER_MODEL):
        read, written, hourly = (random_of.choice([0, random_of.randrange(most)]) for most in (200_000, 50_000, 50_000))
        fresh = random_of.randrange(500_000 if number % 2 else 2_000)
        usage = Usage(
            input=fresh + read + written + hourly,
            output=random_of.randrange(50_000) if answers else 0,
            cache_read=read,
            cache_write=written,
            cache_write_1h=hourly,
        )
        yield usage, FIRST_MOMENT + dt.timedelta(minutes=random_of.randrange(60 * 24 * 30))


def _differing(pair: Pair) -> list[tuple[Usage, Decimal | None, Decimal]]:
    bills = [(usage, *pair.bills(usage, at)) for usage, at in _usages(pair)]
    return [(usage, ours, theirs) for usage, ours, theirs in bills if ours is None or abs(ours - theirs) >= CENT]


def test_thousands_of_usages_are_compared() -> None:
    """Over every model that both know; fewer would mean that one of them forgot a provider."""
    assert len(PAIRS) * USAGES_PER_MODEL > 4_000
    assert {ref.partition("#")[0] for ref in PAIRS} == set(PROVIDERS)


@pytest.mark.parametrize("ref", LABS)
def test_a_usage_costs_the_same_by_both(ref: str) -> None:
    differing = _differing(PAIRS[ref])
    assert bool(differing) == (ref in DIFFERENCES), differing or f"{ref} agrees now: take it out of DIFFERENCES"


def test_every_difference_is_about_a_model_that_both_know() -> None:
    assert set(DIFFERENCES) <= set(LABS)


def test_models_behind_openrouter_cost_the_same_unless_their_price_changed_in_between() -> None:
    """A bill differs where a rate does, never by the arithmetic."""
    differing = [ref for ref in ROUTED if _differing(PAIRS[ref])]
    assert len(ROUTED) - len(differing) >= OPENROUTER_AGREE
    plain = Usage(input=100_000, output=10_000)
    same_rates = [ref for ref in differing if _rates_agree(PAIRS[ref], plain)]
    assert [ref for ref in same_rates if not _unlike_beyond_the_plain(PAIRS[ref])] == []


def _rates_agree(pair: Pair, usage: Usage) -> bool:
    ours, theirs = pair.bills(usage, FIRST_MOMENT)
    return ours == theirs


def _unlike_beyond_the_plain(pair: Pair) -> bool:
    """Whether the rates of cached tokens, of long prompts, or of other hours differ."""
    probes = [
        Usage(input=100_000, cache_read=100_000),
        Usage(input=100_000, cache_write=100_000),
        Usage(input=100_000, cache_write_1h=100_000),
        *(Usage(input=prompt) for prompt in (150_000, 250_000, 280_000, 600_000)),
    ]
    hours = [FIRST_MOMENT + dt.timedelta(hours=hour) for hour in range(24)]
    return any(ours != theirs for probe in probes for hour in hours for ours, theirs in (pair.bills(probe, hour),))


CONTEXTS: Mapping[Mode, Mapping[str, str]] = {
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}


MODE_DIFFERENCES: Mapping[Mode, Mapping[str, str]] = {
    "batch": {
        "mistral#mistral-large-4": "the catalog holds the batch price of before 2026-10-29, genai-prices that of now",
        "mistral#mistral-large-4-0": "as above",
    }
}
"""Models whose bills differ at a service level, each with the reason."""


@pytest.mark.parametrize("mode", CONTEXTS)
def test_other_service_levels_cost_the_same_by_both(mode: Mode) -> None:
    """Where both list the level today, for prompts below any tier."""
    at = FIRST_MOMENT.date()
    compared, differing = 0, set[str]()
    for ref in LABS:
        pair = PAIRS[ref]
        period = next(p for p in pair.ours.pricing if (not p.start or p.start <= at) and (not p.until or at < p.until))
        listed = any(variant.when == CONTEXTS[mode] for variant in pair.theirs.price_variants or ())
        if getattr(period.modes, mode) is None or not listed:
            continue
        theirs = pair.theirs.calc_price(
            TheirUsage(input_tokens=90_000, output_tokens=5_000 if period.output else 0),
            pair.provider,
            genai_request_timestamp=FIRST_MOMENT,
            price_context=dict(CONTEXTS[mode]),
        )
        usage = Usage(input=90_000, output=5_000 if period.output else 0)
        ours = cost(usage, pair.ours, FIRST_MOMENT, mode)
        compared += 1
        if ours.amount != theirs.total_price:
            differing.add(ref)
    assert compared >= 10
    assert differing == set(MODE_DIFFERENCES.get(mode, {}))
