"""What models exist, and what they cost: lookup, search, tiers, prices, versions, migrations.

Nothing is read and nothing is loaded before a name of it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_lucky_models.catalog.catalog import Catalog
    from langchain_lucky_models.catalog.entry import ModelEntry
    from langchain_lucky_models.catalog.guards import Dropped, price_floor
    from langchain_lucky_models.catalog.loading import load_rows
    from langchain_lucky_models.catalog.migrations import Followed
    from langchain_lucky_models.catalog.prices import Cost, Price, blended, cost, estimate, price_at
    from langchain_lucky_models.catalog.search import Query
    from langchain_lucky_models.catalog.state import CatalogState
    from langchain_lucky_models.catalog.tiers import Place, Ranking, rank, usable
    from langchain_lucky_models.catalog.usage import Usage, read_usage

_HOMES = {
    "Catalog": "catalog",
    "CatalogState": "state",
    "Cost": "prices",
    "Dropped": "guards",
    "Followed": "migrations",
    "ModelEntry": "entry",
    "Place": "tiers",
    "Price": "prices",
    "Query": "search",
    "Ranking": "tiers",
    "Usage": "usage",
    "blended": "prices",
    "cost": "prices",
    "estimate": "prices",
    "load_rows": "loading",
    "price_at": "prices",
    "price_floor": "guards",
    "rank": "tiers",
    "read_usage": "usage",
    "usable": "tiers",
}

__all__ = [
    "Catalog",
    "CatalogState",
    "Cost",
    "Dropped",
    "Followed",
    "ModelEntry",
    "Place",
    "Price",
    "Query",
    "Ranking",
    "Usage",
    "blended",
    "cost",
    "estimate",
    "load_rows",
    "price_at",
    "price_floor",
    "rank",
    "read_usage",
    "usable",
]


def __getattr__(name: str) -> object:
    """Load the module of a name when the name is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
