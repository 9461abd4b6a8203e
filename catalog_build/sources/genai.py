"""genai-prices: dated prices, with tiers, hours and service levels, from a pinned package."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal

from catalog_build.claims import Claim, PriceClaim
from catalog_build.exact import Json, amount, as_rows, as_table
from catalog_build.rates import Figures, list_claim, mode_of, paid, period_of
from catalog_build.sources.reading import Reading, Row, read_rows, table, text, texts
from langchain_lucky_models.catalog.entry import PriceModes, PricePeriod, PriceWindow, Rates

NAME = "genai-prices"
PROVIDERS = {
    "anthropic": "anthropic",
    "deepseek": "deepseek",
    "google": "google",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "x-ai": "xai",
}
"""Our provider by its name there. OpenRouter's rows are never deleted there, so its own list is read instead."""

ADDS_AT = ("groq",)
"""Where an id that only this source knows is a real, retired one; elsewhere it may be the name of a group of ids."""

_RATES = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
    "cache_audio_read_mtok": "audio_cache_read",
    "input_image_mtok": "image_input",
    "output_image_mtok": "image_output",
}
_LEVELS = {("processing", "batch"): "batch", ("service_tier", "flex"): "flex", ("service_tier", "priority"): "priority"}


def claims(snapshot: Json) -> Iterator[Reading]:
    """What it says about every id that it names; never about ids that merely begin alike."""
    for provider, rows in as_table(snapshot, NAME).items():
        named = _by_name(as_rows(rows, provider))
        yield from read_rows(NAME, provider, named.items(), lambda model, row, at=provider: _claim(at, model, row))  # type: ignore[misc]


def _by_name(rows: list[Row]) -> dict[str, Row]:
    """The row of every id: its own first, then the other ids it is said to stand for."""
    named = {other: row for row in reversed(rows) for other in texts(row, "also")}
    return {**named, **{str(row.get("id")): row for row in rows}}


def _claim(provider: str, model: str, row: Row) -> Claim:
    adds = provider in ADDS_AT and model == row.get("id")
    facts = {"name": name} if (name := text(row, "name")) and model == row.get("id") else {}
    return Claim(NAME, provider, model, facts, _price(row), adds=adds)


def _price(row: Row) -> PriceClaim | None:
    prices = as_rows(row.get("prices"), "prices")
    hourly = [price for price in prices if "from_time" in price]
    periods = _periods([price for price in prices if "from_time" not in price])
    if not periods:
        return None
    windows = tuple(_window(price) for price in hourly)
    last = PricePeriod(**{**dict(periods[-1]), "schedule": windows, "modes": PriceModes(**_modes(row))})
    claim = list_claim(last)
    return claim and PriceClaim("priced", (*periods[:-1], last))


def _periods(dated: list[Row]) -> list[PricePeriod]:
    """Each price until the next one begins."""
    starts = [text(price, "from_date") for price in dated]
    untils = [*starts[1:], None]
    periods = []
    for price, start, until in zip(dated, starts, untils, strict=True):
        period = dict(period_of(*_figures(table(price, "rates"))))
        dates = {name: dt.date.fromisoformat(day) for name, day in (("start", start), ("until", until)) if day}
        periods.append(PricePeriod(**{**period, **dates}))
    return periods


def _window(price: Row) -> PriceWindow:
    base, _ = _figures(table(price, "rates"))
    start, until = (dt.time.fromisoformat(str(price[key])) for key in ("from_time", "to_time"))
    return PriceWindow(start=start, until=until, **paid(base))


def _modes(row: Row) -> Mapping[str, Rates]:
    """The newest rates of each service level."""
    levels: dict[str, Rates] = {}
    for variant in as_rows(row.get("variants", []), "variants"):
        pairs = list(table(variant, "when").items())
        level = _LEVELS.get((pairs[0][0], str(pairs[0][1]))) if len(pairs) == 1 else None
        rates = mode_of(_figures(table(variant, "rates"))[0]) if level else None
        if level and rates:
            levels[level] = rates
    return levels


def _figures(rates: Row) -> tuple[Figures, Mapping[int, Figures]]:
    """The base rates, and those of each tier."""
    base: dict[str, Decimal | None] = {}
    tiers: dict[int, dict[str, Decimal | None]] = {}
    for key, leaf in _RATES.items():
        steps = rates.get(key)
        if isinstance(steps, dict):
            base[leaf] = amount(steps.get("0"))
            for start, figure in steps.items():
                if start != "0":
                    tiers.setdefault(int(start), {})[leaf] = amount(figure)
        else:
            base[leaf] = amount(steps)
    return base, tiers
