"""Where genai-prices is the source, the artefact says what that package says, on every day of its history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from genai_prices import types
from genai_prices.data import providers

from catalog_build.build import Built
from catalog_build.sources.genai import NAME, PROVIDERS
from langchain_lucky_models.catalog import prices
from langchain_lucky_models.catalog.entry import ModelEntry

LEAVES = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
}


def shared(built: Built) -> Iterator[tuple[ModelEntry, types.ModelInfo]]:
    """Entries whose price comes from the package, each with the package's row of the same id."""
    rows = {
        f"{PROVIDERS[one.id]}#{model.id}": model for one in providers if one.id in PROVIDERS for model in one.models
    }
    (place,) = [place for place, source in enumerate(built.artefact.sources) if source.name == NAME]
    for entry in built.artefact.models:
        if entry.prov.get("pricing", (None,))[0] == place and str(entry.ref) in rows:
            yield entry, rows[str(entry.ref)]


def moments(entry: ModelEntry) -> Iterator[dt.datetime]:
    """The noon before and of every change, and that of the catalog's day: off peak for everybody."""
    for period in entry.pricing:
        if period.start:
            first = dt.datetime.combine(period.start, dt.time(12), dt.UTC)
            yield from (first - dt.timedelta(1), first)
    yield dt.datetime(2026, 11, 12, 12, tzinfo=dt.UTC)


def base(rate: object) -> Decimal | None:
    """The package's rate for a short prompt."""
    found = rate.base if isinstance(rate, types.TieredPrices) else rate
    return found if isinstance(found, Decimal) else None


def test_rates_are_the_packages_on_both_sides_of_every_change(built: Built) -> None:
    compared = 0
    for entry, row in shared(built):
        for moment in moments(entry):
            theirs, ours = row.get_prices(moment), prices.price_at(entry, moment)
            assert ours is not None
            for key, leaf in LEAVES.items():
                if rate := base(getattr(theirs, key)):
                    assert getattr(ours, leaf) == rate, (str(entry.ref), moment, leaf)
                    compared += 1
    assert compared > 500


def test_tiers_begin_where_the_packages_do(built: Built) -> None:
    tiered = 0
    for entry, row in shared(built):
        rate = getattr(row.get_prices(dt.datetime(2026, 11, 12, 12, tzinfo=dt.UTC)), "input_mtok", None)
        if isinstance(rate, types.TieredPrices):
            ours = [(tier.above, tier.input) for tier in entry.pricing[-1].tiers]
            assert ours == [(tier.start, tier.price) for tier in rate.tiers], str(entry.ref)
            tiered += 1
    assert tiered > 20
