"""What a row of a catalog must be before it is believed, and the words for what it is not."""

from __future__ import annotations

import datetime as dt
import math
import re
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from langchain_lucky_models.catalog import prices
from langchain_lucky_models.catalog.entry import ModelEntry, PricePeriod, Rates
from langchain_lucky_models.errors.base import CatalogError, InvalidRefError, SelectionError

T = TypeVar("T")

LONGEST_TEXT = 300
MOST_ITEMS = 1_000
"""The longest list of aliases, tags or the like in one row."""

LEAST_RATE = Decimal("0.0001")
"""Nobody sells a million tokens for less; a smaller figure is a price for one token."""

MOST_RATE = Decimal(20_000)
"""Nobody asks more for a million tokens; a larger figure was multiplied once too often."""

MOST_TOLD = 20
"""Refused rows that one message names."""

PRICE_FLOOR = Decimal("0.1")
"""The part of its known price below which a model's new price needs a second look."""

_ID = re.compile(r"[A-Za-z0-9~@][A-Za-z0-9._:/@+~=-]*")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f<>\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_TOKEN_RATES = tuple(name for name in prices.RATE_NAMES if name != "request")


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that was not believed.

    Attributes:
        row: Where it stood, or what it calls itself.
        reason: Why.
    """

    row: str
    reason: str


def checked_entry(row: object, where: str = "the row") -> ModelEntry:
    """The row as an entry.

    Raises:
        CatalogError: It is none; the message says where, which field, and why.
    """
    if isinstance(row, ModelEntry):
        entry = row
    elif isinstance(row, Mapping):
        try:
            entry = ModelEntry.model_validate(row)
        except ValidationError as error:
            raise CatalogError(f"{_title(row, where)}: {first_fault(error)}") from None
    else:
        raise CatalogError(f"{where}: a row is an object, not {type(row).__name__}.")
    for fault in _faults(entry):
        raise CatalogError(f"{_title(entry.__dict__, where)}: {fault}")
    return entry


def every(make: Callable[[T], ModelEntry], rows: Iterable[T]) -> list[ModelEntry]:
    """Every row as an entry.

    Raises:
        CatalogError: Rows are refused; the message names each of them, up to twenty.
        UnknownModelError: The only refused row is about a model that is not there.
    """
    made: list[ModelEntry] = []
    refused: list[CatalogError | SelectionError] = []
    for row in rows:
        try:
            made.append(make(row))
        except (CatalogError, SelectionError) as error:
            refused.append(error)
    if len(refused) == 1:
        raise refused[0]
    if refused:
        more = f"\n  and {len(refused) - MOST_TOLD} more" if len(refused) > MOST_TOLD else ""
        told = "".join(f"\n  {error}" for error in refused[:MOST_TOLD])
        raise CatalogError(
            f"{len(refused)} of {len(refused) + len(made)} rows are refused, so none was taken:{told}{more}"
        )
    return made


def price_floor(entry: ModelEntry, known: ModelEntry, on: dt.date) -> str | None:
    """Why the entry's price is too good to be believed without a second look, `None` where it is not.

    Args:
        entry: What a refresh says.
        known: What the catalog in force says.
        on: The day to compare.
    """
    before, after = prices.blended(known, on), prices.blended(entry, on)
    if not before or after is None:
        return None
    if after == 0:
        return f"{entry.ref} is said to be free, but is known to cost ${before.normalize():f} per million tokens"
    if after < before * PRICE_FLOOR:
        return (
            f"{entry.ref} is said to cost ${after.normalize():f} per million tokens, down from ${before.normalize():f}"
        )
    return None


def _title(row: Mapping[str, object], where: str) -> str:
    provider, model = row.get("provider"), row.get("id")
    named = isinstance(provider, str) and isinstance(model, str) and len(provider) + len(model) < LONGEST_TEXT
    # Quoted, so that a line end or a letter that turns the text around stays visible.
    return f"{where} ({f'{provider}#{model}'!a})" if named else where


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong, in one line: which field, why, and what was given."""
    fault = error.errors(include_url=False, include_context=False, include_input=True)[0]
    field = ".".join(str(part) for part in fault["loc"])[:LONGEST_TEXT] or "the row"
    given = "" if fault["type"] == "missing" else f" (it is {reprlib.repr(fault['input'])})"
    more = f" and {error.error_count() - 1} more" if error.error_count() > 1 else ""
    return f"{field if field.isprintable() else ascii(field)}: {fault['msg']}{given}{more}"


def _faults(entry: ModelEntry) -> Iterator[str]:
    yield from _id_faults(entry)
    yield from odd_values(entry)
    for period in entry.pricing:
        yield from _period_faults(period)


def odd_values(part: BaseModel) -> Iterator[str]:
    """What in the part may not be shown on a page or in a terminal, a sentence each."""
    for name, value in _values(part):
        if _odd(value):
            yield f"{name}: holds a control character, a tag, too much, or no finite figure"


def _id_faults(entry: ModelEntry) -> Iterator[str]:
    try:
        _ = entry.ref
    except InvalidRefError as error:
        yield str(error)
    for text in (entry.id, *entry.aliases, *entry.snapshots):
        if len(text) > LONGEST_TEXT or not _ID.fullmatch(text):
            yield f"{text[:60]!a} is no model id: letters, digits and . _ : / @ + ~ = - only, {LONGEST_TEXT} at most"


def _values(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every text, figure, key and list below a value, with the name of its field. What was left out needs no look."""
    if isinstance(value, str | float):
        yield path, value
    elif isinstance(value, tuple | dict):
        yield path, value
        for item in (*value, *(value.values() if isinstance(value, dict) else ())):
            yield from _values(item, path)
    elif isinstance(value, BaseModel) and not isinstance(value, Rates):  # whose own form has checked every figure
        for name in value.model_fields_set:
            yield from _values(getattr(value, name), f"{path}.{name}" if path else name)


def _odd(value: object) -> bool:
    if isinstance(value, str):
        return len(value) > LONGEST_TEXT or _UNPRINTABLE.search(value) is not None
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, tuple | dict) and len(value) > MOST_ITEMS


def _period_faults(period: PricePeriod) -> Iterator[str]:
    for rates in (period, *period.tiers, *period.schedule, *(dict(period.modes).values())):
        if rates is not None:
            yield from _rate_faults(rates)


def _rate_faults(rates: Rates) -> Iterator[str]:
    for name in _TOKEN_RATES:
        rate: Decimal | None = getattr(rates, name)
        if rate and rate < LEAST_RATE:
            yield f"pricing: {name} is {rate:f}; prices are dollars for a million tokens, this looks like one token's"
        elif rate and rate > MOST_RATE:
            yield f"pricing: {name} is {rate:f}; prices are dollars for a million tokens, this is beyond {MOST_RATE}"
