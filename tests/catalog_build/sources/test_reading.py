"""Rows are read one by one: a bad one costs only itself, and is named."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_build.claims import Claim, Refused
from catalog_build.sources.reading import Row, created, day, read_rows, text, whole
from langchain_lucky_models.errors import CatalogError


def read(model: str, row: Row) -> Claim:
    """A reading that looks at one field."""
    dates = {"release_date": day(row, "born"), "made": created(row)}
    return Claim("s", "openai", model, {"limits.output": whole(row, "output"), "name": text(row, "name"), **dates})


def refusals(*rows: tuple[str, object]) -> dict[str, str]:
    """Why rows were refused, by ref."""
    readings = read_rows("s", "openai", rows, read)
    return {one.ref: one.reason for one in readings if isinstance(one, Refused)}


@pytest.mark.parametrize(
    ("model", "row", "reason"),
    [
        ("m", "text", "a row is an object, not str"),
        ("m", None, "a row is an object, not NoneType"),
        ("m", {"output": -1}, "output: -1 is no number of tokens"),
        ("m", {"output": True}, "output: True is no number of tokens"),
        ("m", {"output": "many"}, "output: 'many' is no number of tokens"),
        ("m", {"born": "2026-02-31"}, "day is out of range"),
        ("m", {"created": 10**30}, "is no moment"),
        ("m", {"name": "n" * 301}, "is no plain text"),
        ("m", {"name": "gpt\u202e4"}, "is no plain text"),
        ("m", {"name": "<script>"}, "is no plain text"),
        ("gpt-4о", {}, "U+043E"),  # noqa: RUF001 - a Cyrillic letter is the point
        ("m\n", {}, "U+000A"),
        ("", {}, "is empty"),
        ("a#b", {}, "is no model id"),
        ("<script>", {}, "is no model id"),
        ("__proto__", {}, "is no model id"),
        ("m" * 201, {}, "an id of 201 characters"),
    ],
)
def test_a_bad_row_is_refused_by_name(model: str, row: object, reason: str) -> None:
    (said,) = refusals((model, row)).values()
    assert reason in said


def test_the_others_are_kept() -> None:
    readings = list(read_rows("s", "openai", [("a", {}), ("b", None), ("c", {})], read))
    assert [type(one).__name__ for one in readings] == ["Claim", "Refused", "Claim"]


def test_an_id_that_comes_twice_counts_once() -> None:
    assert refusals(("a", {}), ("a", {"output": 5})) == {"openai#a": "the id stands twice"}


def test_zero_and_a_bare_year_say_nothing() -> None:
    assert whole({"output": 0}, "output") is None
    assert whole({"output": "4096.0"}, "output") == 4096
    assert day({"born": "2026-01"}, "born") is None


@given(
    st.dictionaries(st.sampled_from(["output", "born"]), st.one_of(st.none(), st.integers(), st.text(), st.booleans()))
)
@settings(max_examples=300)
def test_nothing_but_a_claim_or_a_refusal_comes_out(row: dict[str, object]) -> None:
    (one,) = read_rows("s", "openai", [("m", row)], read)
    assert isinstance(one, Claim | Refused)


def test_a_number_of_tokens_is_whole() -> None:
    with pytest.raises(CatalogError, match="is no number of tokens"):
        whole({"output": "1.5"}, "output")
