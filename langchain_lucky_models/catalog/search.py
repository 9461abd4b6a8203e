"""Finding models by what they are, can do and cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from langchain_lucky_models.catalog.entry import ModelEntry, Part, SpeedRating, State
from langchain_lucky_models.catalog.guards import first_fault
from langchain_lucky_models.catalog.prices import blended, price_at
from langchain_lucky_models.catalog.tiers import CAPABILITIES, usable
from langchain_lucky_models.catalog.versions import in_range
from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _capabilities(value: object) -> object:
    names = _several(value)
    for name in names if isinstance(names, Iterable) else ():
        if name not in CAPABILITIES:
            near = did_you_mean(nearest_names(str(name), CAPABILITIES))
            raise ValueError(f"there is no capability {name!r}.{near}")
    return names


Words = Annotated[frozenset[str], BeforeValidator(_several)]
Dollars = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
Order = Literal["price", "intelligence", "speed", "context", "release_date", "name"]


class Query(Part):
    """What to look for. A field left out asks for nothing; one word may stand for a set of one.

    What nobody knows about a model never counts in its favour: a price that is not known is never low enough.
    """

    provider: Words = Field(default=frozenset(), description="Any of these providers.")
    capability: Annotated[frozenset[str], BeforeValidator(_capabilities)] = Field(
        default=frozenset(), description="All of these capabilities, at some of its endpoints at least."
    )
    input_modality: Words = Field(default=frozenset(), description="All of these kinds of content go in.")
    output_modality: Words = Field(default=frozenset(), description="All of these kinds of content come out.")
    min_context: int | None = Field(default=None, ge=0, description="At least so many tokens fit.")
    max_context: int | None = Field(default=None, ge=0, description="At most so many tokens fit.")
    name: str | None = Field(
        default=None, description="A pattern of the id, ref or name: `gpt-4*`. Case does not count."
    )
    family: Words = Field(default=frozenset(), description="Any of these families.")
    tags: Words = Field(default=frozenset(), description="All of these tags.")
    status: Annotated[frozenset[State], BeforeValidator(_several)] = Field(
        default=frozenset(), description="Any of these states."
    )
    exclude_deprecated: bool = Field(default=False, description="Neither deprecated nor retired.")
    max_price: Dollars | None = Field(default=None, description="At most so much, three parts input, one part output.")
    max_input_price: Dollars | None = Field(default=None, description="At most so much for a million tokens of input.")
    max_output_price: Dollars | None = Field(
        default=None, description="At most so much for a million tokens of output."
    )
    min_intelligence: float | None = Field(default=None, description="At least this intelligence, from 1 to 10.")
    allow_estimated: bool = Field(default=False, description="An estimated intelligence counts, too.")
    speed: Annotated[frozenset[SpeedRating], BeforeValidator(_several)] = Field(
        default=frozenset(), description="Any of these ratings."
    )
    min_version: str | None = Field(default=None, description="At least this version.")
    max_version: str | None = Field(default=None, description="At most this version.")
    sort_by: Order | None = Field(default=None, description="The best first; what is not known last.")
    reverse: bool = Field(default=False, description="The worst first; what is not known still last.")
    limit: int | None = Field(default=None, ge=0, description="At most so many models.")


def query_of(query: Query | None, filters: Mapping[str, object]) -> Query:
    """The query with some of its fields set anew.

    Raises:
        ConfigError: A field does not exist, or may not have that value.
    """
    for name in filters:
        if name not in Query.model_fields:
            near = did_you_mean(nearest_names(name, Query.model_fields))
            raise ConfigError(f"a search has no {name!r}.{near} It has: {', '.join(Query.model_fields)}.", field=name)
    if not filters:
        return query or Query()
    try:
        return Query.model_validate({**(query.model_dump() if query else {}), **filters})
    except ValidationError as error:
        raise ConfigError(f"the search's {first_fault(error)}") from None


def select(entries: Iterable[ModelEntry], query: Query, *, on: dt.date) -> list[ModelEntry]:
    """The models that match, sorted and cut to the limit.

    Args:
        entries: Where to look.
        query: What to look for.
        on: The day whose prices count.
    """
    found = [entry for entry in entries if matches(entry, query, on=on)]
    if query.sort_by is not None:
        found = _in_order(found, query.sort_by, reverse=query.reverse, on=on)
    return found[: query.limit]


def cheapest(entries: Iterable[ModelEntry], query: Query, *, on: dt.date) -> ModelEntry | None:
    """The matching chat model in service with the lowest known price; of equals the more intelligent one."""
    priced = [
        (price, -(entry.intelligence.score if entry.intelligence else 0), number, entry)
        for number, entry in enumerate(entries)
        if usable(entry, on=on) is None and matches(entry, query, on=on) and (price := blended(entry, on)) is not None
    ]
    return min(priced)[-1] if priced else None


def matches(entry: ModelEntry, query: Query, *, on: dt.date) -> bool:
    """Whether the model is what the query asks for."""
    return (
        _is_of(entry, query)
        and _can(entry, query)
        and _fits(entry, query)
        and _is_rated(entry, query)
        and _is_affordable(entry, query, on)
    )


def _is_of(entry: ModelEntry, query: Query) -> bool:
    return (
        (not query.provider or entry.provider in query.provider)
        and (not query.family or entry.family in query.family)
        and (not query.status or entry.status.state in query.status)
        and not (query.exclude_deprecated and entry.status.state in {"deprecated", "retired"})
        and query.tags.issubset(entry.tags)
        and (query.name is None or _is_named(entry, query.name.lower()))
    )


def _is_named(entry: ModelEntry, pattern: str) -> bool:
    names = (entry.id, f"{entry.provider}#{entry.id}", entry.name or "")
    return any(fnmatchcase(name.lower(), pattern) for name in names)


def _can(entry: ModelEntry, query: Query) -> bool:
    return (
        all(getattr(entry.capabilities, name) for name in query.capability)
        and query.input_modality.issubset(entry.modalities.input)
        and query.output_modality.issubset(entry.modalities.output)
    )


def _fits(entry: ModelEntry, query: Query) -> bool:
    if query.min_context is None and query.max_context is None:
        return True
    context = entry.limits.context
    return (
        context is not None
        and (query.min_context is None or context >= query.min_context)
        and (query.max_context is None or context <= query.max_context)
    )


def _is_rated(entry: ModelEntry, query: Query) -> bool:
    if query.speed and (entry.speed is None or entry.speed.rating not in query.speed):
        return False
    if (query.min_version or query.max_version) and (
        entry.version is None or not in_range(entry.version, query.min_version, query.max_version)
    ):
        return False
    return query.min_intelligence is None or _score(entry, query) >= query.min_intelligence


def _score(entry: ModelEntry, query: Query) -> float:
    known = entry.intelligence
    if known is None or (known.evidence == "estimated" and not query.allow_estimated):
        return float("-inf")
    return known.score


def _is_affordable(entry: ModelEntry, query: Query, on: dt.date) -> bool:
    if query.max_price is not None and not _at_most(blended(entry, on), query.max_price):
        return False
    if query.max_input_price is None and query.max_output_price is None:
        return True
    price = price_at(entry, on)
    return (
        price is not None
        and _at_most(price.input, query.max_input_price)
        and _at_most(price.output, query.max_output_price)
    )


def _at_most(price: Decimal | None, most: Decimal | None) -> bool:
    return most is None or (price is not None and price <= most)


_SPEEDS: Mapping[SpeedRating, float] = {"fast": 2e9, "medium": 1e9, "slow": 0.0}

_FIGURES: Mapping[Order, tuple[Callable[[ModelEntry, dt.date], Any], bool]] = {
    "price": (blended, False),
    "intelligence": (lambda entry, _: entry.intelligence and entry.intelligence.score, True),
    "speed": (lambda entry, _: entry.speed and _SPEEDS[entry.speed.rating] + (entry.speed.p50_tps or 0), True),
    "context": (lambda entry, _: entry.limits.context, True),
    "release_date": (lambda entry, _: entry.release_date, True),
    "name": (lambda entry, _: (entry.name or entry.id).lower(), False),
}
"""What each order looks at, and whether more is better."""


def _in_order(entries: Iterable[ModelEntry], order: Order, *, reverse: bool, on: dt.date) -> list[ModelEntry]:
    figure_of, more_is_better = _FIGURES[order]
    known: list[tuple[Any, ModelEntry]] = []
    unknown: list[ModelEntry] = []
    for entry in entries:
        figure = figure_of(entry, on)
        if figure is None:
            unknown.append(entry)
        else:
            known.append((figure, entry))
    known.sort(key=lambda pair: pair[0], reverse=more_is_better != reverse)
    return [entry for _, entry in known] + unknown
