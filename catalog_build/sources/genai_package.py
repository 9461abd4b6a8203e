"""Turns the pinned genai-prices package into plain rows; the only place that imports it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from importlib.metadata import version

from genai_prices import types
from genai_prices.data import providers

from catalog_build.exact import Json
from catalog_build.sources.genai import PROVIDERS
from langchain_lucky_models.errors import CatalogError

PINNED = "0.2.3"


def package_rows() -> Json:
    """The package's prices of our providers, as JSON holds them.

    Raises:
        CatalogError: Another version is installed than the one the catalog is pinned to.
    """
    if (found := version("genai-prices")) != PINNED:
        raise CatalogError(f"genai-prices {found} is installed; the catalog is pinned to {PINNED}.")
    return {
        PROVIDERS[provider.id]: [_row(model) for model in provider.models]
        for provider in providers
        if provider.id in PROVIDERS
    }


def _row(model: types.ModelInfo) -> Json:
    prices = model.prices if isinstance(model.prices, list) else [types.ConditionalPrice(prices=model.prices)]
    row: dict[str, Json] = {
        "id": model.id,
        "name": model.name,
        "also": [*sorted({name for name in _names(model.match) if name != model.id})],
        "prices": [{**_condition(price.constraint), "rates": _rates(price.prices)} for price in prices],
    }
    if model.price_variants:
        row["variants"] = [{"when": dict(one.when), "rates": _rates(one.prices)} for one in model.price_variants]
    return row


def _names(clause: types.MatchLogic) -> Iterator[str]:
    """The ids that a clause names to the letter; beginnings and patterns name none."""
    if isinstance(clause, types.ClauseEquals):
        yield clause.equals
    elif isinstance(clause, types.ClauseOr):
        for part in clause.or_:
            yield from _names(part)


def _condition(constraint: types.StartDateConstraint | types.TimeOfDateConstraint | None) -> dict[str, Json]:
    if isinstance(constraint, types.StartDateConstraint):
        return {"from_date": constraint.start_date.isoformat()}
    if isinstance(constraint, types.TimeOfDateConstraint):
        start, end = (time.replace(tzinfo=None).isoformat() for time in (constraint.start_time, constraint.end_time))
        return {"from_time": start, "to_time": end}
    return {}


def _rates(price: types.ModelPrice) -> Json:
    return {name: _rate(rate) for name, rate in sorted(vars(price).items()) if rate is not None}


def _rate(rate: Decimal | types.TieredPrices) -> Json:
    """A figure, or figures by the number of tokens above which they hold."""
    if isinstance(rate, types.TieredPrices):
        return {"0": str(rate.base), **{str(tier.start): str(tier.price) for tier in rate.tiers}}
    return str(rate)
