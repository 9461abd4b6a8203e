"""A row is believed when every part of it can be; otherwise the refusal says what is wrong."""

from __future__ import annotations

import datetime as dt
import reprlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.guards import checked_entry, price_floor
from langchain_lucky_models.catalog.loading import load_rows
from langchain_lucky_models.errors.base import CatalogError
from tests.catalog.rows import entry, priced, score, speed

DAY = dt.date(2026, 11, 1)


def _row(**fields: Any) -> dict[str, Any]:
    return {"provider": "mybox", "id": "tiny", **fields}


def _deep(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = [value]
    return value


HOSTILE: list[tuple[Any, str]] = [
    (_row(pricing=[{"input": "-1"}]), r"pricing\.0\.input.*greater than or equal to 0"),
    (_row(pricing=[{"input": "NaN"}]), r"pricing\.0\.input.*finite"),
    (_row(pricing=[{"input": float("nan")}]), r"pricing\.0\.input.*finite"),
    (_row(pricing=[{"input": float("inf")}]), r"pricing\.0\.input.*finite"),
    (_row(pricing=[{"input": 1e308}]), r"pricing\.0\.input.*less than or equal"),
    (_row(pricing=[{"input": "cheap"}]), r"pricing\.0\.input.*decimal"),
    (_row(pricing=[{"input": "0.0000025"}]), r"pricing: input is 0\.0000025; .*one token's"),
    (_row(pricing=[{"input": "2500000"}]), r"pricing\.0\.input.*less than or equal"),
    (_row(pricing=[{"output": "75000"}]), r"pricing: output is 75000; .*beyond 20000"),
    (_row(pricing=[{"input": "1", "tiers": [{"above": 9, "input": "0.00001"}]}]), "one token's"),
    (_row(pricing=[{"input": "1", "modes": {"batch": {"input": "0.00001"}}}]), "one token's"),
    (_row(limits={"context": 0}), r"limits\.context.*greater than or equal to 1"),
    (_row(limits={"context": -1}), r"limits\.context"),
    (_row(limits={"context": 10**12}), r"limits\.context.*less than or equal"),
    (_row(limits={"context": "many"}), r"limits\.context.*integer"),
    (_row(id="a#b"), "no model id"),
    (_row(id="a\nb"), "U\\+000A"),
    (_row(id="gpt\u202e4o"), "U\\+202E"),
    (_row(id="gpt-4\u043e"), "U\\+043E"),
    (_row(id="x" * 10_000), "300 at most"),
    (_row(id="<script>"), "no model id"),
    (_row(id="__proto__"), "no model id"),
    (_row(id=""), "is empty"),
    (_row(id=7), r"id: .*string \(it is 7\)"),
    (_row(provider="My Box"), "lower-case"),
    (_row(aliases=["a\u202eb"]), "no model id"),
    (_row(name="<b>Tiny</b>"), "name: holds a control character, a tag, too much"),
    (_row(name="Tiny\u202e"), "name: holds"),
    (_row(name="T" * 301), "name: holds"),
    (_row(tags=["a\x00b"]), "tags: holds"),
    (_row(tags=["a"] * 1001), "tags: holds"),
    (_row(status={"replacement": "a\nb"}), r"status\.replacement: holds"),
    (_row(prov={"<b>": [1]}), "prov: holds"),
    (_row(prov={"name": ["a\u202eb"]}), "prov: holds"),
    (_row(prov={str(number): [1] for number in range(1001)}), "prov: holds"),
    (_row(intelligence={**score(5), "sources": [["a\nb", "2026"]]}), r"intelligence\.sources: holds"),
    (_row(**{"x" * 10_000: 1}), "xxx: Extra inputs"),
    (_row(**{"a\nb": 1}), r"'a\\nb': Extra inputs"),
    (_row(unheard_of=1), "unheard_of: Extra inputs are not permitted"),
    (_row(intelligence={"score": 11, "evidence": "measured", "scale": "x"}), r"intelligence\.score"),
    (_row(intelligence={"score": float("nan"), "evidence": "measured", "scale": "x"}), r"intelligence\.score"),
    (_row(speed=speed("fast", float("inf"))), r"speed\.p50_tps: .*no finite figure"),
    (_row(prov=_deep(3000)), "prov"),
    (_row(pricing=_deep(3000)), "pricing"),
    ({"provider": "mybox"}, "id: Field required"),
    ([], "a row is an object, not list"),
    (None, "a row is an object, not NoneType"),
    ("openai#gpt-4o", "a row is an object, not str"),
]


@pytest.mark.parametrize(("row", "message"), HOSTILE, ids=lambda value: reprlib.repr(value)[:40])
def test_a_hostile_row_is_refused_by_name(row: Any, message: str) -> None:
    """Case 102: which field of which row, and why."""
    with pytest.raises(CatalogError, match=message) as refusal:
        checked_entry(row)
    assert len(str(refusal.value)) < 1000


def test_hostile_rows_do_not_take_the_good_ones_with_them() -> None:
    """Case 102: the others are kept."""
    good = [_row(id="first"), _row(id="last")]
    kept, dropped = load_rows([good[0], *(row for row, _ in HOSTILE), good[1]])
    assert [model.id for model in kept] == ["first", "last"]
    assert [fault.row for fault in dropped] == [f"row {number}" for number in range(1, len(HOSTILE) + 1)]


def test_the_second_row_of_one_ref_is_dropped() -> None:
    kept, dropped = load_rows([_row(name="one"), _row(name="two")])
    assert [model.name for model in kept] == ["one"]
    assert dropped[0].reason == "mybox#tiny came before"


def test_a_refusal_names_the_row() -> None:
    with pytest.raises(CatalogError, match=r"row 7 \('mybox#tiny'\): limits"):
        checked_entry(_row(limits=5), "row 7")


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(
        st.sampled_from(["input", "context", "state", "score", "start"]), st.floats() | st.text(max_size=3)
    ),
)


