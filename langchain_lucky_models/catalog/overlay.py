"""What an application says on top of a catalog: new rows, changes merged field by field, removals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterable, Mapping
from typing import Any

from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.guards import Dropped, checked_entry, price_floor
from langchain_lucky_models.catalog.prices import RATE_NAMES
from langchain_lucky_models.catalog.state import Row
from langchain_lucky_models.errors.base import CatalogError

APPLICATION = "application"
"""The remark in `prov` at every field that the application changed."""

_PRICE_FIELDS = ("pricing", "price_state", "price_basis")


def new_entry(row: ModelEntry | Mapping[str, object]) -> ModelEntry:
    """An entry from what an application registers.

    In a mapping, `pricing` may be one set of rates, and `price_state` follows from the rates where it is left out.

    Raises:
        CatalogError: The row has no such form.

    Example:
        >>> new_entry({"provider": "mybox", "id": "tiny", "pricing": {"input": "1", "output": "2"}}).price_state
        'priced'
    """
    if not isinstance(row, Mapping):
        return checked_entry(row, "the registered row")
    facts = {"prov": dict.fromkeys(row, (APPLICATION,)), **row}
    if isinstance(facts.get("pricing"), Mapping):
        facts["pricing"] = [facts["pricing"]]
    entry = checked_entry(facts, "the registered row")
    return entry if "price_state" in facts else _with_price_state(entry)


def merged_entry(entry: ModelEntry, changes: Mapping[str, object]) -> ModelEntry:
    """The entry with the changes in it.

    A mapping is merged into the part it names, field by field, so that a new input price leaves the cache price alone;
    one given as `pricing` is merged into every period. Any other value replaces the field; `None` makes it unknown.

    Raises:
        CatalogError: A field does not exist, or may not have that value, or the change would rename the model.

    Example:
        >>> old = new_entry({"provider": "mybox", "id": "tiny", "pricing": {"input": "1", "cache_read": "0.1"}})
        >>> new = merged_entry(old, {"pricing": {"input": "2"}, "limits": {"context": 8192}})
        >>> new.pricing[0].input, new.pricing[0].cache_read, new.limits.context
        (Decimal('2'), Decimal('0.1'), 8192)
    """
    facts = _merged(entry.model_dump(), changes)
    remarks = {name: (APPLICATION,) for name in changes if name != "prov"}
    facts["prov"] = {**facts["prov"], **remarks}
    changed = checked_entry(facts, "the update")
    if changed.ref != entry.ref:
        raise CatalogError(f"{entry.ref} cannot become {changed.ref}: register the one, and remove the other.")
    return _with_price_state(changed) if "pricing" in changes and "price_state" not in changes else changed


def refreshed_rows(
    rows: Mapping[str, Row], fresh: Iterable[ModelEntry], accepted: Container[str] = frozenset()
) -> tuple[dict[str, Row], list[Dropped]]:
    """The rows with what a source says today in them, and the prices that were not believed.

    What the application said itself stays as it said; so does a price that fell too far, unless it is accepted.
    """
    refreshed = dict(rows)
    doubts: list[Dropped] = []
    today = dt.datetime.now(dt.UTC).date()
    for entry in fresh:
        ref = str(entry.ref)
        if ref not in rows:
            refreshed[ref] = Row(entry)
            continue
        now = _refreshed_entry(rows[ref].entry, entry)
        doubt = None if ref in accepted else price_floor(now, rows[ref].entry, today)
        if doubt is not None:
            doubts.append(Dropped(ref, f"{doubt}; accept_prices= takes it"))
            now = now.model_copy(update={name: getattr(rows[ref].entry, name) for name in _PRICE_FIELDS})
        refreshed[ref] = Row(now)
    return refreshed, doubts


def _refreshed_entry(old: ModelEntry, fresh: ModelEntry) -> ModelEntry:
    own = [name for name in ModelEntry.model_fields if APPLICATION in old.prov.get(name, ())]
    if "pricing" in own:
        own = [*dict.fromkeys([*own, *_PRICE_FIELDS])]
    kept = {name: getattr(old, name) for name in own}
    return fresh.model_copy(update={**kept, "prov": {**fresh.prov, **dict.fromkeys(own, (APPLICATION,))}})


def _merged(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    facts = dict(old)
    for name, value in changes.items():
        before = facts.get(name)
        if isinstance(value, Mapping):
            facts[name] = _merged_part(before, value)
        else:
            facts[name] = value
    return facts


def _merged_part(before: object, value: Mapping[str, Any]) -> object:
    if isinstance(before, Mapping):
        return _merged(before, value)
    if isinstance(before, Iterable) and not isinstance(before, str):
        return [_merged(part, value) for part in before] or [dict(value)]
    return dict(value)


def _with_price_state(entry: ModelEntry) -> ModelEntry:
    rates = [rate for period in entry.pricing for name in RATE_NAMES if (rate := getattr(period, name)) is not None]
    if not rates or entry.price_state == "local":
        return entry
    return entry.model_copy(update={"price_state": "priced" if any(rates) else "free"})
