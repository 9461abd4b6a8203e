"""What an application says is merged field by field, and checked before it counts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models.catalog.overlay import APPLICATION, merged_entry, new_entry
from langchain_lucky_models.errors.base import CatalogError
from tests.catalog.rows import entry, score

FULL = entry(
    "openai#gpt",
    pricing=[
        {"until": "2026-08-21", "input": "5", "output": "30", "cache_read": "0.5"},
        {"start": "2026-08-21", "input": "4", "output": "20", "cache_read": "0.4"},
    ],
    limits={"context": 400_000, "output": 128_000},
    capabilities={"tools": True, "vision": True},
    intelligence=score(8),
    tags=["reasoning"],
    prov={"pricing": [1], "limits": [0]},
)


def test_a_new_price_leaves_the_cache_price_alone_in_every_period() -> None:
    """Otherwise cached tokens would be billed as if nobody knew better."""
    changed = merged_entry(FULL, {"pricing": {"input": "3"}})
    assert [(period.input, period.output, period.cache_read) for period in changed.pricing] == [
        (Decimal(3), Decimal(30), Decimal("0.5")),
        (Decimal(3), Decimal(20), Decimal("0.4")),
    ]


def test_a_list_of_periods_replaces_them() -> None:
    changed = merged_entry(FULL, {"pricing": [{"input": "1", "output": "2"}]})
    assert len(changed.pricing) == 1
    assert changed.pricing[0].cache_read is None


def test_parts_are_merged_and_plain_values_replaced() -> None:
    changed = merged_entry(FULL, {"limits": {"output": 1000}, "capabilities": {"tools": False}, "tags": ["mine"]})
    assert (changed.limits.context, changed.limits.output) == (400_000, 1000)
    assert (changed.capabilities.tools, changed.capabilities.vision) == (False, True)
    assert changed.tags == ("mine",)


def test_none_makes_a_field_unknown() -> None:
    changed = merged_entry(FULL, {"intelligence": None, "limits": {"context": None}})
    assert changed.intelligence is None
    assert (changed.limits.context, changed.limits.output) == (None, 128_000)


def test_a_part_that_was_not_there_is_made() -> None:
    changed = merged_entry(entry("a#b"), {"intelligence": score(5), "pricing": {"input": "1"}})
    assert changed.intelligence is not None
    assert changed.pricing[0].input == 1


def test_what_the_application_changed_says_so() -> None:
    """The other fields keep their sources."""
    changed = merged_entry(FULL, {"pricing": {"input": "3"}})
    assert changed.prov == {"pricing": (APPLICATION,), "limits": (0,)}


@pytest.mark.parametrize(
    ("pricing", "state"),
    [({"input": "1"}, "priced"), ({"input": "0", "output": "0"}, "free"), ([], "unknown")],
)
def test_the_state_of_a_price_follows_from_the_rates(pricing: Any, state: str) -> None:
    assert new_entry({"provider": "a", "id": "b", "pricing": pricing}).price_state == state
    assert merged_entry(entry("a#b"), {"pricing": pricing}).price_state == state


def test_a_state_that_is_given_stays() -> None:
    assert new_entry({"provider": "a", "id": "b", "pricing": {"input": "1"}, "price_state": "dynamic"}).price_state == (
        "dynamic"
    )
    assert merged_entry(FULL, {"pricing": {"input": "1"}, "price_state": "unknown"}).price_state == "unknown"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pricing": {"input": "-1"}}, "pricing.*greater than or equal to 0"),
        ({"pricing": {"input": "0.000003"}}, "one token's"),
        ({"limits": {"contxt": 5}}, "limits.contxt: Extra inputs"),
        ({"limits": None}, "limits"),
        ({"colour": "red"}, "colour: Extra inputs"),
        ({"id": "other"}, "openai#gpt cannot become openai#other"),
    ],
)
def test_a_change_that_cannot_be_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        merged_entry(FULL, changes)


def test_a_registered_row_that_is_no_row_is_refused() -> None:
    with pytest.raises(CatalogError, match="the registered row"):
        new_entry({"provider": "a"})


LIMITS = st.dictionaries(st.sampled_from(["context", "input", "output"]), st.none() | st.integers(1, 10**6))
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "limits": LIMITS,
        "pricing": st.dictionaries(st.sampled_from(["input", "output", "cache_read"]), st.none() | st.integers(0, 99)),
        "name": st.sampled_from(["x", "y"]),
    },
)


@given(CHANGES)
def test_a_change_twice_is_a_change_once(changes: dict[str, Any]) -> None:
    once = merged_entry(FULL, changes)
    assert merged_entry(once, changes) == once


@given(CHANGES, CHANGES)
def test_of_two_changes_the_later_wins_where_they_meet_and_both_hold_elsewhere(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    after = merged_entry(merged_entry(FULL, first), second)
    limits = {**FULL.limits.model_dump(), **first.get("limits", {}), **second.get("limits", {})}
    rates = {**first.get("pricing", {}), **second.get("pricing", {})}
    assert after.limits.model_dump() == limits
    assert all(getattr(period, name) == rate for period in after.pricing for name, rate in rates.items())
    assert after.capabilities == FULL.capabilities