ROWS = st.dictionaries(st.sampled_from([*ModelEntry.model_fields, "?"]), ODD) | ODD


def assert_sieved(rows: list[object]) -> None:
    """Each row is either kept, with a ref of its own, or dropped, with a reason."""
    kept, dropped = load_rows(rows)
    assert len(kept) + len(dropped) == len(rows)
    assert len({model.ref for model in kept}) == len(kept)
    assert all(fault.reason for fault in dropped)


@settings(max_examples=300)
@given(st.lists(ROWS, max_size=4))
def test_no_row_makes_the_sieve_fail(rows: list[object]) -> None:
    assert_sieved(rows)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.lists(ROWS, min_size=36, max_size=40))
def test_ten_thousand_rows_do_not_make_the_sieve_fail(rows: list[object]) -> None:
    """Case 102: ten thousand rows and more."""
    assert_sieved(rows)


@pytest.mark.parametrize(
    ("new", "doubt"),
    [
        (priced("a#b", "0", "0"), "a#b is said to be free, but is known to cost $2 per million tokens"),
        (priced("a#b", "0.19", "0.19"), "a#b is said to cost $0.19 per million tokens, down from $2"),
    ],
)
def test_a_price_that_is_too_good_needs_a_second_look(new: ModelEntry, doubt: str) -> None:
    assert price_floor(new, priced("a#b", "1", "5"), DAY) == doubt


@pytest.mark.parametrize(
    ("new", "known"),
    [
        (priced("a#b", "0.2", "0.2"), priced("a#b", "1", "5")),
        (priced("a#b", "9", "9"), priced("a#b", "1", "5")),
        (entry("a#b"), priced("a#b", "1", "5")),
        (priced("a#b", "0", "0"), entry("a#b")),
        (priced("a#b", "0", "0"), priced("a#b", "0", "0")),
    ],
)
def test_an_ordinary_change_of_price_needs_none(new: ModelEntry, known: ModelEntry) -> None:
    assert price_floor(new, known, DAY) is None
